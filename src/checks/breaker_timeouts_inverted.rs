//! `breaker-timeouts-inverted`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "breaker-timeouts-inverted",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds circuit breakers whose `half_open_timeout` is shorter than their `timeout`.",
        why: "`timeout` is the time that a call may take, and `half_open_timeout` the time that the breaker stays open. A breaker \
              that tries again before a hanging call has ended sends new calls to a server that is still busy with the old ones.",
        fix: "Make `half_open_timeout` at least as long as `timeout`, such as `timeout: 30s` and `half_open_timeout: 60s`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for breaker in input.model.breaker.values() {
        if let (Some(timeout), Some(open)) = (&breaker.timeout, &breaker.half_open_timeout)
            && open.value < timeout.value
        {
            let message = format!("the breaker tries again after {open}, while a call may take {timeout}");
            report.push(
                Diagnostic::new(&CHECK.rule, open.loc, message).label(timeout.loc, "the time that a call may take"),
            );
        }
    }
}
