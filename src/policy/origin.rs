//! Where the grant behind a cell was written.

use super::{Object, ObjectKind, PrincipalId};
use crate::model::Model;
use crate::model::access::{Grant, GrantedTools};
use crate::model::name::ToolName;
use crate::source::Loc;

/// The place of the first grant, or the first flow step, that gives the principal this tool. `None` for what is no
/// tool, or is not granted.
#[must_use]
pub fn grant_place(model: &Model, principal: &PrincipalId, object: &Object) -> Option<Loc> {
    let ObjectKind::Tool(tool) = &object.kind else { return None };
    let of_grants = |grants: &[Grant]| grants.iter().find(|grant| covers(grant, object, tool)).map(|g| g.text.loc);
    match principal {
        PrincipalId::Agent(name) => of_grants(&model.agents.get(name)?.may_call),
        PrincipalId::AnyAgent(_) => of_grants(&model.any_agent.as_ref()?.may_call),
        PrincipalId::Flow(id) => {
            let mut calls = model.flows.get(id)?.calls();
            calls
                .find(|(_, call)| call.tool.value == *tool && call.server.as_ref() == Some(&object.server))
                .map(|(_, call)| call.tool.loc)
        }
    }
}

fn covers(grant: &Grant, object: &Object, tool: &ToolName) -> bool {
    grant.server == object.server
        && match &grant.tools {
            GrantedTools::All => true,
            GrantedTools::One(one) => one == tool,
        }
}
