//! Objects of Chaos Mesh for the servers of an experiment that run in the cluster.
//!
//! Source: the definitions of Chaos Mesh's own resources, `chaos-mesh.org/v1alpha1`. Fields are in the order of the
//! alphabet.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Case;
use super::outcome::promql;
use crate::model::assurance::ExperimentKind;
use crate::targets::cluster::{Cluster, GATEWAY, ServerPlace};
use crate::targets::objects::{Metadata, document, kinds, metadata};
use crate::targets::{CompileError, names};

kinds!(GROUP; NetworkChaos, PodChaos, StressChaos);

/// `NetworkChaos`.
#[derive(Serialize)]
struct NetworkChaos {
    action: &'static str,
    direction: &'static str,
    duration: String,
    mode: &'static str,
    selector: Selector,
    target: Target,
}

/// `PodChaos`.
#[derive(Serialize)]
struct PodChaos {
    action: &'static str,
    duration: String,
    mode: &'static str,
    selector: Selector,
}

/// `StressChaos`.
#[derive(Serialize)]
struct StressChaos {
    duration: String,
    mode: &'static str,
    selector: Selector,
    stressors: Stressors,
}

/// `stressors` of a `StressChaos`: one of the two.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Stressors {
    Cpu { load: u32, workers: u32 },
    Memory { size: String, workers: u32 },
}

/// The other end of a cut connection.
#[derive(Serialize)]
struct Target {
    mode: &'static str,
    selector: Selector,
}

/// Pods by their labels and namespace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Selector {
    label_selectors: BTreeMap<String, String>,
    namespaces: [String; 1],
}

const GROUP: &str = "chaos-mesh.org/v1alpha1";

/// Every pod that is selected.
const MODE: &str = "all";

/// The pods of a server that run in the cluster: its URL names a service of it.
pub(super) fn is_inside(place: &ServerPlace<'_>) -> bool {
    place.host.namespace().is_some()
}

/// What Chaos Mesh does in an experiment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// `NetworkChaos`.
    Cut,
    /// `PodChaos`.
    Fail,
    /// `StressChaos` of memory.
    Memory,
    /// `StressChaos` of processors.
    Cpu,
}

/// What Chaos Mesh does in an experiment on whole servers; `None` where it has nothing of the kind.
pub(super) fn means(case: &Case<'_>) -> Option<Means> {
    const WHOLE: u32 = 100_000;
    if !case.hit.whole {
        return None;
    }
    let of = case.experiment.amount.as_ref().and_then(|amount| amount.value.of.as_deref());
    match (case.experiment.kind, of) {
        (ExperimentKind::NetworkPartition, _) => Some(Means::Cut),
        (ExperimentKind::DependencyFailure, _) => (case.experiment.share() == WHOLE).then_some(Means::Fail),
        (ExperimentKind::ResourceExhaustion, Some("memory")) => Some(Means::Memory),
        (ExperimentKind::ResourceExhaustion, Some("cpu")) => Some(Means::Cpu),
        (ExperimentKind::ResourceExhaustion, _) => None,
    }
}

/// The objects of an experiment, one for each of its servers in the cluster.
pub(super) fn objects(case: &Case<'_>, cluster: &Cluster<'_>) -> Result<Vec<Value>, CompileError> {
    let Some(means) = means(case) else { return Ok(Vec::new()) };
    let hit =
        |place: &&ServerPlace<'_>| case.hit.servers.iter().any(|server| server.name.value == place.server.name.value);
    let places: Vec<&ServerPlace<'_>> = cluster.places.iter().filter(hit).filter(|place| is_inside(place)).collect();
    places.into_iter().map(|place| object(case, means, place, cluster)).collect()
}

fn object(
    case: &Case<'_>,
    means: Means,
    place: &ServerPlace<'_>,
    cluster: &Cluster<'_>,
) -> Result<Value, CompileError> {
    // A label has no two dashes in a row.
    let name = match case.hit.servers.as_slice() {
        [_] => case.name.clone(),
        _ => format!("{}--{}", case.name, names::dns_label(place.server.name.value.as_str())),
    };
    let metadata: Metadata = metadata(&name, &place.namespace);
    let selector = Selector { label_selectors: place.labels.clone(), namespaces: [place.namespace.clone()] };
    let duration = promql(case.experiment.lasts());
    let percent = case.experiment.share().div_ceil(1_000);
    match means {
        Means::Cut => {
            let account = cluster.gateways.get(place.gateway).cloned().unwrap_or_default();
            let gateway = Selector {
                label_selectors: BTreeMap::from([(GATEWAY.to_owned(), account)]),
                namespaces: [cluster.gateways_namespace.clone()],
            };
            let target = Target { mode: MODE, selector: gateway };
            let spec = NetworkChaos { action: "partition", direction: "both", duration, mode: MODE, selector, target };
            document(&metadata, &spec)
        }
        Means::Fail => document(&metadata, &PodChaos { action: "pod-failure", duration, mode: MODE, selector }),
        Means::Memory => {
            let stressors = Stressors::Memory { size: format!("{percent}%"), workers: 1 };
            document(&metadata, &StressChaos { duration, mode: MODE, selector, stressors })
        }
        Means::Cpu => {
            let stressors = Stressors::Cpu { load: percent, workers: 1 };
            document(&metadata, &StressChaos { duration, mode: MODE, selector, stressors })
        }
    }
}
