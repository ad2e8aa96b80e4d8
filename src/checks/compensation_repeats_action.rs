//! `compensation-repeats-action`.

use super::saga_without_compensation::changes_nothing;
use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::flow::{Call, Flow};
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "compensation-repeats-action",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds steps of sagas whose compensation is the tool that does the step, and steps of workflows where that tool is \
               annotated as not idempotent. Steps whose tools all are annotated as read-only are left alone, and \
               compensations that are switched off.",
        why: "When a later step fails, the step is done a second time instead of being undone: the card is charged twice.",
        fix: "Name the tool that undoes the step. Where one tool does both, by other arguments, waive the finding.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry"]) {
        return;
    }
    let runs = |flow: &&Flow| flow.compensations_enabled.as_ref().is_none_or(|switch| switch.value);
    for flow in input.model.flows.values().filter(runs) {
        for step in &flow.steps {
            for undo in step.calls.iter().filter(|call| call.compensation) {
                let same = |call: &&Call| !call.compensation && call.tool.value == undo.tool.value;
                let Some(action) = step.calls.iter().find(same) else { continue };
                // In a workflow a tool that sets a value may well set the old one again.
                let certain = flow.id.value.kind == FlowKind::Saga || is_not_idempotent(input.model, undo);
                if changes_nothing(input.model, step) || !certain {
                    continue;
                }
                let message = format!("step `{}` is undone by `{}`, the tool that does it", step.name, undo.tool);
                report.push(
                    Diagnostic::new(&CHECK.rule, undo.tool.loc, message).label(action.tool.loc, "done by it here"),
                );
            }
        }
    }
}

fn is_not_idempotent(model: &Model, call: &Call) -> bool {
    let server = call.server.as_ref().and_then(|name| model.servers.get(name));
    let tool = server.and_then(|server| server.tools.get(&call.tool.value));
    tool.and_then(|tool| tool.idempotent.as_ref()).is_some_and(|flag| !flag.value)
}
