//! `unknown-check`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-check",
        severity: Severity::Error,
        what: "Finds waivers that name a check which does not exist.",
        why: "The waiver accepts nothing; the finding that it was written for stays.",
        fix: "Use the name in brackets behind the finding's severity; `mcpctl list checks` lists all.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let names: BTreeSet<&str> = super::all_rules().into_iter().map(|rule| rule.name).collect();
    for waiver in input.model.waivers.iter().filter(|waiver| !names.contains(waiver.check.value.as_str())) {
        report.push(
            Diagnostic::new(&CHECK.rule, waiver.check.loc, format!("there is no check `{}`", waiver.check))
                .maybe_help(input.did_you_mean(&waiver.check.value, names.iter().copied())),
        );
    }
}
