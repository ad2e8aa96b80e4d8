//! `unreachable-step`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::flow::Flow;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unreachable-step",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds steps that can never run because they wait, through others, for a step that can never start: one that \
               waits for itself, for a cycle, or for a step that does not exist. One finding a flow.",
        why: "The work of these steps is never done, and neither is that of whatever relies on them.",
        fix: "Mend the step that the message names; it has a finding of its own.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for flow in input.model.flows.values().filter(|flow| flow.has_dependencies()) {
        report.extend(finding(flow));
    }
}

fn finding(flow: &Flow) -> Option<Diagnostic> {
    let graph = flow.graph();
    let stuck: BTreeSet<usize> = graph.knots().into_iter().flatten().chain(graph.never_start()).collect();
    if stuck.is_empty() {
        return None;
    }
    let behind: Vec<_> = graph.behind(stuck.iter().copied()).difference(&stuck).copied().collect();
    let step = |at: &usize| flow.steps.get(*at);
    let first = behind.first().and_then(step)?;
    let root =
        stuck.iter().find(|root| graph.behind([**root]).contains(behind.first().unwrap_or(root))).and_then(step)?;
    let all = quoted(behind.iter().filter_map(step).map(|step| step.name.value.as_str()));
    Some(
        Diagnostic::new(
            &CHECK.rule,
            first.name.loc,
            format!("{all} can never run, because `{}` can never start", root.name),
        )
        .label(root.name.loc, "it can never start")
        .labels(behind.iter().skip(1).filter_map(step).map(|step| (step.name.loc, "nor can this one run".to_owned()))),
    )
}
