//! Where the collector sends spans. Source: the READMEs of `otlpexporter`, `otlphttpexporter` and `zipkinexporter`, 0.161.

use serde::Serialize;

use super::fault;
use crate::diagnostic::Diagnostic;
use crate::model::flow::Batch;
use crate::model::telemetry::{Exporter, SpanProtocol};
use crate::model::url::Url;
use crate::model::vocabulary::Compression;
use crate::source::Spanned;
use crate::targets::{CompileError, TARGET_LIMIT};

/// Ports of Jaeger's own protocols. A Jaeger that listens there listens for OTLP at [`OTLP_OF_JAEGER`], too.
const OWN_OF_JAEGER: [u16; 4] = [14268, 14250, 6831, 6832];

/// Jaeger's port for OTLP over gRPC.
const OTLP_OF_JAEGER: u16 = 4317;

/// What an exporter becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `otlp_grpc`.
    Grpc,
    /// `otlp_http`.
    Http,
    /// `zipkin`.
    Zipkin,
}

impl Kind {
    /// Its type in the collector.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Grpc => "otlp_grpc",
            Self::Http => "otlp_http",
            Self::Zipkin => "zipkin",
        }
    }
}

/// Where spans go.
#[derive(Debug)]
pub(super) struct Destination<'m> {
    pub(super) kind: Kind,
    /// The endpoint as it is declared.
    pub(super) url: &'m Spanned<crate::model::value::HttpUrl>,
    /// Whether it is one of Jaeger's own, in whose place its port for OTLP is written.
    pub(super) moved: bool,
}

/// An exporter of the collector.
#[derive(Serialize)]
pub(super) struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traces_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Tls>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<&'static str>,
}

#[derive(Serialize)]
struct Tls {
    insecure: bool,
}

/// Where an exporter sends to; `None` where the collector cannot.
pub(super) fn destination(exporter: &Exporter) -> Option<Destination<'_>> {
    let url = exporter.endpoint.as_ref()?;
    let found = |kind, moved| Some(Destination { kind, url, moved });
    match exporter.protocol? {
        SpanProtocol::OtlpGrpc => found(Kind::Grpc, false),
        SpanProtocol::OtlpHttp => found(Kind::Http, false),
        SpanProtocol::Zipkin => found(Kind::Zipkin, false),
        SpanProtocol::Jaeger => {
            let own = Url::parse(&url.value)?.port.is_some_and(|port| OWN_OF_JAEGER.contains(&port));
            own.then_some(Destination { kind: Kind::Grpc, url, moved: true })
        }
    }
}

/// The compression of spans to such a destination; `None` where it is not declared, or the receiver does not take it.
pub(super) fn compression(kind: Kind, batch: Option<&Batch>) -> Option<&'static str> {
    let word = batch?.compression.as_ref()?.value;
    match (word, kind) {
        (Compression::Gzip, _) => Some("gzip"),
        (Compression::None, _) => Some("none"),
        (Compression::Zstd, Kind::Grpc | Kind::Http) => Some("zstd"),
        (Compression::Snappy, Kind::Grpc | Kind::Http) => Some("snappy"),
        (Compression::Lz4, Kind::Http) => Some("lz4"),
        (Compression::Zstd | Compression::Snappy, Kind::Zipkin) | (Compression::Lz4, Kind::Grpc | Kind::Zipkin) => None,
    }
}

/// The path and query of a URL, without a `/` that is alone.
fn after_authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default();
    if path == "/" { "" } else { path }
}

/// The exporter.
///
/// # Errors
/// For a path where gRPC has none.
pub(super) fn written(to: &Destination<'_>, batch: Option<&Batch>) -> Result<Written, CompileError> {
    let url = to.url.value.as_str();
    let mut found =
        Written { endpoint: None, traces_endpoint: None, tls: None, compression: compression(to.kind, batch) };
    let path = after_authority(url);
    match to.kind {
        Kind::Grpc => {
            if !to.moved && !path.is_empty() {
                let message = format!("gRPC has no place for the path `{path}`");
                let help = "remove the path, or write `type: otlp_http`";
                return Err(fault(Diagnostic::new(&TARGET_LIMIT, to.url.loc, message).help(help)));
            }
            let Some(parts) = Url::parse(url) else { return Ok(found) };
            let host = if parts.host.contains(':') { format!("[{}]", parts.host) } else { parts.host.to_owned() };
            let usual = if parts.is_plaintext() { 80 } else { 443 };
            let port = if to.moved { OTLP_OF_JAEGER } else { parts.port.unwrap_or(usual) };
            found.endpoint = Some(format!("{host}:{port}"));
            found.tls = parts.is_plaintext().then_some(Tls { insecure: true });
        }
        // The collector adds `/v1/traces` to `endpoint`, and nothing to `traces_endpoint`.
        Kind::Http if path.is_empty() => found.endpoint = Some(literal(url.trim_end_matches('/'))),
        Kind::Http => found.traces_endpoint = Some(literal(url)),
        Kind::Zipkin if path.is_empty() => {
            found.endpoint = Some(format!("{}/api/v2/spans", literal(url.trim_end_matches('/'))));
        }
        Kind::Zipkin => found.endpoint = Some(literal(url)),
    }
    Ok(found)
}

/// A text that the collector takes as it is: to it `$` begins the name of a variable, and `$$` is a `$`.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
