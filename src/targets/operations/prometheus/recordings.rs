//! Recording rules: what is asked of each declared metric, summed up by its own labels.

use std::collections::BTreeMap;

use crate::model::Model;
use crate::model::telemetry::Metric;
use crate::model::vocabulary::MetricKind;
use crate::source::Loc;

/// The time over which rates are taken: five minutes, twenty scrapes.
pub(super) const WINDOW: &str = "5m";
/// The label that scrapes set to the name of a gateway. A call to a unit's server passes two gateways, and both count it.
pub(super) const GATEWAY: &str = "gateway";
/// The label of a server: that of metrics, and of Envoy's statistics after they are scraped.
pub(super) const SERVER: &str = "mcp_server";

/// A recorded series.
pub(super) struct Recording<'m> {
    /// Its name: labels, metric and operation.
    pub(super) record: String,
    /// What it is computed by.
    pub(super) expr: String,
    /// The metric that it is of.
    pub(super) metric: &'m Metric,
    /// Series with values that try it, and the value that comes out.
    pub(super) trial: (Vec<(String, &'static str)>, f64),
}

/// Every recording, by name. Units that declare a metric as others do share it.
pub(super) fn recordings(model: &Model) -> BTreeMap<String, Recording<'_>> {
    let all = model.metrics_read().flat_map(of);
    all.map(|recording| (recording.record.clone(), recording)).collect()
}

/// Metrics that are recorded under the name of another one, with that other one and the name: `calls` beside `calls_total`, and the
/// label `a_b` beside `a` and `b`.
pub(super) fn colliding(model: &Model) -> Vec<(&Metric, &Metric, String)> {
    let mut known: BTreeMap<String, Recording<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for recording in model.metrics_read().flat_map(of) {
        match known.get(&recording.record) {
            Some(first) if first.expr == recording.expr => {}
            Some(first) => found.push((recording.metric, first.metric, recording.record)),
            None => drop(known.insert(recording.record.clone(), recording)),
        }
    }
    found
}

/// The places of all metrics.
pub(super) fn places(model: &Model) -> Vec<Loc> {
    model.metrics.values().flatten().map(|metric| metric.name.loc).collect()
}

/// The labels by which a metric is summed up.
pub(super) fn labels(metric: &Metric) -> Vec<&str> {
    let own = metric.labels.iter().map(|label| label.value.as_str()).filter(|label| *label != GATEWAY);
    std::iter::once(GATEWAY).chain(own).collect()
}

fn of(metric: &Metric) -> Vec<Recording<'_>> {
    let name = metric.name.value.as_str();
    let (by, level) = (labels(metric).join(", "), labels(metric).join("_"));
    // The practice of Prometheus: a rate is named without `_total`.
    let base = name.strip_suffix("_total").unwrap_or(name);
    let of = |part: &str, more: &str| {
        let values = labels(metric).into_iter().map(|label| format!("{label}=\"{label} 1\"")).collect::<Vec<_>>();
        format!("{name}{part}{{{}{more}}}", values.join(","))
    };
    let recording = |operation: &str, expr: String, trial| Recording {
        record: format!("{level}:{operation}"),
        expr,
        metric,
        trial,
    };
    let rate = |part: &str, le: &str| format!("sum by ({by}{le}) (rate({name}{part}[{WINDOW}]))");
    match metric.kind.value {
        MetricKind::Counter => {
            vec![recording(&format!("{base}:rate{WINDOW}"), rate("", ""), (vec![(of("", ""), "0+30x10")], 0.5))]
        }
        MetricKind::Gauge => {
            vec![recording(
                &format!("{name}:sum"),
                format!("sum by ({by}) ({name})"),
                (vec![(of("", ""), "4+0x10")], 4.0),
            )]
        }
        MetricKind::Histogram => {
            // Half of what is noted is above the last bound, so either quantile is that bound.
            let trial =
                || (vec![(of("_bucket", ",le=\"4\""), "0+30x10"), (of("_bucket", ",le=\"+Inf\""), "0+60x10")], 4.0);
            let quantile = |percent: u32| {
                let expr = format!("histogram_quantile(0.{percent}, {})", rate("_bucket", ", le"));
                recording(&format!("{name}:p{percent}_rate{WINDOW}"), expr, trial())
            };
            vec![quantile(50), quantile(99)]
        }
        MetricKind::Summary => {
            let expr = format!("{} / {}", rate("_sum", ""), rate("_count", ""));
            let trial = vec![(of("_sum", ""), "0+60x10"), (of("_count", ""), "0+30x10")];
            vec![recording(&format!("{name}:mean_rate{WINDOW}"), expr, (trial, 2.0))]
        }
    }
}

/// The series of a metric.
pub(super) fn series(metric: &Metric) -> Vec<String> {
    let name = metric.name.value.as_str();
    let parts: &[&str] = match metric.kind.value {
        MetricKind::Counter | MetricKind::Gauge => &[""],
        MetricKind::Histogram => &["_bucket", "_count", "_sum"],
        MetricKind::Summary => &["", "_count", "_sum"],
    };
    parts.iter().map(|part| format!("{name}{part}")).collect()
}
