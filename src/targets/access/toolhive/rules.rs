//! The Cedar policies of one server, as ToolHive evaluates them: claims are attributes `claim_NAME` of the context, and any
//! policy that fails to evaluate denies the request, so every attribute is asked for before it is read.

use std::collections::BTreeMap;

use crate::cedar::Uid;
use crate::cedar::dialect::{Expr, Piece, Scope, Statement};
use crate::model::Model;
use crate::model::access::evidence::SPIFFE;
use crate::model::name::ServerName;
use crate::model::uri::{holds, superfluous_encodings};
use crate::policy::{ObjectIx, ObjectKind, Policy};
use crate::targets::access::dialects::{self, Argument, Callers, Grant, Rows, Test, Ways, Who};

/// What every rule of a server needs to know.
pub(super) struct Rules<'a> {
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    /// Every declared subject.
    pub(super) subjects: Vec<&'a str>,
}

/// The policy of a server that nobody may use. ToolHive refuses a configuration without any.
pub(super) fn closed() -> Statement {
    Statement { permits: false, principal: None, actions: Vec::new(), resource: Scope::Any, condition: None }
}

impl Rules<'_> {
    /// The policy of a grant of tools or prompts of one server.
    pub(super) fn of(&self, label: &str, grant: &Grant<'_>) -> Option<Statement> {
        let mut action = None;
        let objects = grant.objects.iter().filter_map(|object| {
            let (kind, name, verb) = match &self.policy.object_at(*object).kind {
                ObjectKind::Tool(tool) => ("Tool", tool.as_str(), "call_tool"),
                ObjectKind::Prompt(prompt) => ("Prompt", prompt.as_str(), "get_prompt"),
                ObjectKind::Protocol | ObjectKind::Resource(_) => return None,
            };
            action = Some(verb);
            Some(Expr::Entity(uid(kind, name)))
        });
        let objects = Expr::Set(objects.collect());
        let what = objects.contains(Expr::Resource);
        Some(statement(label, action?, Expr::All(vec![what, self.condition(&grant.callers, &grant.ways)])))
    }

    /// The policies of the resources of one server. A URI is decided by the narrowest of the patterns that match it; where several
    /// do and none of them holds the others, it needs what each of them needs.
    pub(super) fn of_resources(&self, label: &str, server: &ServerName, rows: &Rows) -> Vec<Statement> {
        let mine: Vec<(ObjectIx, &str)> = self
            .policy
            .index
            .objects_on(&self.policy.objects, server.as_str())
            .filter_map(|(object, index)| match &object.kind {
                ObjectKind::Resource(pattern) => Some((ObjectIx(index), pattern.as_str())),
                ObjectKind::Protocol | ObjectKind::Tool(_) | ObjectKind::Prompt(_) => None,
            })
            .collect();
        let mut statements = Vec::new();
        for (object, pattern) in &mine {
            let others: Vec<&(ObjectIx, &str)> = mine
                .iter()
                .filter(|(other, text)| other != object && may_overlap(pattern, text) && !holds(text, pattern))
                .collect();
            let (narrower, crossing): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, text)| holds(pattern, text));
            // Principals who need the same here and for every other pattern that may match the same URI.
            let mut alike: BTreeMap<(usize, Vec<Option<usize>>), Vec<u32>> = BTreeMap::new();
            for (ways, principals) in column(rows, *object) {
                for principal in principals {
                    let elsewhere = crossing.iter().map(|(other, _)| way_of(rows, *other, *principal)).collect();
                    alike.entry((*ways, elsewhere)).or_default().push(*principal);
                }
            }
            for ((ways, elsewhere), principals) in alike {
                for callers in dialects::callers(self.model, self.policy, &principals) {
                    let mut parts = vec![Expr::Resource.has("uri"), matches(pattern)];
                    parts.extend(narrower.iter().map(|(_, text)| matches(text).not()));
                    for ((_, text), number) in crossing.iter().zip(&elsewhere) {
                        parts.push(match number {
                            None => matches(text).not(),
                            Some(number) => {
                                let also = also(&rows.ways(*number));
                                Expr::Any(vec![matches(text).not(), also])
                            }
                        });
                    }
                    parts.push(self.condition(&callers, &rows.ways(ways)));
                    statements.push(statement(label, "read_resource", Expr::All(parts)));
                }
            }
        }
        // One pattern may match a URI that is spelled so that another one does not.
        if !statements.is_empty() && mine.iter().any(|(_, pattern)| pattern.contains('*')) {
            statements.push(Statement { permits: false, ..statement(label, "read_resource", spelled_otherwise()) });
        }
        statements
    }

    /// That one of these callers calls, in one of these ways.
    fn condition(&self, callers: &Callers<'_>, ways: &Ways) -> Expr {
        let (delegated, own) = dialects::by_delegation(ways);
        let mut parts = vec![
            context("claim_iss"),
            Expr::texts(callers.issuers.iter().copied()).contains(Expr::Context.attribute("claim_iss")),
        ];
        if let (Who::Stranger(Some(unit)), Some(claim)) = (&callers.who, self.unit_claim()) {
            let path = [claim.to_owned()];
            parts.extend(guards(&path));
            parts.push(value(&path).same(Expr::text(unit.as_str())));
        }
        let mut either = Vec::new();
        if !own.is_empty() {
            let who = Expr::Any(vec![self.themselves(&callers.who), self.acting(&callers.who)]);
            either.push(with(who, &own));
        }
        if !delegated.is_empty() {
            let sub = Expr::Context.attribute("claim_sub");
            let users = |way: &Vec<Test>| way.iter().any(|test| matches!(test, Test::NotWorkload(_)));
            let acting = self.acting(&callers.who);
            // Declared callers are workloads, so whom they act for is another one where no workload is a user.
            let other = match &callers.who {
                Who::Declared(_) if delegated.iter().all(users) => acting,
                Who::Declared(_) | Who::Stranger(_) => {
                    Expr::All(vec![acting, context("claim_sub"), actor().differs(sub)])
                }
            };
            either.push(with(other, &delegated));
        }
        parts.push(one(either));
        Expr::All(parts)
    }

    fn unit_claim(&self) -> Option<&str> {
        let identity = self.model.identity.as_ref()?;
        identity.business_unit_claim.as_ref().map(|claim| claim.value.as_str())
    }

    /// A token without `act`, whose `sub` is the caller. ToolHive lets no token through that has none.
    fn themselves(&self, who: &Who<'_>) -> Expr {
        let clients = |subjects: &[&str]| {
            let clients = subjects.iter().map(|subject| Expr::Entity(uid("Client", subject)));
            Expr::Set(clients.collect()).contains(Expr::Principal)
        };
        let mut parts = vec![context("claim_act").not()];
        match who {
            Who::Declared(subjects) => parts.push(clients(subjects)),
            Who::Stranger(_) if self.subjects.is_empty() => {}
            Who::Stranger(_) => parts.push(clients(&self.subjects).not()),
        }
        Expr::All(parts)
    }

    /// A token whose `act.sub` is the caller.
    fn acting(&self, who: &Who<'_>) -> Expr {
        let mut parts = vec![context("claim_act"), Expr::Context.attribute("claim_act").has("sub")];
        match who {
            Who::Declared(subjects) => parts.push(Expr::texts(subjects.iter().copied()).contains(actor())),
            Who::Stranger(_) => {
                // Anything but a text fails to evaluate here, and so denies.
                parts.push(actor().like([Piece::Any]));
                parts.push(actor().differs(Expr::text("")));
                if !self.subjects.is_empty() {
                    parts.push(Expr::texts(self.subjects.iter().copied()).contains(actor()).not());
                }
            }
        }
        Expr::All(parts)
    }
}

fn statement(label: &str, verb: &str, condition: Expr) -> Statement {
    Statement {
        permits: true,
        principal: None,
        actions: vec![uid("Action", verb)],
        // A configuration that is attached to another server permits nothing there.
        resource: Scope::In(uid("MCP", label)),
        condition: Some(condition),
    }
}

/// Types have no namespace in ToolHive.
fn uid(kind: &str, id: &str) -> Uid {
    Uid { kind: kind.to_owned(), id: id.to_owned() }
}

fn context(name: &str) -> Expr {
    Expr::Context.has(name)
}

fn actor() -> Expr {
    Expr::Context.attribute("claim_act").attribute("sub")
}

fn one(mut parts: Vec<Expr>) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) }
}

fn with(who: Expr, ways: &Ways) -> Expr {
    if ways.iter().any(Vec::is_empty) {
        return who;
    }
    let ways = ways.iter().map(|way| {
        let mut parts: Vec<Expr> = Vec::new();
        for test in way {
            parts.extend(shown(test));
        }
        Expr::All(parts)
    });
    let ways = one(ways.collect());
    if who == Expr::All(Vec::new()) { ways } else { Expr::All(vec![who, ways]) }
}

/// That one of these ways is met, by callers who are known already.
fn also(ways: &Ways) -> Expr {
    let (delegated, own) = dialects::by_delegation(ways);
    let acting = vec![context("claim_act"), Expr::Context.attribute("claim_act").has("sub"), context("claim_sub")];
    let other = actor().differs(Expr::Context.attribute("claim_sub"));
    let other = Expr::All(acting.into_iter().chain([other]).collect());
    let mut either = Vec::new();
    if !own.is_empty() {
        either.push(with(Expr::All(Vec::new()), &own));
    }
    if !delegated.is_empty() {
        either.push(with(other, &delegated));
    }
    one(either)
}

/// The attribute of a claim.
fn value(path: &[String]) -> Expr {
    path.iter().enumerate().fold(Expr::Context, |of, (depth, name)| of.attribute(attribute(depth, name)))
}

fn attribute(depth: usize, name: &str) -> String {
    if depth == 0 { format!("claim_{name}") } else { name.to_owned() }
}

/// That every attribute on the way to a claim is there.
fn guards(path: &[String]) -> Vec<Expr> {
    let each = path.iter().enumerate();
    each.map(|(depth, name)| value(path.get(..depth).unwrap_or_default()).has(attribute(depth, name))).collect()
}

/// A fact, as expressions that must all hold.
fn shown(test: &Test) -> Vec<Expr> {
    match test {
        // Taken care of with the caller.
        Test::Delegated => Vec::new(),
        // Nothing remembers it, so no condition is left that asks for it; one that did would never hold.
        Test::Called(_) => vec![Expr::Any(Vec::new())],
        Test::Issuer(issuer) => {
            vec![context("claim_iss"), Expr::Context.attribute("claim_iss").same(Expr::text(issuer))]
        }
        Test::NotWorkload(workloads) => {
            let sub = ["sub".to_owned()];
            let workload = value(&sub).like([Piece::Text(SPIFFE.to_owned()), Piece::Any]);
            let others = workloads.iter().filter(|subject| !subject.starts_with(SPIFFE));
            let others: Vec<Expr> = others.map(|subject| Expr::Entity(uid("Client", subject))).collect();
            let mut parts = guards(&sub);
            parts.push(workload.not());
            if !others.is_empty() {
                parts.push(Expr::Set(others).contains(Expr::Principal).not());
            }
            parts
        }
        Test::Claim(path, texts) => {
            let mut parts = guards(path);
            // A text is compared first: asking a text for an element fails to evaluate.
            let same = texts.iter().map(|text| value(path).same(Expr::text(text)));
            let holds = texts.iter().map(|text| value(path).contains(Expr::text(text)));
            parts.push(Expr::Any(same.chain(holds).collect()));
            parts
        }
        Test::Is(path, texts) => {
            let mut parts = guards(path);
            parts.push(Expr::Any(texts.iter().map(|text| value(path).same(Expr::text(text))).collect()));
            parts
        }
        Test::Present(path) => {
            let mut parts = guards(path);
            parts.push(value(path).differs(Expr::text("")));
            parts.push(value(path).differs(Expr::Set(Vec::new())));
            parts.push(value(path).differs(Expr::EmptyRecord));
            parts
        }
        Test::Argument(Argument { name, one_of, .. }) => {
            let argument = format!("arg_{name}");
            let texts = Expr::texts(one_of.iter().map(String::as_str));
            vec![context(&argument), texts.contains(Expr::Context.attribute(argument))]
        }
    }
}

/// That a URI is not in normal form. `like` cannot tell a path from a query, so dot segments in a query count, too.
fn spelled_otherwise() -> Expr {
    let between = ["/", ":"].into_iter().flat_map(|before| [".", ".."].map(|dots| format!("{before}{dots}")));
    let segments = between.flat_map(|start| ["", "/*", "?*", "#*"].map(|rest| format!("*{start}{rest}")));
    let encodings = superfluous_encodings().into_iter().map(|encoding| format!("*{encoding}*"));
    let spellings: Vec<Expr> = segments.chain(encodings).map(|pattern| matches(&pattern)).collect();
    Expr::All(vec![Expr::Resource.has("uri"), Expr::Any(spellings)])
}

fn matches(pattern: &str) -> Expr {
    let mut pieces = Vec::new();
    for (index, text) in pattern.split('*').enumerate() {
        if index > 0 {
            pieces.push(Piece::Any);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
    Expr::Resource.attribute("uri").like(pieces)
}

/// Whether some URI could match both patterns, as far as the text before their first `*` tells.
fn may_overlap(one: &str, other: &str) -> bool {
    let head = |pattern: &str| pattern.split('*').next().unwrap_or_default().to_owned();
    let (a, b) = (head(one), head(other));
    a.starts_with(&b) || b.starts_with(&a)
}

fn column(rows: &Rows, object: ObjectIx) -> impl Iterator<Item = (&usize, &Vec<u32>)> {
    rows.columns.get(object.0 as usize).into_iter().flatten()
}

fn way_of(rows: &Rows, object: ObjectIx, principal: u32) -> Option<usize> {
    column(rows, object).find(|(_, principals)| principals.contains(&principal)).map(|(number, _)| *number)
}
