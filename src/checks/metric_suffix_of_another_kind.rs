//! `metric-suffix-of-another-kind`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::telemetry::conventions::is_of_another_exporter;
use crate::model::vocabulary::MetricKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "metric-suffix-of-another-kind",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds metrics whose name ends as that of another kind: `_total` is for counters, `_bucket`, `_sum` and `_count` are for \
               the series of histograms and summaries. Metrics of other exporters are left alone.",
        why: "Prometheus' own check refuses such a name (`promtool check metrics`), and whoever reads it takes a gauge for a counter, and \
              asks for the rate of a number that falls.",
        fix: "Leave the end of the name out, or correct the `type`.",
    },
    run,
};

/// The end of a name that says another kind than a metric has.
fn wrong_end(name: &str, kind: MetricKind) -> Option<&'static str> {
    let ends: &[&str] = match kind {
        // What a counter ends with is for the check `counter-without-total`.
        MetricKind::Counter => &["_bucket"],
        MetricKind::Gauge => &["_total", "_bucket", "_sum", "_count"],
        MetricKind::Histogram | MetricKind::Summary => &["_total", "_bucket"],
    };
    ends.iter().copied().find(|end| name.ends_with(end))
}

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten() {
        let name = metric.name.value.as_str();
        let Some(end) = wrong_end(name, metric.kind.value).filter(|_| !is_of_another_exporter(name)) else { continue };
        let of = if end == "_total" { "counters" } else { "the series of a histogram" };
        let message = format!("{} `{name}` ends in `{end}`, which is for {of}", metric.kind);
        report.push(
            Diagnostic::new(&CHECK.rule, metric.name.loc, message)
                .label(metric.kind.loc, format!("a {}", metric.kind))
                .help(format!("write `{}`, or another type", name.trim_end_matches(end)))
                .fix(Fix::value(metric.name.loc, name.trim_end_matches(end))),
        );
    }
}
