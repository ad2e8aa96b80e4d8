//! Network policies. They only add up: one selects everything and lets nothing through, and each other one adds something.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyEgressRule as Egress, NetworkPolicyIngressRule as Ingress, NetworkPolicyPeer as Peer,
    NetworkPolicyPort as Port, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::{GATEWAY, SEGMENT};
use crate::model::Model;
use crate::targets::CompileError;
use crate::targets::cluster::{Cluster, Place};
use crate::targets::gateways::CENTRAL;
use crate::targets::istio::{document, metadata};

/// The label by which Kubernetes itself names every namespace.
const NAME: &str = "kubernetes.io/metadata.name";

/// Where Istio's control plane stands, and its port for configuration and certificates.
const MESH: (&str, i32) = ("istio-system", 15_012);

pub(super) fn policies(model: &Model, cluster: &Cluster<'_>) -> Result<Vec<Value>, CompileError> {
    let (agents, gateways) = (&cluster.agents_namespace, &cluster.gateways_namespace);
    let meshed = model.topology.mesh.as_ref().is_some_and(|mesh| mesh.value == "istio")
        || model.deployment.of("istio").is_some();
    let mut found = Vec::new();
    for namespace in [agents, gateways].into_iter().chain(cluster.server_namespaces.keys()) {
        found.push(policy("default-deny", namespace, &[], Some(Vec::new()), Some(Vec::new()))?);
        let dns = Egress {
            to: Some(vec![Peer {
                pod_selector: Some(labelled(&[("k8s-app", "kube-dns")])),
                ..from(&[(NAME, "kube-system")])
            }]),
            ports: Some(vec![port("UDP", 53), port("TCP", 53)]),
        };
        found.push(policy("allow-dns", namespace, &[], None, Some(vec![dns]))?);
        if meshed {
            let control = Egress { to: Some(vec![from(&[(NAME, MESH.0)])]), ports: Some(vec![port("TCP", MESH.1)]) };
            found.push(policy("allow-mesh", namespace, &[], None, Some(vec![control]))?);
        }
    }
    let to = |peer| Some(vec![Egress { to: Some(vec![peer]), ports: None }]);
    found.push(policy("allow-to-gateways", agents, &[], None, to(from(&[(NAME, gateways)])))?);
    let ingress = Some(vec![Ingress { from: Some(vec![from(&[(NAME, agents)])]), ports: None }]);
    found.push(policy("allow-from-agents", gateways, &[], ingress, None)?);
    found.push(policy("allow-to-servers", gateways, &[], None, to(from(&[(SEGMENT, "servers")])))?);
    let central = [(GATEWAY, label(cluster, CENTRAL))];
    for (unit, account) in cluster.gateways.iter().filter(|(name, _)| **name != CENTRAL) {
        let account = [(GATEWAY, account.as_str())];
        let ingress = Ingress { from: Some(vec![pods(&central)]), ports: None };
        let name = format!("gateway-{}-from-central", label(cluster, unit));
        found.push(policy(&name, gateways, &account, Some(vec![ingress]), None)?);
        let name = format!("gateway-central-to-{}", label(cluster, unit));
        found.push(policy(&name, gateways, &central, None, to(pods(&account)))?);
    }
    for place in &cluster.places {
        found.push(for_server(cluster, place)?);
    }
    Ok(found)
}

/// The gateway in front of a server may connect to it, at the port of its URL.
fn for_server(cluster: &Cluster<'_>, place: &Place<'_>) -> Result<Value, CompileError> {
    let gateway = Peer {
        pod_selector: Some(labelled(&[(GATEWAY, label(cluster, place.gateway))])),
        ..from(&[(NAME, &cluster.gateways_namespace)])
    };
    let labels: Vec<(&str, &str)> = place.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let ingress = Ingress { from: Some(vec![gateway]), ports: Some(vec![port("TCP", i32::from(place.port))]) };
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
    let types = kinds.into_iter().filter(|(_, used)| *used).map(|(kind, _)| kind.to_owned()).collect();
    document(&NetworkPolicy {
        metadata: metadata(name, namespace),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labelled(labels)),
            policy_types: Some(types),
            ingress: ingress.filter(|rules| !rules.is_empty()),
            egress: egress.filter(|rules| !rules.is_empty()),
        }),
    })
}

fn labelled(labels: &[(&str, &str)]) -> LabelSelector {
    let labels: BTreeMap<String, String> =
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    LabelSelector { match_labels: (!labels.is_empty()).then_some(labels), match_expressions: None }
}

/// The pods of the namespaces with these labels.
fn from(labels: &[(&str, &str)]) -> Peer {
    Peer { namespace_selector: Some(labelled(labels)), ..Peer::default() }
}

/// Pods of the same namespace.
fn pods(labels: &[(&str, &str)]) -> Peer {
    Peer { pod_selector: Some(labelled(labels)), ..Peer::default() }
}

fn port(protocol: &str, port: i32) -> Port {
    Port { protocol: Some(protocol.to_owned()), port: Some(IntOrString::Int(port)), end_port: None }
}
