//! The folders of a target: whose configuration is in each, that no file is anywhere else, and what a file holds.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::label;
use crate::model::Scope;

/// Files by the path below the folder of their scope.
pub(super) type Files<'a> = BTreeMap<String, &'a [u8]>;

/// The files of a target, by scope. Every scope that the model has is there, with or without files.
///
/// # Errors
/// Where two units have one folder, or a file is in the folder of no scope.
pub(super) fn by_scope<'a, 'm>(
    artifacts: &'a BTreeMap<String, Artifact>,
    target: &str,
    scopes: impl IntoIterator<Item = &'m Scope>,
) -> Result<BTreeMap<&'m Scope, Files<'a>>, LiftError> {
    let mut folders: BTreeMap<String, &Scope> = BTreeMap::new();
    let mut found: BTreeMap<&Scope, Files<'a>> = BTreeMap::new();
    for scope in scopes {
        let folder = scope.as_ref().map_or("central".to_owned(), |unit| label(unit.as_str()));
        found.insert(scope, Files::new());
        if folders.insert(folder.clone(), scope).is_some() {
            return Err(LiftError::Unexpected(format!("two units have the folder `{folder}`")));
        }
    }
    for (path, artifact) in artifacts {
        let Some(below) = path.strip_prefix(target).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let placed = below.split_once('/').and_then(|(folder, rest)| Some((*folders.get(folder)?, rest)));
        let Some((scope, rest)) = placed else {
            return Err(LiftError::Unexpected(format!("the file `{path}` is in the folder of no unit")));
        };
        found.entry(scope).or_default().insert(rest.to_owned(), &artifact.bytes);
    }
    Ok(found)
}

/// A file of text.
///
/// # Errors
/// Where it is not.
pub(super) fn text<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, LiftError> {
    std::str::from_utf8(bytes).map_err(|_| LiftError::File(path.to_owned()))
}

/// A file of JSON.
///
/// # Errors
/// Where it has another shape, or a key twice: of these, readers take either.
pub(super) fn json<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, LiftError> {
    let unexpected = |cause: String| LiftError::Unexpected(format!("`{path}` has another shape: {cause}"));
    // JSON is YAML, whose reader refuses a key that is there twice.
    serde_yaml::from_str::<serde_yaml::Value>(text).map_err(|cause| unexpected(cause.to_string()))?;
    serde_json::from_str(text).map_err(|cause| unexpected(cause.to_string()))
}
