//! `unknown-unit`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::assurance::{Callers, Never};
use crate::model::name::UnitName;
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-unit",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds servers, agents, flows and invariants of a unit, and units in `review` and in the `gateways` of a target in \
               `mcpctl.yaml`, that `mcp_registry.business_units` does not declare, and settings for the gateway of a unit that \
               has none. `central` is always known.",
        why: "The rules between units hold between declared units. A unit that is not declared has no gateway, and without \
              any declared unit no call crosses units at all.",
        fix: "Correct the name, or declare the unit:\n\n```yaml\nmcp_registry:\n  business_units:\n    - name: retail\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["mcp_registry"]) {
        return;
    }
    let servers = model.servers.values().filter(|server| server.registered).filter_map(|server| server.unit.as_ref());
    let agents = model.agents.values().filter_map(|agent| agent.unit.as_ref());
    let flows = model.flows.values().filter(|flow| flow.unit_written).map(|flow| &flow.unit);
    let invariants = model.invariants.iter().filter_map(|invariant| match &invariant.never {
        Never::Call { who: Callers::OutsideUnit(unit), .. } => Some(unit),
        Never::Call { who: Callers::Listed(_), .. } | Never::Both(..) | Never::Flow { .. } => None,
    });
    // A unit folder without a declared unit has a finding of its own, at the folder.
    let known = |unit: &UnitName| {
        unit.is_central() || model.topology.units.contains_key(unit) || model.topology.unit_folders.contains_key(unit)
    };
    let limits: Vec<Spanned<UnitName>> =
        model.gate.units.iter().map(|(unit, most)| Spanned::new(unit.clone(), most.loc)).collect();
    let unknown = |unit: &&Spanned<UnitName>| !known(&unit.value);
    for unit in servers.chain(agents).chain(flows).chain(invariants).chain(&limits).filter(unknown) {
        let names = model.topology.units.keys().map(UnitName::as_str).chain([UnitName::CENTRAL]);
        report.push(
            Diagnostic::new(&CHECK.rule, unit.loc, format!("no business unit `{unit}` is declared"))
                .suggest(unit.value.as_str(), input.nearest(unit.value.as_str(), names)),
        );
    }
    // Whether a unit has a gateway is a value of the registry.
    if model.complete_for(&["mcp_registry"]) {
        of_gateways(input, report);
    }
}

/// Settings of gateways that are not there: nothing would have them.
fn of_gateways(input: &Input<'_>, report: &mut Report) {
    let units = &input.model.topology.units;
    let with_gateway = || units.values().filter(|unit| unit.gateway.is_some()).map(|unit| unit.name.value.as_str());
    for (target, gateways) in input.model.deployment.gateways() {
        for (name, gateway) in &gateways.0 {
            let Some(loc) =
                gateway.loc.filter(|_| name != UnitName::CENTRAL && !with_gateway().any(|unit| unit == name))
            else {
                continue;
            };
            let declared = units.keys().any(|unit| unit.as_str() == name);
            let finding = if declared {
                let message =
                    format!("business unit `{name}` has no gateway that could have these settings of `{target}`");
                Diagnostic::new(&CHECK.rule, loc, message)
                    .help("give it its `gateway` in `mcp_registry.business_units`")
            } else {
                Diagnostic::new(&CHECK.rule, loc, format!("no business unit `{name}` is declared"))
                    .suggest(name, input.nearest(name, with_gateway().chain([UnitName::CENTRAL])))
            };
            report.push(finding);
        }
    }
}
