//! `collector.yaml`, by the names of the collector's components. Source: the OpenTelemetry Collector 0.161, core and contrib.

use std::collections::BTreeMap;

use serde::Serialize;

use super::exporters::{self, Written};
use super::fault;
use super::redaction::{self, Transform};
use super::sampling::{Tail, percent};
use super::used::Used;
use crate::bundle::Artifact;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::flow::{Batch, Trigger};
use crate::model::quantity::{Bytes, Duration};
use crate::source::{Loc, Spanned};
use crate::targets::{CompileError, TARGET_LIMIT};

/// How long the collector waits for the spans of a trace, where no breaker says how long a call may take.
const WAIT: Duration = Duration(30_000);

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// The least memory that may be set: a collector without spans uses more than half of it.
const LEAST: Bytes = Bytes(64 * MIB);

#[derive(Serialize)]
struct Config {
    receivers: Receivers,
    processors: Processors,
    exporters: BTreeMap<String, Written>,
    service: Service,
}

#[derive(Serialize)]
struct Receivers {
    otlp: Otlp,
}

#[derive(Serialize)]
struct Otlp {
    protocols: Protocols,
}

/// Both with their defaults: ports 4317 and 4318 of `localhost`.
#[derive(Serialize)]
struct Protocols {
    grpc: Empty,
    http: Empty,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Processors {
    memory_limiter: Limiter,
    #[serde(rename = "transform/user_ids")]
    user_ids: Transform,
    #[serde(skip_serializing_if = "Option::is_none")]
    tail_sampling: Option<TailSampling>,
    batch: BatchProcessor,
}

#[derive(Serialize)]
struct Limiter {
    check_interval: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_mib: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_percentage: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spike_limit_percentage: Option<u32>,
}

#[derive(Serialize)]
struct TailSampling {
    decision_wait: String,
    policies: Vec<Policy>,
}

#[derive(Default, Serialize)]
struct Policy {
    name: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<StatusCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilistic: Option<Probabilistic>,
}

#[derive(Serialize)]
struct StatusCode {
    status_codes: [&'static str; 1],
}

#[derive(Serialize)]
struct Latency {
    threshold_ms: u64,
}

#[derive(Serialize)]
struct Probabilistic {
    sampling_percentage: f64,
}

#[derive(Serialize)]
struct BatchProcessor {
    #[serde(skip_serializing_if = "Option::is_none")]
    send_batch_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_batch_max_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
}

#[derive(Serialize)]
struct Service {
    pipelines: Pipelines,
}

#[derive(Serialize)]
struct Pipelines {
    traces: Pipeline,
}

#[derive(Serialize)]
struct Pipeline {
    receivers: [&'static str; 1],
    processors: Vec<&'static str>,
    exporters: Vec<String>,
}

/// The file.
///
/// # Errors
/// For what the collector would refuse or take for something else.
pub(super) fn config(used: &Used<'_>, model: &Model) -> Result<(String, Artifact), CompileError> {
    let mut exporters = BTreeMap::new();
    for (exporter, label, to) in used.destinations()? {
        let written = exporters::written(&to, used.batch)?;
        exporters.insert(format!("{}/{label}", to.kind.word()), (written, exporter.name.loc, to.url.loc));
    }
    let servers = redaction::servers(model)?;
    let set = model.deployment.otel_collector.as_ref().and_then(|keys| keys.memory.as_ref());
    let tail = used.tail();
    let mut processors = vec!["memory_limiter", "transform/user_ids"];
    processors.extend(tail.map(|_| "tail_sampling"));
    processors.push("batch");
    let from = places(used, exporters.values().flat_map(|(_, name, url)| [*name, *url]));
    let exporters: BTreeMap<String, Written> = exporters.into_iter().map(|(id, (one, ..))| (id, one)).collect();
    let names = exporters.keys().cloned().collect();
    let config = Config {
        receivers: Receivers { otlp: Otlp { protocols: Protocols { grpc: Empty {}, http: Empty {} } } },
        processors: Processors {
            memory_limiter: limiter(set)?,
            user_ids: redaction::transform(used.tracing, &servers),
            tail_sampling: tail.map(|tail| sampling(tail, used, model)),
            batch: used.batch.map_or_else(|| batch(None), |of| batch(Some(of))),
        },
        exporters,
        service: Service {
            pipelines: Pipelines { traces: Pipeline { receivers: ["otlp"], processors, exporters: names } },
        },
    };
    let text = serde_yaml::to_string(&config)
        .map_err(|cause| CompileError::Refused(format!("`collector.yaml` has no YAML form: {cause}")))?;
    Ok(("collector.yaml".to_owned(), Artifact { bytes: text.into_bytes(), from }))
}

/// What a file was made from.
fn places(used: &Used<'_>, exporters: impl Iterator<Item = Loc>) -> Vec<Loc> {
    let tracing = used.tracing;
    let keys = [
        tracing.strategy.as_ref().map(|it| it.loc),
        tracing.rate.as_ref().map(|it| it.loc),
        tracing.priority_boost.as_ref().map(|it| it.loc),
        tracing.user_id_header.as_ref().map(|it| it.loc),
        used.batch.map(|batch| batch.loc),
    ];
    std::iter::once(tracing.loc).chain(exporters).chain(keys.into_iter().flatten()).collect()
}

fn limiter(set: Option<&Spanned<Bytes>>) -> Result<Limiter, CompileError> {
    let mut limiter =
        Limiter { check_interval: "1s", limit_mib: None, limit_percentage: None, spike_limit_percentage: None };
    match set {
        Some(most) if most.value < LEAST => {
            let message = format!("{} bytes are less than a collector needs to start", most.value.0);
            return Err(fault(Diagnostic::new(&TARGET_LIMIT, most.loc, message).help("write at least `64Mi`")));
        }
        Some(most) => limiter.limit_mib = Some(most.value.0 / MIB),
        None => (limiter.limit_percentage, limiter.spike_limit_percentage) = (Some(80), Some(20)),
    }
    Ok(limiter)
}

fn sampling(tail: Tail, used: &Used<'_>, model: &Model) -> TailSampling {
    let call = Model::in_scope(&model.breaker, used.scope).and_then(|breaker| breaker.timeout.as_ref());
    let errors = tail.errors.then(|| Policy {
        name: "errors",
        r#type: "status_code",
        status_code: Some(StatusCode { status_codes: ["ERROR"] }),
        ..Policy::default()
    });
    let slow = tail.slow.map(|slow| Policy {
        name: "slow",
        r#type: "latency",
        latency: Some(Latency { threshold_ms: slow.0 }),
        ..Policy::default()
    });
    let share = tail.share.map(|share| Policy {
        name: "share",
        r#type: "probabilistic",
        probabilistic: Some(Probabilistic { sampling_percentage: percent(share) }),
        ..Policy::default()
    });
    TailSampling {
        decision_wait: go(call.map_or(WAIT, |timeout| timeout.value)),
        policies: [errors, slow, share].into_iter().flatten().collect(),
    }
}

/// The most items of a batch, by the strategy that sends full ones.
pub(super) fn most(batch: &Batch) -> Option<u64> {
    let full =
        batch.strategies.iter().filter(|one| one.trigger.as_ref().is_some_and(|it| it.value == Trigger::BatchFull));
    full.filter_map(|strategy| strategy.max_items.as_ref()).map(|most| most.value).min()
}

fn batch(of: Option<&Batch>) -> BatchProcessor {
    let most = of.and_then(most);
    let size = of.and_then(|batch| batch.batch_size.as_ref()).map(|size| size.value).or(most);
    BatchProcessor {
        send_batch_size: size,
        // The collector refuses a limit below the size of a batch.
        send_batch_max_size: most.filter(|most| size.is_some_and(|size| *most >= size)),
        timeout: of.and_then(|batch| batch.flush_interval.as_ref()).map(|flush| go(flush.value)),
    }
}

/// A duration as Go reads it.
fn go(duration: Duration) -> String {
    if duration.0.is_multiple_of(1_000) { format!("{}s", duration.0 / 1_000) } else { format!("{}ms", duration.0) }
}
