//! `unknown-tool`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::{Granted, Readable};
use crate::model::server::Server;
use crate::policy::PrincipalFlow;
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-tool",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds tools that a flow, a grant, a test or `called` of a requirement names and that the server's registry entry does not list. Where \
               the entry lists no tools at all, a grant or a test of a tool that no flow calls is a warning.",
        why: "A call of a tool that does not exist is denied, so the flow stops there; a grant of one grants nothing.",
        fix: "Correct the name, or add the tool to the `tools` of its server in `mcp_registry`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["mcp_registry"]) {
        return;
    }
    let mut named: BTreeMap<(&str, &str), Vec<Loc>> = BTreeMap::new();
    let listed = |server: &str, tool: &str| {
        model.server(server).is_some_and(|s| s.tools.get(tool).is_some_and(|tool| tool.registered || !s.lists_tools))
    };
    for (_, call, object) in input.policy.flows(model).flat_map(PrincipalFlow::calls) {
        if let (Some(server), None) = (&call.server, object) {
            named.entry((server.as_str(), call.tool.value.as_str())).or_default().push(call.tool.loc);
        }
    }
    for grant in model.grants() {
        if let Granted::Tool(tool) = &grant.what
            && !listed(grant.server.as_str(), tool.as_str())
        {
            named.entry((grant.server.as_str(), tool.as_str())).or_default().push(grant.text.loc);
        }
    }
    for call in model.tested_calls().chain(&model.called_before) {
        if let Some(pair) = call.value.split_once('/')
            && pair.1 != "*"
            && Readable::parse(pair.1).is_none()
            && !listed(pair.0, pair.1)
        {
            named.entry(pair).or_default().push(call.loc);
        }
    }
    let flows_are_read = model.names_known(&["workflow_definition", "saga_definition", "event_driven_config"]);
    for ((server, tool), mut places) in named {
        let Some(server) = model.server(server).filter(|server| server.registered) else { continue };
        places.sort();
        let Some((first, others)) = places.split_first() else { continue };
        let finding = match server.tools.get(tool) {
            Some(found) if found.registered || !server.lists_tools => continue,
            _ if server.lists_tools => not_listed(server, tool, *first),
            _ if flows_are_read => not_called(server, tool, *first),
            _ => continue,
        };
        let tools = server.tools.values().filter(|tool| tool.registered || !server.lists_tools);
        let meant = input.nearest(tool, tools.map(|tool| tool.name.value.as_str()));
        let finding = finding.labels(others.iter().map(|loc| (*loc, "also named here".to_owned())));
        report.push(finding.suggest_at(places.clone(), tool, meant));
    }
}

fn not_listed(server: &Server, tool: &str, loc: Loc) -> Diagnostic {
    Diagnostic::new(&CHECK.rule, loc, format!("server `{}` has no tool `{tool}`", server.name))
        .label(server.name.loc, format!("the registry lists the tools of `{}` here", server.name))
}

fn not_called(server: &Server, tool: &str, loc: Loc) -> Diagnostic {
    let message = format!("server `{}` lists no tools and no flow calls `{tool}`, so it does not exist", server.name);
    Diagnostic::new(&CHECK.rule, loc, message)
        .at(Severity::Warning)
        .label(server.name.loc, format!("the registry's entry of `{}`", server.name))
}
