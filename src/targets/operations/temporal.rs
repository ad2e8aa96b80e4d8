//! The target `temporal`: a plan for each workflow and saga, and the worker that runs them.

mod batching;
mod coverage;
mod plan;
mod steps;
pub mod waits;
mod worker;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::bundle::Artifact;
use crate::diagnostic::Diagnostic;
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::flow::{Flow, Orchestration};
use crate::model::name::FlowKind;
use crate::model::vocabulary::{Engine, Fallback};
use crate::source::Loc;
use crate::targets::names::{dns_labels, renamed};
use crate::targets::{CompileError, Does, Files, Input, NotExpressed, Proof, Shown, TARGET_LIMIT, Target, TargetId};

/// Most bytes of a step's name: Temporal takes ids of 1000 bytes, and `/undo-NUMBER` ends the id of an activity.
const MOST_OF_NAME: usize = 950;

/// Most bytes of a plan. Temporal's default limit for the input of a run is 2 MiB, and a run has arguments, too.
const MOST_BYTES: usize = 1_500_000;

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Temporal,
    summary: "Plans of workflows and sagas for Temporal, and a worker that runs any of them",
    doc: coverage::DOC,
    covers: coverage::COVERS,
    unexpressed,
    names: |model| running(model).filter_map(|(flow, _)| renamed(&flow.id.to_string())).collect(),
    proof: Proof::Run(Shown {
        by: "a server of Temporal 1.32, and the worker of a bundle with its own packages",
        what: "MCP servers get exactly the calls that the plans declare: tried again, undone in reverse order, after `kill -9` of worker and \
               server, and with late replies; every history replays",
        beyond: "calls through a compiled gateway, tokens of a user, and a cluster of Temporal",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// The workflows and sagas that Temporal runs, with what `orchestration` says of them: those that are not suspended, in
/// a scope whose `engine` is `temporal`.
fn running(model: &Model) -> impl Iterator<Item = (&Flow, &Orchestration)> {
    let flows = model.flows.values().filter(|flow| {
        let unit = model.topology.units.get(&flow.unit.value);
        let suspended = flow.suspended.is_some() || unit.is_some_and(|unit| unit.suspended.is_some());
        flow.id.value.kind != FlowKind::Processor && !suspended
    });
    flows.filter_map(|flow| Some((flow, rules(flow, model).filter(|rules| runs_on_temporal(rules))?)))
}

/// How a flow is run: what its unit's folder says, else what the central configuration says.
fn rules<'m>(flow: &Flow, model: &'m Model) -> Option<&'m Orchestration> {
    Model::in_scope(&model.orchestration, &Some(flow.unit.value.clone()))
}

fn runs_on_temporal(rules: &Orchestration) -> bool {
    rules.engine.as_ref().is_some_and(|engine| engine.value == Engine::Temporal)
}

fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let mut found = Vec::new();
    for fallback in model.breaker.values().flat_map(|breaker| &breaker.fallback_strategies) {
        if fallback.value == Fallback::DefaultResponse {
            let why = "no answer is declared that could be given in the place of the server's; use `degraded_mode`";
            let key = format!("cascading_protection.fallback_strategies[]: {fallback}");
            found.push(NotExpressed { family: FamilyId::CircuitBreaker, key, loc: fallback.loc, why, own: true });
        }
    }
    found.extend(batching::unexpressed(model));
    for engine in model.orchestration.values().filter_map(|rules| rules.engine.as_ref()) {
        if engine.value != Engine::Temporal {
            let why = "the flows run in another engine; they are for it to run, or the engine is `temporal`";
            let key = format!("engine: {engine}");
            found.push(NotExpressed { family: FamilyId::Orchestration, key, loc: engine.loc, why, own: true });
        }
    }
    for flow in model.flows.values().filter(|flow| flow.id.value.kind != FlowKind::Processor) {
        if rules(flow, model).is_none_or(|rules| rules.engine.is_none()) {
            let family = match flow.id.value.kind {
                FlowKind::Saga => FamilyId::Saga,
                FlowKind::Workflow | FlowKind::Processor => FamilyId::Workflow,
            };
            let why = "nothing says which engine runs it; write `engine: temporal` into `orchestration`";
            let key = format!("name: {}", flow.id.value.name);
            found.push(NotExpressed { family, key, loc: flow.id.loc, why, own: true });
        }
    }
    found
}

/// The name of a plan's file, below the folder of the target.
fn path(label: &str) -> String {
    format!("plans/{label}.json")
}

/// The flows that Temporal runs, each with the name of its plan.
///
/// # Errors
/// For two flows whose plans would have one name.
pub(super) fn plans(model: &Model) -> Result<Vec<(&Flow, String)>, CompileError> {
    let ids: Vec<(String, Loc)> = running(model).map(|(flow, _)| (flow.id.to_string(), flow.id.loc)).collect();
    let labels = dns_labels(TargetId::Temporal, ids.iter().map(|(id, loc)| (id.as_str(), *loc)));
    let mut labels = labels.map_err(CompileError::Findings)?;
    Ok(running(model).filter_map(|(flow, _)| Some((flow, labels.remove(flow.id.to_string().as_str())?))).collect())
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let flows: Vec<(&Flow, &Orchestration)> = running(model).collect();
    let plans = plans(model)?;
    let subjects: BTreeMap<String, Option<&str>> = input
        .policy
        .flows(model)
        .filter_map(|row| Some((row.flow.id.to_string(), input.policy.principals.get(row.principal.0 as usize)?)))
        .map(|(id, principal)| (id, principal.subject.as_deref()))
        .collect();
    let long: Vec<Diagnostic> = flows.iter().flat_map(|(flow, _)| too_long(flow)).collect();
    if !long.is_empty() {
        return Err(CompileError::Findings(long));
    }
    let mut files = Files::new();
    for ((flow, rules), (_, label)) in flows.iter().zip(&plans) {
        let id = flow.id.to_string();
        let plan = steps::plan(model, flow, rules, subjects.get(&id).copied().flatten())?;
        let path = path(label);
        let mut bytes = serde_json::to_vec_pretty(&plan)
            .map_err(|cause| CompileError::Refused(format!("`{path}` has no JSON form: {cause}")))?;
        bytes.push(b'\n');
        if bytes.len() > MOST_BYTES {
            let message = format!(
                "the plan of `{id}` has {} bytes, and Temporal takes at most {MOST_BYTES} to start a run",
                bytes.len()
            );
            let fault = Diagnostic::new(&TARGET_LIMIT, flow.id.loc, message).help("split the flow into several");
            return Err(CompileError::Findings(vec![fault]));
        }
        files.push((path, Artifact { bytes, from: places(model, flow, rules) }));
    }
    if !files.is_empty() {
        let places: Vec<Loc> = flows.iter().map(|(flow, _)| flow.id.loc).collect();
        files.extend(worker::files(&places));
    }
    Ok(files)
}

/// Steps whose names leave no room in the ids of activities.
fn too_long(flow: &Flow) -> impl Iterator<Item = Diagnostic> {
    let long = flow.steps.iter().filter(|step| step.name.value.len() > MOST_OF_NAME);
    long.map(|step| {
        let message =
            format!("the name of a step has {} bytes, and Temporal takes {MOST_OF_NAME} of it", step.name.value.len());
        Diagnostic::new(&TARGET_LIMIT, step.name.loc, message).help("shorten the name")
    })
}

/// The places that a plan is made from.
fn places(model: &Model, flow: &Flow, rules: &Orchestration) -> Vec<Loc> {
    let mut from = vec![flow.id.loc, rules.loc];
    from.extend(flow.steps.iter().map(|step| step.name.loc));
    from.extend(Model::in_scope(&model.batch, &Some(flow.unit.value.clone())).map(|batch| batch.loc));
    from.extend(Model::in_scope(&model.breaker, &Some(flow.unit.value.clone())).map(|breaker| breaker.loc));
    from
}
