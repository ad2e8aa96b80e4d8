//! The pods and addresses that are put to the network policies, and what the model says of connections between them.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use crate::lift::cluster::{Expected, service};
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::deployment::TargetId;
use crate::model::deployment::egress::Destination;
use crate::model::url::Url;
use crate::policy::Policy as Relation;

/// Labels by name.
type Labels = BTreeMap<String, String>;

/// A kind of pod, or an address outside of the cluster.
pub(super) struct Pod {
    pub(super) what: String,
    pub(super) role: Role,
    pub(super) namespace: String,
    pub(super) namespace_labels: Labels,
    pub(super) labels: Labels,
}

/// What a pod is.
#[derive(PartialEq, Eq)]
pub(super) enum Role {
    Agent,
    /// The gateway of that name, and the ports of its listener.
    Gateway(String, BTreeSet<u16>),
    /// A pod among the gateways that is none of them.
    NoGateway,
    /// A server behind that gateway, at that port.
    Server(String, u16),
    /// A pod among the servers that is none of them, or a server that nobody may call, and ports that some of them have.
    NoServer(BTreeSet<u16>),
    /// Something that gateways need at these ports; where it is decides who else may send to it.
    Needed(BTreeSet<u16>, Where),
    /// A pod in a namespace of other objects.
    Beside,
    Dns,
    ControlPlane,
    Stranger,
    /// An address, and the ports at which gateways may connect to it.
    Address(IpAddr, BTreeSet<u16>),
}

/// Where a pod is that gateways need.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// In no namespace of the bundle.
    Elsewhere,
    /// Among the servers.
    Servers,
    /// In another namespace of the bundle.
    Here,
}

impl Role {
    /// Whether no policy of the bundle is about it.
    pub(super) fn is_elsewhere(&self) -> bool {
        match self {
            Self::Dns | Self::ControlPlane | Self::Stranger | Self::Address(..) | Self::Needed(_, Where::Elsewhere) => {
                true
            }
            Self::Agent
            | Self::Gateway(..)
            | Self::NoGateway
            | Self::Server(..)
            | Self::NoServer(_)
            | Self::Needed(..)
            | Self::Beside => false,
        }
    }
}

/// What a workspace says of all connections.
#[derive(Clone, Copy)]
pub(super) struct Site {
    /// The control plane of a mesh is reached from everywhere.
    pub(super) meshed: bool,
    /// The network keeps units apart.
    pub(super) isolated: bool,
}

/// Whether the model lets the one send to the other, and the other take it.
pub(super) fn expected_of(from: &Pod, to: &Pod, port: &(u16, &str), site: Site) -> (bool, bool) {
    let at = |open: &BTreeSet<u16>| port.1 == "TCP" && open.contains(&port.0);
    match (&from.role, &to.role) {
        (_, Role::Dns) => (port.0 == 53, true),
        (_, Role::ControlPlane) => (site.meshed && *port == (15_012, "TCP"), true),
        (Role::Agent, Role::Gateway(_, open)) => (at(open), at(open)),
        (Role::Gateway(from, _), Role::Gateway(to, open)) => {
            let on = from == "central" && to != "central" && at(open);
            (on, on)
        }
        // Gateways may send to whatever stands among the servers, which takes it from its own gateway alone where the network keeps
        // units apart.
        (Role::Gateway(from, _), Role::Server(gateway, open)) => {
            (true, (from == gateway || !site.isolated) && *port == (*open, "TCP"))
        }
        (Role::Gateway(..), Role::Needed(open, Where::Servers)) => (true, at(open)),
        (Role::Gateway(..), Role::Needed(open, _) | Role::Address(_, open)) => (at(open), at(open)),
        (
            Role::Gateway(..) | Role::NoGateway,
            Role::Server(..) | Role::NoServer(_) | Role::Needed(_, Where::Servers),
        ) => (true, false),
        _ => (false, false),
    }
}

/// The ports at which a pair is tried: those of the two, and `everywhere`.
pub(super) fn ports(pod: &Pod, other: &Pod, everywhere: &BTreeSet<u16>) -> BTreeSet<(u16, &'static str)> {
    let mut ports =
        BTreeSet::from([(1, "TCP"), (53, "TCP"), (53, "UDP"), (443, "TCP"), (15_012, "TCP"), (15_012, "UDP")]);
    ports.extend(everywhere.iter().map(|port| (*port, "TCP")));
    for pod in [pod, other] {
        match &pod.role {
            Role::Server(_, port) => ports.extend([(*port, "TCP"), (*port, "UDP"), (port.wrapping_add(1), "TCP")]),
            Role::Gateway(_, open) | Role::Needed(open, _) | Role::Address(_, open) => {
                ports.extend(
                    open.iter().flat_map(|port| [(*port, "TCP"), (*port, "UDP"), (port.wrapping_add(1), "TCP")]),
                );
            }
            Role::NoServer(open) => ports.extend(open.iter().map(|port| (*port, "TCP"))),
            Role::Agent | Role::NoGateway | Role::Beside | Role::Dns | Role::ControlPlane | Role::Stranger => {}
        }
    }
    ports
}

/// The ports of all that gateways listen on and connect to: whatever opens one of them too widely is seen from any pod.
pub(super) fn everywhere(pods: &[Pod]) -> BTreeSet<u16> {
    let of = |pod: &Pod| match &pod.role {
        Role::Gateway(_, open) | Role::Needed(open, _) | Role::Address(_, open) => open.clone(),
        Role::Agent
        | Role::NoGateway
        | Role::Server(..)
        | Role::NoServer(_)
        | Role::Beside
        | Role::Dns
        | Role::ControlPlane
        | Role::Stranger => BTreeSet::new(),
    };
    pods.iter().flat_map(of).collect()
}

/// The ports of a gateway's listener.
fn listener(model: &Model, gateway: &str) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for (_, gateways) in model.deployment.gateways() {
        let own = gateways.of(gateway).and_then(|gateway| gateway.listen.as_ref());
        ports.insert(own.map_or(8443, |listen| listen.value.port));
    }
    let public = model.topology.central_gateway.as_ref().and_then(|url| Url::parse(&url.value));
    if let (Some(url), "central", true) = (public, gateway, model.deployment.of(TargetId::AiGateway).is_some()) {
        let port = url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 });
        // Envoy Gateway takes no port for which it would need privileges.
        ports.insert(if port < 1024 { port + 10_000 } else { port });
    }
    if ports.is_empty() { [8443].into() } else { ports }
}

/// A port of pods: their namespace, their labels and the port.
type PodPort = (String, Labels, u16);

/// An address, with its ports.
type Range = (IpAddr, BTreeSet<u16>);

/// What gateways need beside servers and each other: pods by namespace and labels, and addresses, with their ports.
fn needed(model: &Model, domain: &str) -> (Vec<PodPort>, Vec<Range>) {
    let mut pods = Vec::new();
    let mut ranges = Vec::new();
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let keys = issuers.filter_map(|issuer| match issuer.keys.as_ref().map(|keys| &keys.value) {
        Some(Jwks::Url(text)) => Some(text.as_str()),
        Some(Jwks::File(_)) | None => None,
    });
    // What runs a control that a server lacks.
    let controls = model.servers.values().flat_map(|server| model.hooks(server)).map(|(_, url)| url.value.as_str());
    for text in keys.chain(controls.collect::<BTreeSet<_>>()) {
        let Some(url) = Url::parse(text) else { continue };
        let (name, Some(namespace)) = service(url.host, domain) else { continue };
        let own = name.strip_suffix(&format!(".{namespace}.svc.{domain}")).unwrap_or_default();
        let own = own.rsplit('.').next().unwrap_or_default().to_owned();
        let port = url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 });
        pods.push((namespace, [("app.kubernetes.io/name".to_owned(), own)].into(), port));
    }
    for egress in model.deployment.egress() {
        match &egress.to {
            Destination::Pods { namespace, labels } => pods.push((namespace.clone(), labels.clone(), egress.port)),
            Destination::Addresses(range) => ranges.push((*range, egress.port)),
        }
    }
    // Every range at its edges, and what is in none.
    let mut tried: BTreeSet<IpAddr> = ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "203.0.113.77"]
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    for (range, _) in &ranges {
        tried.insert(range.first);
        tried.extend(beside(range.first, range.prefix));
    }
    let open = |address: IpAddr| {
        let of = ranges.iter().filter(|(range, _)| range.contains(address)).map(|(_, port)| *port);
        (address, of.collect())
    };
    (pods, tried.into_iter().map(open).collect())
}

/// The address before a range, its last one, and the one behind it.
fn beside(first: IpAddr, prefix: u8) -> Vec<IpAddr> {
    match first {
        IpAddr::V4(address) => {
            let size = 1_u32.checked_shl(32_u32.saturating_sub(u32::from(prefix))).unwrap_or(0);
            let start = u32::from(address);
            let all = [start.wrapping_sub(1), start.wrapping_add(size.wrapping_sub(1)), start.wrapping_add(size)];
            all.into_iter().map(|number| IpAddr::V4(number.into())).collect()
        }
        IpAddr::V6(address) => {
            let size = 1_u128.checked_shl(128_u32.saturating_sub(u32::from(prefix))).unwrap_or(0);
            let start = u128::from(address);
            let all = [start.wrapping_sub(1), start.wrapping_add(size.wrapping_sub(1)), start.wrapping_add(size)];
            all.into_iter().map(|number| IpAddr::V6(number.into())).collect()
        }
    }
}

/// Whether gateways may connect to all pods of a namespace: servers are there, in this cluster or another one.
fn is_for_servers(namespaces: &BTreeMap<String, Labels>, namespace: &str) -> bool {
    let segment = namespaces.get(namespace).and_then(|labels| labels.get("mcpctl.io/segment"));
    segment.is_some_and(|segment| segment == "servers")
}

/// Everything that is put to the policies.
pub(super) fn pods(
    expected: &Expected<'_>,
    namespaces: &BTreeMap<String, Labels>,
    model: &Model,
    relation: &Relation,
) -> Vec<Pod> {
    let one = |label: &str, value: &str| BTreeMap::from([(label.to_owned(), value.to_owned())]);
    let pod = |what: &str, role, namespace: &str, labels| {
        let mut namespace_labels = namespaces.get(namespace).cloned().unwrap_or_default();
        // Kubernetes itself sets this one.
        namespace_labels.insert("kubernetes.io/metadata.name".to_owned(), namespace.to_owned());
        Pod { what: what.to_owned(), role, namespace: namespace.to_owned(), namespace_labels, labels }
    };
    let mut found = vec![
        pod("an agent", Role::Agent, &expected.agents_namespace, one("app", "agent")),
        pod("a pod among the gateways", Role::NoGateway, &expected.gateways_namespace, BTreeMap::new()),
        pod("the name service", Role::Dns, "kube-system", one("k8s-app", "kube-dns")),
        pod("another pod of the system", Role::Stranger, "kube-system", BTreeMap::new()),
        pod("the mesh's control plane", Role::ControlPlane, "istio-system", one("app", "istiod")),
        pod("a stranger", Role::Stranger, "default", BTreeMap::new()),
        pod("a stranger with the name service's label", Role::Stranger, "default", one("k8s-app", "kube-dns")),
    ];
    for (name, label) in &expected.gateways {
        let labels = one("mcpctl.io/gateway", label);
        found.push(pod("a stranger with a gateway's label", Role::Stranger, "default", labels.clone()));
        let role = Role::Gateway(name.clone(), listener(model, name));
        found.push(pod(&format!("the gateway `{name}`"), role, &expected.gateways_namespace, labels));
    }
    for namespace in expected.namespaces.keys() {
        let here = expected.places.values().filter(|place| place.namespace == *namespace);
        let none = Role::NoServer(here.map(|place| place.port).collect());
        found.push(pod("a pod among the servers", none, namespace, BTreeMap::new()));
        let labels = one("mcpctl.io/gateway", "central");
        found.push(pod("a gateway's label among the servers", Role::NoServer(BTreeSet::new()), namespace, labels));
    }
    let segments = [&expected.agents_namespace, &expected.gateways_namespace];
    for namespace in namespaces.keys() {
        if !segments.contains(&namespace) && !expected.namespaces.contains_key(namespace) {
            let role =
                if is_for_servers(namespaces, namespace) { Role::NoServer(BTreeSet::new()) } else { Role::Beside };
            found.push(pod("a pod beside other objects", role, namespace, BTreeMap::new()));
        }
    }
    let used: BTreeSet<&str> = relation
        .all_cells()
        .filter(|(_, _, cell)| !relation.is_never(cell.condition))
        .map(|(_, object, _)| relation.object_at(object).server.as_str())
        .collect();
    for (name, place) in &expected.places {
        for label in place.labels.keys() {
            // A pod that lacks one of the labels is another one.
            let mut fewer = place.labels.clone();
            fewer.remove(label);
            found.push(pod("almost a server", Role::NoServer([place.port].into()), &place.namespace, fewer));
        }
        let role = match used.contains(name) {
            true => Role::Server(place.gateway.clone(), place.port),
            false => Role::NoServer([place.port].into()),
        };
        found.push(pod(&format!("the server `{name}`"), role, &place.namespace, place.labels.clone()));
    }
    let (wanted, addresses) = needed(model, &expected.domain);
    let mut by_labels: BTreeMap<(&String, &Labels), BTreeSet<u16>> = BTreeMap::new();
    for (namespace, labels, port) in &wanted {
        by_labels.entry((namespace, labels)).or_default().insert(*port);
    }
    for ((namespace, labels), ports) in by_labels {
        let at = match (is_for_servers(namespaces, namespace), namespaces.contains_key(namespace)) {
            (true, _) => Where::Servers,
            (false, true) => Where::Here,
            (false, false) => Where::Elsewhere,
        };
        found.push(pod("a stranger like a pod that gateways need", Role::Stranger, "default", labels.clone()));
        let all = wanted.iter().any(|(other, labels, _)| other == namespace && labels.is_empty());
        if at == Where::Elsewhere && !all {
            found.push(pod("a stranger beside a pod that gateways need", Role::Stranger, namespace, BTreeMap::new()));
        }
        found.push(pod("a pod that gateways need", Role::Needed(ports, at), namespace, labels.clone()));
    }
    let outside = |(address, open): (IpAddr, BTreeSet<u16>)| {
        pod(&format!("the address {address}"), Role::Address(address, open), "", BTreeMap::new())
    };
    found.extend(addresses.into_iter().map(outside));
    found
}
