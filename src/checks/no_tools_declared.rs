//! `no-tools-declared`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::{Grant, Granted};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "no-tools-declared",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds registered servers without `tools`, unless they offer only resources or prompts.",
        why: "Without a list, every tool that a flow names is taken to exist, so a slip of the pen is not noticed; a grant of \
              `server/*` grants nothing.",
        fix: "List the server's tools in `mcp_registry`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry"]) {
        return;
    }
    let bare = || input.model.servers.values().filter(|server| server.registered && !server.lists_tools);
    if bare().next().is_none() {
        return;
    }
    let mut wild: BTreeMap<&str, &Grant> = BTreeMap::new();
    for grant in input.model.grants().filter(|grant| grant.what == Granted::All) {
        wild.entry(grant.server.as_str()).or_insert(grant);
    }
    for server in bare() {
        let name = server.name.value.as_str();
        let grant = wild.get(name);
        let other_things = !(server.resources.is_empty() && server.prompts.is_empty());
        if other_things && server.tools.is_empty() {
            continue;
        }
        let finding =
            Diagnostic::new(&CHECK.rule, server.name.loc, format!("the registry lists no tools of server `{name}`"));
        report.push(match grant {
            Some(grant) => finding.label(grant.text.loc, "so this grants nothing"),
            None => finding,
        });
    }
}
