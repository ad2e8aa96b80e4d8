//! `compensation-disabled`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "compensation-disabled",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds sagas that name compensations while `compensations_enabled` is `false`.",
        why: "They are neither granted nor run: what a saga did before a step that fails stays done.",
        fix: "Set `compensations_enabled: true`, or remove the compensations.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for flow in input.model.flows.values() {
        let Some(switch) = flow.compensations_enabled.as_ref().filter(|switch| !switch.value) else { continue };
        if let Some((_, call)) = flow.calls().find(|(_, call)| call.compensation) {
            report.push(
                Diagnostic::new(
                    &CHECK.rule,
                    switch.loc,
                    format!("the compensations of `{}` are switched off: they are neither granted nor run", flow.id),
                )
                .label(call.tool.loc, "the first of them")
                .fix(Fix::value(switch.loc, "true")),
            );
        }
    }
}
