//! `cyclic-workflow`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::flow::Flow;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "cyclic-workflow",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds steps that wait for each other, and shows a whole cycle.",
        why: "None of them can ever start, nor can anything behind them.",
        fix: "Remove one of the dependencies that the message shows.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for flow in input.model.flows.values().filter(|flow| flow.has_dependencies()) {
        let graph = flow.graph();
        for knot in graph.knots() {
            report.extend(finding(flow, &graph.cycle(&knot)));
        }
    }
}

fn finding(flow: &Flow, cycle: &[usize]) -> Option<Diagnostic> {
    const READABLE: usize = 12;
    let name = |at: &usize| flow.steps.get(*at).map(|step| step.name.value.as_str());
    let first = cycle.first().and_then(name)?;
    let mut shown: Vec<String> = cycle.iter().take(READABLE).filter_map(name).map(|name| format!("`{name}`")).collect();
    if cycle.len() > READABLE {
        shown.push(format!("{} more steps", cycle.len() - READABLE));
    }
    let message = format!("steps of `{}` wait for each other: {} → `{first}`", flow.id, shown.join(" → "));
    let waits = cycle.iter().zip(cycle.iter().cycle().skip(1)).filter_map(|(at, next)| {
        let (step, next) = (flow.steps.get(*at)?, name(next)?);
        let on = step.depends_on.iter().find(|on| on.value == next)?;
        Some((on.loc, format!("`{}` waits for `{next}`", step.name)))
    });
    let mut waits: Vec<_> = waits.collect();
    let (loc, _) = waits.first()?.clone();
    Some(Diagnostic::new(&CHECK.rule, loc, message).labels(waits.drain(1..)))
}
