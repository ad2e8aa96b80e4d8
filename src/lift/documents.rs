//! Files of Kubernetes objects, one document an object.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::LiftError;
use super::metadata::Metadata;
use crate::bundle::Artifact;

/// An object with all of its keys. Another key is an error: what it would do is not known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Object<T> {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) metadata: Metadata,
    pub(super) spec: T,
}

/// The documents of a file.
///
/// # Errors
/// Where it is not text, or a document is of another shape.
pub(super) fn documents<T: DeserializeOwned>(path: &str, artifact: &Artifact) -> Result<Vec<T>, LiftError> {
    let text = std::str::from_utf8(&artifact.bytes).map_err(|_| LiftError::File(path.to_owned()))?;
    // A file without documents is one without objects, and not one that holds nothing.
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let unexpected = |cause: String| LiftError::Unexpected(format!("`{path}` cannot be read: {cause}"));
    let read = serde_yaml::Deserializer::from_str(text).map(|document| {
        let value = serde_json::Value::deserialize(document).map_err(|cause| unexpected(cause.to_string()))?;
        serde_json::from_value(value).map_err(|cause| unexpected(cause.to_string()))
    });
    read.collect()
}
