//! The Kubernetes objects of bundles, cluster by cluster, and those that the next bundle no longer has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

/// An object of a cluster, by what names it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its group and version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; `None` for what belongs to none.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// What tells objects apart in a cluster. The version of the API is none of it.
type Key = (String, String, Option<String>, String);

impl Object {
    /// The object of a document; `None` where it is none, such as a Kustomization, for a topic: whoever deletes one deletes its events, and for
    /// an access policy of agentic networking: without it, everything is let through to its server. Neither is to be done with a list.
    fn of(document: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (api_version, kind) = (text(document.get("apiVersion")?)?, text(document.get("kind")?)?);
        if matches!(kind.as_str(), "KafkaTopic" | "XAccessPolicy") {
            return None;
        }
        let metadata = document.get("metadata")?;
        let name = text(metadata.get("name")?)?;
        Some(Self { api_version, kind, namespace: metadata.get("namespace").and_then(text), name })
    }

    fn key(&self) -> Key {
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        (group.to_owned(), self.kind.clone(), self.namespace.clone(), self.name.clone())
    }

    /// When it is to be removed: what lets something through comes first, then whole namespaces, and last what keeps them
    /// closed.
    fn turn(&self) -> u8 {
        let closes = matches!(self.kind.as_str(), "PeerAuthentication" | "RequestAuthentication" | "ServiceAccount")
            || self.name == "default-deny"
            || self.kind == "AgentgatewayPolicy"
                && (self.name.ends_with(".default-deny") || self.name.ends_with(".callers"));
        match self.kind.as_str() {
            "Namespace" => 1,
            _ if closes => 2,
            _ => 0,
        }
    }

    /// What `kubectl delete -f -` needs of it.
    #[must_use]
    pub fn minimal(&self) -> Value {
        let metadata = match &self.namespace {
            Some(namespace) => json!({"name": self.name, "namespace": namespace}),
            None => json!({"name": self.name}),
        };
        json!({"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata})
    }
}

impl core::fmt::Display for Object {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)?;
        self.namespace.as_ref().map_or(Ok(()), |namespace| write!(f, " in `{namespace}`"))
    }
}

/// The objects of a bundle's files, in the order of the files.
fn objects<'f>(files: impl Iterator<Item = (&'f String, &'f Vec<u8>)>) -> Vec<Object> {
    // What holds no object, such as the configuration of Envoy, need not be parsed.
    let holds = |bytes: &[u8]| core::str::from_utf8(bytes).is_ok_and(|text| text.contains("apiVersion:"));
    let yaml = files.filter(|(path, bytes)| path.ends_with(".yaml") && holds(bytes));
    let documents = yaml.flat_map(|(_, bytes)| {
        serde_yaml::Deserializer::from_slice(bytes).filter_map(|document| Value::deserialize(document).ok())
    });
    documents.filter_map(|document| Object::of(&document)).collect()
}

/// An object that disappears from a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The cluster, by its gateway.
    pub cluster: String,
    /// The object.
    pub object: Object,
}

impl core::fmt::Display for Gone {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} of cluster `{}`", self.object, self.cluster)
    }
}

/// The objects of two bundles by cluster: those of the first, and those of the second.
#[derive(Debug, Default)]
pub struct Clusters(BTreeMap<String, [Vec<Object>; 2]>);

impl Clusters {
    /// Those of the files of two bundles. What an earlier version wrote outside of the folders of clusters may be in any.
    #[must_use]
    pub fn of(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut names: BTreeSet<&str> = before.keys().chain(after.keys()).filter_map(|path| folder(path)).collect();
        if names.is_empty() {
            names.insert("central");
        }
        let in_cluster = |files: &BTreeMap<String, Vec<u8>>, name: &str| {
            let here = files.iter().filter(|(path, _)| cluster(path, &names).is_none_or(|cluster| cluster == name));
            objects(here)
        };
        let each = names.iter().map(|name| ((*name).to_owned(), [in_cluster(before, name), in_cluster(after, name)]));
        Self(each.collect())
    }

    /// The clusters, by their gateways.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The objects that the second bundle does not have in these clusters, which are one, in the order in which they are to be
    /// removed.
    #[must_use]
    pub fn removed(&self, clusters: &[&str]) -> Vec<Object> {
        let of = |side: usize| {
            let here = self.0.iter().filter(|(name, _)| clusters.contains(&name.as_str()));
            here.filter_map(move |(_, sides)| sides.get(side)).flatten()
        };
        let kept: BTreeSet<Key> = of(1).map(Object::key).collect();
        let mut gone: Vec<Object> = of(0).filter(|object| !kept.contains(&object.key())).cloned().collect();
        gone.sort_by_key(|object| (object.turn(), object.key()));
        gone.dedup_by_key(|object| object.key());
        gone
    }

    /// What disappears from each cluster by itself.
    #[must_use]
    pub fn gone(&self) -> Vec<Gone> {
        let of = |cluster: &String| {
            let removed = self.removed(&[cluster]).into_iter();
            removed.map(|object| Gone { cluster: cluster.clone(), object }).collect::<Vec<_>>()
        };
        self.0.keys().flat_map(of).collect()
    }
}

/// The cluster that a file is for: that of its folder, `TARGET/CLUSTER`.
fn cluster<'p>(path: &'p str, names: &BTreeSet<&str>) -> Option<&'p str> {
    path.split('/').nth(1).filter(|name| names.contains(name))
}

/// The cluster of a Kustomization.
fn folder(path: &str) -> Option<&str> {
    let (folder, _) = path.split_once("/kustomization.yaml").filter(|(_, rest)| rest.is_empty())?;
    folder.split_once('/').map(|(_, cluster)| cluster).filter(|cluster| !cluster.contains('/'))
}

/// Objects as one document for `kubectl delete -f -`.
#[must_use]
pub fn list(objects: &[Object]) -> Value {
    let items: Vec<Value> = objects.iter().map(Object::minimal).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

#[cfg(test)]
mod tests;
