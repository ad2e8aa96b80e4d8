//! The group `telemetry.istio.io`: traces.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Selector;
use crate::targets::objects::kinds;

kinds!("telemetry.istio.io/v1"; Telemetry);

/// `Telemetry`.
#[derive(Debug, Clone, Serialize)]
pub struct Telemetry {
    /// `selector`: without it, all pods of the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// `tracing`.
    pub tracing: Vec<Tracing>,
}

/// `tracing[]`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tracing {
    /// `customTags` by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_tags: BTreeMap<String, Tag>,
    /// `randomSamplingPercentage`: the share of requests that are traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_sampling_percentage: Option<f64>,
}

/// `tracing[].customTags[]`.
#[derive(Debug, Clone, Serialize)]
pub struct Tag {
    /// `header`: the tag's value is that of a header.
    pub header: TagHeader,
}

/// `tracing[].customTags[].header`.
#[derive(Debug, Clone, Serialize)]
pub struct TagHeader {
    /// `name` of the header.
    pub name: String,
}
