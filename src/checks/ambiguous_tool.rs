//! `ambiguous-tool`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::flow::{Call, Step};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "ambiguous-tool",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds tools of a step or an event processor with several servers that no listed server has, or that several have \
               where neither class nor unit decides between them.",
        why: "Which server is meant cannot be said, so nothing is granted for the tool and its calls are denied.",
        fix: "List the tools of these servers in `mcp_registry`. Where several have the tool, let each of them read the class of the \
              data from the same argument (`class_from: {argument: data_class}`) and be of a class of its own, or name one server.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry", "data_routing"]) {
        return;
    }
    let flows = input.model.flows.values();
    for (flow, step) in flows.flat_map(|flow| flow.steps.iter().map(move |step| (flow, step))) {
        if step.servers.len() < 2 {
            continue;
        }
        let lost: Vec<&Call> = step.calls.iter().filter(|call| call.server.is_none()).collect();
        let Some((first, others)) = lost.split_first() else { continue };
        let tools = quoted(lost.iter().map(|call| call.tool.value.as_str()));
        let servers = quoted(step.servers.iter().map(|server| server.value.as_str()));
        let them = if others.is_empty() { "it" } else { "them" };
        let message = format!("it is unclear which of {servers} has {tools}, so `{}` is not granted {them}", flow.id);
        let owned = |call: &&Call| owners(input, step, call) > 1;
        let finding = Diagnostic::new(&CHECK.rule, first.tool.loc, message)
            .labels(others.iter().map(|call| (call.tool.loc, "this one, too".to_owned())))
            .labels(step.servers.iter().map(|server| (server.loc, format!("`{server}` is one of the candidates"))));
        report.push(if lost.iter().any(owned) {
            finding.help(
                "several of them list a tool of that name: give each a class of its own and `class_from` with the same argument, or \
                 name one server. What undoes a step has to be on the same servers",
            )
        } else {
            finding.help("list each tool under its server in `mcp_registry.servers`")
        });
    }
}

fn owners(input: &Input<'_>, step: &Step, call: &Call) -> usize {
    let lists = |name: &str| input.model.server(name).is_some_and(|server| server.tools.contains_key(&call.tool.value));
    step.servers.iter().filter(|server| lists(server.value.as_str())).count()
}
