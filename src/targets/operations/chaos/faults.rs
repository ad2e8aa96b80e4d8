//! The faults of an experiment as Toxiproxy injects them, in each proxy that it is about.

use serde_json::{Value, json};

use super::Case;
use super::toolkit::{Activity, Request};
use crate::model::assurance::ExperimentKind;
use crate::targets::object;

/// Seconds that Toxiproxy and Prometheus have for an answer.
pub(super) const ANSWER: u32 = 10;

/// A toxic of Toxiproxy 2, at one of its proxies.
pub(super) struct Toxic {
    proxy: String,
    name: String,
    /// `upstream` for what goes to the server, `downstream` for what comes back.
    stream: &'static str,
    kind: &'static str,
    /// The share of connections that it is on, in hundred-thousandths.
    share: u32,
    attributes: Value,
}

/// The toxics of an experiment.
pub(super) fn toxics(case: &Case<'_>) -> Vec<Toxic> {
    let each: Vec<(&'static str, &'static str, u32, Value)> = match case.experiment.kind {
        // Nothing gets through in either direction, and no connection ends: as packets are lost.
        ExperimentKind::NetworkPartition => {
            let lost = || object([("timeout", Value::from(0))]);
            vec![("upstream", "timeout", WHOLE, lost()), ("downstream", "timeout", WHOLE, lost())]
        }
        ExperimentKind::DependencyFailure => {
            let at_once = object([("timeout", Value::from(0))]);
            vec![("upstream", "reset_peer", case.experiment.share(), at_once)]
        }
        ExperimentKind::ResourceExhaustion => {
            let slow = object([("jitter", Value::from(0)), ("latency", Value::from(case.slowed()))]);
            vec![("downstream", "latency", WHOLE, slow)]
        }
    };
    let all = case.proxies.iter().flat_map(|proxy| each.iter().map(move |fault| (proxy, fault)));
    let toxic =
        |(proxy, (stream, kind, share, attributes)): (&String, &(&'static str, &'static str, u32, Value))| Toxic {
            proxy: proxy.clone(),
            name: format!("{}-{stream}", case.name),
            stream,
            kind,
            share: *share,
            attributes: attributes.clone(),
        };
    all.map(toxic).collect()
}

/// All connections.
const WHOLE: u32 = 100_000;

/// A ratio as a number of JSON.
fn ratio(share: u32) -> Value {
    if share == WHOLE { json!(1) } else { json!(f64::from(share) / f64::from(WHOLE)) }
}

impl Toxic {
    fn url(&self) -> String {
        format!("${{toxiproxy_url}}/proxies/{}/toxics", self.proxy)
    }

    /// Switches it on.
    pub(super) fn on(&self) -> Activity {
        let body = object([
            ("attributes", self.attributes.clone()),
            ("name", Value::from(self.name.as_str())),
            ("stream", Value::from(self.stream)),
            ("toxicity", ratio(self.share)),
            ("type", Value::from(self.kind)),
        ]);
        let request = Request::post(self.url(), body, Value::from(ANSWER));
        Activity::action(format!("add {} to {}", self.name, self.proxy), request)
    }

    /// Whether it is on, to its degree. Without this, a run could pass whose fault was never injected.
    pub(super) fn is_on(&self) -> Activity {
        let request = Request::get(format!("{}/{}", self.url(), self.name), None, Value::from(ANSWER));
        let tolerance = object([
            ("type", Value::from("jsonpath")),
            ("path", Value::from("$.toxicity")),
            ("expect", Value::from(vec![ratio(self.share)])),
            ("target", Value::from("body")),
        ]);
        Activity::probe(format!("{} is on at {}", self.name, self.proxy), request, tolerance)
    }

    /// Switches it off.
    pub(super) fn off(&self) -> Activity {
        let request = Request::delete(format!("{}/{}", self.url(), self.name), Value::from(ANSWER));
        Activity::action(format!("remove {} from {}", self.name, self.proxy), request)
    }
}
