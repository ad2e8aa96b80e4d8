//! `unknown-scenario-step`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-scenario-step",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds test scenarios with steps that no workflow, saga or event processor has; one finding for a scenario of \
               which no step is known.",
        why: "The scenario cannot run what it names, so it tests something else than the flows that are declared here.",
        fix: "Use the names of the steps that the scenario runs through.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["workflow_definition", "saga_definition", "event_driven_config"]) {
        return;
    }
    if model.integration_tests.is_empty() {
        return;
    }
    let known: BTreeSet<&str> =
        model.flows.values().flat_map(|flow| &flow.steps).map(|step| step.name.value.as_str()).collect();
    for scenario in model.integration_tests.values().flat_map(|tests| &tests.scenarios) {
        let is_unknown = |step: &&Spanned<String>| !known.contains(step.value.as_str());
        let unknown: Vec<_> = scenario.steps.iter().filter(is_unknown).collect();
        let Some((first, others)) = unknown.split_first() else { continue };
        if unknown.len() == scenario.steps.len() && !others.is_empty() {
            let names = quoted(unknown.iter().map(|step| step.value.as_str()));
            report.push(
                Diagnostic::new(&CHECK.rule, first.loc, format!("no flow has the steps {names}"))
                    .label(scenario.name.loc, format!("no step of scenario `{}` is known", scenario.name))
                    .suggest(&first.value, input.nearest(&first.value, known.iter().copied())),
            );
            continue;
        }
        for step in unknown {
            report.push(
                Diagnostic::new(&CHECK.rule, step.loc, format!("no flow has a step `{step}`"))
                    .label(scenario.name.loc, format!("scenario `{}`", scenario.name))
                    .suggest(&step.value, input.nearest(&step.value, known.iter().copied())),
            );
        }
    }
}
