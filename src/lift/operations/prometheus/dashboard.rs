//! The dashboard: what each panel asks for.

use serde_json::{Value, json};

use super::recordings::Recorded;
use super::unexpected;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::vocabulary::MetricKind;

/// What a panel shows.
#[derive(Debug, PartialEq, Eq)]
struct Panel {
    title: String,
    unit: String,
    /// Queries, each with the legend of its lines.
    queries: Vec<(String, String)>,
}

/// Checks that the dashboard shows the recorded series, and what the alarms look at.
pub(super) fn read(dashboard: &Value, recorded: &[Recorded], model: &Model) -> Result<(), LiftError> {
    let mut rest = dashboard.clone();
    let panels = rest.as_object_mut().and_then(|fields| fields.remove("panels"));
    let variable = json!({"type": "datasource", "name": "datasource", "query": "prometheus"});
    let frame = json!({
        "title": "MCP servers", "uid": "mcpctl", "tags": ["mcp"], "schemaVersion": 39, "timezone": "utc", "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"}, "annotations": {"list": []}, "templating": {"list": [variable]},
    });
    let Some(Value::Array(panels)) = panels.filter(|_| rest == frame) else {
        return unexpected("the dashboard has another frame");
    };
    let read = panels.iter().enumerate().map(|(index, value)| {
        let found = panel(value).filter(|found| drawn(index, found) == *value);
        found.ok_or_else(|| {
            LiftError::Unexpected(format!("panel {} of the dashboard cannot be read exactly", index + 1))
        })
    });
    if read.collect::<Result<Vec<_>, _>>()? == expected(recorded, model) {
        return Ok(());
    }
    unexpected("the dashboard shows something else than the metrics and alarms")
}

fn panel(value: &Value) -> Option<Panel> {
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let query = |target: &Value| Some((text(target, "expr")?, text(target, "legendFormat")?));
    Some(Panel {
        title: text(value, "title")?,
        unit: value.pointer("/fieldConfig/defaults/unit")?.as_str()?.to_owned(),
        queries: value.get("targets")?.as_array()?.iter().map(query).collect::<Option<_>>()?,
    })
}

/// A panel at its place.
fn drawn(index: usize, panel: &Panel) -> Value {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let place = json!({"x": if index.is_multiple_of(2) { 0 } else { 12 }, "y": (index / 2) * 8, "w": 12, "h": 8});
    let target = |(letter, (expr, legend)): (char, &(String, String))| json!({"refId": letter.to_string(), "datasource": source, "expr": expr, "legendFormat": legend});
    json!({
        "type": "timeseries", "id": index + 1, "title": panel.title, "datasource": source, "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": ('A'..='Z').zip(&panel.queries).map(target).collect::<Vec<_>>(),
    })
}

fn expected(recorded: &[Recorded], model: &Model) -> Vec<Panel> {
    let mut series: Vec<&Recorded> = recorded.iter().collect();
    series.sort_by_key(|one| (&one.metric, &one.labels, one.kind.word(), &one.record));
    let mut panels: Vec<Panel> = Vec::new();
    let mut last: Option<&Recorded> = None;
    for one in series {
        let legend: Vec<String> = one.labels.iter().map(|label| format!("{{{{{label}}}}}")).collect();
        let operation = one.record.rsplit(':').next().unwrap_or_default();
        let query = (one.record.clone(), format!("{operation} {}", legend.join(" ")));
        let same =
            last.is_some_and(|last| (&last.metric, &last.labels, last.kind) == (&one.metric, &one.labels, one.kind));
        match panels.last_mut().filter(|_| same) {
            Some(panel) => panel.queries.push(query),
            None => panels.push(Panel { title: one.metric.clone(), unit: unit(one).to_owned(), queries: vec![query] }),
        }
        last = Some(one);
    }
    let of_gateways = [
        ("open breakers", "outlier_detection_ejections_active", model.breaker.is_empty()),
        ("calls in hand", "upstream_rq_active", model.bulkheads.is_empty()),
        ("healthy instances", "membership_healthy", model.health.is_empty()),
    ];
    panels.extend(of_gateways.into_iter().filter(|(.., absent)| !absent).map(|(title, name, _)| Panel {
        title: title.to_owned(),
        unit: "short".to_owned(),
        queries: vec![(
            format!("sum by (gateway, mcp_server) (envoy_cluster_{name})"),
            "{{gateway}} {{mcp_server}}".to_owned(),
        )],
    }));
    panels
}

/// What Grafana calls the unit that a metric's name ends with.
fn unit(recorded: &Recorded) -> &'static str {
    let ends = |words: &[&str]| {
        words.iter().any(|word| recorded.metric == *word || recorded.metric.ends_with(&format!("_{word}")))
    };
    if recorded.kind == MetricKind::Counter {
        "ops"
    } else if ends(&["seconds"]) {
        "s"
    } else if ends(&["milliseconds", "ms"]) {
        "ms"
    } else if ends(&["bytes"]) {
        "bytes"
    } else if ends(&["ratio"]) {
        "percentunit"
    } else {
        "short"
    }
}
