//! `contradictory-outcome`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::assurance::TestScenario;
use crate::model::assurance::target::InjectedFailure;
use crate::model::flow::Flow;
use crate::model::{Model, Scope};
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "contradictory-outcome",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds scenarios that expect what cannot come of them: another outcome than `success` where nothing is broken on \
               purpose; `success` or `failure` where a flow that calls the broken server undoes its steps (a server with the faults `delay`, `latency` \
               and `slow` answers late, but in time); \
               `circuit_breaker_activation` where the attempts of a run are fewer than the failures that open the breaker.",
        why: "The scenario fails whatever the systems do, or somebody makes it pass by testing something else.",
        fix: "Correct the outcome, or say what is broken with `inject_failure`.",
    },
    run,
};

/// What has to be known whole before an outcome is said to be impossible.
const NEEDED: [&str; 6] = [
    "mcp_registry",
    "saga_definition",
    "workflow_definition",
    "event_driven_config",
    "circuit_breaker_config",
    "orchestration",
];

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    for (scope, tests) in &model.integration_tests {
        for scenario in &tests.scenarios {
            let Some(expected) = &scenario.expected_outcome else { continue };
            let contradiction = match &scenario.inject_failure {
                None if expected.value == "success" => None,
                None => Some(("nothing is broken on purpose".to_owned(), None)),
                Some(_) if !model.complete_for(&NEEDED) => None,
                Some(failure) => InjectedFailure::parse(model, &failure.value)
                    .and_then(|failure| contradiction(model, scope, (scenario, &expected.value), failure)),
            };
            if let Some((why, at)) = contradiction {
                let message = format!("scenario `{}` expects `{}`, and {why}", scenario.name, expected.value);
                let finding = Diagnostic::new(&CHECK.rule, expected.loc, message);
                report.push(match at {
                    Some(at) => finding.label(at, "this decides"),
                    None => finding,
                });
            }
        }
    }
}

/// What speaks against an outcome where a server is broken, and where that stands.
fn contradiction(
    model: &Model,
    scope: &Scope,
    (scenario, expected): (&TestScenario, &str),
    failure: InjectedFailure<'_>,
) -> Option<(String, Option<Loc>)> {
    let server = &failure.server.name;
    // A scenario that names steps runs a flow that has them all.
    let runs = |flow: &&Flow| {
        let has = |step: &Spanned<String>| flow.steps.iter().any(|other| other.name.value == step.value);
        scenario.steps.iter().all(has)
    };
    let calling = |flow: &&Flow| runs(flow) && calls(flow, server.value.as_str()) > 0;
    match expected {
        // What is late is answered in time, and nothing has to be undone.
        "success" | "failure" if !failure.is_late() => {
            let undone = model.flows.values().filter(calling).find(|flow| undoes(flow))?;
            let why =
                format!("{}, which calls `{server}`, undoes its steps: `compensating_transaction`", undone.id.value);
            Some((why, Some(undone.id.loc)))
        }
        "circuit_breaker_activation" => {
            let threshold = Model::in_scope(&model.breaker, scope)?.failure_threshold.as_ref()?;
            let orchestration = Model::in_scope(&model.orchestration, scope)?;
            let attempts = orchestration.max_attempts.as_ref()?.value.0;
            let most = model.flows.values().filter(calling).map(|flow| calls(flow, server.value.as_str())).max()?;
            let made = most.checked_mul(attempts)?;
            (made < threshold.value).then(|| {
                let why = format!(
                    "a run calls `{server}` {made} times at most, and its breaker opens after {threshold} failures"
                );
                (why, Some(threshold.loc))
            })
        }
        _ => None,
    }
}

/// How many calls of a flow go to a server while nothing is undone.
fn calls(flow: &Flow, server: &str) -> u32 {
    let to = flow.calls().filter(|(_, call)| !call.compensation);
    to.filter(|(_, call)| call.server.as_ref().is_some_and(|name| name.as_str() == server)).fold(0, |sum, _| sum + 1)
}

fn undoes(flow: &Flow) -> bool {
    let on = flow.compensations_enabled.as_ref().is_none_or(|switch| switch.value);
    on && flow.calls().any(|(_, call)| call.compensation)
}
