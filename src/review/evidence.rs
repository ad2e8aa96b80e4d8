//! What a caller does to have a fact: the evidence that a gateway looks for, in words.

use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::{Evidence, default_evidence};
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
    let default = default_evidence().into_iter().find(|(name, _)| *name == fact).map(|(_, evidence)| evidence);
    let found = written.map(|evidence| &evidence.value).or(default.as_ref());
    // A default stands where the section does.
    let section = model.identity.as_ref().map(|identity| identity.loc);
    StepUp {
        fact: fact.to_owned(),
        evidence: found.map(|evidence| {
            if *evidence == Evidence::Transport && fact == MTLS {
                return "the caller shows a client certificate".to_owned();
            }
            evidence.in_words(&|text| filled(model, object, text))
        }),
        scope: found.and_then(Evidence::scope).map(str::to_owned),
        loc: written.map(|evidence| evidence.loc).filter(|loc| Some(*loc) != section),
        asked: fact_place(model, &Classification::of(&model.access), Some(principal), object, fact),
    }
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
