//! `expected-outcome-unsupported`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::assurance::target::InjectedFailure;
use crate::model::flow::Flow;
use crate::model::operations::{Breaker, ResourcePool};
use crate::model::{Model, Scope};
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "expected-outcome-unsupported",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds outcomes that scenarios and chaos experiments expect and that nothing in the workspace can bring about: \
               `circuit_breaker_activation` without a circuit breaker, `graceful_degradation` without `fallback_strategies`, \
               `load_shedding` without a resource pool that holds the server, `compensating_transaction` without a flow that \
               calls the server and has compensations that are switched on.",
        why: "The test cannot pass, or passes for another reason than the one that it names.",
        fix: "Configure what brings the outcome about, or correct the outcome.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let mut judge = |scope: &Scope, expected: &str, at: Loc, server: Option<&str>, broken: Option<Loc>| {
        if let Some(lacking) = lacking(model, scope, expected, server) {
            let finding = Diagnostic::new(&CHECK.rule, at, format!("`{expected}` is expected, and {lacking}"));
            report.push(match broken {
                Some(loc) => finding.label(loc, "what is broken on purpose"),
                None => finding,
            });
        }
    };
    for (scope, tests) in &model.integration_tests {
        for scenario in &tests.scenarios {
            let Some(expected) = &scenario.expected_outcome else { continue };
            let failure = scenario.inject_failure.as_ref();
            let server = failure.and_then(|failure| server_of(model, failure));
            judge(scope, &expected.value, expected.loc, server, failure.map(|failure| failure.loc));
        }
    }
    for (scope, chaos) in &model.chaos {
        for experiment in &chaos.experiments {
            let Some(expected) = &experiment.expected else { continue };
            let server = server_of(model, &experiment.target);
            judge(scope, &expected.value, expected.loc, server, Some(experiment.target.loc));
        }
    }
}

/// The server that a target is, or is a part of.
fn server_of<'a>(model: &'a Model, target: &'a Spanned<String>) -> Option<&'a str> {
    let part = || InjectedFailure::parse(model, &target.value).map(|found| found.server);
    model.server(&target.value).or_else(part).map(|server| server.name.value.as_str())
}

/// What an outcome needs and does not have.
fn lacking(model: &Model, scope: &Scope, expected: &str, server: Option<&str>) -> Option<String> {
    let breaker = || Model::in_scope(&model.breaker, scope);
    match expected {
        "circuit_breaker_activation" if model.complete_for(&["circuit_breaker_config"]) => {
            let breaks = |breaker: &Breaker| breaker.failure_threshold.is_some() || breaker.half_open_timeout.is_some();
            (!breaker().is_some_and(breaks)).then(|| "no circuit breaker is configured".to_owned())
        }
        "graceful_degradation" if model.complete_for(&["circuit_breaker_config"]) => {
            let falls_back = breaker().is_some_and(|breaker| !breaker.fallback_strategies.is_empty());
            (!falls_back).then(|| "no `fallback_strategies` are configured".to_owned())
        }
        "load_shedding" if model.complete_for(&["bulkhead_config"]) => {
            let holds = |pool: &ResourcePool| {
                server.is_none_or(|server| pool.servers.iter().any(|listed| listed.value.as_str() == server))
            };
            let held = model.bulkheads.values().flatten().any(holds);
            let of = server
                .map_or("there is no resource pool".to_owned(), |server| format!("no resource pool holds `{server}`"));
            (!held).then_some(of)
        }
        "compensating_transaction"
            if model.complete_for(&["saga_definition", "workflow_definition", "event_driven_config"]) =>
        {
            let undone = model.flows.values().any(|flow| undoes(flow) && calls(flow, server));
            let of = server.map_or("no flow has compensations that run".to_owned(), |server| {
                format!("no flow that calls `{server}` has compensations that run")
            });
            (!undone).then_some(of)
        }
        _ => None,
    }
}

fn undoes(flow: &Flow) -> bool {
    let on = flow.compensations_enabled.as_ref().is_none_or(|switch| switch.value);
    on && flow.calls().any(|(_, call)| call.compensation)
}

fn calls(flow: &Flow, server: Option<&str>) -> bool {
    let named =
        |server: &str| flow.steps.iter().flat_map(|step| &step.servers).any(|other| other.value.as_str() == server);
    server.is_none_or(named)
}
