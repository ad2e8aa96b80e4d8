//! Objects of Chaos Mesh, as what they break of whose pods.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::unexpected;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::cluster::{Expected, Resource, ServerPlace, resources, shaped};
use crate::lift::names::label;
use crate::model::Model;
use crate::model::assurance::hit::Hit;
use crate::model::assurance::{Experiment, ExperimentKind};
use crate::model::quantity::Duration;

/// Pods: their namespace, and their labels.
type Pods = (String, BTreeMap<String, String>);

/// What an object breaks.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    pods: Pods,
    lasts: Duration,
    how: How,
}

#[derive(Debug, PartialEq)]
enum How {
    /// No packet between the pods and these passes.
    CutFrom(Pods),
    /// The pods do not run.
    Down,
    /// So many percents of the memory are used.
    Memory(u32),
    /// So many percents of one processor are used.
    Cpu(u32),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    label_selectors: BTreeMap<String, String>,
    namespaces: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    action: Option<String>,
    direction: Option<String>,
    duration: String,
    mode: String,
    selector: Selector,
    stressors: Option<Stressors>,
    target: Option<Other>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    mode: String,
    selector: Selector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stressors {
    cpu: Option<Cpu>,
    memory: Option<Memory>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cpu {
    load: u32,
    workers: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    size: String,
    workers: u32,
}

/// What the objects of a file break, by namespace and name.
pub(super) fn broken(text: &str, model: &Model) -> Result<BTreeMap<(String, String), Broken>, LiftError> {
    let artifact = Artifact { bytes: text.as_bytes().to_vec(), from: Vec::new() };
    let file = BTreeMap::from([("chaos/chaos-mesh.yaml".to_owned(), artifact)]);
    let mut found = BTreeMap::new();
    for resource in resources(&file, "chaos", model)? {
        let Resource { api, kind, name, namespace, labels, spec } = resource;
        let what = format!("the {kind} `{name}`");
        let (Some(namespace), Some(spec), true) = (namespace, spec, labels.is_empty() && api == GROUP) else {
            return unexpected(format!("{what} is none that this target makes"));
        };
        let spec: Spec = shaped(spec, &what)?;
        let Some(broken) = one(&kind, spec) else { return unexpected(format!("{what} breaks something else")) };
        found.insert((namespace, name), broken);
    }
    Ok(found)
}

const GROUP: &str = "chaos-mesh.org/v1alpha1";

/// `None` for anything that is not read exactly.
fn one(kind: &str, spec: Spec) -> Option<Broken> {
    let every = |mode: &str| mode == "all";
    if !every(&spec.mode) {
        return None;
    }
    let action = (kind, spec.action.as_deref(), spec.direction.as_deref());
    let how = match (action, spec.stressors, spec.target) {
        (("NetworkChaos", Some("partition"), Some("both")), None, Some(other)) if every(&other.mode) => {
            How::CutFrom(pods(other.selector)?)
        }
        (("PodChaos", Some("pod-failure"), None), None, None) => How::Down,
        (("StressChaos", None, None), Some(stressors), None) => match stressors {
            Stressors { cpu: Some(Cpu { load, workers: 1 }), memory: None } => How::Cpu(load),
            Stressors { cpu: None, memory: Some(Memory { size, workers: 1 }) } => {
                let percent: u32 = size.strip_suffix('%')?.parse().ok()?;
                (size == format!("{percent}%")).then_some(How::Memory(percent))?
            }
            _ => return None,
        },
        _ => return None,
    };
    // The units of Go are also ours.
    let lasts = Duration::parse(&spec.duration).ok().filter(|_| !spec.duration.contains([' ', '_', 'd', 'w', 'y']))?;
    Some(Broken { pods: pods(spec.selector)?, lasts, how })
}

/// Pods of one namespace, by at least one label.
fn pods(selector: Selector) -> Option<Pods> {
    match <[String; 1]>::try_from(selector.namespaces) {
        Ok([namespace]) if !selector.label_selectors.is_empty() => Some((namespace, selector.label_selectors)),
        _ => None,
    }
}

/// What an experiment should break, by namespace and name.
pub(super) fn expected(
    folder: &str,
    experiment: &Experiment,
    hit: &Hit<'_>,
    cluster: &Expected<'_>,
) -> BTreeMap<(String, String), Broken> {
    let inside = |name: &str| cluster.places.get(name).filter(|place| place.service);
    let places = hit.servers.iter().filter(|_| hit.whole).filter_map(|server| inside(server.name.value.as_str()));
    let object = |place: &ServerPlace<'_>| {
        let how = how(experiment, place, cluster)?;
        let server = label(place.server.name.value.as_str());
        let name = if hit.servers.len() == 1 { folder.to_owned() } else { format!("{folder}--{server}") };
        let pods = (place.namespace.clone(), place.labels.clone());
        Some(((place.namespace.clone(), name), Broken { pods, lasts: experiment.lasts(), how }))
    };
    places.filter_map(object).collect()
}

fn how(experiment: &Experiment, place: &ServerPlace<'_>, cluster: &Expected<'_>) -> Option<How> {
    let amount = experiment.amount.as_ref().map(|amount| &amount.value);
    let percents = amount.map(|amount| amount.milli.div_ceil(1_000));
    match experiment.kind {
        ExperimentKind::NetworkPartition => {
            let gateway = cluster.gateways.get(&place.gateway)?.clone();
            let labels = BTreeMap::from([("mcpctl.io/gateway".to_owned(), gateway)]);
            Some(How::CutFrom((cluster.gateways_namespace.clone(), labels)))
        }
        ExperimentKind::DependencyFailure => amount.is_none_or(|amount| amount.milli == 100_000).then_some(How::Down),
        ExperimentKind::ResourceExhaustion => match amount?.of.as_deref()? {
            "memory" => percents.map(How::Memory),
            "cpu" => percents.map(How::Cpu),
            _ => None,
        },
    }
}
