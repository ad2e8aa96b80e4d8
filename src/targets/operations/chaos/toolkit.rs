//! Experiments of Chaos Toolkit, as far as they are written.
//! Source: the Open API of Chaos Toolkit 1.19 (`experiment`), and `chaoslib` 1.44, which runs them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// An experiment.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Document {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) tags: [&'static str; 2],
    pub(super) configuration: BTreeMap<&'static str, Reference>,
    pub(super) runtime: Runtime,
    pub(super) steady_state_hypothesis: Hypothesis,
    pub(super) method: Vec<Activity>,
    pub(super) rollbacks: Vec<Activity>,
}

/// A value that comes from the environment of whoever runs it.
#[derive(Serialize)]
pub(super) struct Reference {
    #[serde(rename = "type")]
    kind: &'static str,
    key: &'static str,
}

impl Reference {
    /// The variable of this name.
    pub(super) fn to(key: &'static str) -> Self {
        Self { kind: "env", key }
    }
}

/// When the hypothesis is judged, and when the rollbacks run.
#[derive(Serialize)]
pub(super) struct Runtime {
    hypothesis: Strategy,
    rollbacks: Strategy,
}

#[derive(Serialize)]
struct Strategy {
    strategy: &'static str,
}

impl Default for Runtime {
    /// The outcome is there while the fault is on, and the fault goes away whatever the outcome was.
    fn default() -> Self {
        Self { hypothesis: Strategy { strategy: "after-method-only" }, rollbacks: Strategy { strategy: "always" } }
    }
}

/// What has to be true.
#[derive(Serialize)]
pub(super) struct Hypothesis {
    pub(super) title: String,
    pub(super) probes: Vec<Activity>,
}

/// Something that is done, or asked.
#[derive(Serialize)]
pub(super) struct Activity {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance: Option<Value>,
    provider: Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    pauses: Option<Pauses>,
}

#[derive(Serialize)]
struct Pauses {
    after: Value,
}

impl Activity {
    /// Something that is done.
    pub(super) fn action(name: String, provider: Request) -> Self {
        Self { kind: "action", name, tolerance: None, provider, pauses: None }
    }

    /// Something that is asked, and what the answer has to be.
    pub(super) fn probe(name: String, provider: Request, tolerance: Value) -> Self {
        Self { kind: "probe", name, tolerance: Some(tolerance), provider, pauses: None }
    }

    /// With a pause behind it, in seconds.
    pub(super) fn pause(&mut self, after: Value) {
        self.pauses = Some(Pauses { after });
    }
}

/// A request by HTTP.
#[derive(Serialize)]
pub(super) struct Request {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Value>,
    timeout: Value,
}

impl Request {
    /// A question, with its query.
    pub(super) fn get(url: String, arguments: Option<Value>, timeout: Value) -> Self {
        Self { kind: "http", url, method: None, headers: BTreeMap::new(), arguments, timeout }
    }

    /// A body of JSON. Chaos Toolkit sends JSON only where the header is spelled in this way.
    pub(super) fn post(url: String, body: Value, timeout: Value) -> Self {
        let headers = BTreeMap::from([("Content-Type", "application/json")]);
        Self { kind: "http", url, method: Some("POST"), headers, arguments: Some(body), timeout }
    }

    /// A removal.
    pub(super) fn delete(url: String, timeout: Value) -> Self {
        Self { kind: "http", url, method: Some("DELETE"), headers: BTreeMap::new(), arguments: None, timeout }
    }
}
