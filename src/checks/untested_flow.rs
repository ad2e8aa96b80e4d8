//! `untested-flow`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::assurance::TestScenario;
use crate::model::assurance::target::InjectedFailure;
use crate::model::flow::Flow;
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "untested-flow",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds workflows and sagas of which no test scenario names a step, or breaks a server that it calls, where there are \
               scenarios at all.",
        why: "Nothing shows that the flow runs to its end, or that it is undone when a step fails.",
        fix: "Add a scenario with the steps of the flow to `integration_tests.test_scenarios`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let scenarios: Vec<&TestScenario> = model.integration_tests.values().flat_map(|tests| &tests.scenarios).collect();
    let Some(first) = scenarios.first() else { return };
    if !model.complete_for(&["integration_tests"]) {
        return;
    }
    let tested: BTreeSet<&str> =
        scenarios.iter().flat_map(|scenario| &scenario.steps).map(|step| step.value.as_str()).collect();
    let steps: BTreeSet<&str> =
        model.flows.values().flat_map(|flow| &flow.steps).map(|step| step.name.value.as_str()).collect();
    // A scenario of unknown steps has a finding of its own, and may be meant for any flow.
    if tested.iter().any(|step| !steps.contains(step)) {
        return;
    }
    let broken: BTreeSet<&str> = scenarios.iter().filter_map(|scenario| broken(model, scenario)).collect();
    for flow in model.flows.values() {
        if flow.id.value.kind == FlowKind::Processor || flow.suspended.is_some() || is_tested(flow, &tested, &broken) {
            continue;
        }
        report.push(
            Diagnostic::new(&CHECK.rule, flow.id.loc, format!("no test scenario runs through `{}`", flow.id))
                .label(first.name.loc, "the first of the scenarios"),
        );
    }
}

/// The server that a scenario without steps breaks.
fn broken<'a>(model: &'a Model, scenario: &'a TestScenario) -> Option<&'a str> {
    let failure = scenario.inject_failure.as_ref().filter(|_| scenario.steps.is_empty())?;
    InjectedFailure::parse(model, &failure.value).map(|found| found.server.name.value.as_str())
}

fn is_tested(flow: &Flow, tested: &BTreeSet<&str>, broken: &BTreeSet<&str>) -> bool {
    flow.steps.iter().any(|step| {
        tested.contains(step.name.value.as_str())
            || step.servers.iter().any(|server| broken.contains(server.value.as_str()))
    })
}
