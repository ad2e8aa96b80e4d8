//! `sdk.env`, what SDKs read from the environment. Source: OpenTelemetry's specification, "Environment Variable Specification", and
//! the instrumentations of Python and Java for the headers of requests.

use super::sampling::Choice;
use super::used::Used;
use crate::bundle::Artifact;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::telemetry::SpanProtocol;
use crate::model::vocabulary::Compression;
use crate::targets::{CompileError, TARGET_LIMIT};

/// The variables for headers of requests: those of Python, and of Java.
const HEADERS: [&str; 2] = [
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
];

/// The file.
///
/// # Errors
/// For a value that a line cannot hold, and an endpoint that nothing tells the protocol of.
pub(super) fn sdk(used: &Used<'_>, model: &Model) -> Result<(String, Artifact), CompileError> {
    let mut from = vec![used.tracing.loc];
    let mut lines: Vec<(&str, String)> = vec![("OTEL_TRACES_EXPORTER", "otlp".to_owned())];
    let endpoint = model.deployment.otel_collector.as_ref().and_then(|keys| keys.endpoint.as_ref());
    let mut protocol = "http/protobuf";
    if let Some(url) = endpoint {
        from.push(url.loc);
        protocol = match SpanProtocol::of(&url.value) {
            Some(SpanProtocol::OtlpHttp) => "http/protobuf",
            Some(SpanProtocol::OtlpGrpc) => "grpc",
            Some(SpanProtocol::Zipkin | SpanProtocol::Jaeger) | None => {
                let message = format!("nothing says that `{url}` takes OTLP");
                let help = "write port 4318 for HTTP, or 4317 for gRPC";
                let finding = Diagnostic::new(&TARGET_LIMIT, url.loc, message).help(help);
                return Err(CompileError::Findings(vec![finding]));
            }
        };
        // To what is for all signals, SDKs add `/v1/traces`.
        let whole = url.value.trim_end_matches('/').ends_with("/v1/traces");
        let name = if whole { "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" } else { "OTEL_EXPORTER_OTLP_ENDPOINT" };
        lines.push((name, url.value.to_string()));
    }
    lines.push(("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()));
    // The specification has these two, and no others.
    let word = used.batch.and_then(|batch| batch.compression.as_ref());
    if let Some(word) = word.filter(|word| matches!(word.value, Compression::Gzip | Compression::None)) {
        from.push(word.loc);
        lines.push(("OTEL_EXPORTER_OTLP_COMPRESSION", word.value.word().to_owned()));
    }
    lines.extend(sampler(used.choice));
    let headers: Vec<&str> = [&used.tracing.request_id_header, &used.tracing.tenant_id_header]
        .into_iter()
        .flatten()
        .inspect(|header| from.push(header.loc))
        .map(|header| header.value.as_str())
        .collect();
    if !headers.is_empty() {
        lines.extend(HEADERS.map(|name| (name, headers.join(","))));
    }
    Ok(("sdk.env".to_owned(), Artifact { bytes: file(&lines)?.into_bytes(), from }))
}

/// The sampler of SDKs.
fn sampler(choice: Choice) -> Vec<(&'static str, String)> {
    const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
    match choice {
        // Whatever a caller has chosen before: every trace counts, or the collector chooses.
        Choice::All | Choice::Tail(_) => vec![(SAMPLER, "always_on".to_owned())],
        Choice::None => vec![(SAMPLER, "always_off".to_owned())],
        Choice::Head(share) => {
            vec![(SAMPLER, "parentbased_traceidratio".to_owned()), ("OTEL_TRACES_SAMPLER_ARG", share.to_string())]
        }
    }
}

/// A line for each variable. Shells, Docker and systemd read them alike as long as nothing has to be quoted.
fn file(lines: &[(&str, String)]) -> Result<String, CompileError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/[]%=~".contains(c);
    let mut text = String::new();
    for (name, value) in lines {
        if value.is_empty() || !value.chars().all(plain) {
            return Err(CompileError::Refused(format!("the variable `{name}` cannot hold `{value}`")));
        }
        for part in [*name, "=", value, "\n"] {
            text.push_str(part);
        }
    }
    Ok(text)
}
