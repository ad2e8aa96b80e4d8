//! `audit-retention-too-short`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "audit-retention-too-short",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds `retention.audit_logs` of `logging_config` that is shorter than `audit_retention` of `federation_config`.",
        why: "The federation promises how long audit logs are kept, in every unit. Logs that are deleted earlier are missing when \
              somebody asks for them, and nothing brings them back.",
        fix: "Keep audit logs at least as long as `audit_retention` says.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(least) = &input.model.topology.audit_retention else { return };
    for kept in input.model.logging.values().filter_map(|logging| logging.audit_retention.as_ref()) {
        if kept.value < least.value {
            let message = format!("audit logs are kept for at least {kept}, and the federation asks for {least}");
            report.push(
                Diagnostic::new(&CHECK.rule, kept.loc, message)
                    .label(least.loc, "the least that holds for every unit")
                    .help(format!("keep audit logs for {least} or longer"))
                    .fix(Fix::value(kept.loc, least.value.to_string())),
            );
        }
    }
}
