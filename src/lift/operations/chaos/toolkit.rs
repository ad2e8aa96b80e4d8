//! Experiments of Chaos Toolkit, as the faults that they switch on and off, and what they then ask.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::scoped;
use super::shown::{Shown, over};
use super::unexpected;
use crate::lift::LiftError;
use crate::model::assurance::ExperimentKind;
use crate::model::quantity::Duration;

/// What an experiment does.
#[derive(Debug, PartialEq)]
pub(super) struct Run {
    pub(super) kind: ExperimentKind,
    pub(super) target: String,
    /// Faults by proxy, in the order in which they are switched on.
    pub(super) faults: Vec<(String, Fault)>,
    pub(super) lasts: Duration,
    pub(super) shown: Option<Shown>,
}

/// A fault of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing gets through, towards the server or from it.
    Lost { down: bool },
    /// So many hundred-thousandths of the connections are reset.
    Reset { share: u32 },
    /// Answers come so much later.
    Late(Duration),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    title: String,
    description: String,
    tags: (String, String),
    configuration: BTreeMap<String, BTreeMap<String, String>>,
    runtime: Value,
    steady_state_hypothesis: Hypothesis,
    method: Vec<Activity>,
    rollbacks: Vec<Activity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hypothesis {
    title: String,
    probes: Vec<Activity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Activity {
    r#type: String,
    name: String,
    tolerance: Option<Value>,
    provider: Provider,
    pauses: Option<Pauses>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pauses {
    after: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    r#type: String,
    url: String,
    method: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    arguments: Option<Value>,
    timeout: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toxic {
    attributes: BTreeMap<String, u64>,
    name: String,
    stream: String,
    toxicity: f64,
    r#type: String,
}

/// Reads an experiment of a folder.
pub(super) fn run(folder: &str, text: &str) -> Result<Run, LiftError> {
    let written: Written = scoped::json("experiment.json", text)?;
    let refused = || unexpected(format!("the experiment `{folder}` is none that this target writes"));
    read(folder, written).map_or_else(refused, Ok)
}

/// `None` for anything that is not read exactly.
fn read(folder: &str, written: Written) -> Option<Run> {
    let (word, target) = written.title.split_once(": ")?;
    let kind = match word {
        "network-partition" => ExperimentKind::NetworkPartition,
        "resource-exhaustion" => ExperimentKind::ResourceExhaustion,
        "dependency-failure" => ExperimentKind::DependencyFailure,
        _ => return None,
    };
    let strategies = json!({"hypothesis": {"strategy": "after-method-only"}, "rollbacks": {"strategy": "always"}});
    let tagged = (written.tags.0.as_str(), written.tags.1.as_str()) == ("mcpctl", word);
    let titled = written.steady_state_hypothesis.title == "the fault is on, and what is expected holds";
    if written.runtime != strategies || !tagged || !titled {
        return None;
    }
    let last = written.method.len().checked_sub(1)?;
    let mut faults = Vec::new();
    let mut probes = written.steady_state_hypothesis.probes.into_iter();
    let mut rollbacks = written.rollbacks.into_iter();
    let mut lasts = None;
    for (at, action) in written.method.into_iter().enumerate() {
        let pause = action.pauses.as_ref().map(|pauses| pauses.after);
        if pause.is_some() != (at == last) {
            return None;
        }
        lasts = pause;
        let (proxy, toxic) = switched_on(&action)?;
        is_asked_for(&probes.next()?, &proxy, &toxic)?;
        is_switched_off(&rollbacks.next()?, &proxy, &toxic)?;
        let fault = fault(&toxic)?;
        let stream =
            if matches!(fault, Fault::Lost { down: true } | Fault::Late(_)) { "downstream" } else { "upstream" };
        if toxic.name != format!("{folder}-{stream}") || toxic.stream != stream {
            return None;
        }
        faults.push((proxy, fault));
    }
    let (shown, own) = match probes.next() {
        None => (None, None),
        Some(probe) => {
            let (shown, reference) = shown(&probe)?;
            (Some((probe.name, shown)), Some(reference))
        }
    };
    let expected = shown.as_ref().map_or("nothing", |(word, _)| word.as_str());
    let references = std::iter::once(("toxiproxy_url", "TOXIPROXY_URL")).chain(own);
    let references: BTreeMap<String, BTreeMap<String, String>> = references
        .map(|(name, key)| {
            let from = [("type".to_owned(), "env".to_owned()), ("key".to_owned(), key.to_owned())];
            (name.to_owned(), from.into())
        })
        .collect();
    let whole = probes.next().is_none() && rollbacks.next().is_none() && written.configuration == references;
    if !whole || written.description != format!("expected: {expected}") {
        return None;
    }
    let target = target.replace("$$", "$");
    Some(Run { kind, target, faults, lasts: milliseconds(lasts?)?, shown: shown.map(|(_, shown)| shown) })
}

/// Seconds as whole milliseconds.
fn milliseconds(seconds: f64) -> Option<Duration> {
    let whole = seconds * 1_000.0;
    let found = whole.round();
    ((0.0..9e15).contains(&found) && (whole - found).abs() < 1e-6 * found.max(1.0)).then_some(Duration(found as u64))
}

/// The request of an activity, where it is one of this kind with this method.
fn request<'a>(activity: &'a Activity, kind: &str, method: Option<&str>) -> Option<&'a Provider> {
    let asked = &activity.provider;
    let fits = activity.r#type == kind && asked.r#type == "http" && asked.method.as_deref() == method;
    let json = BTreeMap::from([("Content-Type".to_owned(), "application/json".to_owned())]);
    let headers = asked.headers == (method == Some("POST")).then_some(json);
    let waits =
        (activity.pauses.is_none() || method == Some("POST")) && activity.tolerance.is_some() == (kind == "probe");
    (fits && headers && waits).then_some(asked)
}

fn switched_on(action: &Activity) -> Option<(String, Toxic)> {
    let asked = request(action, "action", Some("POST")).filter(|asked| asked.timeout == 10.0)?;
    let proxy = asked.url.strip_prefix("${toxiproxy_url}/proxies/")?.strip_suffix("/toxics")?;
    let toxic: Toxic = serde_json::from_value(asked.arguments.clone()?).ok()?;
    (action.name == format!("add {} to {proxy}", toxic.name)).then(|| (proxy.to_owned(), toxic))
}

fn is_asked_for(probe: &Activity, proxy: &str, toxic: &Toxic) -> Option<()> {
    let asked = request(probe, "probe", None).filter(|asked| asked.timeout == 10.0 && asked.arguments.is_none())?;
    let tolerance = probe.tolerance.as_ref()?.as_object()?;
    let share: Vec<f64> = tolerance.get("expect")?.as_array()?.iter().filter_map(Value::as_f64).collect();
    let fixed = [("type", "jsonpath"), ("path", "$.toxicity"), ("target", "body")];
    let fits = fixed.iter().all(|(key, value)| tolerance.get(*key).and_then(Value::as_str) == Some(*value));
    let named = probe.name == format!("{} is on at {proxy}", toxic.name);
    let url = asked.url == format!("${{toxiproxy_url}}/proxies/{proxy}/toxics/{}", toxic.name);
    (fits && named && url && tolerance.len() == 4 && share == [toxic.toxicity]).then_some(())
}

fn is_switched_off(action: &Activity, proxy: &str, toxic: &Toxic) -> Option<()> {
    let asked = request(action, "action", Some("DELETE"))?;
    let url = asked.url == format!("${{toxiproxy_url}}/proxies/{proxy}/toxics/{}", toxic.name);
    let named = action.name == format!("remove {} from {proxy}", toxic.name);
    (url && named && asked.timeout == 10.0 && asked.arguments.is_none()).then_some(())
}

fn fault(toxic: &Toxic) -> Option<Fault> {
    let share = milliseconds(toxic.toxicity * 100.0).and_then(|share| u32::try_from(share.0).ok())?;
    let attributes: Vec<(&str, u64)> = toxic.attributes.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    match (toxic.r#type.as_str(), attributes.as_slice(), share) {
        ("timeout", [("timeout", 0)], 100_000) => Some(Fault::Lost { down: toxic.stream == "downstream" }),
        ("reset_peer", [("timeout", 0)], 1..=100_000) => Some(Fault::Reset { share }),
        ("latency", [("jitter", 0), ("latency", late)], 100_000) => Some(Fault::Late(Duration(*late))),
        _ => None,
    }
}

/// What a probe asks, with the reference that it needs.
fn shown(probe: &Activity) -> Option<(Shown, (&'static str, &'static str))> {
    let asked = request(probe, "probe", None)?;
    let tolerance = probe.tolerance.as_ref()?;
    let name = probe.name.as_str();
    if asked.url == "${service_url}" && asked.arguments.is_none() {
        let fallback = name == "graceful_degradation";
        let statuses = if fallback { json!([200, 203]) } else { json!([200]) };
        let answers = Shown::Answers { fallback, within: milliseconds(asked.timeout)? };
        return ((fallback || name == "success") && *tolerance == statuses)
            .then_some((answers, ("service_url", "SERVICE_URL")));
    }
    let some = json!({"type": "jsonpath", "path": "$.data.result[*]", "target": "body"});
    let arguments = asked.arguments.as_ref()?.as_object()?;
    if asked.url != "${prometheus_url}/api/v1/query"
        || *tolerance != some
        || arguments.len() != 1
        || asked.timeout != 10.0
    {
        return None;
    }
    let query = arguments.get("query")?.as_str()?;
    let shown = match name {
        "load_shedding" => {
            let (waiting, running) = query.split_once(" or ")?;
            let found = over(waiting, "sum(increase(envoy_cluster_upstream_rq_pending_overflow")?;
            let same = over(running, "sum(increase(envoy_cluster_upstream_rq_active_overflow")? == found;
            let (servers, lasts) = same.then_some(found)?;
            Shown::Refuses { servers, lasts }
        }
        "circuit_breaker_activation" => {
            let (servers, lasts) = over(query, "max(max_over_time(envoy_cluster_outlier_detection_ejections_active")?;
            Shown::CutsOff { servers, lasts }
        }
        _ => return None,
    };
    Some((shown, ("prometheus_url", "PROMETHEUS_URL")))
}
