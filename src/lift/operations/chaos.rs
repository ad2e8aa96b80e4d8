//! Reads the files of the target `chaos` back into the experiments of the model.

mod mesh;
mod shown;
mod toolkit;

use std::collections::{BTreeMap, BTreeSet};

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::cluster::Expected;
use crate::lift::names::label;
use crate::model::assurance::hit::{Hit, call_time};
use crate::model::assurance::{Experiment, ExperimentKind};
use crate::model::quantity::Duration;
use crate::model::vocabulary::Outcome;
use crate::model::{Model, Scope};
use crate::policy::Policy;
use mesh::Broken;
use shown::Shown;
use toolkit::{Fault, Run};

/// An experiment by its files.
#[derive(Debug, PartialEq)]
struct Found {
    run: Option<Run>,
    /// The objects, by namespace and name.
    broken: BTreeMap<(String, String), Broken>,
}

/// Checks that the files are the experiments of the model.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    let pods = Expected::of(model);
    let by_scope = scoped::by_scope(artifacts, "chaos", model.chaos.keys())?;
    for (scope, files) in by_scope {
        let mut wanted = expected(model, scope, &pods);
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        for path in files.keys() {
            match path.split_once('/') {
                Some((folder, "experiment.json" | "chaos-mesh.yaml")) => drop(folders.insert(folder)),
                _ => return unexpected(format!("the file `{path}` is of no experiment")),
            }
        }
        for folder in folders {
            let at = |file: &str| files.get(&format!("{folder}/{file}")).copied();
            let text = |file: &str| at(file).map(|bytes| scoped::text(file, bytes)).transpose();
            let found = Found {
                run: text("experiment.json")?.map(|text| toolkit::run(folder, text)).transpose()?,
                broken: text("chaos-mesh.yaml")?.map(|text| mesh::broken(text, model)).transpose()?.unwrap_or_default(),
            };
            if wanted.remove(folder).as_ref() != Some(&found) {
                return unexpected(format!("the experiment `{folder}` is not one of the model"));
            }
        }
        if let Some((folder, _)) = wanted.into_iter().find(|(_, found)| found.run.is_some() || !found.broken.is_empty())
        {
            return unexpected(format!("the experiment `{folder}` is missing"));
        }
    }
    Ok(())
}

/// The experiments of a scope as they should be read, by folder.
fn expected(model: &Model, scope: &Scope, pods: &Expected<'_>) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    let experiments = model.chaos.get(scope).map(|chaos| chaos.experiments.as_slice()).unwrap_or_default();
    for (at, experiment) in experiments.iter().enumerate() {
        let target = label(&experiment.target.value);
        let alike = |other: &&Experiment| other.kind == experiment.kind && label(&other.target.value) == target;
        let before = experiments.iter().take(at).filter(alike).count();
        let kind = match experiment.kind {
            ExperimentKind::NetworkPartition => "network-partition",
            ExperimentKind::ResourceExhaustion => "resource-exhaustion",
            ExperimentKind::DependencyFailure => "dependency-failure",
        };
        let folder = if before == 0 {
            format!("{kind}-{target}")
        } else {
            format!("{kind}--{}-{target}", before.saturating_add(1))
        };
        let hit = Hit::of(model, &experiment.target.value);
        let broken = mesh::expected(&folder, experiment, &hit, pods);
        found.insert(folder, Found { run: run(model, scope, experiment, &hit), broken });
    }
    found
}

/// The run of an experiment as it should be read; `None` where what is expected is how a flow ends.
fn run(model: &Model, scope: &Scope, experiment: &Experiment, hit: &Hit<'_>) -> Option<Run> {
    let servers: BTreeSet<String> = hit.servers.iter().map(|server| server.name.value.to_string()).collect();
    let lasts = experiment.lasts();
    let shown = match experiment.expected.as_ref().map(|expected| expected.value) {
        None => None,
        Some(Outcome::Failure | Outcome::CompensatingTransaction) => return None,
        Some(Outcome::Success) => Some(Shown::Answers { fallback: false, within: call_time(model, scope) }),
        Some(Outcome::GracefulDegradation) => Some(Shown::Answers { fallback: true, within: call_time(model, scope) }),
        Some(Outcome::LoadShedding) => Some(Shown::Refuses { servers, lasts }),
        Some(Outcome::CircuitBreakerActivation) => Some(Shown::CutsOff { servers, lasts }),
    };
    let faults: &[Fault] = match experiment.kind {
        ExperimentKind::NetworkPartition => &[Fault::Lost { down: false }, Fault::Lost { down: true }],
        ExperimentKind::DependencyFailure => &[Fault::Reset { share: experiment.share() }],
        ExperimentKind::ResourceExhaustion => {
            let late = u128::from(call_time(model, scope).0) * u128::from(experiment.share()) / 100_000;
            &[Fault::Late(Duration(u64::try_from(late).unwrap_or(u64::MAX).max(1)))]
        }
    };
    let proxies = if hit.whole {
        hit.servers.iter().map(|server| label(server.name.value.as_str())).collect()
    } else {
        vec![label(&experiment.target.value)]
    };
    let faults = proxies.iter().flat_map(|proxy| faults.iter().map(|fault| (proxy.clone(), *fault))).collect();
    Some(Run { kind: experiment.kind, target: experiment.target.value.clone(), faults, lasts, shown })
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
