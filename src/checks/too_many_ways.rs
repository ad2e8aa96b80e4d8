//! `too-many-ways`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::policy::derive::{Fault, MOST_WAYS};
use crate::policy::origin::grant_place;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "too-many-ways",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds agents that are granted one tool under more than 64 different sets of further facts, none of which \
               contains another.",
        why: "Nobody can review such a grant, and comparing its ways takes time with the square of their number. The tool \
              is denied to the agent.",
        fix: "Grant the tool under fewer conditions; a level with `alternatives` often says the same.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for fault in &input.policy.faults {
        let Fault::TooManyWays(principal, object) = fault else { continue };
        let (principal, object) = (input.policy.principal_at(*principal), input.policy.object_at(*object));
        let loc = grant_place(input.model, &principal.id, object).unwrap_or(principal.loc);
        let message = format!("`{}` is granted `{object}` in more than {MOST_WAYS} ways", principal.id);
        report.push(Diagnostic::new(&CHECK.rule, loc, message));
    }
}
