//! `unknown-step`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-step",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds steps that depend on a step which their flow does not have.",
        why: "The step waits for something that never happens, and everything behind it waits too.",
        fix: "Correct the name in `depends_on`, or add the step.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.names_known(&["workflow_definition", "saga_definition", "event_driven_config"]) {
        return;
    }
    for flow in input.model.flows.values().filter(|flow| flow.has_dependencies()) {
        let names: BTreeSet<&str> = flow.steps.iter().map(|step| step.name.value.as_str()).collect();
        for step in &flow.steps {
            for other in step.depends_on.iter().filter(|other| !names.contains(other.value.as_str())) {
                let message = format!("step `{}` depends on `{other}`, which `{}` does not have", step.name, flow.id);
                let siblings = names.iter().copied().filter(|name| *name != step.name.value);
                report.push(
                    Diagnostic::new(&CHECK.rule, other.loc, message)
                        .label(flow.id.loc, format!("`{}`", flow.id))
                        .suggest(&other.value, input.nearest(&other.value, siblings)),
                );
            }
        }
    }
}
