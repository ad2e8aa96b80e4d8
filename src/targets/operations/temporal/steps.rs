//! The plan of one flow, by what the model says of it, of its servers, and of how flows are run.

use std::collections::{BTreeMap, BTreeSet};

use super::batching;
use super::plan::{
    Breaker, Call, Condition, Identity, InDoubt, Issuer, OnFailure, Per, Plan, Retry, Routes, Server, Step, Taken,
    WhenOpen,
};
use crate::model::Model;
use crate::model::access::CallerKind;
use crate::model::flow::handover::{self, ResultField};
use crate::model::flow::{self, Flow, Orchestration};
use crate::model::name::{FlowKind, ServerName};
use crate::model::quantity::Duration;
use crate::model::url::canonical;
use crate::model::vocabulary::{Backoff, FailureHandling};
use crate::targets::CompileError;

/// The version of the format of plans.
const VERSION: u32 = 1;

/// The pause before the second attempt: Temporal's own default.
const FIRST_PAUSE: u64 = 1_000;

/// How many times the first pause the longest one is: Temporal's own default.
const GROWTH: u64 = 100;

/// Attempts of a compensation: with growing pauses, more than five minutes.
const UNDOING: u32 = 10;

/// How long a call may take where the workspace does not say, in milliseconds.
const CALL: Duration = Duration(30_000);

/// What an attempt may take beyond its call, in milliseconds: a token, a connection, the report to Temporal.
const AROUND: u64 = 5_000;

/// After how many milliseconds without a heartbeat a worker counts as lost.
const HEARTBEAT: u64 = 10_000;

/// The plan of a flow.
///
/// # Errors
/// Where a call leads to no server.
pub(super) fn plan(
    model: &Model,
    flow: &Flow,
    rules: &Orchestration,
    subject: Option<&str>,
) -> Result<Plan, CompileError> {
    let steps = flow.steps.iter().enumerate().map(|(at, step)| self::step(model, flow, at, step));
    let steps = steps.collect::<Result<Vec<Step>, CompileError>>()?;
    let undoes = steps.iter().any(|step| !step.compensations.is_empty());
    Ok(Plan {
        version: VERSION,
        flow: flow.id.to_string(),
        identity: identity(model, flow, subject),
        on_failure: on_failure(flow, rules, undoes),
        retry: retry(rules),
        compensation_retry: growing(UNDOING),
        batching: batching::of(model, flow),
        servers: servers(model, flow),
        steps,
    })
}

fn identity(model: &Model, flow: &Flow, subject: Option<&str>) -> Identity {
    let declared = model.identity.iter().flat_map(|identity| &identity.issuers);
    let speaking = declared.filter(|issuer| issuer.may_speak_for(CallerKind::Flows, Some(&flow.unit.value)));
    let issuers = speaking
        .map(|issuer| Issuer { issuer: issuer.issuer.value.clone(), audience_per_server: issuer.per_server.is_some() });
    Identity { subject: subject.map(str::to_owned), issuers: issuers.collect() }
}

/// A saga undoes what it did unless it says otherwise; for a workflow `failure_handling` decides.
fn on_failure(flow: &Flow, rules: &Orchestration, undoes: bool) -> OnFailure {
    let by_itself = match flow.id.value.kind {
        FlowKind::Saga => true,
        FlowKind::Workflow | FlowKind::Processor => rules.failure_handling.is_none(),
    };
    if undoes && by_itself {
        return OnFailure::Compensate;
    }
    let switched_off = flow.compensations_enabled.as_ref().is_some_and(|switch| !switch.value);
    match rules.failure_handling.as_ref().map(|handling| handling.value) {
        Some(FailureHandling::CompensatingTransactions) if !switched_off => OnFailure::Compensate,
        Some(FailureHandling::CompensatingTransactions | FailureHandling::Abort) | None => OnFailure::Stop,
        Some(FailureHandling::Continue) => OnFailure::Continue,
        Some(FailureHandling::ManualIntervention) => OnFailure::Wait,
    }
}

/// How calls are tried again. Where nothing is written, a call is tried once.
fn retry(rules: &Orchestration) -> Retry {
    let attempts = rules.max_attempts.as_ref().map_or(1, |attempts| attempts.value.0);
    match rules.backoff.as_ref().map(|backoff| backoff.value) {
        Some(Backoff::Fixed) => Retry {
            maximum_attempts: attempts,
            initial_interval_ms: FIRST_PAUSE,
            backoff_coefficient: 1,
            maximum_interval_ms: FIRST_PAUSE,
        },
        // Temporal cannot let pauses grow by an amount, and a check says so.
        Some(Backoff::Exponential | Backoff::Linear) | None => growing(attempts),
    }
}

fn growing(attempts: u32) -> Retry {
    Retry {
        maximum_attempts: attempts,
        initial_interval_ms: FIRST_PAUSE,
        backoff_coefficient: 2,
        maximum_interval_ms: FIRST_PAUSE * GROWTH,
    }
}

/// The servers that a flow calls.
fn servers(model: &Model, flow: &Flow) -> BTreeMap<String, Server> {
    let called = flow.calls().filter(|(_, call)| flow.makes(call)).filter_map(|(_, call)| call.server.as_ref());
    called.map(|name| (name.to_string(), server(model, name))).collect()
}

/// Where the central gateway serves a server; `None` where the workspace does not say, or no gateway could lead to it.
pub(super) fn url(model: &Model, name: &ServerName) -> Option<String> {
    let gateway = model.topology.central_gateway.as_ref()?;
    model.servers.get(name)?.url.as_ref()?;
    Some(format!("{}/{name}/mcp", canonical(&gateway.value)))
}

fn server(model: &Model, name: &ServerName) -> Server {
    let unit = model.servers.get(name).and_then(|server| server.unit.as_ref()).map(|unit| unit.value.clone());
    let breaker = Model::in_scope(&model.breaker, &unit);
    let call = breaker.and_then(|breaker| breaker.timeout.as_ref()).map_or(CALL, |timeout| timeout.value).0;
    Server {
        url: url(model, name),
        call_timeout_ms: call,
        start_to_close_ms: call.saturating_add(AROUND),
        heartbeat_ms: HEARTBEAT,
        breaker: breaker.and_then(|breaker| {
            Some(Breaker {
                failure_threshold: breaker.opens_after()?,
                open_ms: breaker.open_for().0,
                half_open_calls: breaker.half_open_max_calls.as_ref().map_or(1, |calls| calls.value),
                per: breaker.isolates().then_some(Per::Flow),
                when_open: breaker.fails_fast().then_some(WhenOpen::Fail),
            })
        }),
    }
}

fn step(model: &Model, flow: &Flow, at: usize, step: &flow::Step) -> Result<Step, CompileError> {
    let calls = |undoes: bool| -> Result<Vec<Call>, CompileError> {
        let made = step.calls.iter().filter(|call| call.compensation == undoes && flow.makes(call));
        made.filter(|call| !call.is_alternative())
            .enumerate()
            .map(|(number, call)| self::call(model, flow, (at, step), number, call))
            .collect()
    };
    let (done, undone) = (calls(false)?, calls(true)?);
    let condition = |condition: &handover::Condition| -> Result<Condition, CompileError> {
        let (call, field) = result(flow, (at, false), &condition.of)?;
        Ok(Condition { call, field, equals: condition.equals.value.to_json() })
    };
    Ok(Step {
        id: step.name.value.clone(),
        depends_on: depends_on(flow, at, step),
        optional: step.optional.as_ref().is_some_and(|optional| optional.value),
        proceed_if: step.proceed_if.as_ref().map(condition).transpose()?,
        calls: done,
        compensations: undone,
    })
}

/// The key of the call that a field is of, and the name of the field.
///
/// # Errors
/// Where no such call is done by then; the check `unknown-result` says so before.
fn result(flow: &Flow, (at, undoes): (usize, bool), of: &ResultField) -> Result<(String, String), CompileError> {
    match flow.source(at, undoes, of) {
        Ok((step, call)) => {
            let step = flow.steps.get(step).map(|step| step.name.value.as_str()).unwrap_or_default();
            Ok((key(step, false, call), of.field.value.clone()))
        }
        Err(_) => Err(CompileError::Refused(format!("no call before has the result `{}` of `{}`", of.field, of.step))),
    }
}

/// What names a call within a run.
fn key(step: &str, undoes: bool, number: usize) -> String {
    format!("{step}/{}{}", if undoes { "undo-" } else { "" }, number + 1)
}

/// The arguments that a call takes from results. What undoes the only call of a step takes those of that call, unless it is given
/// some itself.
fn takes(
    flow: &Flow,
    (at, step): (usize, &flow::Step),
    call: &flow::Call,
    of: &[String],
) -> Result<Vec<Taken>, CompileError> {
    let by = |tool: &str| -> Vec<_> {
        step.takes.iter().filter(|taken| step.taker(taken).is_some_and(|taker| taker.as_str() == tool)).collect()
    };
    let given = of.iter().map(|tool| by(tool)).find(|given| !given.is_empty()).unwrap_or_default();
    let taken = given.into_iter().map(|taken| {
        let (source, field) = result(flow, (at, call.compensation), &taken.from)?;
        Ok(Taken { argument: taken.argument.value.clone(), call: source, field })
    });
    taken.collect()
}

/// The fields of the result of a call that anything of the flow takes, each once, in order.
fn results(flow: &Flow, at: usize, number: usize) -> Vec<String> {
    let mut fields = BTreeSet::new();
    for (to, step) in flow.steps.iter().enumerate() {
        let conditions = step.proceed_if.iter().map(|condition| &condition.of);
        for field in conditions.chain(step.takes.iter().map(|taken| &taken.from)) {
            // What undoes a step knows all that the step knows.
            if flow.source(to, true, field) == Ok((at, number)) {
                fields.insert(field.field.value.clone());
            }
        }
    }
    fields.into_iter().collect()
}

/// The steps that a step waits for. A saga is a sequence; what a workflow says nothing about may run at once.
fn depends_on(flow: &Flow, at: usize, step: &flow::Step) -> Vec<String> {
    match flow.id.value.kind {
        FlowKind::Saga => {
            let before = at.checked_sub(1).and_then(|before| flow.steps.get(before));
            before.map(|before| before.name.value.clone()).into_iter().collect()
        }
        FlowKind::Workflow | FlowKind::Processor => {
            let mut names: Vec<String> = Vec::new();
            for on in &step.depends_on {
                if !names.contains(&on.value) {
                    names.push(on.value.clone());
                }
            }
            names
        }
    }
}

fn call(
    model: &Model,
    flow: &Flow,
    (at, step): (usize, &flow::Step),
    number: usize,
    call: &flow::Call,
) -> Result<Call, CompileError> {
    let Some(server) = &call.server else {
        let message = format!("step `{}` calls `{}`, and no server is known that has it", step.name, call.tool);
        return Err(CompileError::Refused(message));
    };
    let mut doing = step.doing();
    // One call is undone by one compensation, so that both are about the same thing.
    let undone = match (call.compensation, doing.next(), doing.next()) {
        (true, Some(only), None) if only.value != call.tool.value => Some(only.to_string()),
        _ => None,
    };
    let routes = routes(step, call);
    let names = routes.iter().flat_map(|routes| routes.servers.values()).map(String::as_str).chain([server.as_str()]);
    let tools = names.filter_map(|name| model.servers.get(name)?.tools.get(&call.tool.value));
    let once = tools.filter_map(|tool| tool.idempotent.as_ref()).any(|flag| !flag.value);
    let arguments_of: Vec<String> = std::iter::once(call.tool.to_string()).chain(undone).collect();
    Ok(Call {
        server: routes.is_none().then(|| server.to_string()),
        routes,
        tool: call.tool.to_string(),
        key: key(&step.name.value, call.compensation, number),
        takes: takes(flow, (at, step), call, &arguments_of)?,
        arguments_of,
        results: if call.compensation { Vec::new() } else { results(flow, at, number) },
        in_doubt: if once { InDoubt::Fail } else { InDoubt::Repeat },
    })
}

/// By what a call goes to one of several servers: it, and those beside it of which one is made.
fn routes(step: &flow::Step, call: &flow::Call) -> Option<Routes> {
    let argument = call.routed.as_ref()?.argument.clone();
    let beside = step
        .calls
        .iter()
        .filter(|other| (other.compensation, &other.tool.value) == (call.compensation, &call.tool.value));
    let servers = beside
        .filter_map(|call| Some((call.routed.as_ref()?, call.server.as_ref()?)))
        .flat_map(|(routed, server)| routed.classes.iter().map(|class| (class.clone(), server.to_string())));
    Some(Routes { argument, servers: servers.collect() })
}
