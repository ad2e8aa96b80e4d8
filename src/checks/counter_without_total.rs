//! `counter-without-total`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::telemetry::conventions::is_of_another_exporter;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "counter-without-total",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds counters whose name does not end in `_total`. Metrics of other exporters (`envoy_...`, `kafka_...`, names with \
               dots) are left alone.",
        why: "Prometheus' own check refuses such a counter, and libraries for OpenMetrics add `_total` themselves, so that the \
              metric has another name than dashboards and alerts ask for.",
        fix: "Let the name end in `_total`, such as `mcp_requests_total`; a number that can fall is a `gauge`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten().filter(|metric| metric.kind.value == "counter") {
        let name = metric.name.value.as_str();
        if !name.ends_with("_total") && !is_of_another_exporter(name) {
            report.push(
                Diagnostic::new(&CHECK.rule, metric.name.loc, format!("counter `{name}` does not end in `_total`"))
                    .label(metric.kind.loc, "a counter")
                    .fix(Fix::value(metric.name.loc, format!("{}_total", name.trim_end_matches("_count")))),
            );
        }
    }
}
