//! What plans lack to be run: the addresses of servers.

use std::collections::{BTreeMap, BTreeSet};

use super::{path, running, steps};
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::model::name::ServerName;
use crate::source::Loc;
use crate::targets::TargetId;
use crate::targets::names::dns_label;

/// Most names in a note; the rest is counted.
const MOST: usize = 2;

/// The note about plans whose servers have no address.
pub static FILE_WAITS: Rule = Rule {
    name: "file-waits",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds plans of flows that call servers whose address the workspace does not declare. One note names the files and the servers.",
    why: "The plan is otherwise complete: the worker runs it when its settings name the addresses.",
    fix: "Add `central_gateway` and the `url` of each server to `mcp_registry`, or name where the gateway serves them \
          under `servers` in the settings of the worker.",
};

/// The note about all plans that wait for addresses.
#[must_use]
pub fn notes(target: TargetId, model: &Model) -> Vec<Diagnostic> {
    if target != TargetId::Temporal {
        return Vec::new();
    }
    let mut files: BTreeSet<String> = BTreeSet::new();
    let mut servers: BTreeMap<&ServerName, Loc> = BTreeMap::new();
    for (flow, _) in running(model) {
        for (_, call) in flow.calls().filter(|(_, call)| flow.makes(call)) {
            let Some(server) = call.server.as_ref().filter(|server| steps::url(model, server).is_none()) else {
                continue;
            };
            files.insert(format!("{target}/{}", path(&dns_label(&flow.id.to_string()))));
            let first = servers.entry(server).or_insert(call.tool.loc);
            *first = (*first).min(call.tool.loc);
        }
    }
    let Some(loc) = servers.values().min().copied() else { return Vec::new() };
    let verb = if files.len() == 1 { "waits" } else { "wait" };
    let addresses = if servers.len() == 1 { "the address" } else { "the addresses" };
    let message = format!(
        "{} {verb} for {addresses} of {}",
        some(files.iter().map(String::as_str)),
        some(servers.keys().map(|server| server.as_str()))
    );
    let help = "add `central_gateway` and the `url` of each server to `mcp_registry`, or name the addresses in the settings of the worker";
    vec![Diagnostic::new(&FILE_WAITS, loc, message).help(help)]
}

/// `a`, `a and b`, `a, b and 3 more`.
fn some<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let mut shown: Vec<String> = names.iter().take(MOST).cloned().collect();
    if let more @ 1.. = names.len().saturating_sub(MOST) {
        shown.push(format!("{more} more"));
    }
    crate::targets::listed(&shown)
}
