//! What a caller does to have a fact: the evidence that a gateway looks for, in words.

use crate::model::Model;
use crate::model::access::Evidence;
use crate::model::access::classification::Classification;
use crate::model::access::placeholder::filled;
use crate::policy::fact::MTLS;
use crate::policy::origin::fact_place;
use crate::policy::{Object, PrincipalId};
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
    let found = model.evidence_for(fact);
    // A default stands where the section does.
    let section = model.identity.as_ref().map(|identity| identity.loc);
    StepUp {
        fact: fact.to_owned(),
        evidence: found.map(|evidence| {
            if *evidence == Evidence::Transport && fact == MTLS {
                return "the caller shows a client certificate".to_owned();
            }
            let (server, unit) = (object.server.as_str(), model.unit_of(&object.server));
            evidence.in_words(&|text| filled(text, server, object.tool(), unit).unwrap_or_else(|| text.to_owned()))
        }),
        scope: found.and_then(Evidence::scope).map(str::to_owned),
        loc: model.declared_evidence(fact).map(|evidence| evidence.loc).filter(|loc| Some(*loc) != section),
        asked: fact_place(model, &Classification::of(&model.access), Some(principal), object, fact),
    }
}
