//! `dashboard.json`: a dashboard of Grafana with the declared metrics, and with what the alerts look at.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::recordings::{GATEWAY, Recording, labels, places, recordings};
use crate::bundle::Artifact;
use crate::model::Model;
use crate::model::vocabulary::MetricKind;
use crate::targets::{CompileError, object};

/// A panel: its title, its unit, and its queries with the legend of each.
type Panel = (String, &'static str, Vec<(String, String)>);

/// The data source, which whoever opens the dashboard chooses.
fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// Grafana's name of a unit, by the end of a metric's name.
fn unit(recording: &Recording<'_>) -> &'static str {
    match (recording.metric.kind.value, recording.metric.name.value.as_str().rsplit('_').next()) {
        (MetricKind::Counter, _) => "ops",
        (_, Some("seconds")) => "s",
        (_, Some("milliseconds" | "ms")) => "ms",
        (_, Some("bytes")) => "bytes",
        (_, Some("ratio")) => "percentunit",
        _ => "short",
    }
}

/// `dashboard.json`.
pub(super) fn dashboard(model: &Model) -> Result<(String, Artifact), CompileError> {
    let recordings = recordings(model);
    let mut by_metric: BTreeMap<(&str, Vec<&str>, &str), Vec<&Recording<'_>>> = BTreeMap::new();
    for recording in recordings.values() {
        let metric = recording.metric;
        let key = (metric.name.value.as_str(), labels(metric), metric.kind.value.word());
        by_metric.entry(key).or_default().push(recording);
    }
    let mut wanted: Vec<Panel> = by_metric
        .into_iter()
        .map(|((name, labels, _), recordings)| {
            let legend: Vec<String> = labels.iter().map(|label| format!("{{{{{label}}}}}")).collect();
            let operation = |it: &Recording<'_>| it.record.rsplit(':').next().unwrap_or_default().to_owned();
            let queries =
                recordings.iter().map(|it| (it.record.clone(), format!("{} {}", operation(it), legend.join(" "))));
            (name.to_owned(), recordings.first().map_or("short", |it| unit(it)), queries.collect())
        })
        .collect();
    let of_gateway = |title: &str, statistic: &str| {
        let expr = format!("sum by ({GATEWAY}, mcp_server) ({statistic})");
        (title.to_owned(), "short", vec![(expr, "{{gateway}} {{mcp_server}}".to_owned())])
    };
    if !model.breaker.is_empty() {
        wanted.push(of_gateway("open breakers", "envoy_cluster_outlier_detection_ejections_active"));
    }
    if !model.bulkheads.is_empty() {
        wanted.push(of_gateway("calls in hand", "envoy_cluster_upstream_rq_active"));
    }
    if !model.health.is_empty() {
        wanted.push(of_gateway("healthy instances", "envoy_cluster_membership_healthy"));
    }
    let panels = wanted.into_iter().enumerate().map(|(index, panel)| drawn(index, panel)).collect();
    let variable = json!({"type": "datasource", "name": "datasource", "query": "prometheus"});
    let dashboard = object([
        ("title", json!("MCP servers")),
        ("uid", json!("mcpctl")),
        ("tags", json!(["mcp"])),
        ("schemaVersion", json!(39)),
        ("timezone", json!("utc")),
        ("refresh", json!("30s")),
        ("time", json!({"from": "now-1h", "to": "now"})),
        ("annotations", json!({"list": []})),
        ("templating", json!({"list": [variable]})),
        ("panels", Value::Array(panels)),
    ]);
    let from = places(model);
    let mut bytes = serde_json::to_vec_pretty(&dashboard)
        .map_err(|cause| CompileError::Refused(format!("the dashboard has no JSON form: {cause}")))?;
    bytes.push(b'\n');
    Ok(("dashboard.json".to_owned(), Artifact { bytes, from }))
}

/// A panel: two in a row, of the 24 columns that Grafana has.
fn drawn(index: usize, (title, unit, queries): Panel) -> Value {
    let letters = ["A", "B"];
    let targets: Vec<Value> = queries
        .into_iter()
        .zip(letters)
        .map(|((expr, legend), letter)| {
            json!({"refId": letter, "datasource": source(), "expr": expr, "legendFormat": legend})
        })
        .collect();
    json!({
        "type": "timeseries",
        "id": index + 1,
        "title": title,
        "datasource": source(),
        "gridPos": {"x": index % 2 * 12, "y": index / 2 * 8, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": targets,
    })
}
