//! `dead-retention`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "dead-retention",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds `retention.debug_logs` where the log level leaves debug records out.",
        why: "There are no debug records to keep: a longest time changes nothing, and a least time (`at_least`) promises what does \
              not happen.",
        fix: "Remove the line, or set `log_level: debug` where debug records are wanted.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for logging in input.model.logging.values() {
        if let (Some(level), Some(retention)) = (&logging.level, &logging.debug_retention)
            && matches!(level.value.as_str(), "info" | "warn" | "error")
        {
            let message = format!("debug logs are kept {retention}, but none are written");
            report.push(
                Diagnostic::new(&CHECK.rule, retention.loc, message)
                    .label(level.loc, format!("the log level is `{level}`"))
                    .fix(Fix::guess("remove the retention", vec![Edit::Remove(retention.loc)])),
            );
        }
    }
}
