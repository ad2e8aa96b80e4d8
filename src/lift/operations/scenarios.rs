//! Reads the lists of scenarios back: what is tried on which flows, where, and what should come of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::labels;
use crate::model::assurance::target::FAULTS;
use crate::model::assurance::{ServerSet, TestScenario};
use crate::model::flow::Flow;
use crate::model::name::FlowKind;
use crate::model::vocabulary::{Engine, Outcome, TestData};
use crate::model::{Model, Scope};
use crate::policy::Policy;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    version: u32,
    environments: Vec<Environment>,
    addresses: BTreeSet<String>,
    scenarios: Vec<Scenario>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    name: String,
    servers: String,
    only: Option<Vec<String>>,
    data: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    flows: Vec<Run>,
    steps: Vec<String>,
    failure: Option<Failure>,
    expected: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Run {
    flow: String,
    plan: String,
    reads_only: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    server: String,
    fault: String,
}

/// What the bundle has word for word.
const RUNNER: [(&str, &[u8]); 4] = [
    ("inputs.py", include_bytes!("../../targets/operations/scenarios/runner/inputs.py")),
    ("run_scenarios.py", include_bytes!("../../targets/operations/scenarios/runner/run_scenarios.py")),
    ("trials.py", include_bytes!("../../targets/operations/scenarios/runner/trials.py")),
    ("scenarios.schema.json", include_bytes!("../../../schemas/scenarios.schema.json")),
];

/// Checks that the lists have exactly the environments and scenarios of the model.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    for (scope, mut files) in scoped::by_scope(artifacts, "scenarios", model.integration_tests.keys())? {
        let expected = expected(scope, model)?;
        if expected.is_empty() && files.is_empty() {
            continue;
        }
        let path = "scenarios.json";
        let text = scoped::text(path, files.remove(path).ok_or_else(|| LiftError::File(path.to_owned()))?)?;
        let List { version, environments: found, addresses: called, scenarios } = scoped::json(path, text)?;
        if version != 1 || scenarios != expected || found != environments(scope, model) || called != addresses(model) {
            return unexpected("the scenarios are not those of the model");
        }
        if RUNNER.iter().any(|(name, text)| files.remove(*name) != Some(*text)) || !files.is_empty() {
            return unexpected("what runs the scenarios is another program");
        }
    }
    Ok(())
}

/// The scenarios that some flow can go through.
fn expected(scope: &Scope, model: &Model) -> Result<Vec<Scenario>, LiftError> {
    let Some(tests) = model.integration_tests.get(scope) else { return Ok(Vec::new()) };
    let of_scope = |flow: &&Flow| match scope {
        None => true,
        Some(unit) => flow.unit.value == *unit,
    };
    let all: Vec<&Flow> = model.flows.values().filter(|flow| in_temporal(flow, model)).collect();
    let names: Vec<String> = all.iter().map(|flow| flow.id.to_string()).collect();
    let plans: BTreeMap<String, String> = labels(names.iter().map(String::as_str).collect::<Vec<_>>())?
        .into_iter()
        .map(|(label, name)| (name.to_owned(), label))
        .collect();
    let mut found = Vec::new();
    for scenario in &tests.scenarios {
        let (Some(expected), Ok(failure)) = (&scenario.expected_outcome, failure(scenario, model)) else { continue };
        let about = all.iter().copied().filter(of_scope).filter(|flow| {
            let has = |step: &str| flow.steps.iter().any(|known| known.name.value == step);
            let (done, undone): (Vec<_>, Vec<_>) =
                flow.calls().map(|(_, call)| call).partition(|call| !call.compensation);
            let breaks = |failure: &Failure| {
                done.iter().any(|call| call.server.as_ref().is_some_and(|server| server.as_str() == failure.server))
            };
            let may_end_so = expected.value != Outcome::CompensatingTransaction
                || !undone.is_empty() && flow.compensations_enabled.as_ref().is_none_or(|switch| switch.value);
            scenario.steps.iter().all(|step| has(&step.value)) && failure.as_ref().is_none_or(breaks) && may_end_so
        });
        let flows: Vec<Run> = about
            .filter_map(|flow| {
                let id = flow.id.to_string();
                let plan = format!("{}.json", plans.get(&id)?);
                Some(Run { plan, reads_only: reads_only(flow, model), flow: id })
            })
            .collect();
        if !flows.is_empty() {
            let steps = scenario.steps.iter().map(|step| step.value.clone()).collect();
            let (name, expected) = (scenario.name.value.clone(), expected.value.word().to_owned());
            found.push(Scenario { name, flows, steps, failure, expected });
        }
    }
    Ok(found)
}

/// What a scenario breaks: a server, and the fault after the longest name that fits.
fn failure(scenario: &TestScenario, model: &Model) -> Result<Option<Failure>, ()> {
    let Some(text) = &scenario.inject_failure else { return Ok(None) };
    let mut found: Vec<Failure> = Vec::new();
    for server in model.servers.keys().map(|name| name.as_str()) {
        let fault = text.value.strip_prefix(server).and_then(|rest| rest.strip_prefix(['_', '-']));
        found.extend(fault.map(|fault| Failure { server: server.to_owned(), fault: fault.to_owned() }));
    }
    let longest = found.into_iter().max_by_key(|one| one.server.len()).ok_or(())?;
    if FAULTS.contains(&longest.fault.as_str()) { Ok(Some(longest)) } else { Err(()) }
}

fn in_temporal(flow: &Flow, model: &Model) -> bool {
    let unit = Some(flow.unit.value.clone());
    let rules = model.orchestration.get(&unit).or_else(|| model.orchestration.get(&None));
    let engine = rules.and_then(|rules| rules.engine.as_ref()).map(|engine| engine.value);
    let suspended = model.topology.units.get(&flow.unit.value).is_some_and(|unit| unit.suspended.is_some());
    engine == Some(Engine::Temporal)
        && flow.id.value.kind != FlowKind::Processor
        && flow.suspended.is_none()
        && !suspended
}

fn reads_only(flow: &Flow, model: &Model) -> bool {
    let made = flow.calls().map(|(_, call)| call).filter(|call| flow.makes(call));
    made.into_iter().all(|call| {
        let tools = call.server.as_ref().and_then(|server| Some(&model.servers.get(server)?.tools));
        let tool = tools.and_then(|tools| tools.get(&call.tool.value));
        tool.is_some_and(|tool| tool.read_only.as_ref().is_some_and(|flag| flag.value))
    })
}

fn environments(scope: &Scope, model: &Model) -> Vec<Environment> {
    let all = model.integration_tests.get(scope).map(|tests| tests.environments.as_slice()).unwrap_or_default();
    let of = all.iter().map(|environment| Environment {
        name: environment.name.value.clone(),
        servers: match environment.servers.as_ref().map(|servers| &servers.value) {
            None | Some(ServerSet::FullDeployment) => "full_deployment",
            Some(ServerSet::ProductionMirror) => "production_mirror",
            Some(ServerSet::List(_)) => "listed",
        }
        .to_owned(),
        only: match environment.servers.as_ref().map(|servers| &servers.value) {
            Some(ServerSet::List(list)) => Some(list.iter().map(ToString::to_string).collect()),
            None | Some(ServerSet::FullDeployment | ServerSet::ProductionMirror) => None,
        },
        data: environment.data.as_ref().map(|data| {
            let word = match data.value {
                TestData::Synthetic => "synthetic",
                TestData::SanitizedProduction => "sanitized_production",
                TestData::Production => "production",
            };
            word.to_owned()
        }),
    });
    of.collect()
}

fn addresses(model: &Model) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    all.extend(model.topology.central_gateway.iter().map(ToString::to_string));
    all.extend(model.topology.units.values().filter_map(|unit| unit.gateway.as_ref()).map(ToString::to_string));
    all.extend(model.servers.values().filter_map(|server| server.url.as_ref()).map(ToString::to_string));
    all
}

fn unexpected<T>(what: &str) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.to_owned()))
}
