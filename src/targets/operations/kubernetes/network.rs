//! Network policies. They only add up: one selects everything and lets nothing through, and each other one adds something.

use std::collections::BTreeSet;

use serde_json::Value;

use super::api::{Egress, Ingress, NetworkPolicy, Peer};
use super::peers::{NAME, from, labelled, pods, port};
use super::{SEGMENT, ports};
use crate::model::Model;
use crate::targets::CompileError;
use crate::targets::TargetId;
use crate::targets::cluster::{Cluster, GATEWAY, ServerPlace};
use crate::targets::gateways::CENTRAL;
use crate::targets::objects::{document, metadata};

/// Where Istio's control plane stands, and its port for configuration and certificates.
const MESH: (&str, u16) = ("istio-system", 15_012);

/// Those of one cluster among all. `used` are the servers that somebody may call, and `others` the namespaces of objects that
/// no segment has.
pub(super) fn policies(
    model: &Model,
    (all, cluster): (&Cluster<'_>, &Cluster<'_>),
    used: &BTreeSet<&str>,
    others: &BTreeSet<String>,
) -> Result<Vec<Value>, CompileError> {
    let (agents, gateways) = (&cluster.agents_namespace, &cluster.gateways_namespace);
    let meshed = model.topology.mesh.as_ref().is_some_and(|mesh| mesh.value == "istio")
        || model.deployment.of(TargetId::Istio).is_some();
    let mut found = Vec::new();
    for namespace in [agents, gateways].into_iter().chain(cluster.server_namespaces.keys()).chain(others) {
        found.push(policy("default-deny", namespace, &[], Some(Vec::new()), Some(Vec::new()))?);
        let dns = Egress {
            to: vec![Peer {
                pod_selector: Some(labelled(&[("k8s-app", "kube-dns")])),
                ..from(&[(NAME, "kube-system")])
            }],
            ports: Some(vec![port("UDP", 53), port("TCP", 53)]),
        };
        found.push(policy("allow-dns", namespace, &[], None, Some(vec![dns]))?);
        if meshed {
            let control = Egress { to: vec![from(&[(NAME, MESH.0)])], ports: Some(vec![port("TCP", MESH.1)]) };
            found.push(policy("allow-mesh", namespace, &[], None, Some(vec![control]))?);
        }
    }
    let to = |peer, ports| Some(vec![Egress { to: vec![peer], ports }]);
    let listening = ports::of_gateways(model, all);
    let at = |name: &str| {
        let open = listening.get(name).into_iter().flatten();
        open.map(|number| port("TCP", *number)).collect::<Vec<_>>()
    };
    for (name, account) in &cluster.gateways {
        let gateway = Peer { pod_selector: Some(labelled(&[(GATEWAY, account)])), ..from(&[(NAME, gateways)]) };
        found.push(policy(&format!("allow-to-gateway-{account}"), agents, &[], None, to(gateway, Some(at(name))))?);
        let ingress = Ingress { from: vec![from(&[(NAME, agents)])], ports: at(name) };
        let selected = [(GATEWAY, account.as_str())];
        found.push(policy(&format!("gateway-{account}-from-agents"), gateways, &selected, Some(vec![ingress]), None)?);
    }
    found.push(policy("allow-to-servers", gateways, &[], None, to(from(&[(SEGMENT, "servers")]), None))?);
    found.extend(needed(&ports::Needed::of(model), (all, cluster), others)?);
    let central = [(GATEWAY, label(all, CENTRAL))];
    for (unit, account) in all.gateways.iter().filter(|(name, _)| **name != CENTRAL) {
        let selected = [(GATEWAY, account.as_str())];
        if cluster.gateways.contains_key(unit) {
            let ingress = Ingress { from: vec![pods(&central)], ports: at(unit) };
            let name = format!("gateway-{account}-from-central");
            found.push(policy(&name, gateways, &selected, Some(vec![ingress]), None)?);
        }
        if cluster.gateways.contains_key(CENTRAL) {
            let name = format!("gateway-central-to-{account}");
            found.push(policy(&name, gateways, &central, None, to(pods(&selected), Some(at(unit))))?);
        }
    }
    for place in cluster.places.iter().filter(|place| used.contains(place.server.name.value.as_str())) {
        found.push(for_server(model, (all, cluster), place)?);
    }
    Ok(found)
}

/// Gateways may connect to what they need, which takes it where it is in a namespace of the bundle.
fn needed(
    needed: &ports::Needed,
    (all, cluster): (&Cluster<'_>, &Cluster<'_>),
    others: &BTreeSet<String>,
) -> Result<Vec<Value>, CompileError> {
    let (gateways, rules) = (&cluster.gateways_namespace, needed.rules(cluster));
    let mut found = Vec::new();
    for account in cluster.gateways.values().filter(|_| !rules.is_empty()) {
        let selected = [(GATEWAY, account.as_str())];
        found.push(policy(&format!("gateway-{account}-to-others"), gateways, &selected, None, Some(rules.clone()))?);
    }
    // All gateways, so that the policy is the same in each cluster.
    let peers: Vec<Peer> = all
        .gateways
        .values()
        .map(|account| Peer { pod_selector: Some(labelled(&[(GATEWAY, account)])), ..from(&[(NAME, gateways)]) })
        .collect();
    for ((namespace, labels, number), count) in needed.pods.iter().zip(1_u32..) {
        let here = [gateways, &cluster.agents_namespace].contains(&namespace);
        if here || cluster.server_namespaces.contains_key(namespace) || others.contains(namespace) {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let ingress = Ingress { from: peers.clone(), ports: vec![port("TCP", *number)] };
            let name = format!("others-{count}-from-gateways");
            found.push(policy(&name, namespace, &labels, Some(vec![ingress]), None)?);
        }
    }
    Ok(found)
}

/// The gateway in front of a server may connect to it, at the port of its URL; every gateway, where the network does not keep units
/// apart.
fn for_server(
    model: &Model,
    (all, cluster): (&Cluster<'_>, &Cluster<'_>),
    place: &ServerPlace<'_>,
) -> Result<Value, CompileError> {
    let gateway = |account: &str| Peer {
        pod_selector: Some(labelled(&[(GATEWAY, account)])),
        ..from(&[(NAME, &cluster.gateways_namespace)])
    };
    let gateways = match model.topology.is_isolated_by_network() {
        true => vec![gateway(label(cluster, place.gateway))],
        false => all.gateways.values().map(|account| gateway(account)).collect(),
    };
    let labels: Vec<(&str, &str)> = place.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let ingress = Ingress { from: gateways, ports: vec![port("TCP", place.port)] };
    policy(&format!("server-{}", place.name), &place.namespace, &labels, Some(vec![ingress]), None)
}

fn label<'c>(cluster: &'c Cluster<'_>, gateway: &str) -> &'c str {
    cluster.gateways.get(gateway).map_or("", String::as_str)
}

/// A policy for the pods with these labels, or for all.
fn policy(
    name: &str,
    namespace: &str,
    labels: &[(&str, &str)],
    ingress: Option<Vec<Ingress>>,
    egress: Option<Vec<Egress>>,
) -> Result<Value, CompileError> {
    let kinds = [("Ingress", ingress.is_some()), ("Egress", egress.is_some())];
    let types = kinds.into_iter().filter(|(_, used)| *used).map(|(kind, _)| kind).collect();
    let policy = NetworkPolicy {
        pod_selector: labelled(labels),
        policy_types: types,
        ingress: ingress.unwrap_or_default(),
        egress: egress.unwrap_or_default(),
    };
    document(&metadata(name, namespace), &policy)
}
