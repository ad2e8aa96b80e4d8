//! `high-cardinality-label`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::telemetry::conventions::is_unbounded;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "high-cardinality-label",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds labels of metrics that have an unbounded number of values: a person (`user_id`, `email`), a request or session \
               (`request_id`, `session_id`, `trace_id`), an address, a text.",
        why: "Each combination of values is a time series that gateway and Prometheus keep in memory, so callers decide how much \
              memory is used; and labels with persons in them are personal data that nobody deletes.",
        fix: "Leave the label out, and log the value instead (`logging_config.fields`). Labels with few values, such as \
              `agent_type` or `tenant_id`, are fine.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten() {
        for label in metric.labels.iter().filter(|label| is_unbounded(&label.value)) {
            report.push(
                Diagnostic::new(&CHECK.rule, label.loc, format!("label `{label}` has an unbounded number of values"))
                    .label(metric.name.loc, format!("each value is a time series of `{}` of its own", metric.name))
                    .help(format!("leave the label out; `{label}` belongs into the logs"))
                    .fix(Fix::guess(format!("remove the label `{label}`"), vec![Edit::Remove(label.loc)])),
            );
        }
    }
}
