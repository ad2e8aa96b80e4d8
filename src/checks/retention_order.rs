//! `retention-order`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::quantity::Kept;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "retention-order",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds debug logs that may or must be kept longer than operational logs, and operational logs that may or must be \
               kept longer than audit logs. The times that are written are compared: the least time of audit logs, and of the \
               others the most, or with `at_least` the least. Equal times are fine.",
        why: "Debug logs are the largest and hold the most personal data, audit logs the least of both. The other order is mostly \
              two lines that were mixed up, and then audit logs are deleted too early.",
        fix: "Keep audit logs the longest and debug logs the shortest.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for logging in input.model.logging.values() {
        // The least time, for audit logs.
        let audit =
            logging.audit_retention.as_ref().map(|least| least.clone().map(|time| Kept { time, at_least: true }));
        let kinds =
            [("debug", &logging.debug_retention), ("operational", &logging.operational_retention), ("audit", &audit)];
        let written: Vec<_> = kinds.into_iter().filter_map(|(what, kept)| Some((what, kept.as_ref()?))).collect();
        for ((what, kept), (other, longer)) in written.iter().zip(written.iter().skip(1)) {
            if kept.value.time > longer.value.time {
                let message = format!("{what} logs are kept {kept}, and {other} logs {longer}");
                report.push(Diagnostic::new(&CHECK.rule, kept.loc, message).label(longer.loc, format!("{other} logs")));
            }
        }
    }
}
