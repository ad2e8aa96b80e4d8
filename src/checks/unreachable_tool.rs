//! `unreachable-tool`.

use super::{Check, Input};
use crate::diagnostic::upgrade::READ_WITH_A_TOOL;
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::Readable;
use crate::model::server::Server;
use crate::policy::{ObjectIx, ObjectKind};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unreachable-tool",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds tools, resources and prompts of the registry that no agent and no flow is granted; one finding for a server of \
               which no tool is granted. Workspaces without agents are left alone.",
        why: "Nobody can use them. Either a grant is missing, or they need not be reachable at all.",
        fix: "Grant them to whoever needs them (`server/tool`, `server/resource:URI`, `server/prompt:NAME`), or remove them from the \
              registry.",
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
    let is_granted = |object: ObjectIx| granted.get(object.0 as usize).is_some_and(|flag| *flag);
    for server in model.servers.values().filter(|server| server.registered) {
        for (object, index) in policy.index.objects_on(&policy.objects, server.name.value.as_str()) {
            let (what, places): (Readable, Vec<Loc>) = match &object.kind {
                ObjectKind::Resource(uri) => {
                    let own = server.resources.iter().filter(|own| own.uri.value == *uri);
                    (Readable::Resource(uri.clone()), own.map(|own| own.uri.loc).collect())
                }
                ObjectKind::Prompt(name) => {
                    let own = server.prompts.iter().filter(|own| own.name.value == *name);
                    (Readable::Prompt(name.clone()), own.map(|own| own.name.loc).collect())
                }
                ObjectKind::Protocol | ObjectKind::Tool(_) => continue,
            };
            if let Some(loc) = places.first().filter(|_| !is_granted(ObjectIx(index))) {
                let message = format!("nobody is granted `{}/{what}`", server.name);
                report.push(Diagnostic::new(&CHECK.rule, *loc, message).upgrade(&READ_WITH_A_TOOL));
            }
        }
    }
    for server in model.servers.values().filter(|server| server.registered && server.lists_tools) {
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
