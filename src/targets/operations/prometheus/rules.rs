//! `rules.yaml` and `rules_test.yaml`, which tries each of the rules.

use std::collections::BTreeMap;

use serde::Serialize;

use super::alerts::{Alert, alerts};
use super::recordings::{labels, places, recordings};
use crate::bundle::Artifact;
use crate::model::Model;
use crate::source::Loc;
use crate::targets::CompileError;

#[derive(Serialize)]
struct RulesFile {
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    name: &'static str,
    rules: Vec<Rule>,
}

/// A rule that records a series, or an alert.
#[derive(Default, Serialize)]
struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'static str>,
    expr: String,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

/// Tests of rules, as `promtool test rules` reads them.
#[derive(Serialize)]
struct TestsFile {
    rule_files: [&'static str; 1],
    evaluation_interval: &'static str,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    interval: &'static str,
    input_series: Vec<Series>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    promql_expr_test: Vec<ExprTest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alert_rule_test: Vec<AlertTest>,
}

#[derive(Serialize)]
struct Series {
    series: String,
    values: String,
}

#[derive(Serialize)]
struct ExprTest {
    expr: String,
    eval_time: &'static str,
    exp_samples: [Sample; 1],
}

#[derive(Serialize)]
struct Sample {
    labels: String,
    value: f64,
}

#[derive(Serialize)]
struct AlertTest {
    eval_time: String,
    alertname: &'static str,
    exp_alerts: Vec<Fired>,
}

#[derive(Serialize)]
struct Fired {
    exp_labels: BTreeMap<String, String>,
    exp_annotations: BTreeMap<&'static str, String>,
}

/// The labels that the rule of an alert sets.
fn set(alert: &Alert<'_>) -> BTreeMap<&'static str, String> {
    let pool = alert.pool.map(|pool| ("pool", pool.to_owned()));
    pool.into_iter().chain([("severity", alert.severity.to_owned())]).collect()
}

/// What an alert says: what is wrong, and where to read on.
fn annotations(alert: &Alert<'_>, model: &Model) -> BTreeMap<&'static str, String> {
    let family = alert.family.name();
    let more = match &model.deployment.docs {
        Some(docs) => ("runbook_url", format!("{docs}/families/{family}.html")),
        None => ("runbook", format!("mcpctl explain {family}")),
    };
    BTreeMap::from([more, ("summary", alert.summary.clone())])
}

/// Both files.
pub(super) fn files(model: &Model) -> Result<[(String, Artifact); 2], CompileError> {
    let (recordings, alerts) = (recordings(model), alerts(model));
    let from: Vec<Loc> = places(model).into_iter().chain(alerts.iter().flat_map(|alert| alert.from.clone())).collect();
    let record = recordings.values().map(|it| Rule {
        record: Some(it.record.clone()),
        expr: it.expr.clone(),
        ..Rule::default()
    });
    let alert = alerts.iter().map(|alert| Rule {
        record: None,
        alert: Some(alert.name),
        expr: alert.expr.clone(),
        hold: (alert.hold.0 > 0).then(|| alert.hold.to_string()),
        labels: set(alert),
        annotations: annotations(alert, model),
    });
    let groups = [("mcp-metrics", record.collect::<Vec<_>>()), ("mcp-alerts", alert.collect())];
    let groups = groups.into_iter().filter(|(_, rules)| !rules.is_empty());
    let rules = RulesFile { groups: groups.map(|(name, rules)| Group { name, rules }).collect() };
    let of_recordings = recordings.values().map(|recording| {
        let series = recording.trial.0.iter();
        let labels: Vec<String> =
            labels(recording.metric).into_iter().map(|label| format!("{label}=\"{label} 1\"")).collect();
        let sample =
            Sample { labels: format!("{}{{{}}}", recording.record, labels.join(",")), value: recording.trial.1 };
        Test {
            interval: "1m",
            input_series: series
                .map(|(series, values)| Series { series: series.clone(), values: (*values).to_owned() })
                .collect(),
            promql_expr_test: vec![ExprTest {
                expr: recording.record.clone(),
                eval_time: "10m",
                exp_samples: [sample],
            }],
            alert_rule_test: Vec::new(),
        }
    });
    let tests = TestsFile {
        rule_files: ["rules.yaml"],
        evaluation_interval: "1m",
        tests: of_recordings.chain(alerts.iter().map(|alert| trial(alert, model))).collect(),
    };
    Ok([super::yaml("rules.yaml", &rules, from.clone())?, super::yaml("rules_test.yaml", &tests, from)?])
}

/// An alert is silent when its series have been just below its threshold for longer than it waits, and fires when its condition has been
/// true for that time.
fn trial(alert: &Alert<'_>, model: &Model) -> Test {
    let minutes = alert.hold.0.div_ceil(60_000);
    let series = alert.trial.iter().map(|(series, before, after)| Series {
        series: series.clone(),
        values: match before {
            Some(before) => format!("{before}+0x{} {after}+0x{minutes}", minutes.saturating_add(1)),
            None => format!("_x{} {after}+0x{minutes}", minutes.saturating_add(2)),
        },
    });
    let fired = alert.fired.iter().cloned();
    let shown = |text: &str| {
        let value =
            |text: String, (label, value): &(&str, String)| text.replace(&format!("{{{{ $labels.{label} }}}}"), value);
        alert.fired.iter().fold(text.to_owned(), value)
    };
    let fires = Fired {
        exp_labels: fired.chain(set(alert)).map(|(label, value)| (label.to_owned(), value)).collect(),
        exp_annotations: annotations(alert, model).into_iter().map(|(key, text)| (key, shown(&text))).collect(),
    };
    let at = |minute: u64, exp_alerts| AlertTest { eval_time: format!("{minute}m"), alertname: alert.name, exp_alerts };
    Test {
        interval: "1m",
        input_series: series.collect(),
        promql_expr_test: Vec::new(),
        alert_rule_test: vec![
            at(minutes.saturating_add(1), Vec::new()),
            at(minutes.saturating_mul(2).saturating_add(2), vec![fires]),
        ],
    }
}
