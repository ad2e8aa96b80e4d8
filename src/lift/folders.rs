//! Folders for Kustomize: one for each cluster, which has the gateway of that name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::LiftError;
use crate::bundle::Artifact;
use crate::model::Model;
use crate::model::name::UnitName;

/// The cluster of the central gateway.
const CENTRAL: &str = "central";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kustomization {
    api_version: String,
    kind: String,
    resources: Vec<String>,
}

/// The clusters of a model: the central one, and one for each unit with a gateway.
pub(super) fn clusters(model: &Model) -> BTreeSet<&str> {
    let units = model.topology.units.values().filter(|unit| unit.gateway.is_some());
    units.map(|unit| unit.name.value.as_str()).chain([CENTRAL]).collect()
}

/// The cluster of what belongs to a unit.
pub(super) fn cluster_of<'m>(model: &'m Model, unit: Option<&UnitName>) -> &'m str {
    let found = unit.and_then(|unit| model.topology.units.get(unit));
    found.filter(|unit| unit.gateway.is_some()).map_or(CENTRAL, |unit| unit.name.value.as_str())
}

/// The files that `kubectl apply -k` takes from a folder, by their paths in it: those that its `kustomization.yaml` lists.
///
/// # Errors
/// Where it is missing, is anything else, lists a file that is not there, or a file twice.
pub(super) fn listed(artifacts: &BTreeMap<String, Artifact>, folder: &str) -> Result<BTreeSet<String>, LiftError> {
    let path = format!("{folder}/kustomization.yaml");
    let resources = resources(artifacts, &path)?;
    let unexpected = |what: &str| LiftError::Unexpected(format!("`{path}` {what}"));
    let count = resources.len();
    let found: BTreeSet<String> = resources.into_iter().collect();
    if found.len() != count || !found.iter().all(|name| artifacts.contains_key(&format!("{folder}/{name}"))) {
        return Err(unexpected("lists a file twice, or one that does not exist"));
    }
    Ok(found)
}

/// What a Kustomization lists; it has nothing else.
fn resources(artifacts: &BTreeMap<String, Artifact>, path: &str) -> Result<Vec<String>, LiftError> {
    let unexpected = |what: &str| LiftError::Unexpected(format!("`{path}` {what}"));
    let file = artifacts.get(path).ok_or_else(|| LiftError::File(path.to_owned()))?;
    let Kustomization { api_version, kind, resources } =
        serde_yaml::from_slice(&file.bytes).map_err(|cause| unexpected(&format!("has another shape: {cause}")))?;
    if (api_version.as_str(), kind.as_str()) != ("kustomize.config.k8s.io/v1beta1", "Kustomization") {
        return Err(unexpected("is not a Kustomization"));
    }
    Ok(resources)
}

/// Checks that there is a Kustomization for each cluster that a target has a folder for, and that it lists these folders and nothing
/// else. `paths` are those of the targets' files.
///
/// # Errors
/// Where one is missing, is anything else, or lists anything else.
pub fn check_clusters(files: &BTreeMap<String, Artifact>, paths: &BTreeSet<&str>) -> Result<(), LiftError> {
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let parts: Vec<&str> = path.split('/').collect();
        if let [target, cluster, "kustomization.yaml"] = parts.as_slice() {
            let listing = format!("clusters/{cluster}/kustomization.yaml");
            expected.entry(listing).or_default().insert(format!("../../{target}/{cluster}"));
        }
    }
    for (path, folders) in &expected {
        let found = resources(files, path)?;
        if found.len() != folders.len() || !found.iter().all(|folder| folders.contains(folder)) {
            let what = format!("`{path}` does not list exactly the folders of its cluster");
            return Err(LiftError::Unexpected(what));
        }
    }
    match files.keys().find(|path| !expected.contains_key(*path)) {
        Some(path) => Err(LiftError::Unexpected(format!("the file `{path}` is for nothing"))),
        None => Ok(()),
    }
}

/// Checks that each folder of a target lists exactly the files in it, and that each file is in the folder of a cluster.
///
/// # Errors
/// Where one does not.
pub(super) fn check(artifacts: &BTreeMap<String, Artifact>, target: &str, model: &Model) -> Result<(), LiftError> {
    let mut by_folder: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let clusters = clusters(model);
    for path in artifacts.keys().filter_map(|path| path.strip_prefix(target)?.strip_prefix('/')) {
        let of = clusters.iter().find_map(|cluster| {
            let inside = path.strip_prefix(cluster)?.strip_prefix('/')?;
            Some((format!("{target}/{cluster}"), inside.to_owned()))
        });
        let Some((folder, inside)) = of else {
            return Err(LiftError::Unexpected(format!("the file `{target}/{path}` is not in the folder of a cluster")));
        };
        by_folder.entry(folder).or_default().insert(inside);
    }
    for (folder, mut files) in by_folder {
        files.remove("kustomization.yaml");
        if listed(artifacts, &folder)? != files {
            let what = format!("`{folder}/kustomization.yaml` does not list exactly the files of its folder");
            return Err(LiftError::Unexpected(what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 5] = [
        "istio/central/kustomization.yaml",
        "istio/central/mesh.yaml",
        "kubernetes/central/kustomization.yaml",
        "kubernetes/retail/kustomization.yaml",
        "kubernetes/retail/deep/kustomization.yaml",
    ];

    fn listing(resources: &str) -> String {
        format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{resources}]\n")
    }

    fn checked(files: &[(&str, &str)]) -> Result<(), LiftError> {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Artifact { bytes: text.as_bytes().to_vec(), from: Vec::new() }));
        check_clusters(&files.collect(), &PATHS.into())
    }

    #[test]
    fn a_cluster_is_all_that_targets_have_for_it() {
        let (central, retail) = ("clusters/central/kustomization.yaml", "clusters/retail/kustomization.yaml");
        let (both, one) =
            (listing("../../istio/central, ../../kubernetes/central"), listing("../../kubernetes/retail"));
        checked(&[(central, &both), (retail, &one)]).unwrap();
        let fewer = listing("../../kubernetes/central");
        let more = listing("../../kubernetes/retail, https://elsewhere.example/base");
        let twice = listing("../../kubernetes/retail, ../../kubernetes/retail");
        let other = listing("../../kubernetes/central/../retail");
        let prefixed = format!("{one}namePrefix: x\n");
        let kind = one.replace("Kustomization", "Component");
        for spoiled in [
            vec![(central, both.as_str())],
            vec![(central, &fewer), (retail, &one)],
            vec![(central, &both), (retail, &more)],
            vec![(central, &both), (retail, &twice)],
            vec![(central, &both), (retail, &other)],
            vec![(central, &both), (retail, &prefixed)],
            vec![(central, &both), (retail, &kind)],
            vec![(central, &both), (retail, &one), ("clusters/other/kustomization.yaml", &one)],
            vec![(central, &both), (retail, &one), ("clusters/retail/more.yaml", "kind: Namespace")],
        ] {
            assert!(checked(&spoiled).is_err(), "{spoiled:?}");
        }
    }
}
