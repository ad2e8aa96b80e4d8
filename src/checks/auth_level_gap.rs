//! `auth-level-gap`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "auth-level-gap",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds numbers that `progressive_auth.levels` skips.",
        why: "Classes lead to levels by their order, so a level that was forgotten moves every class behind it to another \
              one.",
        fix: "Number the levels without gaps, or add the missing one.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["progressive_auth"]) {
        return;
    }
    let levels = &input.model.access.levels;
    for (lower, upper) in levels.values().zip(levels.values().skip(1)) {
        let (low, high) = (lower.number.value, upper.number.value);
        if high - low > 1 {
            let skipped = if high - low == 2 { format!("{}", low + 1) } else { format!("{} to {}", low + 1, high - 1) };
            let message = format!("auth level {high} follows level {low}: {skipped} is skipped");
            report.push(
                Diagnostic::new(&CHECK.rule, upper.number.loc, message).label(lower.number.loc, format!("level {low}")),
            );
        }
    }
}
