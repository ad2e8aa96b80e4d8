//! `unreachable-tool`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::server::Server;
use crate::policy::{Object, ObjectIx, ObjectKind};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unreachable-tool",
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
    let granted: BTreeSet<ObjectIx> = policy.cells.iter().flatten().map(|(object, _)| *object).collect();
    for server in model.servers.values().filter(|server| server.registered && server.lists_tools) {
        let is_granted = |tool: &crate::model::name::ToolName| {
            let object = Object { server: server.name.value.clone(), kind: ObjectKind::Tool(tool.clone()) };
            policy.object(&object).is_some_and(|object| granted.contains(&object))
        };
        let tools: Vec<_> = server.tools.iter().filter(|(_, tool)| tool.registered).collect();
        let idle: Vec<_> = tools.iter().filter(|(name, _)| !is_granted(name)).collect();
        if idle.len() == tools.len() && tools.len() > 1 {
            report.push(none_of(server));
            continue;
        }
        for (name, tool) in idle {
            let message = format!("nobody is granted the tool `{}/{name}`", server.name);
            report.push(Diagnostic::new(&CHECK.rule, tool.name.loc, message));
        }
    }
}

fn none_of(server: &Server) -> Diagnostic {
    let message = format!("nobody is granted any of the {} tools of `{}`", server.tools.len(), server.name);
    Diagnostic::new(&CHECK.rule, server.name.loc, message)
}
