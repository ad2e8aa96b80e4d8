//! `compensation-never-runs`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::name::FlowKind;
use crate::model::vocabulary::FailureHandling;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "compensation-never-runs",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds workflows that name compensations while `failure_handling` of `orchestration` is `abort` or \
               `continue`. Sagas undo what they did regardless of it.",
        why: "The compensations are granted and never run: what a workflow did before a step that fails stays done.",
        fix: "Write `failure_handling: compensating_transactions`, write the workflow as a `saga_definition`, or remove the compensations.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    for flow in model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Workflow) {
        let rules = Model::in_scope(&model.orchestration, &Some(flow.unit.value.clone()));
        let Some(handling) = rules.and_then(|rules| rules.failure_handling.as_ref()) else { continue };
        if !matches!(handling.value, FailureHandling::Abort | FailureHandling::Continue) {
            continue;
        }
        if let Some((_, call)) = flow.calls().find(|(_, call)| call.compensation) {
            let message = format!("the compensations of `{}` never run: failures are handled by `{handling}`", flow.id);
            report.push(
                Diagnostic::new(&CHECK.rule, call.tool.loc, message)
                    .label(handling.loc, "what happens when a step fails")
                    .help("write `failure_handling: compensating_transactions`, or remove the compensations"),
            );
        }
    }
}
