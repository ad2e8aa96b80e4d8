//! Reads the files of the target `temporal` back into flows: their steps, how they are tried again and undone, and the
//! limits of the servers that they call.

mod batching;
mod expected;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use self::batching::{Batching, BatchingFile};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::label;
use crate::lift::operations::scoped;
use crate::model::Model;
use crate::model::quantity::{Attempts, Duration};
use crate::model::vocabulary::{Backoff, FailureHandling};
use crate::policy::Policy;

/// A flow, as Temporal runs it.
#[derive(Debug, PartialEq, Eq)]
struct Flow {
    subject: Option<String>,
    /// The issuers whose tokens may name it, each with whether its tokens work at one server.
    issuers: Vec<(String, bool)>,
    handling: FailureHandling,
    attempts: Attempts,
    backoff: Backoff,
    batching: Option<Batching>,
    servers: BTreeMap<String, Server>,
    steps: Vec<Step>,
}

/// A server, as a flow calls it.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    url: Option<String>,
    timeout: Duration,
    breaker: Option<Circuit>,
}

/// Failures in a row that open a circuit, how long it is open, and trial calls; whether each flow has its own, and whether what is
/// held back fails at once.
type Circuit = (u32, Duration, u32, bool, bool);

/// A step.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    name: String,
    depends_on: Vec<String>,
    optional: bool,
    /// The call and the field that it looks at, and what that must be.
    condition: Option<(String, String, Value)>,
    calls: Vec<Call>,
}

/// A call of a step.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    to: To,
    tool: String,
    compensation: bool,
    /// The tools whose arguments it takes.
    arguments: Vec<String>,
    /// Arguments that are fields of results: each with the key of the call and the field.
    takes: Vec<(String, String, String)>,
    /// The fields of its own result that are kept.
    results: Vec<String>,
    /// Whether it is tried again when nobody knows whether it did anything.
    repeated: bool,
}

/// Where a call goes.
#[derive(Debug, PartialEq, Eq)]
enum To {
    Server(String),
    /// By the class that the argument at this path says.
    ByClass(Vec<String>, BTreeMap<String, String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlanFile {
    version: u32,
    flow: String,
    identity: IdentityFile,
    on_failure: String,
    retry: RetryFile,
    compensation_retry: RetryFile,
    batching: Option<BatchingFile>,
    servers: BTreeMap<String, ServerFile>,
    steps: Vec<StepFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IdentityFile {
    subject: Option<String>,
    issuers: Vec<IssuerFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IssuerFile {
    issuer: String,
    audience_per_server: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RetryFile {
    maximum_attempts: u32,
    initial_interval_ms: u64,
    backoff_coefficient: u64,
    maximum_interval_ms: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServerFile {
    url: Option<String>,
    call_timeout_ms: u64,
    start_to_close_ms: u64,
    heartbeat_ms: u64,
    breaker: Option<BreakerFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BreakerFile {
    failure_threshold: u32,
    open_ms: u64,
    half_open_calls: u32,
    per: Option<String>,
    when_open: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StepFile {
    id: String,
    depends_on: Vec<String>,
    #[serde(default)]
    optional: bool,
    proceed_if: Option<ConditionFile>,
    calls: Vec<CallFile>,
    compensations: Vec<CallFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CallFile {
    server: Option<String>,
    routes: Option<RoutesFile>,
    tool: String,
    key: String,
    arguments_of: Vec<String>,
    #[serde(default)]
    takes: Vec<TakenFile>,
    #[serde(default)]
    results: Vec<String>,
    in_doubt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoutesFile {
    argument: Vec<String>,
    servers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionFile {
    call: String,
    field: String,
    equals: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TakenFile {
    argument: String,
    call: String,
    field: String,
}

/// The worker, which the bundle has word for word where it has a plan.
const WORKER: [(&str, &[u8]); 11] = [
    ("batch.py", include_bytes!("../../targets/operations/temporal/worker/batch.py")),
    ("breaker.py", include_bytes!("../../targets/operations/temporal/worker/breaker.py")),
    ("cache.py", include_bytes!("../../targets/operations/temporal/worker/cache.py")),
    ("calls.py", include_bytes!("../../targets/operations/temporal/worker/calls.py")),
    ("checked.py", include_bytes!("../../targets/operations/temporal/worker/checked.py")),
    ("flow.py", include_bytes!("../../targets/operations/temporal/worker/flow.py")),
    ("plan.schema.json", include_bytes!("../../../schemas/temporal-plan.schema.json")),
    ("requirements.txt", include_bytes!("../../targets/operations/temporal/worker/requirements.txt")),
    ("run.py", include_bytes!("../../targets/operations/temporal/worker/run.py")),
    ("start.py", include_bytes!("../../targets/operations/temporal/worker/start.py")),
    ("tokens.py", include_bytes!("../../targets/operations/temporal/worker/tokens.py")),
];

/// Checks that the plans are those of the flows that Temporal runs, and that nothing else is there.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    let mut found: BTreeMap<String, Flow> = BTreeMap::new();
    let mut worker: BTreeMap<&str, &[u8]> = BTreeMap::new();
    for (path, artifact) in artifacts {
        let Some(below) = path.strip_prefix("temporal/") else { continue };
        if let Some(name) = below.strip_prefix("worker/") {
            worker.insert(name, &artifact.bytes);
            continue;
        }
        let Some(name) = below.strip_prefix("plans/").and_then(|file| file.strip_suffix(".json")) else {
            return unexpected(format!("`{path}` is not a file of this target"));
        };
        let text = scoped::text(path, &artifact.bytes)?;
        let (id, flow) = flow(scoped::json(path, text)?)?;
        if label(&id) != name {
            return unexpected(format!("`{path}` is the plan of `{id}`"));
        }
        if found.insert(id.clone(), flow).is_some() {
            return unexpected(format!("`{id}` has two plans"));
        }
    }
    if worker != BTreeMap::from(WORKER) && !(worker.is_empty() && found.is_empty()) {
        return unexpected("the worker is another one");
    }
    let expected = expected::flows(model);
    if let Some(id) = expected.keys().find(|id| !found.contains_key(*id)) {
        return unexpected(format!("`{id}` has no plan"));
    }
    match found.iter().find(|(id, flow)| expected.get(*id) != Some(*flow)) {
        Some((id, _)) => unexpected(format!("the plan of `{id}` is not that of the model")),
        None => Ok(()),
    }
}

/// What a plan says, by the name of its flow.
fn flow(file: PlanFile) -> Result<(String, Flow), LiftError> {
    if file.version != 1 {
        return unexpected(format!("the version of a plan is {}", file.version));
    }
    let handling = match file.on_failure.as_str() {
        "compensate" => FailureHandling::CompensatingTransactions,
        "stop" => FailureHandling::Abort,
        "continue" => FailureHandling::Continue,
        "wait" => FailureHandling::ManualIntervention,
        other => return unexpected(format!("`onFailure` is `{other}`")),
    };
    let (attempts, backoff) = retry(&file.retry)?;
    if retry(&file.compensation_retry)? != (Attempts(10), Backoff::Exponential) {
        return unexpected("compensations are tried again in another way");
    }
    let issuers = file.identity.issuers.into_iter().map(|issuer| (issuer.issuer, issuer.audience_per_server));
    let servers = file.servers.into_iter().map(|(name, file)| Ok((name, server(file)?)));
    let steps = file.steps.into_iter().map(step).collect::<Result<_, LiftError>>()?;
    let flow = Flow {
        subject: file.identity.subject,
        issuers: issuers.collect(),
        handling,
        attempts,
        backoff,
        batching: file.batching.map(batching::read).transpose()?,
        servers: servers.collect::<Result<_, LiftError>>()?,
        steps,
    };
    Ok((file.flow, flow))
}

/// Pauses begin with a second. They double, up to a hundred seconds, or stay the same.
fn retry(file: &RetryFile) -> Result<(Attempts, Backoff), LiftError> {
    let backoff = match (file.initial_interval_ms, file.backoff_coefficient, file.maximum_interval_ms) {
        (1_000, 2, 100_000) => Backoff::Exponential,
        (1_000, 1, 1_000) => Backoff::Fixed,
        _ => return unexpected("attempts have other pauses than this target writes"),
    };
    Ok((Attempts(file.maximum_attempts), backoff))
}

fn server(file: ServerFile) -> Result<Server, LiftError> {
    if file.start_to_close_ms != file.call_timeout_ms.saturating_add(5_000) || file.heartbeat_ms != 10_000 {
        return unexpected("an attempt has other limits than its call");
    }
    let breaker = file.breaker.map(|file| {
        let isolates = match file.per.as_deref() {
            Some("flow") => true,
            None => false,
            Some(_) => return unexpected("a breaker is of something else than a flow"),
        };
        let fails_fast = match file.when_open.as_deref() {
            Some("fail") => true,
            None => false,
            Some(_) => return unexpected("a call that a breaker holds back does something else than fail"),
        };
        Ok((file.failure_threshold, Duration(file.open_ms), file.half_open_calls, isolates, fails_fast))
    });
    let breaker = breaker.transpose()?;
    Ok(Server { url: file.url, timeout: Duration(file.call_timeout_ms), breaker })
}

fn step(file: StepFile) -> Result<Step, LiftError> {
    let mut calls = Vec::new();
    for (compensation, files) in [(false, file.calls), (true, file.compensations)] {
        for (at, call) in files.into_iter().enumerate() {
            let number = if compensation { format!("undo-{}", at + 1) } else { (at + 1).to_string() };
            if call.key != format!("{}/{number}", file.id) {
                return unexpected(format!("a call of step `{}` has the key `{}`", file.id, call.key));
            }
            let repeated = match call.in_doubt.as_str() {
                "repeat" => true,
                "fail" => false,
                other => return unexpected(format!("`inDoubt` is `{other}`")),
            };
            let to = match (call.server, call.routes) {
                (Some(server), None) => To::Server(server),
                (None, Some(RoutesFile { argument, servers })) => To::ByClass(argument, servers),
                _ => return unexpected(format!("a call of step `{}` has no server, or two ways to one", file.id)),
            };
            let (tool, arguments, results) = (call.tool, call.arguments_of, call.results);
            let takes = call.takes.into_iter().map(|taken| (taken.argument, taken.call, taken.field)).collect();
            calls.push(Call { to, tool, compensation, arguments, takes, results, repeated });
        }
    }
    let condition = file.proceed_if.map(|condition| (condition.call, condition.field, condition.equals));
    Ok(Step { name: file.id, depends_on: file.depends_on, optional: file.optional, condition, calls })
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
