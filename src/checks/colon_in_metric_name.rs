//! `colon-in-metric-name`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "colon-in-metric-name",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds metrics with `:` in their name.",
        why: "Colons are for the series that recording rules of Prometheus make: its own check refuses such a metric, OpenMetrics has no \
              colons, and Envoy writes `_` in their place, so that no rule finds the metric.",
        fix: "Write `_` in place of `:`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten().filter(|metric| metric.name.value.contains(':')) {
        report.push(
            Diagnostic::new(&CHECK.rule, metric.name.loc, format!("metric `{}` has a colon in its name", metric.name))
                .fix(Fix::value(metric.name.loc, metric.name.value.replace(':', "_"))),
        );
    }
}
