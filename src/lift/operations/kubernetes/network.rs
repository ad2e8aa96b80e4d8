//! An interpreter of network policies.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_yaml::Value;

use super::pods::{Pod, Role, Site, everywhere, expected_of, pods, ports};
use crate::lift::LiftError;
use crate::lift::cluster::{Expected, shaped, unexpected};
use crate::model::Model;
use crate::model::deployment::TargetId;
use crate::model::deployment::egress::Cidr;
use crate::policy::Policy as Relation;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Policy {
    pod_selector: Selector,
    policy_types: Vec<String>,
    #[serde(default)]
    ingress: Vec<Ingress>,
    #[serde(default)]
    egress: Vec<Egress>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ingress {
    from: Vec<Peer>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Egress {
    to: Vec<Peer>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Peer {
    namespace_selector: Option<Selector>,
    pod_selector: Option<Selector>,
    ip_block: Option<IpBlock>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IpBlock {
    cidr: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Port {
    port: u16,
    protocol: String,
}

impl Selector {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

#[derive(Clone, Copy)]
enum Direction {
    From,
    To,
}

/// The policies of each namespace.
#[derive(Default)]
pub(super) struct Network {
    policies: BTreeMap<String, Vec<Policy>>,
}

impl Network {
    pub(super) fn add(&mut self, namespace: String, spec: Value, what: &str) -> Result<(), LiftError> {
        let policy: Policy = shaped(spec, what)?;
        let types: BTreeSet<&str> = policy.policy_types.iter().map(String::as_str).collect();
        let unsaid = !policy.ingress.is_empty() && !types.contains("Ingress")
            || !policy.egress.is_empty() && !types.contains("Egress");
        let unknown = types.iter().any(|kind| !matches!(*kind, "Ingress" | "Egress"));
        if unsaid || unknown || types.len() != policy.policy_types.len() || types.is_empty() {
            return unexpected(format!("{what} has rules that its `policyTypes` do not say, or others than they say"));
        }
        let peers = policy.ingress.iter().map(|rule| (&rule.from, &rule.ports));
        let peers: Vec<_> = peers.chain(policy.egress.iter().map(|rule| (&rule.to, &rule.ports))).collect();
        let odd = |peer: &Peer| {
            let selects = peer.namespace_selector.is_some() || peer.pod_selector.is_some();
            // A block of addresses is a peer by itself, and never all of them.
            let block = peer.ip_block.as_ref().map(|block| Cidr::parse(&block.cidr).is_ok());
            block.unwrap_or(selects) == (selects && block.is_some())
        };
        if peers.iter().any(|(peers, _)| peers.is_empty() || peers.iter().any(odd)) {
            return unexpected(format!("{what} has a rule for everybody, or for nobody"));
        }
        let protocols = peers.iter().flat_map(|(_, ports)| ports.iter()).map(|port| port.protocol.as_str());
        if !protocols.into_iter().all(|protocol| matches!(protocol, "TCP" | "UDP")) {
            return unexpected(format!("{what} has a protocol that is none"));
        }
        self.policies.entry(namespace).or_default().push(policy);
        Ok(())
    }

    /// Puts every pair of pods to the policies.
    pub(super) fn check(
        &self,
        (model, relation): (&Model, &Relation),
        expected: &Expected<'_>,
        namespaces: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Result<(), LiftError> {
        if let Some(elsewhere) = self.policies.keys().find(|namespace| !namespaces.contains_key(*namespace)) {
            return unexpected(format!("a network policy is in `{elsewhere}`, which is not a namespace of the model"));
        }
        // Said once more than the other policies need, because whoever adds policies of their own counts on it.
        let closes = |policy: &Policy| {
            policy.pod_selector.match_labels.is_empty()
                && policy.policy_types.len() == 2
                && policy.ingress.is_empty()
                && policy.egress.is_empty()
        };
        let closed = |namespace: &String| self.policies.get(namespace).is_some_and(|here| here.iter().any(closes));
        if let Some(open) = namespaces.keys().find(|namespace| !closed(namespace)) {
            return unexpected(format!("the namespace `{open}` is open by default"));
        }
        let pods = pods(expected, namespaces, model, relation);
        let everywhere = everywhere(&pods);
        // Among the others, servers of one namespace are told apart by no policy but their own.
        let mut kinds: BTreeSet<(&str, &str)> = BTreeSet::new();
        let others: Vec<&Pod> = pods
            .iter()
            .filter(|pod| match &pod.role {
                Role::Server(gateway, _) => kinds.insert((&pod.namespace, gateway)),
                Role::NoServer(_) => kinds.insert((&pod.namespace, &pod.what)),
                Role::Agent
                | Role::Gateway(..)
                | Role::NoGateway
                | Role::Needed(..)
                | Role::Beside
                | Role::Dns
                | Role::ControlPlane
                | Role::Stranger
                | Role::Address(..) => true,
            })
            .collect();
        let meshed = model.topology.mesh.as_ref().is_some_and(|mesh| mesh.value == "istio")
            || model.deployment.of(TargetId::Istio).is_some();
        let site = Site { meshed, isolated: model.topology.is_isolated_by_network() };
        let others: Vec<(&Pod, Vec<&Policy>)> = others.into_iter().map(|pod| (pod, self.selecting(pod))).collect();
        for pod in &pods {
            let pod = (pod, self.selecting(pod));
            for other in &others {
                for port in ports(pod.0, other.0, &everywhere) {
                    pair(&pod, other, &port, site)?;
                    pair(other, &pod, &port, site)?;
                }
            }
        }
        Ok(())
    }

    /// The policies for a pod.
    fn selecting(&self, pod: &Pod) -> Vec<&Policy> {
        let here = self.policies.get(&pod.namespace).into_iter().flatten();
        here.filter(|policy| policy.pod_selector.matches(&pod.labels)).collect()
    }
}

/// A connection from one pod to another: what the sender may do, and what the receiver takes.
fn pair(
    from: &(&Pod, Vec<&Policy>),
    to: &(&Pod, Vec<&Policy>),
    port: &(u16, &str),
    site: Site,
) -> Result<(), LiftError> {
    let (sent, taken) = (lets(from, to.0, port, Direction::To), lets(to, from.0, port, Direction::From));
    let (may_send, may_take) = expected_of(from.0, to.0, port, site);
    if sent.is_some_and(|sent| sent != may_send) || taken.is_some_and(|taken| taken != may_take) {
        return unexpected(format!(
            "a connection from {} to {} at {} {} is decided differently from the model",
            from.0.what, to.0.what, port.1, port.0
        ));
    }
    Ok(())
}

/// Whether a pod may send to, or take from, another one; `None` where it stands in no namespace of ours.
fn lets((pod, policies): &(&Pod, Vec<&Policy>), other: &Pod, port: &(u16, &str), direction: Direction) -> Option<bool> {
    if pod.role.is_elsewhere() {
        return None;
    }
    let kind = match direction {
        Direction::From => "Ingress",
        Direction::To => "Egress",
    };
    let mut selecting = policies.iter().filter(|policy| policy.policy_types.iter().any(|said| said == kind)).peekable();
    if selecting.peek().is_none() {
        return Some(true);
    }
    Some(selecting.any(|policy| match direction {
        Direction::From => policy.ingress.iter().any(|rule| rule_lets(&rule.from, &rule.ports, pod, other, port)),
        Direction::To => policy.egress.iter().any(|rule| rule_lets(&rule.to, &rule.ports, pod, other, port)),
    }))
}

fn rule_lets(peers: &[Peer], ports: &[Port], pod: &Pod, other: &Pod, port: &(u16, &str)) -> bool {
    let at_port = ports.is_empty() || ports.iter().any(|open| (open.port, open.protocol.as_str()) == *port);
    at_port
        && peers.iter().any(|peer| {
            let block = peer.ip_block.as_ref().and_then(|block| Cidr::parse(&block.cidr).ok());
            if let Role::Address(address, _) = &other.role {
                return block.is_some_and(|block| block.contains(*address));
            }
            if block.is_some() {
                return false;
            }
            let there = match &peer.namespace_selector {
                Some(selector) => selector.matches(&other.namespace_labels),
                None => pod.namespace == other.namespace,
            };
            there && peer.pod_selector.as_ref().is_none_or(|selector| selector.matches(&other.labels))
        })
}
