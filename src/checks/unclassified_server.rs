//! `unclassified-server`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity, quoted};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::server::Server;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unclassified-server",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds servers that are called, or declared, but that no class of `data_routing` lists.",
        why: "A server without a class is treated as the most sensitive one, so its tools need the highest level that \
              classes lead to, gateways run the controls of that class for it, and gateways in front of it stand where that class \
              demands. That is safe, and probably not what was meant. Whether the server itself has what the class demands is checked only once \
              a class lists it.",
        fix: "Add the server to the `mcp_servers` of the class whose data it holds.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(most) = model.access.classes.last() else { return };
    if !model.complete_for(&["data_routing", "mcp_registry"]) {
        return;
    }
    let centre = input.classes;
    let of_units: BTreeMap<_, _> = model.overlays.iter().map(|(unit, own)| (unit, Classification::of(own))).collect();
    for server in model.servers.values() {
        let name = server.name.value.as_str();
        let unit = server.unit.as_ref().and_then(|unit| of_units.get(&unit.value));
        let by_unit = unit.is_some_and(|classes| classes.listed(name).is_some());
        if centre.listed(name).is_some() || by_unit {
            continue;
        }
        report.push(
            Diagnostic::new(
                &CHECK.rule,
                server.name.loc,
                format!("server `{name}` has no data class, so it is treated as `{}`", most.name),
            )
            .help(format!("list `{name}` under `mcp_servers` of its class in `data_routing`{}", unmet(model, server)))
            .maybe_fix(most.servers.last().map(|last| {
                let add = Edit::Append { to: last.loc, value: name.to_owned() };
                Fix::guess(format!("list `{name}` in class `{}`", most.name), vec![add])
            })),
        );
    }
}

/// The controls of its class that neither the server has nor a gateway runs.
fn unmet(model: &Model, server: &Server) -> String {
    let hooks = model.hooks(server);
    let has = |control: &str| server.controls.iter().any(|own| own.value == control) || hooks.contains_key(control);
    let classes = model.treated_as(server);
    let demanded: BTreeSet<&str> = classes
        .into_iter()
        .flat_map(|class| &class.additional_controls)
        .map(|control| control.value.as_str())
        .collect();
    let unmet: Vec<&str> = demanded.into_iter().filter(|control| !has(control)).collect();
    match unmet.is_empty() {
        true => String::new(),
        false => format!("; until then, nothing runs {} for it", quoted(unmet)),
    }
}
