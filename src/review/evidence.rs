//! What a caller does to have a fact: the evidence that a gateway looks for, in words.

use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::{ArgumentEvidence, ClaimTest, Evidence, default_evidence};
use crate::policy::fact::MTLS;
use crate::policy::origin::fact_place;
use crate::policy::{Object, ObjectKind, PrincipalId};
use crate::source::Loc;

/// How a fact comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUp {
    /// The fact.
    pub fact: String,
    /// The evidence, in words; `None` where nothing says what it is.
    pub evidence: Option<String>,
    /// The OAuth scope that a step-up challenge asks for.
    pub scope: Option<String>,
    /// Where `identity` says so; `None` for a default.
    pub loc: Option<Loc>,
    /// A place that asks for it, where there is one.
    pub asked: Option<Loc>,
}

/// How this fact comes about for a call of this principal to this object.
#[must_use]
pub fn step_up(model: &Model, principal: &PrincipalId, object: &Object, fact: &str) -> StepUp {
    let written = model.identity.as_ref().and_then(|identity| identity.evidence.get(fact));
    let defaults = default_evidence();
    let default = defaults.iter().find(|(name, _)| *name == fact).map(|(_, evidence)| evidence);
    let found = written.map(|evidence| &evidence.value).or(default);
    // A default stands where the section does.
    let section = model.identity.as_ref().map(|identity| identity.loc);
    StepUp {
        fact: fact.to_owned(),
        evidence: found.map(|evidence| in_words(model, object, fact, evidence)),
        scope: found.and_then(|evidence| match evidence {
            Evidence::Claim(claim) => claim.scope.clone(),
            Evidence::KnownCaller | Evidence::Argument(_) | Evidence::Called(_) | Evidence::Transport => None,
        }),
        loc: written.map(|evidence| evidence.loc).filter(|loc| Some(*loc) != section),
        asked: fact_place(model, &Classification::of(&model.access), Some(principal), object, fact),
    }
}

fn in_words(model: &Model, object: &Object, fact: &str, evidence: &Evidence) -> String {
    match evidence {
        Evidence::KnownCaller => "the token names a known caller".to_owned(),
        Evidence::Claim(claim) => {
            let path = claim.path.join(".");
            match &claim.test {
                ClaimTest::Contains(text) => format!("claim `{path}` contains `{}`", filled(model, object, text)),
                ClaimTest::DiffersFrom(other) => {
                    format!("claim `{path}` is there and differs from `{}`", other.join("."))
                }
                ClaimTest::Present => format!("claim `{path}` is there"),
            }
        }
        Evidence::Argument(argument) => of_argument(argument),
        Evidence::Called(called) => called.in_words(),
        Evidence::Transport if fact == MTLS => "the caller shows a client certificate".to_owned(),
        Evidence::Transport => "the connection is encrypted".to_owned(),
    }
}

fn of_argument(argument: &ArgumentEvidence) -> String {
    let mut limits = Vec::new();
    limits.extend(argument.at_least.map(|least| format!("at least {least}")));
    limits.extend(argument.at_most.map(|most| format!("at most {most}")));
    if !argument.one_of.is_empty() {
        let words: Vec<String> = argument.one_of.iter().map(|word| format!("`{word}`")).collect();
        limits.push(format!("one of {}", words.join(", ")));
    }
    if limits.is_empty() {
        limits.push("there".to_owned());
    }
    format!("argument `{}` is {}", argument.name, limits.join(" and "))
}

/// The text with `{server}`, `{tool}` and `{unit}` of this call.
fn filled(model: &Model, object: &Object, text: &str) -> String {
    let unit = model.server(object.server.as_str()).and_then(|server| server.unit.as_ref());
    let mut text = text.replace("{server}", object.server.as_str());
    if let ObjectKind::Tool(tool) = &object.kind {
        text = text.replace("{tool}", tool.as_str());
    }
    match unit {
        Some(unit) => text.replace("{unit}", unit.value.as_str()),
        None => text,
    }
}
