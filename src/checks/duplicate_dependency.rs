//! `duplicate-dependency`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "duplicate-dependency",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds steps that name the same dependency twice.",
        why: "The second one changes nothing; often another step was meant.",
        fix: "Remove it, or name the step that was meant.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let steps = input.model.flows.values().flat_map(|flow| &flow.steps);
    for step in steps.filter(|step| step.depends_on.len() > 1) {
        let mut seen: BTreeMap<&str, Loc> = BTreeMap::new();
        for on in &step.depends_on {
            if let Some(first) = seen.get(on.value.as_str()) {
                let message = format!("step `{}` depends on `{on}` twice", step.name);
                let fix = Fix::safe(format!("remove the second `{on}`"), vec![Edit::Remove(on.loc)]);
                report.push(Diagnostic::new(&CHECK.rule, on.loc, message).label(*first, "already here").fix(fix));
            } else {
                seen.insert(&on.value, on.loc);
            }
        }
    }
}
