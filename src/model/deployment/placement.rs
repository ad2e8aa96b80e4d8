//! By what the nodes of a cluster are told apart that stand at a location.

use std::collections::BTreeMap;

use crate::model::server::Location;
use crate::source::Loc;

/// How a pod asks for a node at a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Where it is written.
    pub loc: Loc,
    /// The location.
    pub location: Location,
    /// Labels of its nodes, which pods name in `nodeSelector`.
    pub node_labels: BTreeMap<String, String>,
    /// The `RuntimeClass` of pods there, such as one for confidential containers.
    pub runtime_class: Option<String>,
}

impl core::fmt::Display for Placement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let labels: Vec<String> = self.node_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let class = self.runtime_class.iter().map(|class| format!("runtime class {class}"));
        f.write_str(&labels.into_iter().chain(class).collect::<Vec<_>>().join(", "))
    }
}
