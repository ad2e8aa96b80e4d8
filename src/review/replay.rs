//! A request put to the real Cedar authorizer, with the policies that a side compiles to.

use super::access::Side;
use super::cause::decide;
use super::mixture::cut;
use super::premises::At;
use crate::cedar::engine::Engine;
use crate::lift::access::cedar::{object_uid, principal_uid};
use crate::model::name::FactName;
use crate::policy::ObjectKind;
use crate::policy::derive::derive;
use crate::source::Sources;
use crate::targets::CompileError;
use crate::targets::access::cedar::Texts;

/// Why a request could not be replayed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReplayError {
    /// The side does not compile.
    #[error("a request cannot be replayed, because the workspace does not compile to Cedar")]
    Compile(#[source] CompileError),
    /// Cedar refuses the policies or the request.
    #[error("a request cannot be replayed, because Cedar refuses it")]
    Cedar(#[source] crate::cedar::Error),
    /// Cedar and the relation do not decide the same.
    #[error("Cedar decides differently from the access relation: {0}")]
    Differs(String),
}

/// Cedar's decision on a request, by the policies that the part of the side which matters to it compiles to.
///
/// # Errors
/// Where it cannot be had, or is another one than the relation's.
pub fn replay(side: Side<'_>, sources: &Sources, at: At<'_>, facts: &[FactName]) -> Result<bool, ReplayError> {
    let model = cut(side, at);
    let policy = derive(&model);
    let expected = decide(&policy, at, facts);
    // Cedar knows no principal and no object that is not declared: nothing permits it.
    let known = policy.principal(&at.principal.to_string()).is_some() && policy.object(at.object).is_some();
    let allowed = known && asked(&model, &policy, sources, at, facts)?;
    if allowed == expected && expected == decide(side.policy, at, facts) {
        return Ok(allowed);
    }
    Err(ReplayError::Differs(format!("`{}` on `{}`", at.principal, at.object)))
}

fn asked(
    model: &crate::model::Model,
    policy: &crate::policy::Policy,
    sources: &Sources,
    at: At<'_>,
    facts: &[FactName],
) -> Result<bool, ReplayError> {
    let Texts { schema, policies, entities } = Texts::new(model, policy, sources).map_err(ReplayError::Compile)?;
    let engine = Engine::load(&schema, &policies, &entities).map_err(ReplayError::Cedar)?;
    let action = match at.object.kind {
        ObjectKind::Protocol => "use_server",
        ObjectKind::Tool(_) => "call_tool",
        ObjectKind::Resource(_) => "read_resource",
        ObjectKind::Prompt(_) => "get_prompt",
    };
    let held = facts.iter().filter_map(|fact| policy.facts.mask(fact.as_str())).fold(0, |all, bit| all | bit);
    let held = policy.facts.closed(held);
    let context = policy.facts.names().iter().map(|fact| {
        let bit = policy.facts.mask(fact.as_str()).unwrap_or_default();
        (fact.as_str(), held & bit != 0)
    });
    let decision = engine
        .decide(&principal_uid(at.principal), action, &object_uid(at.object), context)
        .map_err(ReplayError::Cedar)?;
    Ok(decision.allowed)
}
