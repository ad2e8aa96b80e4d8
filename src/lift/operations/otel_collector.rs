//! Reads the files of the target `otel-collector` back: where spans go, which traces are kept, what is left of users.
//!
//! A file is read as the collector reads it. So that nothing is overlooked, a key that is there twice is refused, and so is every
//! one that this target does not write.

mod config;
mod environment;
mod expected;
mod statements;

use std::collections::{BTreeMap, BTreeSet};

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::vocabulary::Compression;
use crate::policy::Policy;

/// Where spans go.
#[derive(Debug, PartialEq, Eq)]
enum To {
    /// By OTLP over gRPC.
    Grpc { host: String, port: u16, tls: bool },
    /// By OTLP over HTTP, to a whole URL.
    Http(String),
    /// As Zipkin's JSON, to a whole URL.
    Zipkin(String),
}

/// What a collector chooses from the traces that it gets. A share is in units of a ten thousand millionth.
#[derive(Debug, PartialEq, Eq)]
struct Chosen {
    errors: bool,
    slower_than: Option<u64>,
    share: Option<u64>,
    /// How long it waits, in milliseconds.
    wait: u64,
}

/// How spans are batched: the size, the limit, and the time in milliseconds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Batched {
    size: Option<u64>,
    most: Option<u64>,
    time: Option<u64>,
}

/// A collector.
#[derive(Debug, PartialEq, Eq)]
struct Collector {
    exporters: BTreeMap<String, (To, Option<Compression>)>,
    chosen: Option<Chosen>,
    batched: Batched,
    /// MiB; `None` for a part of the machine's.
    memory: Option<u64>,
    users: Users,
}

/// What is left of users.
#[derive(Debug, Default, PartialEq, Eq)]
struct Users {
    /// Attributes that are deleted wherever they are.
    deleted: BTreeSet<String>,
    /// The servers in whose spans `user.id` becomes a hash. Everywhere else it is deleted.
    hashed_for: BTreeSet<String>,
}

/// How SDKs choose.
#[derive(Debug, PartialEq)]
enum Sampler {
    All,
    None,
    Share(f64),
}

/// What SDKs are told.
#[derive(Debug, PartialEq)]
struct Sdk {
    /// Where spans go, and whether the path of traces is in it.
    endpoint: Option<(String, bool)>,
    grpc: bool,
    compression: Option<Compression>,
    sampler: Sampler,
    headers: Vec<String>,
}

/// Checks that the files say exactly what the model says of traces.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    for (scope, mut files) in scoped::by_scope(artifacts, "otel-collector", model.tracing.keys())? {
        let Some(tracing) = model.tracing.get(scope) else { continue };
        let mut text = |path: &str| files.remove(path).map(|bytes| scoped::text(path, bytes)).transpose();
        let sdk = text("sdk.env")?.ok_or_else(|| LiftError::File("sdk.env".to_owned()))?;
        if environment::sdk(sdk)? != expected::sdk(scope, tracing, model) {
            return unexpected("`sdk.env` does not say what the workspace says");
        }
        let found = text("collector.yaml")?.map(config::collector).transpose()?;
        if found != expected::collector(scope, tracing, model)? {
            return unexpected("`collector.yaml` does not say what the workspace says");
        }
        if let Some(path) = files.keys().next() {
            return unexpected(format!("`{path}` is not a file of this target"));
        }
    }
    Ok(())
}

/// A text as the collector takes it: `$$` is `$`, and `$` by itself would begin the name of a variable.
fn plain(text: &str) -> Result<String, LiftError> {
    let mut parts = text.split("$$");
    if parts.any(|part| part.contains('$')) {
        return unexpected(format!("`{text}` has a variable in it"));
    }
    Ok(text.replace("$$", "$"))
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
