//! `recycle-time-not-whole`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "recycle-time-not-whole",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds database pools with a `recycle_time` that is not a whole number of seconds.",
        why: "Pools count the age of a connection in seconds. Less than one would be zero, which means that no connection is used twice.",
        fix: "Write whole seconds, such as `1800s`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for pool in input.model.connections.values().flat_map(|connections| &connections.database) {
        let Some(time) = pool.recycle_time.as_ref().filter(|time| !time.value.0.is_multiple_of(1_000)) else {
            continue;
        };
        let message =
            format!("the pool of `{}` replaces connections after {time}, which is not whole seconds", pool.server);
        let whole = format!("{}s", time.value.0.div_ceil(1_000));
        let finding = Diagnostic::new(&CHECK.rule, time.loc, message).help("write whole seconds, such as `1800s`");
        report.push(finding.fix(Fix::value(time.loc, whole)));
    }
}
