//! `reserved-label`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::telemetry::conventions::{OF_PROMETHEUS, OF_SCRAPES};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "reserved-label",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds labels of metrics that Prometheus keeps for itself: `le`, `quantile`, and names that begin with `__`. For \
               `job` and `instance`, which every scrape sets, it is a warning.",
        why: "Prometheus refuses or drops such a label, or takes it for a bucket of a histogram. `job` and `instance` of a metric \
              are renamed to `exported_job` and `exported_instance`, where no rule looks for them.",
        fix: "Give the label another name.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten() {
        for label in &metric.labels {
            let name = label.value.as_str();
            let (severity, message) = if OF_PROMETHEUS.contains(&name) || name.starts_with("__") {
                (Severity::Error, format!("label `{label}` is one that Prometheus keeps for itself"))
            } else if OF_SCRAPES.contains(&name) {
                (
                    Severity::Warning,
                    format!("every scrape sets the label `{label}`, so this one becomes `exported_{label}`"),
                )
            } else {
                continue;
            };
            report.push(
                Diagnostic::new(&CHECK.rule, label.loc, message)
                    .at(severity)
                    .label(metric.name.loc, format!("a label of `{}`", metric.name))
                    .fix(Fix::guess(format!("remove the label `{label}`"), vec![Edit::Remove(label.loc)])),
            );
        }
    }
}
