//! Where the model's servers and gateways should stand in a Kubernetes cluster, and how its resources are read.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value;

use super::LiftError;
use super::folders;
use super::metadata::take_bundle;
use super::names::label;
use crate::bundle::Artifact;
use crate::model::Model;
use crate::model::deployment::TargetId;
use crate::model::operations::ResourcePool;
use crate::model::server::Server;
use crate::model::url::Url;

/// What should stand where.
pub(super) struct Expected<'m> {
    /// Domain of the cluster.
    pub(super) domain: String,
    pub(super) gateways_namespace: String,
    pub(super) agents_namespace: String,
    /// Each namespace of servers, with the pool that has it for itself.
    pub(super) namespaces: BTreeMap<String, Option<&'m ResourcePool>>,
    /// Account and label of each gateway: `central`, and units with a gateway.
    pub(super) gateways: BTreeMap<String, String>,
    /// Servers by name.
    pub(super) places: BTreeMap<&'m str, ServerPlace<'m>>,
}

/// Where a server should stand.
#[derive(Clone)]
pub(super) struct ServerPlace<'m> {
    pub(super) server: &'m Server,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Name of the gateway in front, a key of [`Expected::gateways`].
    pub(super) gateway: String,
    /// Its name in the mesh: complete where it is a service's.
    pub(super) host: String,
    /// Whether the mesh knows it as a service.
    pub(super) service: bool,
    pub(super) port: u16,
    pub(super) path: String,
}

impl<'m> Expected<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        let set =
            [TargetId::Istio, TargetId::Kubernetes].into_iter().find_map(|target| model.deployment.namespace(target));
        let base = set.map_or("mcp", |namespace| namespace.value.as_str());
        let fronted = model.topology.units.values().filter(|unit| unit.gateway.is_some());
        let names = fronted.map(|unit| unit.name.value.to_string()).chain(["central".to_owned()]);
        let gateways: BTreeMap<String, String> = names.map(|name| (name.clone(), label(&name))).collect();
        let domain = |target| model.deployment.cluster_domain(target);
        let domain = [TargetId::Kubernetes, TargetId::Istio].into_iter().find_map(domain);
        let domain = domain.map_or("cluster.local", |domain| domain.value.as_str()).to_owned();
        let mut places = BTreeMap::new();
        for (name, server) in &model.servers {
            let Some(url) = server.url.as_ref().and_then(|url| Url::parse(&url.value).map(|parsed| (url, parsed)))
            else {
                continue;
            };
            let unit = server.unit.as_ref().map(|unit| unit.value.as_str());
            let (url, parsed) = url;
            let (host, named) = service(parsed.host, &domain);
            let service = named.is_some();
            let namespace = named.unwrap_or_else(|| match unit {
                Some(unit) => label(&format!("{base}-{unit}")),
                None => label(base),
            });
            let own = label(name.as_str());
            let mut labels: BTreeMap<String, String> =
                server.labels.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect();
            if labels.is_empty() {
                labels.insert("app.kubernetes.io/name".to_owned(), own.clone());
            }
            let gateway = folders::cluster_of(model, server.unit.as_ref().map(|unit| &unit.value)).to_owned();
            let place = ServerPlace {
                server,
                namespace,
                labels,
                gateway,
                host,
                service,
                port: parsed.port.unwrap_or(if parsed.is_plaintext() { 80 } else { 443 }),
                path: path(&url.value),
            };
            places.insert(name.as_str(), place);
        }
        let namespaces = namespaces(model, &places);
        Self {
            domain,
            gateways_namespace: label(&format!("{base}-gateways")),
            agents_namespace: label(&format!("{base}-agents")),
            namespaces,
            gateways,
            places,
        }
    }

    /// What should stand in the cluster of a gateway.
    pub(super) fn in_cluster(&self, gateway: &str) -> Self {
        let places: BTreeMap<&'m str, ServerPlace<'m>> = self
            .places
            .iter()
            .filter(|(_, place)| place.gateway == gateway)
            .map(|(name, place)| (*name, place.clone()))
            .collect();
        let here = |namespace: &str| places.values().any(|place| place.namespace == namespace);
        let namespaces = self.namespaces.iter().filter(|(namespace, _)| here(namespace));
        let gateways = self.gateways.iter().filter(|(name, _)| name.as_str() == gateway);
        Self {
            domain: self.domain.clone(),
            gateways_namespace: self.gateways_namespace.clone(),
            agents_namespace: self.agents_namespace.clone(),
            namespaces: namespaces.map(|(namespace, pool)| (namespace.clone(), *pool)).collect(),
            gateways: gateways.map(|(name, account)| (name.clone(), account.clone())).collect(),
            places,
        }
    }
}

/// Whether a text is part of the name of an object: lower case, digits and `-` inside.
fn is_part(part: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.chars().all(|c| edge(c) || c == '-') && part.starts_with(edge) && part.ends_with(edge)
}

/// The namespaces of servers. A pool has one for itself where whatever is in it is the pool's, and nothing of the pool is
/// elsewhere, or in another cluster.
fn namespaces<'m>(
    model: &'m Model,
    places: &BTreeMap<&'m str, ServerPlace<'m>>,
) -> BTreeMap<String, Option<&'m ResourcePool>> {
    let mut found: BTreeMap<String, Option<&'m ResourcePool>> =
        places.values().map(|place| (place.namespace.clone(), None)).collect();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut in_namespace: BTreeMap<&str, usize> = BTreeMap::new();
    for place in places.values() {
        *in_namespace.entry(&place.namespace).or_default() += 1;
    }
    let (central, own): (Vec<_>, Vec<_>) = model.bulkheads.iter().partition(|(scope, _)| scope.is_none());
    let scoped = own.into_iter().chain(central);
    for (scope, pool) in scoped.flat_map(|(scope, pools)| pools.iter().map(move |pool| (scope, pool))) {
        // A server that two pools list is its unit's, else the first one's. A unit's pools are for no other unit's servers.
        let fits = |server: &&str| {
            let unit = places.get(server).and_then(|place| place.server.unit.as_ref());
            scope.as_ref().is_none_or(|scope| unit.is_some_and(|unit| unit.value == *scope))
        };
        let listed: BTreeSet<&str> = pool.servers.iter().map(|server| server.value.as_str()).filter(fits).collect();
        let own: Vec<&ServerPlace<'_>> =
            listed.into_iter().filter(|server| taken.insert(server)).filter_map(|server| places.get(server)).collect();
        let Some(first) = own.first() else { continue };
        let at = (&first.gateway, &first.namespace);
        let together = own.iter().all(|place| (&place.gateway, &place.namespace) == at);
        if together && in_namespace.get(first.namespace.as_str()) == Some(&own.len()) {
            found.insert(first.namespace.clone(), Some(pool));
        }
    }
    found
}

/// The name of a host in the mesh, and the namespace of the service that it names.
pub(super) fn service(host: &str, domain: &str) -> (String, Option<String>) {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let words: Vec<&str> = host.split('.').collect();
    let complete = |(at, word): (usize, &&str)| {
        let (before, after) = words.split_at(at);
        let after = after.get(1..).unwrap_or_default().join(".");
        let (namespace, service) = before.split_last()?;
        let named = !namespace.is_empty() && service.iter().any(|word| !word.is_empty());
        let whole = *word == "svc" && named && (after == domain || after.is_empty());
        whole.then(|| (after.is_empty(), (format!("{}.svc.{domain}", before.join(".")), Some((*namespace).to_owned()))))
    };
    // With the domain before without it.
    let found = words.iter().enumerate().filter_map(complete).min_by_key(|(bare, _)| *bare);
    found.map_or((host.clone(), None), |(_, found)| found)
}

/// The path of a URL.
fn path(url: &str) -> String {
    let authority_and_path: Vec<&str> = url.splitn(4, '/').collect();
    let path = authority_and_path.get(3).copied().unwrap_or_default();
    let end = path.find(['?', '#']).unwrap_or(path.len());
    format!("/{}", path.get(..end).unwrap_or_default())
}

/// A resource as Kubernetes reads it.
#[derive(Clone, PartialEq)]
pub(super) struct Resource {
    pub(super) api: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) spec: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// A refusal.
pub(super) fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}

/// Reads a value into its one shape.
pub(super) fn shaped<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, LiftError> {
    serde_yaml::from_value(value).map_err(|cause| LiftError::Unexpected(format!("{what} has another shape: {cause}")))
}

/// The resources of each cluster, by its gateway. What two of them have must be the same in both.
pub(super) fn clusters(
    artifacts: &BTreeMap<String, Artifact>,
    target: &str,
    model: &Model,
) -> Result<BTreeMap<String, Vec<Resource>>, LiftError> {
    folders::check(artifacts, target, model)?;
    let mut found = BTreeMap::new();
    let mut known: BTreeMap<(String, Option<String>, String), Resource> = BTreeMap::new();
    for cluster in folders::clusters(model) {
        let here = resources(artifacts, &format!("{target}/{cluster}"), model)?;
        for resource in &here {
            let key = (resource.kind.clone(), resource.namespace.clone(), resource.name.clone());
            match known.get(&key) {
                Some(other) if other != resource => {
                    let what = format!("the {} `{}` differs between two clusters", resource.kind, resource.name);
                    return unexpected(what);
                }
                Some(_) => {}
                None => drop(known.insert(key, resource.clone())),
            }
        }
        found.insert(cluster.to_owned(), here);
    }
    Ok(found)
}

/// The resources that `kubectl apply -k` takes from a folder. Each must name its bundle, in a label that is taken out here. No two may be of one kind, namespace
/// and name.
pub(super) fn resources(
    artifacts: &BTreeMap<String, Artifact>,
    folder: &str,
    model: &Model,
) -> Result<Vec<Resource>, LiftError> {
    let read = |(path, artifact): (&String, &Artifact)| -> Result<Vec<Value>, LiftError> {
        let text = std::str::from_utf8(&artifact.bytes).map_err(|_| LiftError::File(path.clone()))?;
        let documents = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
        documents
            .map(|read| read.map_err(|cause| LiftError::Unexpected(format!("`{path}` is not YAML: {cause}"))))
            .collect()
    };
    let here: Vec<(&str, (&String, &Artifact))> =
        artifacts.iter().filter_map(|file| Some((file.0.strip_prefix(folder)?.strip_prefix('/')?, file))).collect();
    let files: Vec<_> = here.into_par_iter().map(|(name, file)| Ok((name, read(file)?))).collect();
    // The error of the first file, whichever was read first.
    let mut files = files.into_iter().collect::<Result<BTreeMap<&str, Vec<Value>>, LiftError>>()?;
    files.remove("kustomization.yaml");
    let mut found = Vec::new();
    let mut taken = BTreeSet::new();
    for (path, documents) in files {
        if documents.is_empty() {
            return unexpected(format!("`{path}` is empty"));
        }
        for document in documents {
            let Written { api_version, kind, metadata, spec } = shaped(document, &format!("a resource of `{path}`"))?;
            let Metadata { name, namespace, mut labels } = metadata;
            take_bundle(&mut labels, &name, model)?;
            let subdomain = name.split('.').all(is_part) && name.len() <= 253;
            if !subdomain || !taken.insert((kind.clone(), namespace.clone(), name.clone())) {
                return unexpected(format!("the name `{name}` in `{path}` is none for a resource, or there twice"));
            }
            found.push(Resource { api: api_version, kind, name, namespace, labels, spec });
        }
    }
    Ok(found)
}

/// Whether no text is there twice.
pub(super) fn distinct(texts: &[String]) -> bool {
    texts.iter().collect::<BTreeSet<_>>().len() == texts.len()
}
