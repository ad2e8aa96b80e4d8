//! `sampling-rate-above-one`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "sampling-rate-above-one",
        severity: Severity::Error,
        what: "Finds a sampling `rate` above 1 where the strategy keeps a share of the traces. It is a number of traces a second \
               with `rate_limiting` alone.",
        why: "There is no share above the whole: 10 is meant as 10 percent, which is 0.1, or as ten traces a second.",
        fix: "Write the share as a part of 1, such as `0.1`, or `strategy: rate_limiting`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for tracing in input.model.tracing.values() {
        let Some(rate) = tracing.rate.as_ref().filter(|rate| rate.value > 1.0) else { continue };
        let strategy = tracing.strategy.as_ref();
        if strategy.is_some_and(|strategy| strategy.value == "rate_limiting") {
            continue;
        }
        let found = Diagnostic::new(&CHECK.rule, rate.loc, format!("`{}` is above the whole, which is 1", rate.value));
        let found = match strategy {
            Some(strategy) => found.label(strategy.loc, format!("`{}` keeps a share", strategy.value)),
            None => found,
        };
        report.push(found.help("write a part of 1, such as `0.1`, or `strategy: rate_limiting` for traces a second"));
    }
}
