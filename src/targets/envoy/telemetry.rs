//! Records, metrics and traces of a gateway.

use serde_json::{Map, Value, json};

use super::predicate::{CLAIMS, JWT, MCP, of_type};
use super::tls::public_tls;
use super::upstream::Upstream;
use super::{Setting, clusters};
use crate::model::Model;
use crate::model::name::UnitName;
use crate::model::telemetry::{Exporter, Metric, Tracing};

/// The cluster that spans are sent to.
const SPANS: &str = "spans";

fn of_gateway<'m, T>(all: &'m std::collections::BTreeMap<Option<UnitName>, T>, setting: &Setting<'_>) -> Option<&'m T> {
    all.get(&setting.unit.cloned()).or_else(|| all.get(&None))
}

/// The parts of the connection manager that report: access log, metrics, tracing.
pub(super) fn of_manager(model: &Model, setting: &Setting<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut loggers = vec![access_log(model, setting)];
    let metrics = of_gateway(&model.metrics, setting).map_or(&[][..], Vec::as_slice);
    loggers.extend(metric_loggers(metrics));
    if metrics.iter().any(|metric| metric.kind.value == "gauge") {
        fields.insert("access_log_options".to_owned(), json!({"flush_access_log_on_new_request": true}));
    }
    fields.insert("access_log".to_owned(), json!(loggers));
    fields.insert("generate_request_id".to_owned(), json!(true));
    if let Some(tracing) = of_gateway(&model.tracing, setting) {
        fields.extend(spans(tracing).map(|spans| ("tracing".to_owned(), spans)));
    }
    fields
}

/// What a name of the document's logs and metrics is in Envoy; `None` for what Envoy does not know.
fn formatter(model: &Model, setting: &Setting<'_>, name: &str) -> Option<String> {
    let tracing = of_gateway(&model.tracing, setting);
    let from_header = |header: Option<&crate::source::Spanned<String>>, otherwise: &str| {
        header.map_or(otherwise.to_owned(), |header| format!("%REQ({})%", header.value))
    };
    Some(match name {
        "request_id" => from_header(tracing.and_then(|t| t.request_id_header.as_ref()), "%REQ(X-REQUEST-ID)%"),
        "user_id" => format!("%DYNAMIC_METADATA({JWT}:{CLAIMS}:sub)%"),
        "tenant_id" => from_header(tracing.and_then(|t| t.tenant_id_header.as_ref()), "%REQ(X-TENANT-ID)%"),
        _ => known(name)?.to_owned(),
    })
}

/// What does not depend on the workspace.
fn known(name: &str) -> Option<&'static str> {
    Some(match name {
        "mcp_server" | "server" => "%METADATA(ROUTE:mcpctl:server)%",
        "tool_name" | "tool" => "%DYNAMIC_METADATA(envoy.filters.http.mcp:params:name)%",
        "method" => "%DYNAMIC_METADATA(envoy.filters.http.mcp:method)%",
        "status" | "status_code" | "error_code" => "%RESPONSE_CODE%",
        "execution_time" => "%DURATION%",
        "agent" | "agent_type" => "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:claims:act:sub)%",
        _ => return None,
    })
}

/// The fields of `logging_config`, and what a reader of a denial needs.
fn access_log(model: &Model, setting: &Setting<'_>) -> Value {
    let mut record = Map::new();
    record.insert("time".to_owned(), json!("%START_TIME%"));
    if let Some(logging) = of_gateway(&model.logging, setting) {
        for field in &logging.fields {
            if let Some(formatter) = formatter(model, setting, &field.value) {
                record.insert(field.value.clone(), json!(formatter));
            }
        }
    }
    for (name, formatter) in [
        ("gateway", setting.name.to_owned()),
        ("mcp_server", "%METADATA(ROUTE:mcpctl:server)%".to_owned()),
        ("mcp_method", format!("%DYNAMIC_METADATA({MCP}:method)%")),
        ("tool_name", format!("%DYNAMIC_METADATA({MCP}:params:name)%")),
        ("caller", format!("%DYNAMIC_METADATA({JWT}:{CLAIMS}:act:sub)%")),
        ("subject", format!("%DYNAMIC_METADATA({JWT}:{CLAIMS}:sub)%")),
        ("peer", "%DOWNSTREAM_PEER_URI_SAN%".to_owned()),
        ("decision", "%DYNAMIC_METADATA(envoy.filters.http.rbac)%".to_owned()),
        ("status", "%RESPONSE_CODE%".to_owned()),
        ("details", "%RESPONSE_CODE_DETAILS%".to_owned()),
        ("flags", "%RESPONSE_FLAGS%".to_owned()),
    ] {
        record.entry(name).or_insert(json!(formatter));
    }
    json!({
        "name": "envoy.access_loggers.stdout",
        "filter": at_the_end(),
        "typed_config": {
            "@type": of_type("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"),
            "log_format": {"json_format": record},
        },
    })
}

/// Requests are reported twice where something counts those in hand, so each logger says which report it is for.
fn at_the_end() -> Value {
    json!({"log_type_filter": {"types": ["DownstreamEnd"]}})
}

/// `metrics_config`: counters, histograms of the duration, and gauges of the requests in hand.
fn metric_loggers(metrics: &[Metric]) -> Vec<Value> {
    let tags = |metric: &Metric| -> Vec<Value> {
        let known = metric.labels.iter().filter_map(|label| Some((label.value.as_str(), known(&label.value)?)));
        known.map(|(name, format)| json!({"name": name, "value_format": format})).collect()
    };
    let stat = |metric: &Metric| json!({"name": metric.name.value, "tags": tags(metric)});
    let of_kind = |kind: &str| -> Vec<&Metric> {
        metrics.iter().filter(|metric| metric.kind.value == kind && known_metric(&metric.name.value)).collect()
    };
    let counters: Vec<Value> =
        of_kind("counter").into_iter().map(|metric| json!({"stat": stat(metric), "value_fixed": 1})).collect();
    let histograms: Vec<Value> = of_kind("histogram")
        .into_iter()
        .map(|metric| json!({"stat": stat(metric), "unit": "Milliseconds", "value_format": "%DURATION%"}))
        .collect();
    let gauges: Vec<Value> = of_kind("gauge")
        .into_iter()
        .map(|metric| {
            let change = json!({"add_log_type": "DownstreamStart", "sub_log_type": "DownstreamEnd"});
            json!({"stat": stat(metric), "value_fixed": 1, "add_subtract": change})
        })
        .collect();
    let logger = |filter: Value, kind: &str, stats: Vec<Value>| {
        json!({
            "name": "envoy.access_loggers.stats",
            "filter": filter,
            "typed_config": {
                "@type": of_type("envoy.extensions.access_loggers.stats.v3.Config"),
                "stat_prefix": "mcpctl",
                kind: stats,
            },
        })
    };
    let both = json!({"log_type_filter": {"types": ["DownstreamStart", "DownstreamEnd"]}});
    [("counters", at_the_end(), counters), ("histograms", at_the_end(), histograms), ("gauges", both, gauges)]
        .into_iter()
        .filter(|(_, _, stats)| !stats.is_empty())
        .map(|(kind, filter, stats)| logger(filter, kind, stats))
        .collect()
}

/// A metric whose meaning the gateway can measure: what is asked, how long it takes, what is in hand.
fn known_metric(name: &str) -> bool {
    name.contains("request") || name.contains("duration") || name.contains("session") || name.contains("call")
}

/// The first exporter that Envoy can send to; it sends to one.
fn exporter(tracing: &Tracing) -> Option<(&Exporter, bool, &str)> {
    tracing.exporters.iter().find_map(|exporter| {
        let url = exporter.endpoint.as_ref()?.value.as_str();
        match exporter.name.value.as_str() {
            "zipkin" => Some((exporter, true, url)),
            "jaeger" | "otlp" | "opentelemetry" => Some((exporter, false, url)),
            _ => None,
        }
    })
}

fn spans(tracing: &Tracing) -> Option<Value> {
    let (_, zipkin, url) = exporter(tracing)?;
    let upstream = Upstream::at(url);
    let provider = if zipkin {
        json!({
            "name": "envoy.tracers.zipkin",
            "typed_config": {
                "@type": of_type("envoy.config.trace.v3.ZipkinConfig"),
                "collector_cluster": SPANS,
                "collector_endpoint": upstream.path,
                "collector_endpoint_version": "HTTP_JSON",
                "collector_hostname": upstream.authority(),
            },
        })
    } else {
        json!({
            "name": "envoy.tracers.opentelemetry",
            "typed_config": {
                "@type": of_type("envoy.config.trace.v3.OpenTelemetryConfig"),
                "grpc_service": {"envoy_grpc": {"cluster_name": SPANS}, "timeout": "1s"},
                "service_name": "mcp-gateway",
            },
        })
    };
    let percent = match tracing.strategy.as_ref().map(|strategy| strategy.value.as_str()) {
        Some("always_off") => 0.0,
        Some("always_on") => 100.0,
        _ => tracing.rate.as_ref().map_or(100.0, |rate| rate.value * 100.0),
    };
    let mut tags = vec![
        json!({"tag": "mcp.server", "metadata": {"kind": {"route": {}}, "metadata_key": {"key": "mcpctl", "path": [{"key": "server"}]}}}),
        json!({"tag": "mcp.tool", "metadata": {"kind": {"request": {}}, "metadata_key": {"key": MCP, "path": [{"key": "params"}, {"key": "name"}]}}}),
    ];
    let headers = [
        ("request.id", &tracing.request_id_header),
        ("user.id", &tracing.user_id_header),
        ("tenant.id", &tracing.tenant_id_header),
    ];
    for (tag, header) in headers {
        tags.extend(header.as_ref().map(|header| json!({"tag": tag, "request_header": {"name": header.value}})));
    }
    Some(json!({"provider": provider, "random_sampling": {"value": percent}, "custom_tags": tags}))
}

/// The cluster that spans are sent to, where they are.
pub(super) fn cluster(model: &Model, setting: &Setting<'_>) -> Option<Value> {
    let (_, zipkin, url) = exporter(of_gateway(&model.tracing, setting)?)?;
    let mut upstream = Upstream::at(url);
    if !zipkin {
        // OTLP over gRPC, which Jaeger takes too, whatever port the older protocols had.
        upstream.port = 4317;
    }
    let mut cluster = clusters::service(SPANS, &upstream);
    if !zipkin {
        let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": of_type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": {"http2_protocol_options": {}},
        }});
        cluster.insert("typed_extension_protocol_options".to_owned(), options);
    }
    if upstream.tls {
        cluster.insert("transport_socket".to_owned(), public_tls(&upstream));
    }
    Some(Value::Object(cluster))
}
