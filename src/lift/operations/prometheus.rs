//! Reads the files of the target `prometheus` back into metrics, alarms, scrapes and routes.
//!
//! Rules are read by their expressions: each has to be one of the forms that this target writes, with the numbers of the model.
//! What the tests of rules and the dashboard have to hold follows from the rules that were read.

mod alarms;
mod dashboard;
mod expected;
mod recordings;
mod routes;
mod scrapes;
mod trials;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::model::Model;
use crate::policy::Policy;
use alarms::Alarm;
use recordings::Recorded;

/// A rule as a file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    hold: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

/// Checks that the files say exactly what the model says of metrics, breakers, bulkheads and probes.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    let own = artifacts.iter().filter_map(|(path, artifact)| Some((path.strip_prefix("prometheus/")?, artifact)));
    let mut files: BTreeMap<&str, &[u8]> = own.map(|(path, artifact)| (path, artifact.bytes.as_slice())).collect();
    let of_use = !(model.metrics.is_empty()
        && model.breaker.is_empty()
        && model.bulkheads.is_empty()
        && model.health.is_empty());
    if !of_use && files.is_empty() {
        return Ok(());
    }
    let mut take = |path: &str| {
        let bytes = files.remove(path).ok_or_else(|| LiftError::File(path.to_owned()))?;
        scoped::text(path, bytes)
    };
    let rules: Rules = yaml("rules.yaml", take("rules.yaml")?)?;
    let tests = yaml("rules_test.yaml", take("rules_test.yaml")?)?;
    let alertmanager = yaml("alertmanager.yaml", take("alertmanager.yaml")?)?;
    let drawn = scoped::json("dashboard.json", take("dashboard.json")?)?;
    let scraped = take("prometheus.yaml").ok().map(|text| yaml("prometheus.yaml", text)).transpose()?;
    if let Some(path) = files.keys().next() {
        return unexpected(format!("`{path}` is not a file of this target"));
    }
    let (recorded, alarms) = of_rules(&rules)?;
    if recorded != recordings::expected(model) {
        return unexpected("the recorded series are not those of the metrics");
    }
    let read: Vec<&Alarm> = alarms.iter().map(|(alarm, _)| alarm).collect();
    if read != expected::expected(model).iter().collect::<Vec<_>>() {
        return unexpected("the alerts are not those of breakers, bulkheads and probes");
    }
    for (alarm, rule) in &alarms {
        alarms::read_on(alarm, rule, model)?;
    }
    trials::read(&tests, &recorded, &alarms)?;
    routes::read(&alertmanager, model)?;
    dashboard::read(&drawn, &recorded, model)?;
    scrapes::read(scraped, model)
}

/// An alarm, and the rule that it was read from.
type Alarms<'r> = Vec<(Alarm, &'r Rule)>;

/// What the rules are, in the order in which they are there.
fn of_rules(rules: &Rules) -> Result<(Vec<Recorded>, Alarms<'_>), LiftError> {
    let (mut recorded, mut alarms) = (Vec::new(), Vec::new());
    let mut names: Vec<&str> = Vec::new();
    for group in &rules.groups {
        names.push(&group.name);
        for rule in &group.rules {
            match (group.name.as_str(), &rule.record, &rule.alert) {
                ("mcp-metrics", Some(record), None) => recorded.push(recordings::recorded(record, rule)?),
                ("mcp-alerts", None, Some(alert)) => alarms.push((alarms::alarm(alert, rule)?, rule)),
                _ => return unexpected(format!("the group `{}` has a rule of another kind", group.name)),
            }
        }
    }
    if names != ["mcp-metrics", "mcp-alerts"] && names != ["mcp-alerts"] {
        return unexpected(format!("the groups of rules are {names:?}"));
    }
    Ok((recorded, alarms))
}

/// A file of YAML in which no key is there twice.
fn yaml<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, LiftError> {
    let read = serde_yaml::from_str::<serde_yaml::Value>(text).and_then(|_| serde_yaml::from_str(text));
    read.map_err(|cause| LiftError::Unexpected(format!("`{path}` has another shape: {cause}")))
}

/// What is between two texts that a third one begins and ends with.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

/// A whole number in its one spelling.
fn number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
