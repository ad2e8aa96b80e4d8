//! Recorded series.

use super::{Rule, between, unexpected};
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::vocabulary::MetricKind;

/// A recorded series: of which metric, by which labels, and of a histogram the quantile in percent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Recorded {
    pub(super) record: String,
    pub(super) metric: String,
    pub(super) kind: MetricKind,
    /// `gateway`, and then those of the metric.
    pub(super) labels: Vec<String>,
    pub(super) percent: Option<u8>,
}

impl Recorded {
    fn new(metric: &str, kind: MetricKind, labels: Vec<String>, percent: Option<u8>) -> Self {
        let plain = if metric.ends_with("_total") { metric.trim_end_matches("_total") } else { metric };
        let cut = metric.get(..metric.len().saturating_sub("_total".len())).unwrap_or_default();
        let base = if plain == metric { metric } else { cut };
        let operation = match (kind, percent) {
            (MetricKind::Counter, _) => format!("{base}:rate5m"),
            (MetricKind::Gauge, _) => format!("{metric}:sum"),
            (MetricKind::Histogram, percent) => format!("{metric}:p{}_rate5m", percent.unwrap_or_default()),
            (MetricKind::Summary, _) => format!("{metric}:mean_rate5m"),
        };
        let record = format!("{}:{operation}", labels.join("_"));
        Self { record, metric: metric.to_owned(), kind, labels, percent }
    }
}

/// What a rule records.
pub(super) fn recorded(record: &str, rule: &Rule) -> Result<Recorded, LiftError> {
    if rule.hold.is_some() || !rule.labels.is_empty() || !rule.annotations.is_empty() {
        return unexpected(format!("the rule `{record}` has keys of an alert"));
    }
    match read(&rule.expr) {
        Some(found) if found.record == record => Ok(found),
        _ => unexpected(format!("`{record}` is recorded by `{}`", rule.expr)),
    }
}

fn read(expr: &str) -> Option<Recorded> {
    for (text, percent) in [("0.50", 50), ("0.99", 99)] {
        if let Some(inner) = between(expr, &format!("histogram_quantile({text}, "), ")") {
            let (mut labels, rest) = summed(inner)?;
            let metric = between(rest, "(rate(", "_bucket[5m]))")?;
            return (labels.pop()? == "le")
                .then(|| Recorded::new(metric, MetricKind::Histogram, labels, Some(percent)));
        }
    }
    if let Some((sums, counts)) = expr.split_once(" / ") {
        let ((labels, sums), (others, counts)) = (summed(sums)?, summed(counts)?);
        let metric = between(sums, "(rate(", "_sum[5m]))")?;
        let same = between(counts, "(rate(", "_count[5m]))")? == metric && labels == others;
        return same.then(|| Recorded::new(metric, MetricKind::Summary, labels, None));
    }
    let (labels, rest) = summed(expr)?;
    let (metric, kind) = match between(rest, "(rate(", "[5m]))") {
        Some(metric) => (metric, MetricKind::Counter),
        None => (between(rest, "(", ")")?, MetricKind::Gauge),
    };
    let plain = metric.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    plain.then(|| Recorded::new(metric, kind, labels, None))
}

/// The labels of a sum, and what is summed up.
fn summed(expr: &str) -> Option<(Vec<String>, &str)> {
    let (labels, rest) = expr.strip_prefix("sum by (")?.split_once(") ")?;
    Some((labels.split(", ").map(str::to_owned).collect(), rest))
}

/// The series that should be recorded, sorted.
pub(super) fn expected(model: &Model) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = Vec::new();
    for metric in model.metrics_read() {
        let mut labels = vec!["gateway".to_owned()];
        labels.extend(metric.labels.iter().map(|label| label.value.to_string()).filter(|label| label != "gateway"));
        let percents: &[Option<u8>] =
            if metric.kind.value == MetricKind::Histogram { &[Some(50), Some(99)] } else { &[None] };
        all.extend(
            percents
                .iter()
                .map(|percent| Recorded::new(&metric.name.value, metric.kind.value, labels.clone(), *percent)),
        );
    }
    all.sort();
    all.dedup();
    all
}
