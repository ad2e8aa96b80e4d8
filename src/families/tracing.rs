//! `tracing_config`. Source: the document, "Distributed Tracing".

use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::telemetry::{Exporter, SpanProtocol, Tracing};
use crate::model::value::{HeaderName, HttpUrl};
use crate::model::vocabulary::{PriorityBoost, Sampling};
use crate::source::Spanned;

/// Where spans are sent, which traces are kept, and the headers that tie records together.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TracingConfig {
    /// Where spans are sent.
    #[serde(default)]
    exporters: Vec<ExporterSection>,
    /// Which traces are kept.
    sampling: Option<SamplingSection>,
    /// The headers that tie records together.
    correlation: Option<Correlation>,
}

/// A span exporter.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ExporterSection {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// What it speaks. Where it is not written, the path or port of the endpoint tells it: `/v1/traces` and 4318 are OTLP over
    /// HTTP, 4317 is OTLP over gRPC, `/api/v2/spans` and 9411 are Zipkin.
    r#type: Option<Spanned<ProtocolWord>>,
    /// Its URL, such as `https://collector:4318/v1/traces`.
    endpoint: Option<Spanned<HttpUrl>>,
}

/// Which traces are kept.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend(
    "if" = serde_json::json!({"properties": {"strategy": {"const": "rate_limiting"}}, "required": ["strategy"]}),
    "else" = serde_json::json!({"properties": {"rate": {"description": "A share is at most the whole.", "maximum": 1.0}}})
)))]
#[serde(deny_unknown_fields)]
struct SamplingSection {
    /// How it is decided.
    strategy: Option<Spanned<Sampling>>,
    /// The share that is kept, of 1; with `rate_limiting`, traces a second.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    rate: Option<Spanned<f64>>,
    /// What is kept more often, such as `error_spans`.
    priority_boost: Option<Spanned<PriorityBoost>>,
}

/// The headers that tie records together.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Correlation {
    /// Header of the request id.
    request_id_header: Option<Spanned<HeaderName>>,
    /// Header of the user id.
    user_id_header: Option<Spanned<HeaderName>>,
    /// Header of the tenant id.
    tenant_id_header: Option<Spanned<HeaderName>>,
}

words! {
    /// `type` of an exporter.
    enum ProtocolWord {
        Otlp = "otlp",
        OtlpGrpc = "otlp_grpc",
        OtlpHttp = "otlp_http",
        Zipkin = "zipkin",
        Jaeger = "jaeger",
    }
}

impl ProtocolWord {
    /// `otlp` leaves it to the endpoint which of the two forms it is; gRPC where that tells nothing else.
    fn protocol(self, told: Option<SpanProtocol>) -> SpanProtocol {
        match self {
            Self::Otlp if told == Some(SpanProtocol::OtlpHttp) => SpanProtocol::OtlpHttp,
            Self::Otlp | Self::OtlpGrpc => SpanProtocol::OtlpGrpc,
            Self::OtlpHttp => SpanProtocol::OtlpHttp,
            Self::Zipkin => SpanProtocol::Zipkin,
            Self::Jaeger => SpanProtocol::Jaeger,
        }
    }
}

impl TracingConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut exporters = Vec::new();
        for exporter in self.exporters {
            let key = format!("{:?}\u{0}{}", at.scope, exporter.name);
            if out.declare_as("exporter", key, &exporter.name.value, exporter.name.loc) {
                let told = exporter.endpoint.as_ref().and_then(|endpoint| SpanProtocol::of(&endpoint.value));
                let protocol = exporter.r#type.map_or(told, |word| Some(word.value.protocol(told)));
                exporters.push(Exporter { name: exporter.name, endpoint: exporter.endpoint, protocol });
            }
        }
        let (strategy, rate, priority_boost) = match self.sampling {
            Some(sampling) => (sampling.strategy, sampling.rate, sampling.priority_boost),
            None => (None, None, None),
        };
        let (request_id_header, user_id_header, tenant_id_header) = match self.correlation {
            Some(headers) => (headers.request_id_header, headers.user_id_header, headers.tenant_id_header),
            None => (None, None, None),
        };
        let tracing = Tracing {
            loc: at.key,
            exporters,
            strategy,
            rate,
            priority_boost,
            request_id_header,
            user_id_header,
            tenant_id_header,
        };
        out.model.tracing.entry(at.scope.clone()).or_insert(tracing);
    }
}
