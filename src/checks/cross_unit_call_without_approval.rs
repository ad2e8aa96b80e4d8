//! `cross-unit-call-without-approval`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::topology::CrossUnitRouting;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "cross-unit-call-without-approval",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds flows of one business unit that call a server of another one while `cross_unit_routing` is \
               `explicit_approval`; one finding for each flow and other unit.",
        why: "Each such call needs the fact `cross_unit_approval`. A flow that runs by itself has it only if somebody put it \
              into its token; else it stops half-way.",
        fix: "Let the other unit approve the flow, move the step to a flow of that unit, or make the flow a central one by \
              writing it outside the unit folders.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let (model, policy) = (input.model, input.policy);
    if !model.complete_for(&["mcp_registry", "federation_config"]) {
        return;
    }
    let routing = model.topology.cross_unit_routing.as_ref();
    let Some(routing) = routing.filter(|routing| routing.value == CrossUnitRouting::ExplicitApproval) else { return };
    for row in policy.flows(model) {
        let flow = row.flow;
        let mut reported = BTreeSet::new();
        for (step, call, object) in row.calls() {
            let cell = object.and_then(|object| policy.cell(row.principal, object));
            let crosses =
                cell.is_some_and(|cell| !policy.is_never(cell.condition) && policy.rule_at(cell.rule).cross_unit);
            let server = call.server.as_ref().filter(|_| crosses).and_then(|name| model.servers.get(name));
            let Some((server, unit)) = server.and_then(|server| Some((server, server.unit.as_ref()?))) else {
                continue;
            };
            if unit.value != flow.unit.value && reported.insert(&unit.value) {
                let message = format!(
                    "step `{}` of `{}`, a flow of unit `{}`, calls `{}` of unit `{unit}`, which needs \
                     `cross_unit_approval`",
                    step.name, flow.id, flow.unit, server.name
                );
                report.push(
                    Diagnostic::new(&CHECK.rule, call.tool.loc, message)
                        .label(unit.loc, format!("`{}` belongs to `{unit}`", server.name))
                        .label(routing.loc, "calls between units need approval"),
                );
            }
        }
    }
}
