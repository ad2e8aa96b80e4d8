//! The ports that gateways listen on, and what they connect to beside servers and each other.

use std::collections::{BTreeMap, BTreeSet};

use super::api::{Egress, IpBlock, Peer};
use super::peers::{NAME, from, port, selector};
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::deployment::egress::Destination;
use crate::model::url::Url;
use crate::targets::TargetId;
use crate::targets::cluster::hosts::{self, HostKind};
use crate::targets::cluster::notes::Address;
use crate::targets::cluster::{Cluster, NAME_LABEL};
use crate::targets::gateways::CENTRAL;

/// The port of a gateway where the settings name none.
const PORT: u16 = 8443;

/// Envoy Gateway listens on a port below this one that much higher.
const PRIVILEGED: u16 = 1024;
const SHIFT: u16 = 10_000;

/// For each gateway, the ports of its listener: those of the gateways that the settings list, since one of them runs.
pub(super) fn of_gateways<'m>(model: &'m Model, cluster: &Cluster<'m>) -> BTreeMap<&'m str, BTreeSet<u16>> {
    let of = |name: &str| -> BTreeSet<u16> {
        let mut ports: BTreeSet<u16> = model
            .deployment
            .gateways()
            .map(|(_, gateways)| gateways.of(name).and_then(|gateway| gateway.listen.as_ref()))
            .map(|listen| listen.map_or(PORT, |listen| listen.value.port))
            .collect();
        if name == CENTRAL && model.deployment.of(TargetId::AiGateway).is_some() {
            ports.extend(public_port(model));
        }
        if ports.is_empty() {
            ports.insert(PORT);
        }
        ports
    };
    cluster.gateways.keys().map(|name| (*name, of(name))).collect()
}

/// The port of Envoy Gateway's pods for that of the gateway's public URL.
fn public_port(model: &Model) -> Option<u16> {
    let url = Url::parse(&model.topology.central_gateway.as_ref()?.value)?;
    let port = url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 });
    Some(if port < PRIVILEGED { port + SHIFT } else { port })
}

/// What gateways connect to beside servers and each other.
#[derive(Default)]
pub(super) struct Needed {
    /// Pods by namespace and labels, with the port: those of token issuers in the cluster, and what the settings name.
    pub(super) pods: BTreeSet<(String, BTreeMap<String, String>, u16)>,
    /// Addresses outside of the cluster, with the port.
    outside: BTreeSet<(String, u16)>,
}

impl Needed {
    /// What a workspace says of it.
    pub(super) fn of(model: &Model) -> Self {
        let mut found = Self::default();
        let domain = hosts::domain(model, &mut Vec::new());
        let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
        let keys = issuers.filter_map(|issuer| match issuer.keys.as_ref().map(|keys| &keys.value) {
            Some(Jwks::Url(url)) => Some(url.as_str()),
            Some(Jwks::File(_)) | None => None,
        });
        for url in keys.chain(model.control_processors().into_values().map(|url| url.value.as_str())) {
            let Some(address) = Address::of(url, &domain) else { continue };
            let HostKind::Service(namespace) = &address.host.kind else { continue };
            // By convention, a service has the name of its pods.
            let service = address.host.name.strip_suffix(&format!(".{namespace}.svc.{domain}")).unwrap_or_default();
            let service = service.rsplit('.').next().unwrap_or_default().to_owned();
            found.pods.insert((namespace.clone(), [(NAME_LABEL.to_owned(), service)].into(), address.port));
        }
        for destination in model.deployment.egress() {
            match &destination.to {
                Destination::Pods { namespace, labels } => {
                    found.pods.insert((namespace.clone(), labels.clone(), destination.port));
                }
                Destination::Addresses(range) => drop(found.outside.insert((range.to_string(), destination.port))),
            }
        }
        found
    }

    /// The rules that let gateways connect there; to pods among the servers they may anyway.
    pub(super) fn rules(&self, cluster: &Cluster<'_>) -> Vec<Egress> {
        let rule = |peer, number: &u16| Egress { to: vec![peer], ports: Some(vec![port("TCP", *number)]) };
        let elsewhere = self.pods.iter().filter(|(namespace, ..)| !cluster.server_namespaces.contains_key(namespace));
        let pods = elsewhere.map(|(namespace, labels, number)| {
            let selected = (!labels.is_empty()).then(|| selector(labels.clone()));
            rule(Peer { pod_selector: selected, ..from(&[(NAME, namespace)]) }, number)
        });
        let outside = self.outside.iter().map(|(range, number)| {
            let block = IpBlock { cidr: range.clone() };
            rule(Peer { ip_block: Some(block), ..Peer::default() }, number)
        });
        pods.chain(outside).collect()
    }
}
