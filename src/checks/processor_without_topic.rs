//! `processor-without-topic`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "processor-without-topic",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds event processors that subscribe to no topic.",
        why: "No event reaches them, so they never run, yet they are granted their tools.",
        fix: "Name the topics under `subscribes_to`, or remove the processor.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for flow in input.model.flows.values() {
        if flow.id.value.kind == FlowKind::Processor && flow.subscribes_to.is_empty() {
            report.push(Diagnostic::new(&CHECK.rule, flow.id.loc, format!("`{}` subscribes to no topic", flow.id)));
        }
    }
}
