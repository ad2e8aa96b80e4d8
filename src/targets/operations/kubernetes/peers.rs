//! Who may be at the other end of a connection, as network policies write it.

use std::collections::BTreeMap;

use super::api::{LabelSelector, Peer, Port};

/// The label by which Kubernetes itself names every namespace.
pub(super) const NAME: &str = "kubernetes.io/metadata.name";

pub(super) fn labelled(labels: &[(&str, &str)]) -> LabelSelector {
    selector(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

/// What has all of these labels.
pub(super) fn selector(match_labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels }
}

/// The pods of the namespaces with these labels.
pub(super) fn from(labels: &[(&str, &str)]) -> Peer {
    Peer { namespace_selector: Some(labelled(labels)), ..Peer::default() }
}

/// Pods of the same namespace.
pub(super) fn pods(labels: &[(&str, &str)]) -> Peer {
    Peer { pod_selector: Some(labelled(labels)), ..Peer::default() }
}

pub(super) fn port(protocol: &'static str, port: u16) -> Port {
    Port { protocol, port }
}
