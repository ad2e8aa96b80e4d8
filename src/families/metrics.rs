//! `metrics_config`. Source: the document, "Metrics Collection".

use crate::lower::{At, Lowering};
use crate::model::telemetry::Metric;
use crate::model::value::{LabelName, MetricName};
use crate::model::vocabulary::MetricKind;
use crate::source::Spanned;

/// Metrics of one's own. May stand many times; the lists are joined.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MetricsConfig {
    /// The metrics.
    #[serde(default)]
    custom_metrics: Vec<MetricSection>,
}

/// A metric.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct MetricSection {
    /// Its name, such as `mcp_requests_total`.
    name: Spanned<MetricName>,
    /// What kind.
    r#type: Spanned<MetricKind>,
    /// Its labels.
    #[serde(default)]
    labels: Vec<Spanned<LabelName>>,
}

impl MetricsConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        for metric in self.custom_metrics {
            let key = format!("{:?}\u{0}{}", at.scope, metric.name);
            if out.declare_as("metric", key, &metric.name.value, metric.name.loc) {
                let metric = Metric { name: metric.name, kind: metric.r#type, labels: metric.labels };
                out.model.metrics.entry(at.scope.clone()).or_default().push(metric);
            }
        }
    }
}
