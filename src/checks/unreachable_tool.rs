//! `unreachable-tool`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::server::Server;
use crate::policy::ObjectIx;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unreachable-tool",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds tools of the registry that no agent and no flow is granted; one finding for a server of which no tool is \
               granted. Workspaces without agents are left alone.",
        why: "Nobody can call such a tool. Either a grant is missing, or the tool need not be reachable at all.",
        fix: "Grant the tool to whoever needs it, or remove it from the registry.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let (model, policy) = (input.model, input.policy);
    let families = ["mcp_registry", "workflow_definition", "saga_definition", "event_driven_config"];
    if (model.agents.is_empty() && model.any_agent.is_none()) || !model.complete_for(&families) {
        return;
    }
    let mut granted = vec![false; policy.objects.len()];
    for (object, _) in policy.cells.iter().flatten() {
        if let Some(flag) = granted.get_mut(object.0 as usize) {
            *flag = true;
        }
    }
    for server in model.servers.values().filter(|server| server.registered && server.lists_tools) {
        let is_granted = |object: ObjectIx| granted.get(object.0 as usize).is_some_and(|flag| *flag);
        let tools = || policy.index.tools(server).filter(|(tool, _)| tool.registered);
        let idle: Vec<_> = tools().filter(|(_, object)| !is_granted(*object)).collect();
        if idle.len() > 1 && idle.len() == tools().count() {
            report.push(none_of(server));
            continue;
        }
        for (tool, _) in idle {
            let message = format!("nobody is granted the tool `{}/{}`", server.name, tool.name);
            report.push(Diagnostic::new(&CHECK.rule, tool.name.loc, message));
        }
    }
}

fn none_of(server: &Server) -> Diagnostic {
    let message = format!("nobody is granted any of the {} tools of `{}`", server.tools.len(), server.name);
    Diagnostic::new(&CHECK.rule, server.name.loc, message)
}
