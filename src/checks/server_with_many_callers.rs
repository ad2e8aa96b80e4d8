//! `server-with-many-callers`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::flow::Flow;
use crate::model::name::ServerName;

/// As many flows on one server are worth a thought.
const MANY: usize = 5;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "server-with-many-callers",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds servers that five or more workflows, sagas and event processors call.",
        why: "The document's principle of loose coupling: where such a server stops, all of them stop, and a change of one of its tools \
              reaches all of them.",
        fix: "Split the server by its callers, let some of them be started by events, or give it a pool and a breaker of its own; or switch the \
              check off.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let mut callers: BTreeMap<&ServerName, Vec<&Flow>> = BTreeMap::new();
    for flow in input.model.flows.values().filter(|flow| flow.suspended.is_none()) {
        let mut called: Vec<&ServerName> = flow.calls().filter_map(|(_, call)| call.server.as_ref()).collect();
        called.sort_unstable();
        called.dedup();
        called.into_iter().for_each(|server| callers.entry(server).or_default().push(flow));
    }
    for (server, flows) in callers.into_iter().filter(|(_, flows)| flows.len() >= MANY) {
        let Some(server) = input.model.servers.get(server) else { continue };
        let message = format!("{} flows call `{}`", flows.len(), server.name);
        let labels = flows.iter().take(MANY).map(|flow| (flow.id.loc, format!("`{}` calls it", flow.id)));
        report.push(Diagnostic::new(&CHECK.rule, server.name.loc, message).labels(labels));
    }
}
