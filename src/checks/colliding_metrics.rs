//! `colliding-metrics`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::telemetry::Metric;
use crate::model::vocabulary::MetricKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "colliding-metrics",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds metrics whose name is that of a series of another metric: a histogram or summary `wait_seconds` has the series \
               `wait_seconds_count` and `wait_seconds_sum`, a histogram also `wait_seconds_bucket`.",
        why: "Client libraries refuse to register the second of the two, and Prometheus takes samples of either for one series.",
        fix: "Rename one of the metrics.",
    },
    run,
};

/// The names of the series of a metric, beside its own.
fn series(metric: &Metric) -> &'static [&'static str] {
    match metric.kind.value {
        MetricKind::Counter | MetricKind::Gauge => &[],
        MetricKind::Histogram => &["_bucket", "_count", "_sum"],
        MetricKind::Summary => &["_count", "_sum"],
    }
}

fn run(input: &Input<'_>, report: &mut Report) {
    // One Prometheus scrapes the metrics of all units.
    let all: Vec<&Metric> = input.model.metrics.values().flatten().collect();
    let owners: BTreeMap<String, &Metric> = all
        .iter()
        .flat_map(|metric| series(metric).iter().map(move |part| (format!("{}{part}", metric.name), *metric)))
        .collect();
    for metric in all {
        if let Some(owner) = owners.get(metric.name.value.as_str()) {
            let message = format!("`{}` is a series of {} `{}`", metric.name, owner.kind, owner.name);
            report.push(
                Diagnostic::new(&CHECK.rule, metric.name.loc, message)
                    .label(owner.name.loc, format!("this {} has it", owner.kind))
                    .help("rename one of the two"),
            );
        }
    }
}
