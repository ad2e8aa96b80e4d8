//! Entries for hosts that the mesh does not know as services: each leads to the pods of its server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api::networking::{Location, Port, Resolution, ServiceEntry, WorkloadSelector};
use crate::diagnostic::Diagnostic;
use crate::targets::cluster::hosts::{HostKind, url_at};
use crate::targets::cluster::{Cluster, ServerPlace};
use crate::targets::objects::{document, metadata};
use crate::targets::{CompileError, TARGET_LIMIT};

/// Hosts that lead to another service in each namespace.
pub(super) fn refused(cluster: &Cluster<'_>) -> Vec<Diagnostic> {
    let short = cluster.places.iter().filter(|place| place.host.kind == HostKind::Short);
    short
        .map(|place| {
            let name = &place.host.name;
            let message = format!(
                "the host `{name}` of server `{}` leads to another service in each namespace",
                place.server.name
            );
            let help = format!("write its full name, such as `{name}.{}.svc.cluster.local`", place.namespace);
            Diagnostic::new(&TARGET_LIMIT, url_at(place.server), message).help(help)
        })
        .collect()
}

/// One entry for each such host that leads to the pods of one server, in the namespace of these pods: those of one cluster
/// among all.
pub(super) fn entries(cluster: &Cluster<'_>, here: &Cluster<'_>) -> Result<Vec<Value>, CompileError> {
    let mut by_host: BTreeMap<&str, Vec<&ServerPlace<'_>>> = BTreeMap::new();
    for place in cluster.places.iter().filter(|place| place.host.needs_entry()) {
        by_host.entry(&place.host.name).or_default().push(place);
    }
    let mut documents = Vec::new();
    for (host, places) in by_host {
        let Some((first, others)) = places.split_first() else { continue };
        if !here.gateways.contains_key(first.gateway) {
            continue;
        }
        let differs =
            |other: &&&ServerPlace<'_>| (&other.namespace, &other.labels) != (&first.namespace, &first.labels);
        // A host that leads to the pods of several servers is behind something that is not known here.
        if others.iter().any(|other| differs(&other)) {
            continue;
        }
        let ports: BTreeSet<u16> = places.iter().map(|place| place.port).collect();
        // HTTP also where the URL is `https`: the proxies encrypt. As HTTPS they would pass on bytes that they cannot read, and rules
        // for requests deny those.
        let port = |number: u16| Port { name: format!("http-{number}"), number, protocol: "HTTP".to_owned() };
        let entry = ServiceEntry {
            hosts: vec![host.to_owned()],
            export_to: vec![cluster.gateways_namespace.clone()],
            location: Location::MeshInternal,
            resolution: Resolution::Static,
            ports: ports.into_iter().map(port).collect(),
            workload_selector: WorkloadSelector { labels: first.labels.clone() },
        };
        documents.push(document(&metadata(&format!("host-{}", first.name), &first.namespace), &entry)?);
    }
    Ok(documents)
}
