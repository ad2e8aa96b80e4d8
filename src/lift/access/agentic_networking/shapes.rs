//! The shapes of the objects. A key that is not here is an error: what it would do is not known.

use serde::Deserialize;

use super::unexpected;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::documents::Object;

/// A policy.
pub(super) type Document = Object<Spec>;

/// The objects of a file.
pub(super) fn documents(path: &str, artifact: &Artifact) -> Result<Vec<Document>, LiftError> {
    let text = std::str::from_utf8(&artifact.bytes).map_err(|_| LiftError::File(path.to_owned()))?;
    let read = serde_yaml::Deserializer::from_str(text).map(|document| {
        Document::deserialize(document).or_else(|cause| unexpected(format!("`{path}` cannot be read: {cause}")))
    });
    read.collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) action: String,
    pub(super) rules: Vec<Written>,
    pub(super) target_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) authorization: Authorization,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) spiffe: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorization {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) cel: Option<Cel>,
    pub(super) mcp: Option<Mcp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cel {
    pub(super) expression: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Mcp {
    pub(super) mcp_base_protocol_methods_option: String,
    #[serde(default)]
    pub(super) methods: Vec<Method>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Method {
    pub(super) name: String,
    #[serde(default)]
    pub(super) params: Vec<String>,
}
