//! `workflow-without-compensation`.

use super::saga_without_compensation::changes_nothing;
use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "workflow-without-compensation",
        severity: Severity::Warning,
        what: "Finds workflows of several steps that change something and name no compensation, while `orchestration` says \
               `failure_handling: compensating_transactions`.",
        why: "When a step fails, the steps before it are to be undone, and nothing says how: accounts stay created, tenants \
              stay set up.",
        fix: "Name the tools that undo a step under its `compensation`, write the workflow as a `saga_definition`, or choose \
              another `failure_handling`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["orchestration"]) {
        return;
    }
    for flow in model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Workflow) {
        let rules = Model::in_scope(&model.orchestration, &Some(flow.unit.value.clone()));
        let handling = rules.and_then(|rules| rules.failure_handling.as_ref());
        let Some(handling) = handling.filter(|handling| handling.value == "compensating_transactions") else {
            continue;
        };
        let changing = flow.steps.iter().filter(|step| !changes_nothing(model, step)).count();
        if flow.steps.len() > 1 && changing > 0 && !flow.calls().any(|(_, call)| call.compensation) {
            report.push(
                Diagnostic::new(&CHECK.rule, flow.id.loc, format!("`{}` has no compensation for any step", flow.id))
                    .label(handling.loc, "failures are to be handled by compensating transactions")
                    .help("name the tools that undo each step under `compensation`"),
            );
        }
    }
}
