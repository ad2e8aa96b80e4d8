//! Who may be at the other end of a connection, as network policies write it.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{NetworkPolicyPeer as Peer, NetworkPolicyPort as Port};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The label by which Kubernetes itself names every namespace.
pub(super) const NAME: &str = "kubernetes.io/metadata.name";

pub(super) fn labelled(labels: &[(&str, &str)]) -> LabelSelector {
    let labels: BTreeMap<String, String> =
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    LabelSelector { match_labels: (!labels.is_empty()).then_some(labels), match_expressions: None }
}

/// The pods of the namespaces with these labels.
pub(super) fn from(labels: &[(&str, &str)]) -> Peer {
    Peer { namespace_selector: Some(labelled(labels)), ..Peer::default() }
}

/// Pods of the same namespace.
pub(super) fn pods(labels: &[(&str, &str)]) -> Peer {
    Peer { pod_selector: Some(labelled(labels)), ..Peer::default() }
}

pub(super) fn port(protocol: &str, port: i32) -> Port {
    Port { protocol: Some(protocol.to_owned()), port: Some(IntOrString::Int(port)), end_port: None }
}
