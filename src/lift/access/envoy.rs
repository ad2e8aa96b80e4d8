//! Reads Envoy's configuration back: an interpreter of its filters, matchers and routes.
//!
//! Only what is understood is accepted: an unknown filter, matcher or value is an error, and so is a file of the watched
//! folder that says something else than `envoy.static.yaml`.

mod before;
mod discovery;
mod fields;
mod gateway;
mod hooks;
mod matcher;
mod mirrored;
mod operations;
mod predicate;
mod protocol;
mod same;
mod shadow;
mod text;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value;

use super::probe::Probe;
use super::relation::{Before, Decided, Part, Product, relation};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::model::topology::Topology;
use crate::policy::Policy;
use crate::policy::fact::{MTLS, TLS};
use gateway::Gateway;
pub use shadow::lift_beside;

/// The files of one gateway, by name.
pub(crate) type Folder = BTreeMap<String, Value>;
/// The folders of all gateways, by name.
pub(crate) type Folders = BTreeMap<String, Folder>;

/// The texts of files that are only compared with others, by gateway and name. They need not be parsed.
type Texts<'t> = BTreeMap<(&'t str, &'t str), &'t str>;

/// The files that are only compared with `envoy.static.yaml`.
const COMPARED: [&str; 3] = ["xds/cds.yaml", "xds/lds.yaml", "xds/rds.yaml"];

/// The relation that each gateway decides.
///
/// # Errors
/// Where a file is missing or says something that is not understood, the files of a folder contradict each other, a route
/// leads elsewhere than to its server, or something is let through that nobody may do.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let mut texts = Texts::new();
    let mut parsed = Vec::new();
    for (path, artifact) in artifacts {
        match (place(path), std::str::from_utf8(&artifact.bytes)) {
            (Some((gateway, file)), Ok(text)) if COMPARED.contains(&file) => drop(texts.insert((gateway, file), text)),
            _ => parsed.push((path.as_str(), artifact.bytes.as_slice())),
        }
    }
    judge_beside(&folders(parsed.into_iter())?, &texts, model, policy)
}

/// The gateway of a file, and its name there.
fn place(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("envoy/")?.split_once('/')
}

/// What a file of a bundle says.
fn value(path: &str, text: &str) -> Result<Value, LiftError> {
    text::read(text).map_err(|error| unexpected(format!("`{path}` is not YAML: {error}")))
}

/// The folders of all gateways among the files of a bundle.
fn folders<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Folders, LiftError> {
    let read = |(path, bytes): &(&str, &[u8])| {
        let (name, file) = place(path)?;
        let value = match std::str::from_utf8(bytes) {
            Ok(text) => value(path, text),
            Err(_) => Err(LiftError::File((*path).to_owned())),
        };
        Some(value.map(|value| (name.to_owned(), file.to_owned(), value)))
    };
    let files: Vec<(&str, &[u8])> = files.collect();
    let read: Vec<_> = files.par_iter().filter_map(read).collect();
    let mut folders: Folders = BTreeMap::new();
    for read in read {
        let (name, file, value) = read?;
        folders.entry(name).or_default().insert(file, value);
    }
    Ok(folders)
}

/// As [`lift`], of files that are parsed already.
pub(crate) fn judge(folders: &Folders, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    judge_beside(folders, &Texts::new(), model, policy)
}

/// As [`judge`], with files beside those that are parsed.
fn judge_beside(folders: &Folders, texts: &Texts<'_>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let expected = gateway::expected(model, policy);
    let names: BTreeSet<&str> = expected.keys().map(String::as_str).collect();
    let found = folders.keys().map(String::as_str).chain(texts.keys().map(|(gateway, _)| *gateway));
    if found.collect::<BTreeSet<_>>() != names {
        return Err(unexpected(format!("there are folders for other gateways than {names:?}")));
    }
    let mut parts = Vec::new();
    for (name, upstreams) in &expected {
        parts.push(judge_gateway(folders, texts, name, upstreams, model, policy)?);
    }
    Ok(parts)
}

/// As [`judge`], of one gateway.
#[cfg(test)]
pub(crate) fn judge_one(folders: &Folders, name: &str, model: &Model, policy: &Policy) -> Result<Part, LiftError> {
    let expected = gateway::expected(model, policy);
    let upstreams = expected.get(name).ok_or_else(|| unexpected(format!("no gateway `{name}`")))?;
    judge_gateway(folders, &Texts::new(), name, upstreams, model, policy)
}

/// What one gateway decides.
fn judge_gateway(
    folders: &Folders,
    texts: &Texts<'_>,
    name: &str,
    upstreams: &BTreeMap<ServerName, gateway::Upstream>,
    model: &Model,
    policy: &Policy,
) -> Result<Part, LiftError> {
    let folder = folders.get(name).ok_or_else(|| LiftError::File(format!("envoy/{name}")))?;
    let unit = (name != "central").then_some(name);
    let texts = texts.iter().filter(|((gateway, _), _)| *gateway == name).map(|((_, file), text)| (*file, *text));
    let gateway = Gateway::read(folder, &texts.collect(), model, policy, unit, upstreams)
        .map_err(|error| within(&format!("gateway `{name}`"), error))?;
    let servers: BTreeSet<ServerName> = upstreams.keys().cloned().collect();
    let central = model
        .identity
        .as_ref()
        .and_then(|identity| identity.trust_domain.as_ref())
        .map(|domain| Topology::gateway_identity(&domain.value, "central"));
    let before = match (unit, &central) {
        (None, _) => Before::Callers,
        (Some(_), Some(identity)) => Before::Gateway(identity),
        (Some(_), None) => return Err(unexpected("a unit's gateway cannot know the central one".to_owned())),
    };
    let decided = Decided { certificates: gateway.encrypted, ..Decided::ALL };
    let lifted = relation(&gateway, &servers, model, policy, decided, before)
        .map_err(|error| within(&format!("gateway `{name}`"), error))?;
    let mut given = BTreeSet::new();
    if gateway.encrypted {
        given.insert(TLS);
    }
    if gateway.certificates {
        given.insert(MTLS);
    }
    Ok(Part { gateway: name.to_owned(), lifted, servers: Some(servers), given })
}

impl Product for Gateway<'_> {
    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        self.allows(server, probe)
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        self.routes.get(server).map(|route| route.texts.clone()).unwrap_or_default()
    }
}

/// Something that is not understood, or is not as it must be.
pub(super) fn unexpected(what: String) -> LiftError {
    LiftError::Unexpected(what)
}

/// The error with where it stands.
pub(super) fn within(place: &str, error: LiftError) -> LiftError {
    match error {
        LiftError::Unexpected(what) => LiftError::Unexpected(format!("{place}: {what}")),
        error @ (LiftError::Cedar(_) | LiftError::File(_)) => error,
    }
}
