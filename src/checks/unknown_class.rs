//! `unknown-class`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::assurance::Never;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-class",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds a `cross_unit_max_class`, classes of `never_flow` in `policy_tests`, and classes in `review` of \
               `mcpctl.yaml`, that the central `data_routing` does not declare.",
        why: "The first names the most sensitive class whose data may cross units. One that does not exist lets no data \
              across. An invariant about a class that does not exist says nothing, and a limit for one limits nothing.",
        fix: "Use one of the classes of `data_routing.classifications`, or declare this one there.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["data_routing"]) {
        return;
    }
    let names = || model.access.classes.iter().map(|class| class.name.value.as_str());
    let known = |name: &str| names().any(|class| class == name);
    let most = model.topology.cross_unit_max_class.iter().map(|most| (most.value.as_str(), most.loc));
    let of_invariants = model.invariants.iter().flat_map(|invariant| match &invariant.never {
        Never::Flow { from_class, to_class, .. } => [Some(from_class), to_class.as_ref()],
        Never::Call { .. } | Never::Both(..) => [None, None],
    });
    let named = of_invariants.flatten().map(|class| (class.value.as_str(), class.loc));
    let limits = model.gate.classes.iter().map(|(class, most)| (class.as_str(), most.loc));
    for (name, loc) in most.chain(named).chain(limits).filter(|(name, _)| !known(name)) {
        let finding = Diagnostic::new(&CHECK.rule, loc, format!("no data class `{name}` is declared"));
        let finding = match model.access.data_routing {
            Some(section) => finding.label(section, "the classes are declared here"),
            None => finding,
        };
        report.push(finding.suggest(name, input.nearest(name, names())));
    }
}
