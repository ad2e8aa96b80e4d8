//! The Cedar policies, as AgentCore evaluates them: the principal is the token's `sub`, every other claim is a text on it, a
//! list or an object its JSON text.
//!
//! So an element of a list is looked for in the JSON text. In the text of a list of texts, a quote after `[` or `,` opens an
//! element, unless it closes one that ends so; then `,` or `]` would follow, with which no value begins that is asked for.
//! A value without quotes and backslashes therefore stands there only as an element. Lists and objects inside the list
//! are kept out, since in them the same text could be something else.

use crate::cedar::Uid;
use crate::cedar::dialect::{Expr, Piece, Scope, Statement};
use crate::model::Model;
use crate::model::access::evidence::SPIFFE;
use crate::policy::Policy;
use crate::targets::access::dialects::{self, Argument, Callers, Test, Ways, Who};

pub(super) const USER: &str = "AgentCore::OAuthUser";

/// What every rule needs to know.
pub(super) struct Rules<'a> {
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    pub(super) arn: &'a str,
    /// Every declared subject.
    pub(super) subjects: Vec<&'a str>,
}

impl Rules<'_> {
    /// The policy that these callers may do these actions in these ways.
    pub(super) fn permit(&self, actions: &[String], callers: &Callers<'_>, ways: &Ways) -> Statement {
        let condition = self.condition(callers, ways);
        self.statement(true, actions, condition)
    }

    /// The head of a policy that forbids these callers these actions.
    pub(super) fn forbid(&self, actions: &[String], callers: &Callers<'_>) -> Statement {
        let condition = self.condition(callers, &vec![Vec::new()]);
        self.statement(false, actions, condition)
    }

    /// An action is named, so the gateway must be, too; AgentCore refuses anything else.
    fn statement(&self, permits: bool, actions: &[String], condition: Expr) -> Statement {
        let actions = actions.iter().map(|action| uid("AgentCore::Action", action));
        Statement {
            permits,
            principal: Some(USER.to_owned()),
            actions: actions.collect(),
            resource: Scope::Same(uid("AgentCore::Gateway", self.arn)),
            condition: Some(condition),
        }
    }

    fn condition(&self, callers: &Callers<'_>, ways: &Ways) -> Expr {
        let (delegated, own) = dialects::by_delegation(ways);
        let issuers = Expr::texts(callers.issuers.iter().copied());
        let mut parts = vec![Expr::Principal.has_tag("iss"), issuers.contains(Expr::Principal.tag("iss"))];
        let identity = self.model.identity.as_ref();
        if let (Who::Stranger(Some(unit)), Some(claim)) =
            (&callers.who, identity.and_then(|identity| identity.business_unit_claim.as_ref()))
        {
            let claim = claim.value.as_str();
            parts.push(Expr::Principal.has_tag(claim));
            parts.push(Expr::Principal.tag(claim).same(Expr::text(unit.as_str())));
        }
        let mut either = Vec::new();
        if !own.is_empty() {
            either.push(with(self.caller(&callers.who), &own));
        }
        if let (false, Who::Declared(subjects)) = (delegated.is_empty(), &callers.who) {
            let users = |way: &Vec<Test>| way.iter().any(|test| matches!(test, Test::NotWorkload(_)));
            let compared = !delegated.iter().all(users);
            either.push(with(for_another(subjects, compared), &delegated));
        }
        parts.push(one(either));
        Expr::All(parts)
    }

    fn caller(&self, who: &Who<'_>) -> Expr {
        let themselves = |list: Expr| Expr::All(vec![Expr::Principal.has_tag("act").not(), list]);
        match who {
            Who::Declared(subjects) => {
                let actors = Expr::All(vec![Expr::Principal.has_tag("act"), acting(subjects)]);
                Expr::Any(vec![themselves(users(subjects).contains(Expr::Principal)), actors])
            }
            // Who acts for somebody cannot be read out of a text, only recognised; so strangers speak for themselves.
            Who::Stranger(_) if self.subjects.is_empty() => Expr::Principal.has_tag("act").not(),
            Who::Stranger(_) => themselves(users(&self.subjects).contains(Expr::Principal).not()),
        }
    }
}

fn uid(kind: &str, id: &str) -> Uid {
    Uid { kind: kind.to_owned(), id: id.to_owned() }
}

fn users(subjects: &[&str]) -> Expr {
    Expr::Set(subjects.iter().map(|subject| Expr::Entity(uid(USER, subject))).collect())
}

fn one(mut parts: Vec<Expr>) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) }
}

fn with(who: Expr, ways: &Ways) -> Expr {
    if ways.iter().any(Vec::is_empty) {
        return who;
    }
    let ways = ways.iter().map(|way| Expr::All(way.iter().flat_map(shown).collect()));
    Expr::All(vec![who, one(ways.collect())])
}

fn like(tag: &str, pieces: &[&str]) -> Expr {
    let mut pattern = Vec::new();
    for (index, text) in pieces.iter().enumerate() {
        if index > 0 {
            pattern.push(Piece::Any);
        }
        if !text.is_empty() {
            pattern.push(Piece::Text((*text).to_owned()));
        }
    }
    Expr::Principal.tag(tag).like(pattern)
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// That one of these acts. As the first member of `act`, or any later one where nothing is nested in it.
fn acting(subjects: &[&str]) -> Expr {
    let member = |subject: &&str| format!("\"sub\":{}", quoted(subject));
    let mut forms: Vec<Expr> = subjects.iter().map(|s| like("act", &[&format!("{{{}", member(s)), ""])).collect();
    let later = subjects.iter().map(|s| like("act", &["{", &format!(",{}", member(s)), ""]));
    forms.push(Expr::All(vec![like("act", &["{", "{", ""]).not(), one(later.collect())]));
    Expr::Any(forms)
}

/// That one of these acts for somebody else. They are not compared where whom they act for is known to be no workload.
fn for_another(subjects: &[&str], compared: bool) -> Expr {
    if !compared {
        return Expr::All(vec![Expr::Principal.has_tag("act"), acting(subjects)]);
    }
    let each = subjects
        .iter()
        .map(|subject| Expr::All(vec![acting(&[subject]), Expr::Principal.differs(Expr::Entity(uid(USER, subject)))]));
    // No token without a `sub` makes a principal, so it differs from the actor as soon as it is another.
    Expr::All(vec![Expr::Principal.has_tag("act"), one(each.collect())])
}

/// A fact, as expressions that must all hold.
fn shown(test: &Test) -> Vec<Expr> {
    match test {
        // Taken care of with the caller.
        Test::Delegated => Vec::new(),
        // The call itself is in the policy's temporal part, which reads these arguments.
        Test::Called(called) => {
            called.same.keys().map(|argument| Expr::Context.attribute("input").has(argument)).collect()
        }
        Test::Issuer(issuer) => {
            vec![Expr::Principal.has_tag("iss"), Expr::Principal.tag("iss").same(Expr::text(issuer))]
        }
        Test::NotWorkload(workloads) => {
            // `id` is `sub` as a text, whose beginning can be read.
            let spiffe = vec![Piece::Text(SPIFFE.to_owned()), Piece::Any];
            let mut parts = vec![Expr::Principal.attribute("id").like(spiffe).not()];
            let others: Vec<&str> = workloads.iter().map(String::as_str).filter(|s| !s.starts_with(SPIFFE)).collect();
            if !others.is_empty() {
                parts.push(users(&others).contains(Expr::Principal).not());
            }
            parts
        }
        Test::Claim(path, texts) => {
            let name = path.first().map_or("", String::as_str);
            let forms = texts.iter().flat_map(|text| forms_of(name, text));
            vec![Expr::Principal.has_tag(name), Expr::Any(forms.collect())]
        }
        // The JSON text of a list begins with a bracket, and these texts do not.
        Test::Is(path, texts) => {
            let name = path.first().map_or("", String::as_str);
            let same = texts.iter().map(|text| Expr::Principal.tag(name).same(Expr::text(text)));
            vec![Expr::Principal.has_tag(name), Expr::Any(same.collect())]
        }
        Test::Present(path) => {
            let name = path.first().map_or("", String::as_str);
            let tag = || Expr::Principal.tag(name);
            let empty = ["", "[]", "{}"].map(|empty| tag().differs(Expr::text(empty)));
            std::iter::once(Expr::Principal.has_tag(name)).chain(empty).collect()
        }
        Test::Argument(Argument { name, at_least, at_most, one_of }) => {
            let input = || Expr::Context.attribute("input");
            let argument = || Box::new(input().attribute(name));
            let mut parts = vec![input().has(name)];
            parts.extend(at_least.map(|least| Expr::AtLeast(argument(), Box::new(Expr::Long(least)))));
            parts.extend(at_most.map(|most| Expr::AtMost(argument(), Box::new(Expr::Long(most)))));
            if !one_of.is_empty() {
                parts.push(Expr::texts(one_of.iter().map(String::as_str)).contains(*argument()));
            }
            parts
        }
    }
}

/// That the text of a claim is this text, or a list with it.
fn forms_of(name: &str, text: &str) -> [Expr; 3] {
    let element = quoted(text);
    let later = vec![
        like(name, &["[", &format!(",{element}"), ""]),
        like(name, &["[", "[", ""]).not(),
        like(name, &["", "{", ""]).not(),
    ];
    [Expr::Principal.tag(name).same(Expr::text(text)), like(name, &[&format!("[{element}"), ""]), Expr::All(later)]
}
