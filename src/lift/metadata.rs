//! What every Kubernetes object of a bundle has: a name, a namespace, and the label of its bundle.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::LiftError;
use crate::model::Model;

/// The label that names the bundle of an object.
const BUNDLE: &str = "mcpctl.io/bundle";

/// The metadata of an object that belongs to a namespace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Metadata {
    /// That the label of the bundle is there, and no other one.
    ///
    /// # Errors
    /// Where it is not: nothing that removes by the label would find the object.
    pub(super) fn check(&self, model: &Model) -> Result<(), LiftError> {
        let mut labels = self.labels.clone();
        take_bundle(&mut labels, &self.name, model)?;
        if labels.is_empty() {
            return Ok(());
        }
        Err(LiftError::Unexpected(format!("the object `{}` has other labels than that of its bundle", self.name)))
    }
}

/// Takes the label of the bundle out of an object's.
///
/// # Errors
/// Where it is missing, or names another bundle.
pub(super) fn take_bundle(labels: &mut BTreeMap<String, String>, object: &str, model: &Model) -> Result<(), LiftError> {
    let name = model.deployment.bundle_name();
    if labels.remove(BUNDLE).as_deref() == Some(name.as_str()) {
        return Ok(());
    }
    Err(LiftError::Unexpected(format!(
        "the object `{object}` does not name its bundle, `{name}`, in the label `{BUNDLE}`"
    )))
}
