//! The rules of one route. All allow, the first that applies decides, and what none allows is denied.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::model::Model;
use crate::targets::access::cel::{caller, is_one_of, of_unit, text};
use crate::targets::access::grants::{Grant, RequestKind, Shown, Who};

/// The variable that holds the claims of the token.
pub(super) const CLAIMS: &str = "request.auth.jwt.claims";

/// The variable that holds the arguments of the call.
pub(super) const ARGUMENTS: &str = "request.mcp.params.arguments";

/// The variable that holds the scopes of the token.
const TOKEN_SCOPES: &str = "request.auth.jwt.scopes";

/// Most rules of a route, and of its selector.
pub(super) const MOST_RULES: usize = 32;

/// Most tools of a rule.
const MOST_TOOLS: usize = 16;

/// Most claims of a rule, and most scopes.
const MOST_CLAIMS: usize = 16;

/// Most characters of an expression.
const MOST_OF_CEL: usize = 4096;

/// Characters of an expression that are kept for callers.
const MOST_OF_CALLERS: usize = 2048;

/// Most characters of the name of a claim or scope.
const MOST_OF_NAME: usize = 253;

/// What becomes of a server's grants.
pub(super) struct Rules {
    /// Rules of `authorization`.
    pub(super) rules: Vec<Value>,
    /// Expressions of `backendSelector`: who may open a session.
    pub(super) callers: Vec<String>,
    /// The scopes that every call needs. Clients ask for all that are announced, so those of single tools are left to challenges.
    pub(super) scopes: BTreeSet<String>,
    /// What does not fit into a rule.
    pub(super) too_long: Option<String>,
}

/// What all rules are made from.
pub(super) struct Context<'m> {
    pub(super) model: &'m Model,
    /// The subject of every declared principal.
    pub(super) subjects: Vec<&'m str>,
    /// The claim by which the issuer names callers.
    pub(super) by: Vec<String>,
}

impl Context<'_> {
    /// The rules for a server; `label` is its name in Kubernetes.
    pub(super) fn rules(&self, label: &str, grants: &[Grant]) -> Rules {
        let mut made = Rules { rules: Vec::new(), callers: Vec::new(), scopes: BTreeSet::new(), too_long: None };
        let mut challenges: Vec<Value> = Vec::new();
        let of_tools: Vec<&Grant> = grants.iter().filter(|grant| grant.kind == RequestKind::Tool).collect();
        for grant in &of_tools {
            let names: Vec<&String> = grant.names.iter().collect();
            for who in self.who(&grant.who, &grant.subjects) {
                for names in names.chunks(MOST_TOOLS) {
                    let tools: Vec<Value> =
                        names.iter().map(|name| json!({ "backend": label, "tool": name })).collect();
                    let all: Vec<&Shown> = grant.shown.iter().collect();
                    made.rules.push(rule(&tools, &who, &all, &[], &mut made.too_long));
                    let (stepped, others): (Vec<&Shown>, Vec<&Shown>) =
                        all.iter().partition(|shown| shown.scope.is_some());
                    let scopes: BTreeSet<&String> = stepped.iter().filter_map(|shown| shown.scope.as_ref()).collect();
                    let scopes: Vec<&String> = scopes.into_iter().collect();
                    if !scopes.is_empty() {
                        let challenge = rule(&tools, &who, &others, &scopes, &mut made.too_long);
                        if !challenges.contains(&challenge) {
                            challenges.push(challenge);
                        }
                    }
                }
            }
        }
        made.rules.extend(challenges);
        let of_grant = |grant: &&Grant| grant.shown.iter().filter_map(|shown| shown.scope.clone()).collect();
        made.scopes =
            of_tools.iter().map(of_grant).reduce(|all: BTreeSet<String>, one| &all & &one).unwrap_or_default();
        let named: BTreeSet<String> = of_tools.iter().flat_map(|grant| grant.subjects.iter().cloned()).collect();
        made.callers = self.who(&Who::Subjects, &named);
        let any: BTreeSet<&Who> =
            of_tools.iter().map(|grant| &grant.who).filter(|who| **who != Who::Subjects).collect();
        made.callers.extend(any.into_iter().flat_map(|who| self.who(who, &BTreeSet::new())));
        if made.callers.iter().any(|callers| callers.chars().count() > MOST_OF_CEL) {
            made.too_long.get_or_insert("there are too many callers".to_owned());
        }
        made
    }

    /// That the token names one of these callers: an expression for each rule that it takes.
    fn who(&self, who: &Who, subjects: &BTreeSet<String>) -> Vec<String> {
        let caller = caller(CLAIMS, &self.by);
        let Who::AnyAgent(unit) = who else {
            let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
            return chunks(&subjects).map(|some| is_one_of(&caller, some)).collect();
        };
        let mut all = vec![format!(r#"{caller} + "" != """#)];
        if !self.subjects.is_empty() {
            all.push(format!("!({})", is_one_of(&caller, &self.subjects)));
        }
        let Some(of_unit) = of_unit(CLAIMS, self.model, unit.as_ref()) else { return Vec::new() };
        all.extend(of_unit);
        vec![all.join(" && ")]
    }
}

/// Parts of a list that leave room for the rest of an expression.
fn chunks<'a>(subjects: &'a [&'a str]) -> impl Iterator<Item = &'a [&'a str]> {
    let mut rest = subjects;
    std::iter::from_fn(move || {
        let mut length = 0;
        let fitting = rest.iter().take_while(|subject| {
            length += text(subject).chars().count() + 2;
            length <= MOST_OF_CALLERS
        });
        let (some, others) = rest.split_at_checked(fitting.count().max(1))?;
        rest = others;
        Some(some)
    })
}

/// One rule: these tools, for these callers, where these facts are shown. With scopes it lets nothing through, and has the
/// product ask for them: it applies to tokens that lack one of them, and needs all.
fn rule(tools: &[Value], who: &str, shown: &[&Shown], scopes: &[&String], too_long: &mut Option<String>) -> Value {
    let mut expressions = vec![who.to_owned()];
    let mut claims: Vec<Value> = Vec::new();
    for fact in shown {
        match fact.claim.as_ref().and_then(|(path, value)| Some((claim_name(path)?, value))) {
            Some((name, value)) if claims.len() < MOST_CLAIMS => {
                claims.push(json!({ "name": name, "valueType": "StringArray", "values": [value] }));
            }
            _ => expressions.push(fact.expression.clone()),
        }
    }
    if !scopes.is_empty() {
        let held: Vec<String> = scopes.iter().map(|scope| format!("{} in {TOKEN_SCOPES}", text(scope))).collect();
        expressions.push(format!("!({})", held.join(" && ")));
    }
    let cel = expressions.join(" && ");
    if cel.chars().count() > MOST_OF_CEL {
        too_long.get_or_insert(format!("its expression has more than {MOST_OF_CEL} characters"));
    }
    if scopes.len() > MOST_CLAIMS || scopes.iter().any(|scope| scope.chars().count() > MOST_OF_NAME) {
        too_long.get_or_insert(format!("it asks for more than {MOST_CLAIMS} scopes, or for one that is too long"));
    }
    let mut jwt = Map::new();
    if !claims.is_empty() {
        jwt.insert("claims".to_owned(), Value::Array(claims));
    }
    if !scopes.is_empty() {
        jwt.insert("scopes".to_owned(), json!(scopes));
    }
    let mut rule = Map::new();
    rule.insert("action".to_owned(), json!("Allow"));
    if !jwt.is_empty() {
        rule.insert("source".to_owned(), json!({ "jwt": jwt }));
    }
    rule.insert("target".to_owned(), json!({ "tools": tools }));
    rule.insert("cel".to_owned(), json!(cel));
    Value::Object(rule)
}

/// A claim's path as the product writes it: its parts with dots between them, so that no part may hold one.
fn claim_name(path: &[String]) -> Option<String> {
    let fits = path.iter().all(|part| !part.is_empty() && !part.contains('.'));
    let name = path.join(".");
    (fits && (1..=MOST_OF_NAME).contains(&name.chars().count())).then_some(name)
}
