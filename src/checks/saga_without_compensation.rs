//! `saga-without-compensation`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, upgrade};
use crate::model::Model;
use crate::model::flow::Step;
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "saga-without-compensation",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds steps without a `compensation` in sagas with `compensations_enabled: true`, and in sagas of several steps \
               without the switch: compensations run unless it is `false`. A step whose action the registry annotates as \
               read-only needs none.",
        why: "When a later step fails, what this one did stays done.",
        fix: "Name the tool that undoes the step under `compensation`; or write `compensations_enabled: false`, and what is done \
              stays done.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["mcp_registry"]) {
        return;
    }
    for flow in model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Saga) {
        // Of a single step nothing is left behind, unless the switch promises more.
        let promised = flow.compensations_enabled.as_ref().map_or(flow.steps.len() > 1, |switch| switch.value);
        if !promised {
            continue;
        }
        for step in flow.steps.iter().filter(|step| !step.calls.iter().any(|call| call.compensation)) {
            if !changes_nothing(model, step) {
                let finding =
                    Diagnostic::new(&CHECK.rule, step.name.loc, format!("step `{}` has no compensation", step.name));
                report.push(match &flow.compensations_enabled {
                    Some(switch) => finding.label(switch.loc, format!("`{}` promises them", flow.id)),
                    None => finding
                        .label(flow.id.loc, format!("`{}` does not switch compensations off", flow.id))
                        .help("name the tool that undoes the step under `compensation`")
                        .upgrade(&upgrade::SAGA_WITHOUT_SWITCH),
                });
            }
        }
    }
}

/// Whether the registry says of every tool of the step that it only reads.
pub(super) fn changes_nothing(model: &Model, step: &Step) -> bool {
    step.calls.iter().all(|call| {
        let server = call.server.as_ref().and_then(|name| model.servers.get(name));
        let tool = server.and_then(|server| server.tools.get(&call.tool.value));
        tool.and_then(|tool| tool.read_only.as_ref()).is_some_and(|flag| flag.value)
    })
}
