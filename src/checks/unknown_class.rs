//! `unknown-class`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-class",
        severity: Severity::Error,
        what: "Finds a `cross_unit_max_class` that the centre's `data_routing` does not declare.",
        why: "It names the most sensitive class whose data may cross units. One that does not exist lets no data across.",
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
    let Some(most) = model.topology.cross_unit_max_class.as_ref().filter(|most| !known(&most.value)) else { return };
    let finding = Diagnostic::new(&CHECK.rule, most.loc, format!("no data class `{most}` is declared"));
    let finding = match model.access.data_routing {
        Some(section) => finding.label(section, "the classes are declared here"),
        None => finding,
    };
    report.push(finding.maybe_help(input.did_you_mean(&most.value, names())));
}
