//! `unknown-class`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-class",
        severity: Severity::Error,
        what: "Finds a `cross_unit_max_class`, or a class in a unit folder, that the centre's `data_routing` does not declare.",
        why: "The classes and their order are the centre's. Data of a class that does not exist crosses units nowhere, and a \
              unit that restates one restates nothing.",
        fix: "Use one of the classes of `data_routing.classifications`, or declare this one there.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["data_routing"]) {
        return;
    }
    let names = || model.access.classes.iter().map(|class| class.name.value.as_str());
    let known = |name: &str| names().any(|class| class == name);
    let of_units = model.overlays.values().flat_map(|rules| &rules.classes).map(|class| class.name.as_ref());
    let of_units = of_units.map(|name| name.map(|name| name.as_str()));
    let most = model.topology.cross_unit_max_class.iter().map(|name| name.as_ref().map(String::as_str));
    for name in most.chain(of_units).filter(|name| !known(name.value)) {
        let finding = Diagnostic::new(&CHECK.rule, name.loc, format!("no data class `{name}` is declared"));
        let finding = match model.access.data_routing {
            Some(section) => finding.label(section, "the centre's classes are declared here"),
            None => finding,
        };
        report.push(finding.maybe_help(input.did_you_mean(name.value, names())));
    }
}
