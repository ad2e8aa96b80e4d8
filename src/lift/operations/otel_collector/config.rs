//! Reads `collector.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Batched, Chosen, Collector, To, plain, statements, unexpected};
use crate::lift::LiftError;
use crate::model::vocabulary::Compression;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "receivers")]
    _receivers: Receivers,
    processors: Processors,
    exporters: BTreeMap<String, Exporter>,
    service: Service,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receivers {
    #[serde(rename = "otlp")]
    _otlp: Otlp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Otlp {
    #[serde(rename = "protocols")]
    _protocols: Protocols,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Protocols {
    #[serde(rename = "grpc")]
    _grpc: Nothing,
    #[serde(rename = "http")]
    _http: Nothing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Processors {
    memory_limiter: Limiter,
    #[serde(rename = "transform/user_ids")]
    user_ids: Transform,
    tail_sampling: Option<Tail>,
    batch: Batch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limiter {
    check_interval: String,
    limit_mib: Option<u64>,
    limit_percentage: Option<u32>,
    spike_limit_percentage: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transform {
    error_mode: String,
    trace_statements: Vec<statements::Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    decision_wait: String,
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    name: String,
    r#type: String,
    status_code: Option<Codes>,
    latency: Option<Latency>,
    probabilistic: Option<Probabilistic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    status_codes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    threshold_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probabilistic {
    sampling_percentage: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    send_batch_size: Option<u64>,
    send_batch_max_size: Option<u64>,
    timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exporter {
    endpoint: Option<String>,
    traces_endpoint: Option<String>,
    tls: Option<Tls>,
    compression: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    insecure: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    pipelines: Pipelines,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pipelines {
    traces: Pipeline,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pipeline {
    receivers: Vec<String>,
    processors: Vec<String>,
    exporters: Vec<String>,
}

/// The collector that a file configures.
///
/// # Errors
/// Where it cannot be read exactly.
pub(super) fn collector(text: &str) -> Result<Collector, LiftError> {
    let shape =
        |cause: serde_yaml::Error| LiftError::Unexpected(format!("`collector.yaml` has another shape: {cause}"));
    // Into a value first, which refuses a key that is there twice.
    serde_yaml::from_str::<serde_yaml::Value>(text).map_err(shape)?;
    let file: File = serde_yaml::from_str(text).map_err(shape)?;
    let File { _receivers: _, processors, exporters, service: Service { pipelines: Pipelines { traces } } } = file;
    let chosen = processors.tail_sampling.map(chosen).transpose()?;
    let mut order = vec!["memory_limiter", "transform/user_ids"];
    order.extend(chosen.is_some().then_some("tail_sampling"));
    order.push("batch");
    // Ids are removed before anything is kept, and traces are batched after they were chosen.
    if traces.receivers != ["otlp"] || traces.processors != order {
        return unexpected("the pipeline of traces has other parts, or another order");
    }
    let sent: BTreeSet<&String> = traces.exporters.iter().collect();
    if sent.len() != traces.exporters.len() || !sent.iter().copied().eq(exporters.keys()) {
        return unexpected("the pipeline of traces does not end in every exporter");
    }
    if processors.user_ids.error_mode != "propagate" {
        return unexpected("spans whose user could not be removed are sent");
    }
    let mut found = BTreeMap::new();
    for (id, exporter) in exporters {
        let Some((kind, name)) = id.split_once('/') else { return unexpected(format!("exporter `{id}` has no name")) };
        if found.insert(name.to_owned(), sent_to(kind, exporter)?).is_some() {
            return unexpected(format!("two exporters are called `{name}`"));
        }
    }
    let batch = processors.batch;
    Ok(Collector {
        exporters: found,
        chosen,
        batched: Batched {
            size: batch.send_batch_size,
            most: batch.send_batch_max_size,
            time: batch.timeout.as_deref().map(milliseconds).transpose()?,
        },
        memory: memory(&processors.memory_limiter)?,
        users: statements::users(&processors.user_ids.trace_statements)?,
    })
}

fn memory(limiter: &Limiter) -> Result<Option<u64>, LiftError> {
    match (&*limiter.check_interval, limiter.limit_mib, limiter.limit_percentage, limiter.spike_limit_percentage) {
        ("1s", Some(most), None, None) if most > 0 => Ok(Some(most)),
        ("1s", None, Some(80), Some(20)) => Ok(None),
        _ => unexpected("the memory has another limit"),
    }
}

fn chosen(tail: Tail) -> Result<Chosen, LiftError> {
    let wait = milliseconds(&tail.decision_wait)?;
    let mut found = Chosen { errors: false, slower_than: None, share: None, wait };
    for policy in tail.policies {
        let parts = (policy.status_code, policy.latency, policy.probabilistic);
        match (policy.name.as_str(), policy.r#type.as_str(), parts) {
            ("errors", "status_code", (Some(codes), None, None))
                if codes.status_codes == ["ERROR"] && !found.errors =>
            {
                found.errors = true;
            }
            ("slow", "latency", (None, Some(latency), None)) if found.slower_than.is_none() => {
                found.slower_than = Some(latency.threshold_ms);
            }
            ("share", "probabilistic", (None, None, Some(share))) if found.share.is_none() => {
                // Percent, of which the collector takes any number. None of these is less than nothing, or all.
                let share = share.sampling_percentage;
                if !(share > 0.0 && share < 100.0) {
                    return unexpected(format!("`sampling_percentage` is {share}"));
                }
                found.share = Some((share * 1e8).round() as u64);
            }
            (name, ..) => {
                return unexpected(format!("the policy `{name}` is none that this target writes, or is there twice"));
            }
        }
    }
    Ok(found)
}

fn sent_to(kind: &str, exporter: Exporter) -> Result<(To, Option<Compression>), LiftError> {
    let compression = match exporter.compression.as_deref() {
        None => None,
        Some("gzip") => Some(Compression::Gzip),
        Some("zstd") => Some(Compression::Zstd),
        Some("snappy") => Some(Compression::Snappy),
        Some("lz4") if kind == "otlp_http" => Some(Compression::Lz4),
        Some("none") => Some(Compression::None),
        Some(other) => return unexpected(format!("`compression` is `{other}`")),
    };
    if kind == "zipkin" && !matches!(compression, None | Some(Compression::Gzip | Compression::None)) {
        return unexpected("Zipkin takes no compression but gzip");
    }
    let to = match (kind, exporter.endpoint, exporter.traces_endpoint, exporter.tls) {
        ("otlp_grpc", Some(at), None, tls) => {
            let parts = at.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            let Some((host, port)) = parts else { return unexpected(format!("`{at}` is not a host with a port")) };
            let host = host.strip_prefix('[').and_then(|six| six.strip_suffix(']')).unwrap_or(host).to_owned();
            To::Grpc { host, port, tls: !tls.is_some_and(|tls| tls.insecure) }
        }
        ("otlp_http", Some(base), None, None) => To::Http(format!("{}/v1/traces", plain(&base)?)),
        ("otlp_http", None, Some(whole), None) => To::Http(plain(&whole)?),
        ("zipkin", Some(whole), None, None) => To::Zipkin(plain(&whole)?),
        _ => return unexpected(format!("an exporter `{kind}` with such keys is none that this target writes")),
    };
    Ok((to, compression))
}

/// A duration of Go, in milliseconds.
fn milliseconds(text: &str) -> Result<u64, LiftError> {
    let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let factor = match unit {
        "s" => 1_000,
        "ms" => 1,
        _ => return unexpected(format!("`{text}` is not a duration")),
    };
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)) {
        Some(found) if found > 0 => Ok(found),
        _ => unexpected(format!("`{text}` is not a duration")),
    }
}
