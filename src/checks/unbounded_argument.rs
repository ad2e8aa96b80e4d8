//! `unbounded-argument`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unbounded-argument",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds arguments with `at_most` and without `at_least` in `identity.requirements`. Values that `one_of` lists are \
               bounded by the list.",
        why: "Every negative number is below the limit as well: a refund of -500 takes money instead of giving it back, and passes.",
        fix: "Write the smallest number that makes sense:\n\n```yaml\nidentity:\n  requirements:\n    amount_within_limit: \
              {argument: amount, at_least: 0, at_most: 10000}\n```",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for written in &input.model.written_evidence {
        let (Some(argument), Some(most), None, false) =
            (&written.argument, written.at_most, written.at_least, written.is_listed)
        else {
            continue;
        };
        let name: Vec<&str> = argument.parts.iter().map(|part| part.value.as_str()).collect();
        let message = format!("`{}` has an upper limit, and may be any negative number", name.join("."));
        let finding = Diagnostic::new(&CHECK.rule, most, message).help("write `at_least: 0`, or another lower limit");
        report.push(match argument.loc() {
            Some(loc) => finding.label(loc, format!("the argument that shows `{}`", written.fact)),
            None => finding,
        });
    }
}
