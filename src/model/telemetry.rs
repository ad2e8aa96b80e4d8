//! Traces, metrics and logs. Source: the document's "Monitoring and Observability".

pub mod conventions;
pub mod opentelemetry;
pub mod records;

use super::quantity::{Kept, Retention};
use super::url::Url;
use super::value::{HeaderName, HttpUrl, LabelName, MetricName};
use super::vocabulary::{LogLevel, MetricKind, PriorityBoost, Sampling};
use crate::source::{Loc, Spanned};

/// The `tracing_config` section.
#[derive(Debug, Clone)]
pub struct Tracing {
    /// Where it stands.
    pub loc: Loc,
    /// Where spans are sent.
    pub exporters: Vec<Exporter>,
    /// How it is decided which traces are kept.
    pub strategy: Option<Spanned<Sampling>>,
    /// Share of traces kept, as a ratio of 1; with `rate_limiting`, traces a second.
    pub rate: Option<Spanned<f64>>,
    /// What is kept more often (`error_spans`).
    pub priority_boost: Option<Spanned<PriorityBoost>>,
    /// Header of the request id.
    pub request_id_header: Option<Spanned<HeaderName>>,
    /// Header of the user id.
    pub user_id_header: Option<Spanned<HeaderName>>,
    /// Header of the tenant id.
    pub tenant_id_header: Option<Spanned<HeaderName>>,
}

/// A span exporter.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// Its name (`jaeger`).
    pub name: Spanned<String>,
    /// Its URL.
    pub endpoint: Option<Spanned<HttpUrl>>,
    /// What it speaks: by its `type`, else by its endpoint. `None` where neither tells.
    pub protocol: Option<SpanProtocol>,
}

/// A protocol that spans are sent by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanProtocol {
    /// OTLP over gRPC.
    OtlpGrpc,
    /// OTLP over HTTP.
    OtlpHttp,
    /// Zipkin's JSON, version 2.
    Zipkin,
    /// Jaeger's own protocols, which current software no longer sends.
    Jaeger,
}

impl SpanProtocol {
    /// What an endpoint speaks, told by its path, else by its port. Its name and its host tell nothing.
    #[must_use]
    pub fn of(endpoint: &str) -> Option<Self> {
        let url = Url::parse(endpoint)?;
        let rest = endpoint.split_once("://")?.1;
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        let path = path.split(['?', '#']).next().unwrap_or("/").trim_end_matches('/');
        match (path, url.port) {
            (path, _) if path.ends_with("/v1/traces") => Some(Self::OtlpHttp),
            (path, _) if path.ends_with("/api/v2/spans") => Some(Self::Zipkin),
            (path, _) if path.ends_with("/api/traces") => Some(Self::Jaeger),
            (_, Some(4317)) => Some(Self::OtlpGrpc),
            (_, Some(4318)) => Some(Self::OtlpHttp),
            (_, Some(9411)) => Some(Self::Zipkin),
            (_, Some(14268 | 14250 | 6831 | 6832)) => Some(Self::Jaeger),
            _ => None,
        }
    }
}

/// A custom metric.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Its name.
    pub name: Spanned<MetricName>,
    /// What kind.
    pub kind: Spanned<MetricKind>,
    /// Its labels.
    pub labels: Vec<Spanned<LabelName>>,
}

impl Metric {
    /// Whether it counts the calls that were let through, by its name: a counter `mcp_granted_calls_total`, or `mcp_allowed_tool_calls`.
    #[must_use]
    pub fn counts_granted_calls(&self) -> bool {
        let words =
            self.name.value.as_str().split('_').filter(|word| !["mcp", "gateway", "tool", "total"].contains(word));
        self.kind.value == MetricKind::Counter
            && matches!(words.collect::<Vec<_>>().as_slice(), ["granted" | "allowed", "calls"])
    }

    /// The label of the server and the one of the principal, where it tells grants apart: counted calls, by both.
    #[must_use]
    pub fn grants_by(&self) -> Option<[&str; 2]> {
        let label =
            |names: &[&str]| self.labels.iter().map(|label| label.value.as_str()).find(|one| names.contains(one));
        Some([label(&["mcp_server", "server"])?, label(&["principal"])?]).filter(|_| self.counts_granted_calls())
    }
}

/// The `logging_config` section.
#[derive(Debug, Clone)]
pub struct Logging {
    /// Where it stands.
    pub loc: Loc,
    /// Whether records are structured.
    pub structured: Option<Spanned<bool>>,
    /// The least severe level that is written.
    pub level: Option<Spanned<LogLevel>>,
    /// Fields of every record.
    pub fields: Vec<Spanned<String>>,
    /// The least time that audit records are kept.
    pub audit_retention: Option<Spanned<Retention>>,
    /// How long operational records are kept.
    pub operational_retention: Option<Spanned<Kept>>,
    /// How long debug records are kept.
    pub debug_retention: Option<Spanned<Kept>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_tells_its_protocol_by_path_and_port() {
        for (endpoint, expected) in [
            ("https://c.example:4318/v1/traces", Some(SpanProtocol::OtlpHttp)),
            ("https://c.example/tenant/v1/traces?x=1", Some(SpanProtocol::OtlpHttp)),
            ("https://c.example:4318", Some(SpanProtocol::OtlpHttp)),
            ("http://jaeger:4317", Some(SpanProtocol::OtlpGrpc)),
            ("http://zipkin:9411/api/v2/spans", Some(SpanProtocol::Zipkin)),
            ("http://zipkin:9411", Some(SpanProtocol::Zipkin)),
            ("http://jaeger:14268/api/traces", Some(SpanProtocol::Jaeger)),
            ("http://jaeger:6831", Some(SpanProtocol::Jaeger)),
            ("https://zipkin.example", None),
            ("https://otlp.example:443/", None),
            ("jaeger", None),
        ] {
            assert_eq!(SpanProtocol::of(endpoint), expected, "{endpoint}");
        }
    }
}
