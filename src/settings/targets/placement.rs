//! `targets.kubernetes.locations`, as written.

use std::collections::BTreeMap;

use super::over::{Over, by_key};
use crate::diagnostic::Diagnostic;
use crate::model::deployment::is_label_value;
use crate::model::deployment::placement::Placement;
use crate::model::server::Location;
use crate::schema::rules::INVALID_VALUE;
use crate::source::Spanned;

/// The nodes of each location.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Locations {
    /// In a public cloud.
    cloud: Option<Spanned<PlaceEntry>>,
    /// On own premises.
    on_premises: Option<Spanned<PlaceEntry>>,
    /// In a secure enclave.
    secure_enclave: Option<Spanned<PlaceEntry>>,
}

by_key!(Locations { cloud, on_premises, secure_enclave });

/// By what the nodes of a location are told apart.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlaceEntry {
    /// Labels that only nodes there have. Pods must name all of them in `nodeSelector`.
    #[cfg_attr(test, schemars(extend("minProperties" = 1, "propertyNames" = { "format": "mcpctl-label-key" })))]
    #[serde(default)]
    node_labels: BTreeMap<String, Spanned<String>>,
    /// The `RuntimeClass` that pods there must name.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-name")))]
    runtime_class: Option<Spanned<String>>,
}

impl Over for PlaceEntry {
    fn over(self, _: Self) -> Self {
        self
    }
}

/// The locations that are right; what is wrong with the others.
pub fn settled(written: Option<Locations>, findings: &mut Vec<Diagnostic>) -> Vec<Placement> {
    let Locations { cloud, on_premises, secure_enclave } = written.unwrap_or_default();
    let each =
        [(Location::Cloud, cloud), (Location::OnPremises, on_premises), (Location::SecureEnclave, secure_enclave)];
    let mut found: Vec<Placement> = Vec::new();
    for (location, entry) in each {
        let Some(Spanned { value, loc }) = entry else { continue };
        if value.node_labels.is_empty() && value.runtime_class.is_none() {
            let message = "nothing tells the nodes of this location from others";
            let help = "write `node_labels`, `runtime_class` or both";
            findings.push(Diagnostic::new(&INVALID_VALUE, loc, message).help(help));
            continue;
        }
        let is_bad = |label: &Spanned<String>| !label.value.is_empty() && !is_label_value(&label.value);
        if let Some((key, label)) = value.node_labels.iter().find(|(_, label)| is_bad(label)) {
            let message = format!("`{key}: {label}` cannot be a Kubernetes label");
            findings.push(Diagnostic::new(&INVALID_VALUE, label.loc, message));
            continue;
        }
        let place = Placement {
            loc,
            location,
            node_labels: value.node_labels.into_iter().map(|(key, label)| (key, label.value)).collect(),
            runtime_class: value.runtime_class.map(|class| class.value),
        };
        let said = |place: &Placement| (place.node_labels.clone(), place.runtime_class.clone());
        if let Some(same) = found.iter().find(|other| said(other) == said(&place)) {
            let message = "nothing tells the nodes of this location from those of another one";
            let help = "give the nodes of each location a label, or a value of it, of their own";
            findings.push(Diagnostic::new(&INVALID_VALUE, loc, message).label(same.loc, "the other one").help(help));
            continue;
        }
        found.push(place);
    }
    found
}
