//! The flows that the model has for Temporal.

use std::collections::{BTreeMap, BTreeSet};

use super::{Call, Flow, Server, Step, To};
use crate::model::flow::handover::{ResultField, Taken};
use crate::model::flow::{self, Orchestration};
use crate::model::name::{FlowKind, ServerName};
use crate::model::quantity::{Attempts, Duration};
use crate::model::url::canonical;
use crate::model::vocabulary::{Backoff, Engine, FailureHandling, Fallback, UpstreamFailures};
use crate::model::{Model, access::CallerKind};

/// Each flow that Temporal runs, by kind and name.
pub(super) fn flows(model: &Model) -> BTreeMap<String, Flow> {
    let mut found = BTreeMap::new();
    for (id, flow) in &model.flows {
        let off = flow.suspended.is_some()
            || model.topology.units.get(&flow.unit.value).is_some_and(|unit| unit.suspended.is_some());
        let kind = match id.kind {
            FlowKind::Workflow => "workflow",
            FlowKind::Saga => "saga",
            FlowKind::Processor => continue,
        };
        let own = model.orchestration.get(&Some(flow.unit.value.clone()));
        let Some(rules) = own.or_else(|| model.orchestration.get(&None)) else { continue };
        if off || rules.engine.as_ref().map(|engine| engine.value) != Some(Engine::Temporal) {
            continue;
        }
        found.insert(format!("{kind}:{}", id.name), expected(model, flow, rules));
    }
    found
}

fn expected(model: &Model, flow: &flow::Flow, rules: &Orchestration) -> Flow {
    let (saga, name) = (flow.id.value.kind == FlowKind::Saga, &flow.id.value.name);
    let identity = model.identity.as_ref();
    let domain = identity.and_then(|identity| identity.trust_domain.as_ref());
    let kind = if saga { "saga" } else { "workflow" };
    let subject = match (&flow.subject, domain) {
        (Some(subject), _) => Some(subject.value.clone()),
        (None, domain) => domain.map(|domain| format!("spiffe://{}/mcp/{kind}/{name}", domain.value)),
    };
    let issuers = identity.map(|identity| identity.issuers.as_slice()).unwrap_or_default();
    let issuers = issuers.iter().filter(|issuer| issuer.may_speak_for(CallerKind::Flows, Some(&flow.unit.value)));
    let mut steps = Vec::new();
    let mut servers: BTreeSet<&ServerName> = BTreeSet::new();
    for (at, step) in flow.steps.iter().enumerate() {
        let depends_on = if saga {
            steps.last().map(|before: &Step| vec![before.name.clone()]).unwrap_or_default()
        } else {
            let mut seen = BTreeSet::new();
            step.depends_on.iter().map(|on| on.value.clone()).filter(|on| seen.insert(on.clone())).collect()
        };
        let (actions, undoing): (Vec<_>, Vec<_>) = step.calls.iter().partition(|call| !call.compensation);
        let switched_off = flow.compensations_enabled.as_ref().is_some_and(|switch| !switch.value);
        let undoing = if switched_off { Vec::new() } else { undoing };
        servers.extend(actions.iter().chain(&undoing).filter_map(|call| call.server.as_ref()));
        // Of calls to several servers by class, one is made.
        let single = |calls: Vec<_>| -> Vec<&flow::Call> {
            calls.into_iter().filter(|call: &&flow::Call| call.routed.as_ref().is_none_or(|by| by.first)).collect()
        };
        let (actions, undoing) = (single(actions), single(undoing));
        let mut calls: Vec<Call> =
            actions.iter().chain(&undoing).map(|call| expected_call(model, step, call, &actions)).collect();
        debug_assert_eq!(steps.len(), at);
        hand_on(flow, step, &mut calls);
        let condition = step.proceed_if.as_ref().map(|condition| {
            (source(flow, &condition.of), condition.of.field.value.clone(), condition.equals.value.to_json())
        });
        let optional = step.optional.as_ref().is_some_and(|optional| optional.value);
        steps.push(Step { name: step.name.value.clone(), depends_on, optional, condition, calls });
    }
    let undoes = steps.iter().any(|step| step.calls.iter().any(|call| call.compensation));
    Flow {
        subject,
        issuers: issuers.map(|issuer| (issuer.issuer.value.clone(), issuer.per_server.is_some())).collect(),
        handling: handling(flow, rules, undoes),
        attempts: rules.max_attempts.as_ref().map_or(Attempts(1), |attempts| attempts.value),
        backoff: rules.backoff.as_ref().map_or(Backoff::Exponential, |backoff| backoff.value),
        batching: super::batching::expected(model, flow),
        servers: servers.into_iter().map(|server| (server.to_string(), expected_server(model, server))).collect(),
        steps,
    }
}

/// The key of the call that a field is of: steps and tools by their first place in the flow.
fn source(flow: &flow::Flow, of: &ResultField) -> String {
    let step = flow.steps.iter().find(|step| step.name.value == of.step.value);
    let calls = step.into_iter().flat_map(|step| &step.calls).filter(|call| !call.compensation);
    let calls = calls.filter(|call| call.routed.as_ref().is_none_or(|by| by.first));
    let wanted = |call: &flow::Call| of.tool.as_ref().is_none_or(|tool| tool.value == call.tool.value);
    let number = calls.into_iter().position(wanted).map_or(0, |at| at + 1);
    format!("{}/{number}", of.step)
}

/// Gives the calls of a step what they take from results, and notes the fields that others take of theirs.
fn hand_on(flow: &flow::Flow, step: &flow::Step, calls: &mut [Call]) {
    let actions = calls.iter().filter(|call| !call.compensation).count();
    let only = calls.first().filter(|_| actions == 1).map(|call| call.tool.clone());
    let given = |tool: &String| -> Vec<(String, String, String)> {
        let taken = step.takes.iter().filter(|taken| {
            taken.to.as_ref().map(|to| to.value.to_string()).or_else(|| only.clone()).as_ref() == Some(tool)
        });
        let one =
            |taken: &Taken| (taken.argument.value.clone(), source(flow, &taken.from), taken.from.field.value.clone());
        taken.map(one).collect()
    };
    let mut number = 0;
    for call in calls {
        call.takes = call.arguments.iter().map(given).find(|given| !given.is_empty()).unwrap_or_default();
        if call.compensation {
            continue;
        }
        number += 1;
        let key = format!("{}/{number}", step.name);
        let wanted: BTreeSet<&String> = flow
            .steps
            .iter()
            .flat_map(|other| {
                other
                    .proceed_if
                    .iter()
                    .map(|condition| &condition.of)
                    .chain(other.takes.iter().map(|taken| &taken.from))
            })
            .filter(|of| source(flow, of) == key)
            .map(|of| &of.field.value)
            .collect();
        call.results = wanted.into_iter().cloned().collect();
    }
}

fn expected_call(model: &Model, step: &flow::Step, call: &flow::Call, actions: &[&flow::Call]) -> Call {
    let name = |call: &flow::Call| call.server.as_ref().map(ToString::to_string).unwrap_or_default();
    let same = |other: &&flow::Call| other.compensation == call.compensation && other.tool.value == call.tool.value;
    let to = match &call.routed {
        None => To::Server(name(call)),
        Some(by) => {
            let mut servers = BTreeMap::new();
            for other in step.calls.iter().filter(same) {
                for class in other.routed.iter().flat_map(|by| &by.classes) {
                    servers.insert(class.clone(), name(other));
                }
            }
            To::ByClass(by.argument.clone(), servers)
        }
    };
    let repeats = |call: &flow::Call| {
        let server = call.server.as_ref().and_then(|server| model.servers.get(server));
        let tool = server.and_then(|server| server.tools.get(&call.tool.value));
        tool.and_then(|tool| tool.idempotent.as_ref()).is_none_or(|flag| flag.value)
    };
    let mut arguments = vec![call.tool.to_string()];
    if let (true, [action]) = (call.compensation, actions) {
        arguments.push(action.tool.to_string());
        arguments.dedup();
    }
    Call {
        to,
        tool: call.tool.to_string(),
        compensation: call.compensation,
        arguments,
        takes: Vec::new(),
        results: Vec::new(),
        repeated: if call.routed.is_some() { step.calls.iter().filter(same).all(repeats) } else { repeats(call) },
    }
}

/// A saga is undone, unless it says otherwise or there is nothing to undo it with.
fn handling(flow: &flow::Flow, rules: &Orchestration, undoes: bool) -> FailureHandling {
    let declared = rules.failure_handling.as_ref().map(|handling| handling.value);
    let undone = FailureHandling::CompensatingTransactions;
    match (flow.id.value.kind, declared) {
        (FlowKind::Saga, _) | (_, None) if undoes => undone,
        (_, None) => FailureHandling::Abort,
        (_, Some(declared))
            if declared == undone && flow.compensations_enabled.as_ref().is_some_and(|on| !on.value) =>
        {
            FailureHandling::Abort
        }
        (_, Some(declared)) => declared,
    }
}

fn expected_server(model: &Model, name: &ServerName) -> Server {
    let entry = model.servers.get(name);
    let gateway = model.topology.central_gateway.as_ref().filter(|_| entry.is_some_and(|entry| entry.url.is_some()));
    let of_unit =
        entry.and_then(|entry| entry.unit.as_ref()).and_then(|unit| model.breaker.get(&Some(unit.value.clone())));
    let breaker = of_unit.or_else(|| model.breaker.get(&None));
    let opened = breaker.and_then(|breaker| {
        let trials = breaker.half_open_max_calls.as_ref().map(|calls| calls.value).unwrap_or(1);
        let isolates =
            breaker.upstream_failures.as_ref().map(|word| word.value) == Some(UpstreamFailures::IsolateDownstream);
        let mut fails_fast =
            breaker.upstream_failures.as_ref().map(|word| word.value) == Some(UpstreamFailures::FailFast);
        for fallback in breaker.fallback_strategies.iter().rev() {
            match fallback.value {
                Fallback::FailFast => fails_fast = true,
                Fallback::QueueRequests => fails_fast = false,
                Fallback::CachedResponses | Fallback::DegradedMode | Fallback::DefaultResponse => {}
            }
        }
        Some((breaker.opens_after()?, breaker.open_for(), trials, isolates, fails_fast))
    });
    Server {
        url: gateway.map(|gateway| format!("{}/{name}/mcp", canonical(&gateway.value))),
        timeout: breaker.and_then(|breaker| breaker.timeout.as_ref()).map_or(Duration(30_000), |timeout| timeout.value),
        breaker: opened,
    }
}
