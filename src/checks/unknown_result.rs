//! `unknown-result`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::flow::handover::{NoSource, ResultField, Taken};
use crate::model::flow::{Flow, Step};
use crate::model::name::{FlowKind, ToolName};
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-result",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds `proceed_if` and `arguments` of steps that take a field from a result that is not there by then: of a step or \
               tool that the flow does not have, or of a step that the other one does not wait for. Finds arguments for a tool that \
               the step does not call, and arguments that are given twice.",
        why: "The step would begin without what it is to begin on, or be refused.",
        fix: "Correct the name of the step or tool. In a workflow, write the step whose result it is into `depends_on`; in a saga, move \
              it before.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.names_known(&["workflow_definition", "saga_definition"]) {
        return;
    }
    for flow in input.model.flows.values() {
        for (at, step) in flow.steps.iter().enumerate() {
            if let Some(condition) = &step.proceed_if {
                report.extend(source(input, flow, at, step, false, &condition.of));
            }
            let mut given: BTreeSet<(Option<&ToolName>, &str)> = BTreeSet::new();
            for taken in &step.takes {
                if let Some(fault) = taker(input, step, taken) {
                    report.push(fault);
                    continue;
                }
                let undoes = taken.to.as_ref().is_some_and(|to| step.undoing().any(|tool| tool.value == to.value));
                report.extend(source(input, flow, at, step, undoes, &taken.from));
                if !given.insert((step.taker(taken), &taken.argument.value)) {
                    let message = format!("step `{}` gives the argument `{}` twice", step.name, taken.argument);
                    report
                        .push(Diagnostic::new(&CHECK.rule, taken.argument.loc, message).help("remove one of the two"));
                }
            }
        }
    }
}

/// What is wrong with the tool that takes an argument.
fn taker(input: &Input<'_>, step: &Step, taken: &Taken) -> Option<Diagnostic> {
    let known: Vec<&str> = step.calls.iter().map(|call| call.tool.value.as_str()).collect();
    match &taken.to {
        Some(to) if known.contains(&to.value.as_str()) => None,
        Some(to) => Some(of_step(input, "it", step, to)),
        None if step.taker(taken).is_some() => None,
        None => {
            let message =
                format!("step `{}` calls several tools, and `{}` is for one of them", step.name, taken.argument);
            let help = format!("write `to:` with one of {}", quoted(known));
            Some(Diagnostic::new(&CHECK.rule, taken.argument.loc, message).help(help))
        }
    }
}

/// A tool that a step does not call.
fn of_step(input: &Input<'_>, who: &str, step: &Step, tool: &Spanned<ToolName>) -> Diagnostic {
    let message = format!("{who} names the tool `{tool}`, which step `{}` does not call", step.name);
    let known = step.calls.iter().map(|call| call.tool.value.as_str());
    Diagnostic::new(&CHECK.rule, tool.loc, message)
        .label(step.name.loc, "the step")
        .suggest(tool.value.as_str(), input.nearest(tool.value.as_str(), known))
}

/// What is wrong with the place that a field comes from.
fn source(
    input: &Input<'_>,
    flow: &Flow,
    at: usize,
    step: &Step,
    undoes: bool,
    field: &ResultField,
) -> Option<Diagnostic> {
    let fault = flow.source(at, undoes, field).err()?;
    let other = flow.steps.iter().find(|other| other.name.value == field.step.value);
    let found = |message: String| {
        Diagnostic::new(&CHECK.rule, field.step.loc, message).label(flow.id.loc, format!("`{}`", flow.id))
    };
    Some(match (fault, other, &field.tool) {
        (NoSource::Later, Some(other), _) if other.name.value == step.name.value => {
            found(format!("step `{}` takes a result of itself", step.name))
                .help("only a compensation knows the result of its own step")
        }
        (NoSource::Later, Some(other), _) => {
            let message = format!("step `{}` takes a result of `{}` and does not wait for it", step.name, other.name);
            let help = match flow.id.value.kind {
                FlowKind::Saga => format!("move `{}` before `{}`", other.name, step.name),
                FlowKind::Workflow | FlowKind::Processor => {
                    format!("add `{}` to `depends_on` of `{}`", other.name, step.name)
                }
            };
            found(message).help(help)
        }
        (NoSource::Tool, Some(other), Some(tool)) => of_step(input, &format!("step `{}`", step.name), other, tool),
        (NoSource::Ambiguous, Some(other), _) => {
            let known = quoted(other.doing().map(|tool| tool.value.as_str()));
            found(format!("step `{}` calls several tools, and each has a result", other.name))
                .help(format!("write `tool:` with one of {known}"))
        }
        (NoSource::Step | NoSource::Later | NoSource::Tool | NoSource::Ambiguous, _, _) => {
            let siblings =
                flow.steps.iter().map(|step| step.name.value.as_str()).filter(|name| *name != step.name.value);
            let message =
                format!("step `{}` takes a result of `{}`, which `{}` does not have", step.name, field.step, flow.id);
            found(message).suggest(&field.step.value, input.nearest(&field.step.value, siblings))
        }
    })
}
