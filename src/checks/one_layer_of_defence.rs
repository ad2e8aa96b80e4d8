//! `one-layer-of-defence`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "one-layer-of-defence",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds that calls to servers of the most sensitive class are decided at one layer alone, of those that the targets in \
               `mcpctl.yaml` bring: gateways, the mesh (`istio`), and the network (`kubernetes`, with an `isolation_level` that has network \
               policies). Says nothing where no targets are listed.",
        why: "The document asks for defence in depth: whoever gets round the one layer, or finds a fault in it, meets no other.",
        fix: "List a target of another layer, such as `istio` or `kubernetes`; or switch the check off. `mcpctl list layers` shows the \
              layers before each server.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(class) = model.access.classes.last().filter(|class| !class.servers.is_empty()) else { return };
    let layers = model.layers();
    if layers.count() != 1 {
        return;
    }
    let (layer, verb) = match (layers.gateways.is_empty(), layers.mesh) {
        (false, _) => ("the gateways", "decide"),
        (true, true) => ("the mesh", "decides"),
        (true, false) => ("the network", "decides"),
    };
    let count = class.servers.len();
    let servers = if count == 1 { "one server".to_owned() } else { format!("{count} servers") };
    let message = format!("{layer} alone {verb} about {servers} of class `{}`", class.name);
    let labels = class.servers.iter().take(3).map(|server| (server.loc, "reached through one layer".to_owned()));
    report.push(Diagnostic::new(&CHECK.rule, class.name.loc, message).labels(labels));
}
