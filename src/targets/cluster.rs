//! Where servers and gateways stand in a Kubernetes cluster: what the targets for it agree on.
//!
//! A cluster has one gateway: the central one, or that of a unit. Gateways stand in one namespace and agents in another. A server stands in the namespace that its URL names; else in that of
//! its unit; else in the base namespace. Bulkheads move nothing: a pool has a quota where a namespace is for it alone.

pub mod hosts;
pub mod notes;

use std::collections::{BTreeMap, BTreeSet};

use self::hosts::Host;
use super::gateways::{CENTRAL, cluster_of};
use super::names::dns_label;
use super::{NAME_COLLISION, TARGET_LIMIT};
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::model::operations::ResourcePool;
use crate::model::server::Server;
use crate::model::url::Url;
use crate::model::value::{check_label_key, check_label_value};
use crate::source::Loc;
use crate::targets::TargetId;

/// The base namespace where none is set.
const NAMESPACE: &str = "mcp";

/// The label of a server's pods where the registry gives none.
pub(crate) const NAME_LABEL: &str = "app.kubernetes.io/name";

/// The label of a gateway's pods.
pub(crate) const GATEWAY: &str = "mcpctl.io/gateway";

/// What stands where.
#[derive(Debug)]
pub struct Cluster<'m> {
    /// The namespace of the gateways.
    pub gateways_namespace: String,
    /// The namespace of the agents and of whatever runs the flows.
    pub agents_namespace: String,
    /// Each namespace of servers, with the pool that it is for alone.
    pub server_namespaces: BTreeMap<String, Option<&'m ResourcePool>>,
    /// The service account of each gateway, which is also the value of its pods' label; by `central` or unit.
    pub gateways: BTreeMap<&'m str, String>,
    /// The servers that have a URL, sorted by name.
    pub places: Vec<ServerPlace<'m>>,
}

/// Where a server stands.
#[derive(Debug, Clone)]
pub struct ServerPlace<'m> {
    /// The server.
    pub server: &'m Server,
    /// Its name as a DNS label.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The labels of its pods.
    pub labels: BTreeMap<String, String>,
    /// The gateway that alone may call it: `central`, or a unit.
    pub gateway: &'m str,
    /// Host of its URL.
    pub host: Host,
    /// Port of its URL.
    pub port: u16,
    /// Path of its URL.
    pub path: &'m str,
}

impl ServerPlace<'_> {
    /// Where it is declared.
    #[must_use]
    pub fn loc(&self) -> Loc {
        self.server.name.loc
    }
}

/// Where everything stands.
///
/// # Errors
/// Two things of one name, and names and labels that Kubernetes refuses.
pub fn cluster<'m>(target: TargetId, model: &'m Model) -> Result<Cluster<'m>, Vec<Diagnostic>> {
    let mut names = Names { target, taken: BTreeMap::new(), findings: Vec::new() };
    let (base, at) = base_namespace(model, &mut names.findings);
    let gateways_namespace = names.take(&format!("{base}-gateways"), "the namespace of the gateways", at);
    let agents_namespace = names.take(&format!("{base}-agents"), "the namespace of the agents", at);
    let mut found = Cluster {
        gateways_namespace,
        agents_namespace,
        server_namespaces: BTreeMap::new(),
        gateways: gateways(target, model, &mut names.findings),
        places: Vec::new(),
    };
    let mut labels = Names { target, taken: BTreeMap::new(), findings: Vec::new() };
    let domain = hosts::domain(model, &mut names.findings);
    let mut servers: Vec<&Server> = model.servers.values().collect();
    servers.sort_by(|a, b| a.name.value.cmp(&b.name.value));
    for server in servers {
        let Some(url) = &server.url else { continue };
        let Some(parsed) = Url::parse(&url.value) else { continue };
        let host = Host::of(parsed.host, &domain);
        let namespace = match host.namespace() {
            Some(namespace) => {
                let taken = (found.gateways_namespace.as_str(), found.agents_namespace.as_str());
                names.findings.extend(hosts::refused(namespace, taken).map(|message| {
                    let help =
                        "let the service of the server be in a namespace of its own kind, and name that in the URL";
                    Diagnostic::new(&TARGET_LIMIT, hosts::url_at(server), message).help(help)
                }));
                namespace.to_owned()
            }
            None => namespace_of(&base, server, &mut names),
        };
        let name = labels.take(server.name.value.as_str(), &format!("server `{}`", server.name), server.name.loc);
        let gateway = cluster_of(model, server.unit.as_ref().map(|unit| &unit.value));
        let default_port = if parsed.is_plaintext() { 80 } else { 443 };
        found.places.push(ServerPlace {
            server,
            labels: labels_of(target, server, &name, &mut names.findings),
            name,
            namespace,
            gateway,
            host,
            port: parsed.port.unwrap_or(default_port),
            path: path_of(&url.value),
        });
    }
    found.server_namespaces = own_pools(model, &found.places);
    names.findings.extend(labels.findings);
    names.findings.extend(overlaps(target, &found.places));
    if names.findings.is_empty() { Ok(found) } else { Err(names.findings) }
}

impl<'m> Cluster<'m> {
    /// What is in the cluster of each gateway, by the gateway's name. An object that two of them have is the same in both, so
    /// that they may well be one cluster.
    pub fn each(&self) -> impl Iterator<Item = (&'m str, Self)> {
        self.gateways.iter().map(|(name, account)| {
            let places: Vec<ServerPlace<'m>> =
                self.places.iter().filter(|place| place.gateway == *name).cloned().collect();
            let here: BTreeSet<&str> = places.iter().map(|place| place.namespace.as_str()).collect();
            let namespaces = self.server_namespaces.iter().filter(|(namespace, _)| here.contains(namespace.as_str()));
            let own = Self {
                gateways_namespace: self.gateways_namespace.clone(),
                agents_namespace: self.agents_namespace.clone(),
                server_namespaces: namespaces.map(|(namespace, pool)| (namespace.clone(), *pool)).collect(),
                gateways: [(*name, account.clone())].into(),
                places,
            };
            (*name, own)
        })
    }
}

/// The names of the servers that are others in the cluster.
#[must_use]
pub fn renamed(model: &Model) -> BTreeMap<String, String> {
    let servers = model.servers.values().filter(|server| server.url.is_some());
    let pairs = servers.map(|server| (dns_label(server.name.value.as_str()), server.name.value.to_string()));
    pairs.filter(|(label, name)| label != name).collect()
}

/// The namespace that the settings of `kubernetes` and `istio` name, which is one.
fn base_namespace(model: &Model, findings: &mut Vec<Diagnostic>) -> (String, Loc) {
    let set = |target| model.deployment.namespace(target);
    let (here, there) = (set(TargetId::Kubernetes), set(TargetId::Istio));
    if let (Some(here), Some(there)) = (here, there)
        && here.value != there.value
    {
        let message =
            format!("`kubernetes` has the namespace `{here}` and `istio` has `{there}`; they are for one cluster");
        findings.push(Diagnostic::new(&TARGET_LIMIT, there.loc, message).label(here.loc, format!("`{here}`")));
    }
    let Some(namespace) = here.or(there) else {
        return (NAMESPACE.to_owned(), model.registry.unwrap_or_default());
    };
    if dns_label(&namespace.value) != namespace.value {
        let message = format!("`{namespace}` is not a name of a Kubernetes namespace");
        let help = "write at most 63 of the characters `a-z`, `0-9` and `-`";
        findings.push(Diagnostic::new(&TARGET_LIMIT, namespace.loc, message).help(help));
    }
    if let Some(what) =
        hosts::reserved(&namespace.value, ("", "")).filter(|_| dns_label(&namespace.value) == namespace.value)
    {
        let help = "write a namespace for the servers alone, such as `mcp`";
        findings.push(Diagnostic::new(&TARGET_LIMIT, namespace.loc, format!("`{namespace}` {what}")).help(help));
    }
    (namespace.value.clone(), namespace.loc)
}

fn gateways<'m>(target: TargetId, model: &'m Model, findings: &mut Vec<Diagnostic>) -> BTreeMap<&'m str, String> {
    let mut names = Names { target, taken: BTreeMap::new(), findings: Vec::new() };
    let mut gateways: BTreeMap<&'m str, String> =
        [(CENTRAL, names.take(CENTRAL, "the central gateway", model.registry.unwrap_or_default()))].into();
    for unit in model.topology.units.values().filter(|unit| unit.gateway.is_some()) {
        let name = unit.name.value.as_str();
        gateways.insert(name, names.take(name, &format!("the gateway of `{name}`"), unit.name.loc));
    }
    findings.extend(names.findings);
    gateways
}

/// All pools, and the number of that of each server that is in one. In several, it is that of its unit, else the first. A unit's
/// own pool is for the unit's servers alone.
fn pools(model: &Model) -> (Vec<&ResourcePool>, BTreeMap<&str, usize>) {
    let of = |central: bool| model.bulkheads.iter().filter(move |(scope, _)| scope.is_none() == central);
    let scoped = of(false).chain(of(true)).flat_map(|(scope, pools)| pools.iter().map(move |pool| (scope, pool)));
    let (mut all, mut of_server) = (Vec::new(), BTreeMap::new());
    for (number, (scope, pool)) in scoped.enumerate() {
        all.push(pool);
        let is_of = |server: &ServerName| {
            let unit = model.servers.get(server).and_then(|server| server.unit.as_ref());
            scope.is_none() || *scope == unit.map(|unit| unit.value.clone())
        };
        for server in pool.servers.iter().filter(|server| is_of(&server.value)) {
            of_server.entry(server.value.as_str()).or_insert(number);
        }
    }
    (all, of_server)
}

/// The namespaces of servers, each with its pool where all its servers are of that pool, and no other server of the pool is
/// elsewhere: only then is a quota of the namespace one of the pool.
fn own_pools<'m>(model: &'m Model, places: &[ServerPlace<'m>]) -> BTreeMap<String, Option<&'m ResourcePool>> {
    let (all, of_server) = pools(model);
    let mut here: BTreeMap<&str, BTreeSet<Option<usize>>> = BTreeMap::new();
    let mut namespaces: BTreeMap<usize, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for place in places {
        let pool = of_server.get(place.server.name.value.as_str()).copied();
        here.entry(&place.namespace).or_default().insert(pool);
        if let Some(pool) = pool {
            namespaces.entry(pool).or_default().insert((place.gateway, &place.namespace));
        }
    }
    let own = |pools: BTreeSet<Option<usize>>| {
        let mut pools = pools.into_iter();
        let (Some(Some(pool)), None) = (pools.next(), pools.next()) else { return None };
        let alone = namespaces.get(&pool).is_some_and(|namespaces| namespaces.len() == 1);
        all.get(pool).copied().filter(|_| alone)
    };
    here.into_iter().map(|(namespace, pools)| (namespace.to_owned(), own(pools))).collect()
}

/// The namespace of a server whose URL names none.
fn namespace_of(base: &str, server: &Server, names: &mut Names) -> String {
    match &server.unit {
        Some(unit) => names.take(&format!("{base}-{unit}"), &format!("unit `{unit}`"), unit.loc),
        None => names.take(base, "the namespace of servers without a unit", server.name.loc),
    }
}

/// What was given a name, so that no other thing gets the same.
struct Names {
    target: TargetId,
    taken: BTreeMap<String, (String, Loc)>,
    findings: Vec<Diagnostic>,
}

impl Names {
    fn take(&mut self, name: &str, what: &str, loc: Loc) -> String {
        let label = dns_label(name);
        match self.taken.get(&label) {
            Some((other, first)) if other != what => {
                let message = format!("{other} and {what} are both `{label}` for target `{}`", self.target);
                self.findings.push(Diagnostic::new(&NAME_COLLISION, loc, message).label(*first, other.clone()));
            }
            Some(_) => {}
            None => drop(self.taken.insert(label.clone(), (what.to_owned(), loc))),
        }
        label
    }
}

fn labels_of(
    target: TargetId,
    server: &Server,
    name: &str,
    findings: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    if server.labels.is_empty() {
        return [(NAME_LABEL.to_owned(), name.to_owned())].into();
    }
    for (key, value) in &server.labels {
        if check_label_key(key).is_err() || check_label_value(&value.value).is_err() {
            let message = format!("`{key}: {value}` is not a label for target `{target}`");
            let help = "a label has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
            findings.push(Diagnostic::new(&TARGET_LIMIT, value.loc, message).help(help));
        }
    }
    server.labels.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect()
}

/// Servers of one namespace whose pods cannot be told apart: rules for one would hold for the other too.
fn overlaps(target: TargetId, places: &[ServerPlace<'_>]) -> Vec<Diagnostic> {
    let mut by_namespace: BTreeMap<&str, Vec<&ServerPlace<'_>>> = BTreeMap::new();
    for place in places {
        by_namespace.entry(&place.namespace).or_default().push(place);
    }
    let mut findings = Vec::new();
    for together in by_namespace.values() {
        // By one label each: a selector can only match pods that have the first of its labels.
        let mut by_label: BTreeMap<(&String, &String), Vec<&ServerPlace<'_>>> = BTreeMap::new();
        for place in together {
            for label in &place.labels {
                by_label.entry(label).or_default().push(place);
            }
        }
        for place in together {
            let rarest = place.labels.iter().filter_map(|label| by_label.get(&label)).min_by_key(|others| others.len());
            for other in rarest.into_iter().flatten() {
                let held = |(key, value): (&String, &String)| other.labels.get(key) == Some(value);
                if other.name != place.name && place.labels.iter().all(held) {
                    let message = format!(
                        "the labels of `{}` are also those of `{}`, so target `{target}` cannot tell their pods apart",
                        place.server.name, other.server.name
                    );
                    let help = "give each server's pods a label of their own, in `labels` of its registry entry";
                    let finding = Diagnostic::new(&TARGET_LIMIT, place.loc(), message).help(help);
                    findings.push(finding.label(other.loc(), format!("`{}`", other.server.name)));
                }
            }
        }
    }
    findings
}

/// The path of a URL, without query and fragment.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

#[cfg(test)]
pub(crate) mod tests;
