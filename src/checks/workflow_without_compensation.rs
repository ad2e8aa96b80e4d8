//! `workflow-without-compensation`.

use super::saga_without_compensation::changes_nothing;
use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::flow::Flow;
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "workflow-without-compensation",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds workflows without any compensation in which a step that changes something can be done when another one \
               fails, while `orchestration` says `failure_handling: compensating_transactions`.",
        why: "When a step fails, the steps before it are to be undone, and nothing says how: accounts stay created, tenants \
              stay set up.",
        fix: "Name the tools that undo a step under its `compensation`, write the workflow as a `saga_definition`, or choose \
              another `failure_handling`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["orchestration", "mcp_registry"]) {
        return;
    }
    for flow in model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Workflow) {
        let rules = Model::in_scope(&model.orchestration, &Some(flow.unit.value.clone()));
        let handling = rules.and_then(|rules| rules.failure_handling.as_ref());
        let Some(handling) = handling.filter(|handling| handling.value == "compensating_transactions") else {
            continue;
        };
        if leaves_changes(model, flow) && !flow.calls().any(|(_, call)| call.compensation) {
            report.push(
                Diagnostic::new(&CHECK.rule, flow.id.loc, format!("`{}` has no compensation for any step", flow.id))
                    .label(handling.loc, "failures are to be handled by compensating transactions")
                    .help("name the tools that undo each step under `compensation`"),
            );
        }
    }
}

/// Whether a step that changes something can be done when another one fails: another one can come after it, or beside it.
fn leaves_changes(model: &Model, flow: &Flow) -> bool {
    let changing = flow.steps.iter().enumerate().filter(|(_, step)| !changes_nothing(model, step));
    let changing: Vec<usize> = changing.map(|(at, _)| at).take(2).collect();
    match changing.as_slice() {
        [] => false,
        [only] => flow.graph().before(*only).len() < flow.steps.len(),
        _ => true,
    }
}
