//! `health-timeout-not-below-interval`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "health-timeout-not-below-interval",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds health checks whose `timeout` is as long as their `interval`, or longer.",
        why: "The next probe is due before this one has failed. Products refuse such a check, or let probes of a hanging server \
              pile up and report it late.",
        fix: "Make `timeout` shorter than `interval`, such as `interval: 10s` and `timeout: 3s`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for check in input.model.health.values().flat_map(|health| &health.checks) {
        if let (Some(timeout), Some(interval)) = (&check.timeout, &check.interval)
            && timeout.value >= interval.value
        {
            let message = format!("a probe may take {timeout}, and the next one is due after {interval}");
            report.push(
                Diagnostic::new(&CHECK.rule, timeout.loc, message)
                    .label(interval.loc, "the time between probes")
                    .help("make `timeout` shorter than `interval`"),
            );
        }
    }
}
