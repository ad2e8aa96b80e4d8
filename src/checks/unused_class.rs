//! `unused-class`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::access::DataClass;
use crate::model::assurance::Never;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unused-class",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds data classes that no server is of and that nothing else names: no `cross_unit_max_class` and no invariant. \
               The most sensitive class is in use as soon as some server is in no class.",
        why: "What such a class asks for (encryption, location, controls, further facts) protects nothing.",
        fix: "List the servers that it was meant for, or remove it; but see that its place counts: without `min_auth_level`, the \
              classes after it then need the next lower level.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let families = ["data_routing", "mcp_registry", "federation_config", "policy_tests"];
    let flows = ["workflow_definition", "saga_definition", "event_driven_config"];
    if model.servers.is_empty() || !model.complete_for(&families) || !model.complete_for(&flows) {
        return;
    }
    let listed = |class: &DataClass| !class.servers.is_empty();
    if model.access.classes.iter().all(listed) {
        return;
    }
    let governing = model.servers.keys().filter_map(|server| input.classes.governing(server.as_str()));
    let mut used: BTreeSet<&str> = governing.map(|(_, class)| class.name.value.as_str()).collect();
    let restated = model.overlays.values().flat_map(|overlay| &overlay.classes);
    used.extend(restated.filter(|class| listed(class)).map(|class| class.name.value.as_str()));
    used.extend(model.topology.cross_unit_max_class.iter().map(|class| class.value.as_str()));
    for invariant in &model.invariants {
        if let Never::Flow { from_class, to_class, .. } = &invariant.never {
            used.extend(std::iter::once(from_class).chain(to_class).map(|class| class.value.as_str()));
        }
    }
    for (rank, class) in model.access.classes.iter().enumerate() {
        if used.contains(class.name.value.as_str()) || listed(class) {
            continue;
        }
        let moves = rank + 1 < model.access.classes.len()
            && model.access.classes.iter().skip(rank + 1).any(|later| later.min_auth_level.is_none());
        let help = moves
            .then(|| "its place still counts: without it, the classes after it need the next lower level".to_owned());
        let message = format!("no server is of class `{}`", class.name);
        let fix = Fix::guess(format!("remove class `{}`", class.name), vec![Edit::RemoveElement(class.name.loc)]);
        report.push(Diagnostic::new(&CHECK.rule, class.name.loc, message).maybe_help(help).fix(fix));
    }
}
