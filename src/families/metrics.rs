//! `metrics_config`. Source: the document, "Metrics Collection".

use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::telemetry::Metric;
use crate::source::Spanned;

/// Metrics of one's own. May stand many times; the lists are joined.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MetricsConfig {
    /// The metrics.
    #[serde(default)]
    custom_metrics: Vec<MetricSection>,
}

/// A metric.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct MetricSection {
    /// Its name, such as `mcp_requests_total`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// What kind.
    r#type: Spanned<KindWord>,
    /// Its labels.
    #[serde(default)]
    labels: Vec<Spanned<String>>,
}

words! {
    /// `type` of a metric.
    enum KindWord { Counter = "counter", Gauge = "gauge", Histogram = "histogram", Summary = "summary", }
}

impl MetricsConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        for metric in self.custom_metrics {
            let key = format!("{:?}\u{0}{}", at.scope, metric.name);
            if out.declare_as("metric", key, &metric.name.value, metric.name.loc) {
                let kind = metric.r#type.map(|word| word.word().to_owned());
                let metric = Metric { name: metric.name, kind, labels: metric.labels };
                out.model.metrics.entry(at.scope.clone()).or_default().push(metric);
            }
        }
    }
}
