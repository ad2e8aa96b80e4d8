//! Traces: where a gateway sends spans, how many, and what they say.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::correlation::identities;
use super::predicate::{CLAIMS, JWT, MCP, of_type};
use super::scope::of_gateway;
use super::tls::public_tls;
use super::upstream::Upstream;
use super::{Setting, labels};
use crate::model::Model;
use crate::model::protocol::REVISION_HEADER;
use crate::model::telemetry::opentelemetry::{METHOD, OPERATION, PROMPT, REVISION, TOOL};
use crate::model::telemetry::{Exporter, SpanProtocol, Tracing};
use crate::targets::operations::otel_collector;

/// The cluster that spans are sent to.
const SPANS: &str = "spans";

/// Where a gateway sends spans.
pub(super) struct Sent<'m> {
    /// The exporter of the workspace; `None` for the collector of the target `otel-collector`.
    pub(super) exporter: Option<&'m Exporter>,
    protocol: SpanProtocol,
    url: Cow<'m, str>,
}

/// Where a gateway sends spans: to the collector, where the settings say how it is reached, else to an exporter.
pub(super) fn sent<'m>(model: &'m Model, tracing: &'m Tracing) -> Option<Sent<'m>> {
    if let Some((url, protocol)) = otel_collector::reached(model) {
        let bare = protocol == SpanProtocol::OtlpHttp && !url.trim_end_matches('/').ends_with("/v1/traces");
        let url = if bare { Cow::from(format!("{}/v1/traces", url.trim_end_matches('/'))) } else { Cow::from(url) };
        return Some(Sent { exporter: None, protocol, url });
    }
    let (exporter, protocol, url) = exporter(tracing)?;
    Some(Sent { exporter: Some(exporter), protocol, url: Cow::from(url) })
}

/// The exporter that Envoy sends to, the first whose protocol it speaks, and where that is.
fn exporter(tracing: &Tracing) -> Option<(&Exporter, SpanProtocol, &str)> {
    tracing.exporters.iter().find_map(|exporter| {
        let url = exporter.endpoint.as_ref()?.value.as_str();
        match exporter.protocol? {
            SpanProtocol::Jaeger => None,
            spoken @ (SpanProtocol::OtlpGrpc | SpanProtocol::OtlpHttp | SpanProtocol::Zipkin) => {
                Some((exporter, spoken, url))
            }
        }
    })
}

/// The share of traces that are begun, in percent. What cannot be told by a share is kept whole.
fn percent(model: &Model, tracing: &Tracing) -> f64 {
    if otel_collector::reached(model).is_some() {
        return otel_collector::begun(model, tracing);
    }
    let rate = tracing.rate.as_ref().map_or(1.0, |rate| rate.value);
    match tracing.strategy.as_ref().map(|strategy| strategy.value.as_str()) {
        Some("always_off") => 0.0,
        Some("probabilistic") | None => (rate.clamp(0.0, 1.0) * 1e8).round() / 1e6,
        Some(_) => 100.0,
    }
}

/// The `tracing` of the connection manager; `None` where spans go nowhere.
pub(super) fn spans(model: &Model, setting: &Setting<'_>) -> Option<Value> {
    let tracing = of_gateway(&model.tracing, setting)?;
    let Sent { protocol, url, .. } = sent(model, tracing)?;
    let metadata = |kind: &str, key: &str, path: &[&str]| {
        let path: Vec<Value> = path.iter().map(|key| json!({"key": key})).collect();
        let kind: Map<String, Value> = [(kind.to_owned(), json!({}))].into_iter().collect();
        json!({"kind": kind, "metadata_key": {"key": key, "path": path}})
    };
    let mut tags = vec![
        json!({"tag": "mcp.server", "metadata": metadata("route", "mcpctl", &["server"])}),
        json!({"tag": METHOD, "metadata": metadata("request", MCP, &["method"])}),
        json!({"tag": REVISION, "request_header": {"name": REVISION_HEADER}}),
        only_of("tools/call", TOOL, &of_message("['params']['name']")),
        only_of("tools/call", OPERATION, "'execute_tool'"),
        only_of("prompts/get", PROMPT, &of_message("['params']['name']")),
    ];
    let number = tracing.request_id_header.as_ref().map(|header| header.value.as_str());
    tags.extend(number.map(|header| json!({"tag": "request.id", "request_header": {"name": header}})));
    // From the token and not from the header, so that a request which is denied is told of as well.
    tags.extend(identities(model, setting).into_iter().filter_map(|identity| {
        Some(json!({"tag": identity.tag, "metadata": metadata("request", JWT, &[CLAIMS, identity.claim?])}))
    }));
    let provider = provider(protocol, &url);
    // Whoever calls chooses the method, and backends keep a list of the names of spans.
    let known = labels::methods().map(|method| format!("'{method}'")).collect::<Vec<_>>().join(", ");
    let method = of_message("['method']");
    let name = format!("%CEL({method} in [{known}] ? {method} : 'other')%");
    let sampled = json!({"value": percent(model, tracing)});
    Some(json!({"provider": provider, "operation": name, "random_sampling": sampled, "custom_tags": tags}))
}

/// What Envoy found in a message, as its expressions read it.
fn of_message(path: &str) -> String {
    format!("metadata.filter_metadata['{MCP}']{path}")
}

/// A tag of the messages of one method alone; Envoy writes none whose value is empty.
fn only_of(method: &str, tag: &str, value: &str) -> Value {
    json!({"tag": tag, "value": format!("%CEL({} == '{method}' ? {value} : '')%", of_message("['method']"))})
}

fn provider(protocol: SpanProtocol, url: &str) -> Value {
    let upstream = Upstream::at(url);
    let otlp = |fields: Value| {
        let mut config = json!({
            "@type": of_type("envoy.config.trace.v3.OpenTelemetryConfig"),
            "service_name": "mcp-gateway",
        });
        if let (Some(config), Value::Object(fields)) = (config.as_object_mut(), fields) {
            config.extend(fields);
        }
        json!({"name": "envoy.tracers.opentelemetry", "typed_config": config})
    };
    match protocol {
        SpanProtocol::Zipkin => json!({
            "name": "envoy.tracers.zipkin",
            "typed_config": {
                "@type": of_type("envoy.config.trace.v3.ZipkinConfig"),
                "collector_cluster": SPANS,
                "collector_endpoint": upstream.path,
                "collector_endpoint_version": "HTTP_JSON",
                "collector_hostname": upstream.authority(),
            },
        }),
        SpanProtocol::OtlpHttp => {
            otlp(json!({"http_service": {"http_uri": {"uri": url, "cluster": SPANS, "timeout": "1s"}}}))
        }
        SpanProtocol::OtlpGrpc | SpanProtocol::Jaeger => {
            otlp(json!({"grpc_service": {"envoy_grpc": {"cluster_name": SPANS}, "timeout": "1s"}}))
        }
    }
}

/// The cluster that spans are sent to, where they are.
pub(super) fn cluster(model: &Model, setting: &Setting<'_>) -> Option<Value> {
    let Sent { protocol, url, .. } = sent(model, of_gateway(&model.tracing, setting)?)?;
    let upstream = Upstream::at(&url);
    let mut cluster = upstream.cluster(SPANS);
    if protocol == SpanProtocol::OtlpGrpc {
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
