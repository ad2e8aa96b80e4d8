//! `self-dependency`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "self-dependency",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds steps that depend on themselves.",
        why: "Such a step can never start.",
        fix: "Remove the step's own name from its `depends_on`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for step in input.model.flows.values().flat_map(|flow| &flow.steps) {
        if let Some(own) = step.depends_on.iter().find(|on| on.value == step.name.value) {
            report.push(
                Diagnostic::new(&CHECK.rule, own.loc, format!("step `{}` depends on itself", step.name))
                    .label(step.name.loc, "the step")
                    .fix(Fix::safe("remove the step's own name", vec![Edit::Remove(own.loc)])),
            );
        }
    }
}
