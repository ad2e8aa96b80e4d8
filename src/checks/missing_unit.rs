//! `missing-unit`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "missing-unit",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds registered servers and agents without a `business_unit` while the registry declares business units.",
        why: "Whether a call crosses units cannot be said without the units of both sides, so every such call is denied.",
        fix: "Add `business_unit: NAME`, or `business_unit: central` for what belongs to no unit.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(unit) = model.topology.units.values().next() else { return };
    let mut lacks = |what: &str, name: &str, loc: Loc| {
        report.push(
            Diagnostic::new(&CHECK.rule, loc, format!("{what} `{name}` has no `business_unit`"))
                .label(unit.name.loc, "business units are declared here"),
        );
    };
    for server in model.servers.values().filter(|server| server.registered && server.unit.is_none()) {
        lacks("server", server.name.value.as_str(), server.name.loc);
    }
    for agent in model.agents.values().filter(|agent| agent.unit.is_none()) {
        lacks("agent", agent.name.value.as_str(), agent.name.loc);
    }
}
