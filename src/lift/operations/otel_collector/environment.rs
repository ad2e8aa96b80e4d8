//! Reads `sdk.env`.

use std::collections::BTreeMap;

use super::{Sampler, Sdk, unexpected};
use crate::lift::LiftError;
use crate::model::vocabulary::Compression;

/// What a file tells SDKs.
///
/// # Errors
/// Where it cannot be read exactly.
pub(super) fn sdk(text: &str) -> Result<Sdk, LiftError> {
    let mut lines = variables(text)?;
    let mut take = |name: &str| lines.remove(name);
    if take("OTEL_TRACES_EXPORTER") != Some("otlp") {
        return unexpected("SDKs send no OTLP");
    }
    let endpoint = match (take("OTEL_EXPORTER_OTLP_ENDPOINT"), take("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")) {
        (None, None) => None,
        (Some(base), None) => Some((base.to_owned(), false)),
        (None, Some(whole)) => Some((whole.to_owned(), true)),
        (Some(_), Some(_)) => return unexpected("SDKs have two endpoints"),
    };
    let grpc = match take("OTEL_EXPORTER_OTLP_PROTOCOL") {
        Some("grpc") => true,
        Some("http/protobuf") => false,
        _ => return unexpected("SDKs speak another protocol"),
    };
    let compression = match take("OTEL_EXPORTER_OTLP_COMPRESSION") {
        None => None,
        Some("gzip") => Some(Compression::Gzip),
        Some("none") => Some(Compression::None),
        Some(other) => return unexpected(format!("SDKs do not compress by `{other}`")),
    };
    let sampler = match (take("OTEL_TRACES_SAMPLER"), take("OTEL_TRACES_SAMPLER_ARG")) {
        (Some("always_on"), None) => Sampler::All,
        (Some("always_off"), None) => Sampler::None,
        (Some("parentbased_traceidratio"), Some(share)) => match share.parse() {
            Ok(share) => Sampler::Share(share),
            Err(_) => return unexpected(format!("`{share}` is not a share")),
        },
        _ => return unexpected("SDKs choose in another way"),
    };
    let python = take("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST");
    if python != take("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS") {
        return unexpected("SDKs of Python and of Java note different headers");
    }
    let headers = python.map(|headers| headers.split(',').map(str::to_owned).collect()).unwrap_or_default();
    match lines.keys().next() {
        Some(other) => unexpected(format!("the variable `{other}` is none that this target writes")),
        None => Ok(Sdk { endpoint, grpc, compression, sampler, headers }),
    }
}

/// The variables of a file, each with its value as written.
fn variables(text: &str) -> Result<BTreeMap<&str, &str>, LiftError> {
    let mut found = BTreeMap::new();
    if !text.ends_with('\n') {
        return unexpected("the last line of `sdk.env` is cut");
    }
    for line in text.lines() {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/[]%=~".contains(c);
        match line.split_once('=') {
            Some((name, value)) if !value.is_empty() && line.chars().all(plain) => {
                if found.insert(name, value).is_some() {
                    return unexpected(format!("the variable `{name}` is there twice"));
                }
            }
            _ => return unexpected(format!("the line `{line}` is not a variable with a value")),
        }
    }
    Ok(found)
}
