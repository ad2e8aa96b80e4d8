//! `zero-attempts`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "zero-attempts",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds `max_attempts: 0`.",
        why: "It reads as \"do not even try\", and Temporal takes it as \"try for ever\".",
        fix: "Write `1` for one attempt without a retry, or the number of attempts that is meant.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for attempts in input.model.orchestration.values().filter_map(|rules| rules.max_attempts.as_ref()) {
        if attempts.value.0 == 0 {
            report.push(
                Diagnostic::new(
                    &CHECK.rule,
                    attempts.loc,
                    "`max_attempts: 0` reads as no attempt, and engines take it as no limit",
                )
                .help("write `1` for one attempt without a retry")
                .fix(Fix::value(attempts.loc, "1")),
            );
        }
    }
}
