//! Values in use that Envoy cannot express although it expresses others of the same key, each at its place.

use crate::families::FamilyId;
use crate::model::operations::Probe;
use crate::model::telemetry::{SpanProtocol, Tracing};
use crate::model::vocabulary::{Fallback, Sampling};
use crate::model::{Model, Scope};
use crate::source::{Loc, Spanned};
use crate::targets::NotExpressed;

use super::{clusters, correlation, metrics, telemetry, traces};

/// Collects what is not expressed.
struct Found(Vec<NotExpressed>);

impl Found {
    fn add(&mut self, family: FamilyId, key: &str, value: &str, loc: Loc, why: &'static str) {
        let key = if value.is_empty() { key.to_owned() } else { format!("{key}: {value}") };
        self.0.push(NotExpressed { family, key, loc, why, own: false });
    }
}

/// Every value in use that Envoy does not express.
pub(super) fn values(model: &Model) -> Vec<NotExpressed> {
    let mut found = Found(Vec::new());
    health(model, &mut found);
    model.tracing.values().for_each(|tracing| of_tracing(model, tracing, &mut found));
    of_metrics(model, &mut found);
    let why = "the gateway does not know it, and leaves the field out of its records";
    for field in model.logging.values().flat_map(|logging| &logging.fields) {
        if !telemetry::fills(model, &field.value) {
            let why = if field.value == "tenant_id" { NO_TENANT } else { why };
            found.add(FamilyId::Logging, "fields", &field.value, field.loc, why);
        }
    }
    for structured in model.logging.values().filter_map(|logging| logging.structured.as_ref()).filter(|on| !on.value) {
        let why = "the gateway's records are JSON all the same";
        found.add(FamilyId::Logging, "structured_logging", "false", structured.loc, why);
    }
    for fallback in model.breaker.values().flat_map(|breaker| &breaker.fallback_strategies) {
        // While a breaker is open, every call fails at once.
        if !matches!(fallback.value, Fallback::DegradedMode | Fallback::FailFast) {
            let why = "the gateway keeps no answers and no calls: while a breaker is open, calls fail at once";
            let word = fallback.value.word();
            found.add(FamilyId::CircuitBreaker, "cascading_protection.fallback_strategies[]", word, fallback.loc, why);
        }
    }
    without_a_gateway(model, &mut found);
    found.0
}

/// What a unit's folder says of reports, where the unit has no gateway that could make them.
fn without_a_gateway(model: &Model, found: &mut Found) {
    let why = "the unit has no gateway of its own, and the central gateway reports by the central configuration";
    let no_gateway = |scope: &Scope| {
        let unit = scope.as_ref()?;
        let fronted = model.topology.units.get(unit).is_some_and(|known| known.gateway.is_some());
        (!fronted).then(|| unit.to_string())
    };
    let tracing = model.tracing.iter().map(|(scope, tracing)| (scope, FamilyId::Tracing, tracing.loc));
    let logging = model.logging.iter().map(|(scope, logging)| (scope, FamilyId::Logging, logging.loc));
    let metrics =
        model.metrics.iter().filter_map(|(scope, metrics)| Some((scope, FamilyId::Metrics, metrics.first()?.name.loc)));
    for (scope, family, loc) in tracing.chain(logging).chain(metrics) {
        if let Some(unit) = no_gateway(scope) {
            found.0.push(NotExpressed { family, key: format!("{} of {unit}", family.key()), loc, why, own: true });
        }
    }
}

const NO_TENANT: &str = "no claim of the token tells the tenant; name it as `business_unit_claim` in `identity`";

fn health(model: &Model, found: &mut Found) {
    for health in model.health.values() {
        for check in health.checks.iter().filter(|check| clusters::probe(check).is_none()) {
            let (value, loc, why) = match &check.probe {
                Probe::Grpc(_) => (
                    "grpc",
                    check.loc,
                    "an MCP server need not have the health service of gRPC; probe it by http or tcp",
                ),
                Probe::Http(Some(url)) => {
                    (url.value.as_str(), url.loc, "Envoy probes each server at a path of its own, not another address")
                }
                Probe::Http(None) | Probe::Tcp(_) => {
                    ("http", check.loc, "a probe by http needs a path: add `endpoint`")
                }
            };
            let key = if matches!(&check.probe, Probe::Http(Some(_))) { "endpoint" } else { "type" };
            found.add(FamilyId::HealthMonitoring, &format!("health_checks[].{key}"), value, loc, why);
        }
        if let Some(strategy) = health.strategy.as_ref().filter(|strategy| strategy.value == "weighted_round_robin") {
            let why = "Envoy balances in turn here; it has no weights by health or latency";
            found.add(FamilyId::HealthMonitoring, "load_balancing.strategy", &strategy.value, strategy.loc, why);
        }
    }
}

fn of_tracing(model: &Model, tracing: &Tracing, found: &mut Found) {
    const FAMILY: FamilyId = FamilyId::Tracing;
    let sent = traces::sent(model, tracing);
    let collected = sent.as_ref().is_some_and(|sent| sent.exporter.is_none());
    let chosen = sent.and_then(|sent| sent.exporter).map(|exporter| exporter.name.loc);
    for exporter in tracing.exporters.iter().filter(|exporter| Some(exporter.name.loc) != chosen) {
        let why = match exporter.protocol {
            _ if collected => "Envoy sends spans to the collector of the target `otel-collector`, which sends them on",
            Some(SpanProtocol::Jaeger) => "Envoy does not speak Jaeger's own protocols; Jaeger takes OTLP at port 4317",
            _ if exporter.endpoint.is_none() => "it has no endpoint to send to",
            _ => "Envoy sends spans to one exporter, the first whose protocol it speaks; a collector can send them on",
        };
        found.add(FAMILY, "exporters[].name", &exporter.name.value, exporter.name.loc, why);
    }
    let strategy = |strategy: &Spanned<Sampling>, why, found: &mut Found| {
        found.add(FAMILY, "sampling.strategy", &strategy.value, strategy.loc, why);
    };
    match (&tracing.strategy, &tracing.rate) {
        (Some(word), _) if word.value == "rate_limiting" => {
            strategy(
                word,
                "Envoy keeps shares, not numbers a second: it sends every trace, and a collector has to limit them",
                found,
            );
        }
        (Some(word), _) if word.value == "tail" => {
            strategy(word, "the gateway sends every trace; a collector has to choose when a trace has ended", found);
        }
        (Some(word), None) if word.value == "probabilistic" => {
            strategy(word, "there is no `rate`, so every trace is kept", found);
        }
        (Some(word), Some(rate)) if matches!(word.value.as_str(), "always_on" | "always_off") => {
            let why = "it changes nothing beside `always_on` and `always_off`";
            found.add(FAMILY, "sampling.rate", &rate.value.to_string(), rate.loc, why);
        }
        _ => {}
    }
    if let (Some(header), None) = (&tracing.tenant_id_header, correlation::tenant_claim(model)) {
        found.add(FAMILY, "correlation.tenant_id_header", &header.value, header.loc, NO_TENANT);
    }
}

fn of_metrics(model: &Model, found: &mut Found) {
    for metric in model.metrics.values().flatten() {
        let name = metric.name.value.as_str();
        if !metrics::is_measured(metric) {
            let why = if name.contains("session") {
                "the gateway sees requests, and no sessions"
            } else if metric.kind.value == "summary" {
                "Envoy has counters, gauges and histograms, and no summaries"
            } else {
                "the gateway measures nothing that the name says: it counts requests, tool calls and denials, and notes durations \
                 in `_seconds` or `_milliseconds`"
            };
            found.add(FamilyId::Metrics, "custom_metrics[].name", name, metric.name.loc, why);
            continue;
        }
        for label in metric.labels.iter().filter(|label| !metrics::is_told(metric, &label.value)) {
            let why = match label.value.as_str() {
                "status" | "error_code" => {
                    "the gateway sees the status of HTTP, which is 200 for an error of a tool, too; use `status_code` for that"
                }
                "tool" | "tool_name" | "method" | "status_code" => {
                    "requests in hand are counted before the message is read"
                }
                _ => "the gateway does not know it, or callers could make an unbounded number of values",
            };
            found.add(
                FamilyId::Metrics,
                "custom_metrics[].labels",
                &format!("{} of {name}", label.value),
                label.loc,
                why,
            );
        }
    }
}
