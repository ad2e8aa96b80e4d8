//! `unclassified-server`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unclassified-server",
        severity: Severity::Warning,
        what: "Finds servers that are called, or declared, but that no class of `data_routing` lists.",
        why: "A server without a class is treated as the most sensitive one, so its tools need the highest level that \
              classes lead to. That is safe, and probably not what was meant.",
        fix: "Add the server to the `mcp_servers` of the class whose data it holds.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let rules = &input.model.access;
    let Some(most) = rules.classes.last() else { return };
    if !input.model.complete_for(&["data_routing"]) {
        return;
    }
    for server in input.model.servers.values() {
        let restated = server.unit.as_ref().and_then(|unit| input.model.restated_for(&unit.value));
        let name = server.name.value.as_str();
        if rules.classes_of(name).next().is_some() || restated.is_some_and(|r| r.classes_of(name).next().is_some()) {
            continue;
        }
        report.push(
            Diagnostic::new(
                &CHECK.rule,
                server.name.loc,
                format!("server `{name}` has no data class, so it is treated as `{}`", most.name),
            )
            .help(format!("list `{name}` under `mcp_servers` of its class in `data_routing`")),
        );
    }
}
