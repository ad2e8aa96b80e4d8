//! Istio's resources, as far as they are written: the fields of its custom resource definitions by their own names, in the
//! order of the alphabet. A field that is not here is left to Istio's default.

pub mod networking;
pub mod security;
pub mod telemetry;

use std::collections::BTreeMap;

use serde::Serialize;

/// `selector` of a resource: the pods that it is for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// `matchLabels`: a pod has all of them.
    pub match_labels: BTreeMap<String, String>,
}
