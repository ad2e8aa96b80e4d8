//! The plan of a flow: what the worker runs. Its JSON Schema is `schemas/temporal-plan.schema.json`.
//!
//! Times are whole milliseconds. Every default is written out, so that the worker has none of its own.

use std::collections::BTreeMap;

use serde::Serialize;

use super::batching::Batching;

/// What the worker does for one run of a workflow or saga. It is the input of the run, so a run goes on by the plan
/// that it was started with.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Plan {
    /// The version of this format.
    #[cfg_attr(test, schemars(range(min = 1, max = 1)))]
    pub version: u32,
    /// Kind and name of the flow, such as `saga:order_processing_saga`.
    #[cfg_attr(test, schemars(regex(pattern = "^(workflow|saga):.")))]
    pub flow: String,
    /// As whom the flow calls.
    pub identity: Identity,
    /// What happens when all attempts of a call failed. `compensate`: what was done is undone in reverse order, and the
    /// run ends with the outcome `compensating_transaction`. `stop`: the run fails, and what was done stays done.
    /// `continue`: the run goes on without the step. `wait`: the step waits until a person decides.
    pub on_failure: OnFailure,
    /// How calls are tried again.
    pub retry: Retry,
    /// How compensations are tried again.
    pub compensation_retry: Retry,
    /// How items are gathered before their runs are started together; absent where the workspace declares no batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batching: Option<Batching>,
    /// The servers that the steps call, by name.
    #[cfg_attr(test, schemars(extend("minProperties" = 1)))]
    pub servers: BTreeMap<String, Server>,
    /// The steps. A step starts when all that it depends on are done.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub steps: Vec<Step>,
}

/// As whom a flow calls.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Identity {
    /// The subject of its tokens; absent where the workspace says nothing about tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The issuers whose tokens may name it.
    pub issuers: Vec<Issuer>,
}

/// An issuer of tokens.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Issuer {
    /// Its `iss`.
    pub issuer: String,
    /// Whether a token works at one server, whose URL is its audience (RFC 8707).
    pub audience_per_server: bool,
}

/// What happens when all attempts of a call failed: see [`Plan::on_failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFailure {
    Compensate,
    Stop,
    Continue,
    Wait,
}

/// How often and how fast a call is tried again.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Retry {
    /// Attempts in all, the first one included. Temporal takes 0 for no limit, so it is never 0.
    #[cfg_attr(test, schemars(range(min = 1, max = 2_147_483_647)))]
    pub maximum_attempts: u32,
    /// The pause before the second attempt, in milliseconds.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub initial_interval_ms: u64,
    /// By which factor each pause is longer than the one before; 1 for pauses of one length.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub backoff_coefficient: u32,
    /// The longest pause, in milliseconds.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub maximum_interval_ms: u64,
}

/// A server, as the worker calls it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Server {
    /// Where the central gateway serves it; absent where the workspace does not say. The settings of the worker may
    /// name another one.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How long a call may take, in milliseconds.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub call_timeout_ms: u64,
    /// How long an attempt may take with all that the worker does around the call, in milliseconds: Temporal's
    /// start-to-close timeout.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub start_to_close_ms: u64,
    /// After how many milliseconds without a heartbeat an attempt counts as lost with its worker.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub heartbeat_ms: u64,
    /// When the worker stops calling it for a while; absent where the workspace declares no breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
}

/// A circuit breaker. Each worker has its own.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Breaker {
    /// Failures in a row that open it.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub failure_threshold: u32,
    /// How long it stays open, in milliseconds.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub open_ms: u64,
    /// Trial calls that are then let through. It closes when all of them succeeded, and opens when one of them failed.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub half_open_calls: u32,
    /// Whose failures open it: those of one `flow`, which it then cuts off alone. Absent for those of all flows of the worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// What becomes of a call that it holds back: it may `fail` at once. Absent where it is an attempt, and another one follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when_open: Option<WhenOpen>,
}

/// Whose failures open a breaker: see [`Breaker::per`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Per {
    Flow,
}

/// What becomes of a call that is held back: see [`Breaker::when_open`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhenOpen {
    Fail,
}

/// A step.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Step {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub id: String,
    /// The steps that must be done before.
    pub depends_on: Vec<String>,
    /// Whether the run goes on without it when it fails, whatever `onFailure` says. Absent where it does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// What a result before must say. Where it says anything else, the step is not begun, which counts as its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proceed_if: Option<Condition>,
    /// The calls that do it, one after the other.
    pub calls: Vec<Call>,
    /// The calls that undo it, one after the other.
    pub compensations: Vec<Call>,
}

/// What a result must say: see [`Step::proceed_if`].
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Condition {
    /// The key of the call whose result it is.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub call: String,
    /// The field of the result.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub field: String,
    /// What it must be equal to, in value and type.
    #[cfg_attr(test, schemars(schema_with = "scalar"))]
    pub equals: serde_json::Value,
}

#[cfg(test)]
fn scalar(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": ["string", "number", "boolean"]})
}

/// An argument that is a field of a result: see [`Call::takes`].
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Taken {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub argument: String,
    /// The key of the call whose result it is from.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub call: String,
    /// The field of the result.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub field: String,
}

/// By what a call goes to one of several servers: see [`Call::routes`].
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Routes {
    /// The argument that says the class of the data: its name, or the path to it.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub argument: Vec<String>,
    /// The server for data of each class. A call with any other value, or none, is not made, and its step fails.
    #[cfg_attr(test, schemars(extend("minProperties" = 1)))]
    pub servers: BTreeMap<String, String>,
}

/// A call of a tool.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("oneOf" = [{"required": ["server"]}, {"required": ["routes"]}])))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Call {
    /// The server; absent where `routes` say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// By what the call goes to one of several servers; absent where `server` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Routes>,
    /// The tool.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub tool: String,
    /// What names the call within a run. The idempotency key is made of it and of the run.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub key: String,
    /// A run is started with arguments by step and tool. These are the tools of this step whose arguments the call
    /// takes: those of the first that has any.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub arguments_of: Vec<String>,
    /// Arguments that are fields of results before, and are never taken from what the run is started with. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Taken>,
    /// The fields of its own result that other calls and conditions take: the history of the run has these, and no other part of
    /// an answer. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<String>,
    /// What happens when the answer of an attempt is missing. `repeat`: the call is tried again, with the same
    /// idempotency key. `fail`: the step fails, because the registry says that the tool is not idempotent.
    pub in_doubt: InDoubt,
}

/// What happens when the answer to a call is missing: see [`Call::in_doubt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum InDoubt {
    Repeat,
    Fail,
}
