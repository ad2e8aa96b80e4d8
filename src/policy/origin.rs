//! Where the grant behind a cell was written.

use super::{Object, ObjectKind, PrincipalId};
use crate::model::Model;
use crate::model::access::{Grant, GrantedTools};
use crate::model::name::ToolName;
use crate::model::server::Tool;
use crate::source::Loc;

/// The place of the first grant, or the first flow step, that gives the principal this tool. `None` for what is no
/// tool, or is not granted.
#[must_use]
pub fn grant_place(model: &Model, principal: &PrincipalId, object: &Object) -> Option<Loc> {
    grant_places(model, principal, object).first().copied()
}

/// The places of every grant, or every flow step, that gives the principal this tool, in the order written. Empty for what
/// is no tool, or is not granted.
#[must_use]
pub fn grant_places(model: &Model, principal: &PrincipalId, object: &Object) -> Vec<Loc> {
    let ObjectKind::Tool(name) = &object.kind else { return Vec::new() };
    let tool = model.server(object.server.as_str()).and_then(|server| server.tools.get(name));
    let of_grants = |grants: &[Grant]| {
        let covering = grants.iter().filter(|grant| covers(grant, object, name, tool));
        covering.map(|grant| grant.text.loc).collect()
    };
    match principal {
        PrincipalId::Agent(name) => model.agents.get(name).map(|agent| of_grants(&agent.may_call)).unwrap_or_default(),
        PrincipalId::AnyAgent(_) => model.any_agent.as_ref().map(|any| of_grants(&any.may_call)).unwrap_or_default(),
        PrincipalId::Flow(id) => {
            let calls = model.flows.get(id).into_iter().flat_map(|flow| flow.calls());
            calls
                .filter(|(_, call)| call.tool.value == *name && call.server.as_ref() == Some(&object.server))
                .map(|(_, call)| call.tool.loc)
                .collect()
        }
    }
}

fn covers(grant: &Grant, object: &Object, name: &ToolName, tool: Option<&Tool>) -> bool {
    let reads = tool.and_then(|tool| tool.read_only.as_ref()).is_some_and(|flag| flag.value);
    grant.server == object.server
        && (reads || !grant.only_read_only)
        && match &grant.tools {
            GrantedTools::All => true,
            GrantedTools::One(one) => one == name,
        }
}
