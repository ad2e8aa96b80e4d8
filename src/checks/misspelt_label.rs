//! `misspelt-label`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::telemetry::conventions::meant;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "misspelt-label",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds labels of metrics that are one or two letters away from a label that the targets know, such as `mcp_sever` \
               for `mcp_server`, and other spellings of one (`toolName`). Names of one's own are left alone.",
        why: "Gateways fill the labels that they know. One that is misspelt stays empty, and dashboards that ask for the right name \
              show nothing.",
        fix: "Correct the name. Where the name is right, waive the finding.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten() {
        for label in &metric.labels {
            let Some(known) = meant(&label.value) else { continue };
            report.push(
                Diagnostic::new(&CHECK.rule, label.loc, format!("no target knows the label `{label}`"))
                    .label(metric.name.loc, format!("a label of `{}`", metric.name))
                    .suggest(&label.value, Some(known)),
            );
        }
    }
}
