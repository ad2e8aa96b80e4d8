//! The target `scenarios`: the scenarios of integration tests, and the program that runs them by the worker of `temporal`.

pub(crate) mod list;
mod page;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::list::{Environment, Failure, List, Run, Scenario, Servers};
use super::{scopes, temporal};
use crate::bundle::Artifact;
use crate::families::FamilyId;
use crate::model::assurance::target::InjectedFailure;
use crate::model::assurance::{IntegrationTests, ServerSet, TestEnvironment, TestScenario};
use crate::model::flow::Flow;
use crate::model::vocabulary::Outcome;
use crate::model::{Model, Scope};
use crate::source::Loc;
use crate::targets::{CompileError, Covers, Does, Files, Input, NotExpressed, Proof, Shown, Target, TargetId};

/// The version of the format of lists.
const VERSION: u32 = 1;

/// What runs them, word for word.
const RUNNER: [(&str, &str); 4] = [
    ("inputs.py", include_str!("scenarios/runner/inputs.py")),
    ("run_scenarios.py", include_str!("scenarios/runner/run_scenarios.py")),
    ("trials.py", include_str!("scenarios/runner/trials.py")),
    ("scenarios.schema.json", include_str!("../../../schemas/scenarios.schema.json")),
];

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Scenarios,
    summary: "Scenarios of integration tests, and a program that runs them by the worker of `temporal`",
    doc: page::DOC,
    covers: &[Covers::all(FamilyId::IntegrationTests)],
    unexpressed,
    names: |model| scopes::renamed(model.integration_tests.keys()).collect(),
    proof: Proof::Run(Shown {
        by: "the program of a bundle with the worker of the same bundle, a server of Temporal 1.32, and MCP servers",
        what: "scenarios of each outcome pass where it comes about and fail where another one does, the document's own among them; no \
               address of production is called",
        beyond: "servers behind a compiled gateway, and a gateway that refuses calls under load",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// Scenarios that are not run, each with the reason.
fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let left = |(scope, tests): (&Scope, &IntegrationTests)| {
        let reasons = tests.scenarios.iter().filter_map(|scenario| {
            let why = scenario_of(scenario, scope, model).err()?;
            let key = format!("test_scenarios[].name: {}", scenario.name);
            Some(NotExpressed { family: FamilyId::IntegrationTests, key, loc: scenario.name.loc, why, own: true })
        });
        reasons.collect::<Vec<_>>()
    };
    model.integration_tests.iter().flat_map(left).collect()
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let folders = scopes::folders(TargetId::Scenarios, model, model.integration_tests.keys())?;
    let mut files = Files::new();
    for (scope, tests) in &model.integration_tests {
        let Some(folder) = folders.get(scope) else { continue };
        let scenarios: Vec<Scenario> =
            tests.scenarios.iter().filter_map(|scenario| scenario_of(scenario, scope, model).ok()).collect();
        if scenarios.is_empty() {
            continue;
        }
        let from: Vec<Loc> = tests.scenarios.iter().map(|scenario| scenario.name.loc).collect();
        let environments = tests.environments.iter().map(environment).collect();
        let list = List { version: VERSION, environments, addresses: addresses(model), scenarios };
        let mut bytes = serde_json::to_vec_pretty(&list)
            .map_err(|cause| CompileError::Refused(format!("the list of scenarios has no JSON form: {cause}")))?;
        bytes.push(b'\n');
        files.push((format!("{folder}/scenarios.json"), Artifact { bytes, from: from.clone() }));
        for (name, text) in RUNNER {
            let bytes = text.as_bytes().to_vec();
            files.push((format!("{folder}/{name}"), Artifact { bytes, from: from.clone() }));
        }
    }
    Ok(files)
}

/// A scenario with the flows that it is about, or why nothing runs it.
fn scenario_of(scenario: &TestScenario, scope: &Scope, model: &Model) -> Result<Scenario, &'static str> {
    let Some(expected) = &scenario.expected_outcome else {
        return Err("it does not say what should come of it; add `expected_outcome`");
    };
    let failure = match &scenario.inject_failure {
        Some(text) => match InjectedFailure::parse(model, &text.value) {
            Some(found) if found.is_known() => Some(found),
            Some(_) | None => return Err("what it breaks is not a server and a fault"),
        },
        None => None,
    };
    let plans = temporal::plans(model).map_err(|_| "two flows have one name in Temporal")?;
    let running = plans.iter().filter(|(flow, _)| scope.as_ref().is_none_or(|unit| flow.unit.value == *unit));
    let about = running.filter(|(flow, _)| is_about(flow, scenario, failure.as_ref(), expected.value));
    let flows: Vec<Run> = about
        .map(|(flow, label)| Run {
            flow: flow.id.to_string(),
            plan: format!("{label}.json"),
            reads_only: reads_only(flow, model),
        })
        .collect();
    if flows.is_empty() {
        return Err("no flow that runs in Temporal has all its steps, calls what it breaks and can end so");
    }
    Ok(Scenario {
        name: scenario.name.value.clone(),
        flows,
        steps: scenario.steps.iter().map(|step| step.value.clone()).collect(),
        failure: failure
            .map(|found| Failure { server: found.server.name.value.to_string(), fault: found.fault.to_owned() }),
        expected: expected.value.word(),
    })
}

/// Whether a scenario is about a flow: it has all the steps, makes a call of its own to the server that is broken, and, where things
/// are to be undone, undoes something.
fn is_about(flow: &Flow, scenario: &TestScenario, failure: Option<&InjectedFailure<'_>>, expected: Outcome) -> bool {
    let steps: BTreeSet<&str> = flow.steps.iter().map(|step| step.name.value.as_str()).collect();
    let calls = |found: &InjectedFailure<'_>| {
        flow.calls().any(|(_, call)| !call.compensation && call.server.as_ref() == Some(&found.server.name.value))
    };
    let undoes = || flow.calls().any(|(_, call)| call.compensation && flow.makes(call));
    scenario.steps.iter().all(|step| steps.contains(step.value.as_str()))
        && failure.is_none_or(calls)
        && (expected != Outcome::CompensatingTransaction || undoes())
}

fn reads_only(flow: &Flow, model: &Model) -> bool {
    flow.calls().filter(|(_, call)| flow.makes(call)).all(|(_, call)| {
        let server = call.server.as_ref().and_then(|server| model.servers.get(server));
        let tool = server.and_then(|server| server.tools.get(&call.tool.value));
        tool.and_then(|tool| tool.read_only.as_ref()).is_some_and(|flag| flag.value)
    })
}

fn environment(environment: &TestEnvironment) -> Environment {
    let (servers, only) = match environment.servers.as_ref().map(|servers| &servers.value) {
        Some(ServerSet::ProductionMirror) => (Servers::ProductionMirror, None),
        Some(ServerSet::List(list)) => {
            (Servers::Listed, Some(list.iter().map(|server| server.value.to_string()).collect()))
        }
        Some(ServerSet::FullDeployment) | None => (Servers::FullDeployment, None),
    };
    Environment {
        name: environment.name.value.clone(),
        servers,
        only,
        data: environment.data.as_ref().map(|data| data.value.word()),
    }
}

/// Where the workspace says that gateways and servers are.
fn addresses(model: &Model) -> Vec<String> {
    let units = model.topology.units.values().filter_map(|unit| unit.gateway.as_ref()).map(|url| url.value.to_string());
    let servers = model.servers.values().filter_map(|server| server.url.as_ref()).map(|url| url.value.to_string());
    let central = model.topology.central_gateway.as_ref().map(|url| url.value.to_string());
    let all: BTreeSet<String> = units.chain(servers).chain(central).collect();
    all.into_iter().collect()
}
