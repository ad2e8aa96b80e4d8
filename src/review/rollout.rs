//! Which files of which target a deployment has to roll out.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::Clusters;
use crate::build;
use crate::bundle::CLUSTERS;
use crate::bundle::existing::Existing;
use crate::checks::CheckedModel;
use crate::source::Sources;
use crate::targets::gateways::CENTRAL;
use crate::targets::{TARGETS, Target};

/// What became of a file of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileChange {
    /// It is new.
    Added,
    /// Its bytes differ.
    Changed,
    /// It is gone.
    Removed,
}

impl FileChange {
    /// The word in every output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// A file of a bundle that is to be rolled out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactChange {
    /// The target.
    pub target: String,
    /// The file, by its path in the bundle.
    pub path: String,
    /// What became of it.
    pub change: FileChange,
}

/// What is to be rolled out.
#[derive(Debug, Default)]
pub struct Rollout {
    /// The files that change.
    pub files: Vec<ArtifactChange>,
    /// The Kubernetes objects of both sides, by cluster. `kubectl apply` leaves those that disappear.
    pub clusters: Clusters,
}

/// What a side deploys.
#[derive(Clone, Copy)]
pub enum Deployed<'a> {
    /// What a compile of it writes.
    Workspace(&'a CheckedModel, &'a Sources),
    /// The files of a bundle.
    Bundle(&'a Existing),
}

impl Deployed<'_> {
    /// The targets that it has what it needs for, or was compiled for.
    fn targets(&self) -> BTreeSet<&'static str> {
        let fits = |target: &&&'static Target| match self {
            Self::Workspace(checked, _) => build::missing(checked, target).is_empty(),
            Self::Bundle(bundle) => bundle.targets().contains(target.name()),
        };
        TARGETS.iter().filter(fits).map(|target| target.name()).collect()
    }

    /// Its files of these targets, by path.
    fn files(&self, wanted: &BTreeSet<&str>) -> Result<BTreeMap<String, Vec<u8>>, Vec<build::BuildError>> {
        match self {
            Self::Bundle(bundle) => {
                let wanted = |of: &str| wanted.contains(of) || of == CLUSTERS;
                let of_target = |path: &str| path.split_once('/').is_some_and(|(target, _)| wanted(target));
                let files = bundle.files.iter().filter(|(path, _)| of_target(path));
                Ok(files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect())
            }
            Self::Workspace(checked, sources) => {
                let able = self.targets();
                let targets: Vec<&'static Target> = TARGETS
                    .iter()
                    .copied()
                    .filter(|target| able.contains(target.name()) && wanted.contains(target.name()))
                    .collect();
                // What is compared is the files, so the digest of the sources does not matter.
                let (built, _) = build::build_what_fits(checked, sources, &targets, &[], "")?;
                Ok(built.bundle.artifacts.into_iter().map(|(path, artifact)| (path, artifact.bytes)).collect())
            }
        }
    }
}

/// The files that are to be rolled out: those that a plain compile of either side writes otherwise, over all targets that either
/// has what it needs for; beside a bundle over the targets that it was compiled for.
///
/// # Errors
/// Where a side does not compile.
pub fn rollout(base: Deployed<'_>, head: Deployed<'_>) -> Result<Rollout, Vec<build::BuildError>> {
    let wanted: BTreeSet<&str> = match (base, head) {
        (Deployed::Bundle(_), Deployed::Workspace(..)) => base.targets(),
        (Deployed::Workspace(..), Deployed::Bundle(_)) => head.targets(),
        _ => base.targets().union(&head.targets()).copied().collect(),
    };
    let (before, after) = (base.files(&wanted)?, head.files(&wanted)?);
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let files = paths
        .into_iter()
        .filter_map(|path| {
            let change = match (before.get(path), after.get(path)) {
                (None, _) => FileChange::Added,
                (_, None) => FileChange::Removed,
                (Some(old), Some(new)) if old == new => return None,
                (Some(_), Some(_)) => FileChange::Changed,
            };
            let target = path.split('/').next().unwrap_or_default().to_owned();
            Some(ArtifactChange { target, path: path.clone(), change })
        })
        .collect();
    Ok(Rollout { files, clusters: Clusters::of(&before, &after) })
}

/// In which order gateways get their files, where those of several change: all of a step before the next one.
///
/// A call to a server of a unit passes two gateways, and each decides the whole policy, so that in no order more may be called meanwhile
/// than before or after. What opens works for nobody until both know it: units go first, so that the central gateway sends them
/// nothing that they deny. What only closes is closed for everybody as soon as the central gateway has it.
#[must_use]
pub fn order(files: &[ArtifactChange], opens: bool) -> Vec<Vec<String>> {
    let deciding = |name: &str| TARGETS.iter().any(|target| target.name() == name && target.decides().is_some());
    let gateway = |file: &ArtifactChange| match file.path.split('/').collect::<Vec<_>>().as_slice() {
        [target, gateway, _, ..] if deciding(target) => Some((*gateway).to_owned()),
        _ => None,
    };
    let (central, units): (BTreeSet<String>, BTreeSet<String>) =
        files.iter().filter_map(gateway).partition(|gateway| gateway == CENTRAL);
    if central.is_empty() || units.is_empty() {
        return Vec::new();
    }
    let (central, units) = (central.into_iter().collect(), units.into_iter().collect());
    if opens { vec![units, central] } else { vec![central, units] }
}

#[cfg(test)]
mod tests;
