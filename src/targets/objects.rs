//! Files of Kubernetes objects, in one folder for each cluster: each object has the label of its bundle, so that what the next
//! bundle lacks can be found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{CompileError, Files, yaml};
use crate::bundle::{Artifact, CLUSTERS};
use crate::model::Model;
use crate::source::Loc;

/// The label that names the bundle of an object. It is metadata alone: no selector and no pod template has it.
pub const BUNDLE: &str = "mcpctl.io/bundle";

/// The namespace of the policies of gateways, where the settings of a target name none.
pub const NAMESPACE: &str = "mcp";

/// A YAML file of these objects, each with the label of the bundle.
///
/// # Errors
/// Where a value has no YAML form, or is not an object with metadata.
pub fn objects(
    model: &Model,
    path: &str,
    documents: Vec<Value>,
    from: Vec<Loc>,
) -> Result<(String, Artifact), CompileError> {
    let name = model.deployment.bundle_name();
    let labelled = documents.into_iter().map(|mut document| {
        let metadata = document.get_mut("metadata").and_then(Value::as_object_mut);
        let labels = metadata.map(|metadata| metadata.entry("labels").or_insert_with(|| Value::Object(Map::new())));
        match labels.and_then(Value::as_object_mut) {
            Some(labels) => {
                labels.insert(BUNDLE.to_owned(), Value::from(name.as_str()));
                Ok(document)
            }
            None => Err(CompileError::Refused(format!("a document of `{path}` has no metadata for its labels"))),
        }
    });
    yaml(path, &labelled.collect::<Result<Vec<_>, _>>()?, from)
}

/// The folder of a cluster: these files, and the Kustomization that lists them all. Nothing where there is no file.
///
/// # Errors
/// Where the Kustomization has no YAML form.
pub fn folder(cluster: &str, files: Files, from: Vec<Loc>) -> Result<Files, CompileError> {
    if files.is_empty() {
        return Ok(files);
    }
    let listing = kustomization(files.iter().map(|(path, _)| path.as_str()), from)?;
    Ok(files.into_iter().chain([listing]).map(|(path, artifact)| (format!("{cluster}/{path}"), artifact)).collect())
}

/// The Kustomization of these files.
///
/// # Errors
/// Where it has no YAML form.
pub fn kustomization<'p>(
    files: impl IntoIterator<Item = &'p str>,
    from: Vec<Loc>,
) -> Result<(String, Artifact), CompileError> {
    let files: BTreeSet<&str> = files.into_iter().collect();
    let document = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": files,
    });
    yaml("kustomization.yaml", &[document], from)
}

/// For each cluster the Kustomization of everything that these files, by path in the bundle, have for it: it lists the folders
/// `TARGET/CLUSTER`.
///
/// # Errors
/// Where one has no YAML form.
pub fn clusters<'f>(files: impl Iterator<Item = (&'f String, &'f Artifact)>) -> Result<Files, CompileError> {
    let mut folders: BTreeMap<&str, (Vec<String>, Vec<Loc>)> = BTreeMap::new();
    for (path, artifact) in files {
        if let [target, cluster, "kustomization.yaml"] = path.split('/').collect::<Vec<_>>().as_slice() {
            let (listed, from) = folders.entry(*cluster).or_default();
            listed.push(format!("../../{target}/{cluster}"));
            from.extend(artifact.from.iter().copied());
        }
    }
    let each = folders.into_iter().map(|(cluster, (listed, from))| {
        let (name, artifact) = kustomization(listed.iter().map(String::as_str), from)?;
        Ok((format!("{CLUSTERS}/{cluster}/{name}"), artifact))
    });
    each.collect()
}

/// What an object asks for, as the product declares it. Fields of the product that mcpctl never writes are left out, and
/// those that are there are in the order of the alphabet, as the product's own tools write them.
pub trait Spec: Serialize {
    /// `apiVersion`: the group and the version.
    const API_VERSION: &'static str;
    /// `kind`.
    const KIND: &'static str;
}

/// Objects whose `kind` is the name of their type, all of one `apiVersion`.
macro_rules! kinds {
    ($version:expr; $($kind:ident),+) => {$(
        impl $crate::targets::objects::Spec for $kind {
            const API_VERSION: &'static str = $version;
            const KIND: &'static str = stringify!($kind);
        }
    )+};
}
pub(crate) use kinds;

/// `metadata` of an object, `ObjectMeta` of Kubernetes.
#[derive(Debug, Clone, Serialize)]
pub struct Metadata {
    /// `labels`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `name`.
    pub name: String,
    /// `namespace`; an object of the whole cluster has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Name and namespace.
#[must_use]
pub fn metadata(name: &str, namespace: &str) -> Metadata {
    Metadata { labels: BTreeMap::new(), name: name.to_owned(), namespace: Some(namespace.to_owned()) }
}

/// An object with its `spec` as a document.
///
/// # Errors
/// Where it has no JSON form.
pub fn document<S: Spec>(metadata: &Metadata, spec: &S) -> Result<Value, CompileError> {
    let mut document = bare(S::API_VERSION, S::KIND, metadata);
    let spec = serde_json::to_value(spec)
        .map_err(|cause| CompileError::Refused(format!("a resource has no JSON form: {cause}")))?;
    document.insert("spec".to_owned(), spec);
    Ok(Value::Object(document))
}

/// An object of Kubernetes itself that has no `spec`.
#[must_use]
pub fn without_spec(kind: &str, metadata: &Metadata) -> Value {
    Value::Object(bare("v1", kind, metadata))
}

fn bare(api_version: &str, kind: &str, metadata: &Metadata) -> Map<String, Value> {
    Map::from_iter([
        ("apiVersion".to_owned(), json!(api_version)),
        ("kind".to_owned(), json!(kind)),
        ("metadata".to_owned(), json!(metadata)),
    ])
}
