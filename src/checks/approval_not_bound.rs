//! `approval-not-bound`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::{ClaimEvidence, ClaimTest, Evidence, Placeholder};
use crate::policy::derive::facts_in_use;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "approval-not-bound",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds approvals that are in use and are proved by a token claim: with `{server}/{tool}` in it, every call of \
               that tool can reuse it; without, every call of any tool. And approvals that an earlier call proves (`called`) \
               without `same`, so that every later call can reuse it.",
        why: "An approval is meant for one call with certain arguments. A claim holds for every call that the token is shown \
              for, as long as the token lives; an earlier call holds for every call `within` the time after it.",
        fix: "Name `{server}/{tool}` in the claim, issue tokens with approvals for minutes, and bind arguments that matter by \
              a requirement of their own (`argument: amount, at_least: 0, at_most: 10000`). For an earlier call, say in `same` which \
              argument must be what the approval was given for: `same: {claim_id: claim_id}`.",
    },
    run,
};

const SHORT: &str = "keep the lifetime of tokens with approvals short";
const BOUND: &str = "say in `same` which argument must be what the approval was given for, and keep `within` short";

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(identity) = &input.model.identity else { return };
    let in_use = facts_in_use(input.model);
    for (fact, evidence) in &identity.evidence {
        let Some(used) = in_use.get(fact) else { continue };
        if !fact.as_str().contains("approval") {
            continue;
        }
        let pieces = evidence.value.pieces();
        let contains = |claim: &&ClaimEvidence| matches!(claim.test, ClaimTest::Contains(_));
        let (scope, help) = if let Some(claim) = evidence.value.claims().find(contains) {
            match claim.test.all_mention(Placeholder::Tool) {
                true => ("every call of that tool", SHORT),
                false => ("every call of any tool", SHORT),
            }
        } else if pieces.iter().any(|piece| matches!(piece, Evidence::Called(called) if called.same.is_empty())) {
            ("every later call that needs it", BOUND)
        } else {
            continue;
        };
        // Evidence by default has no line of its own.
        let by_default = evidence.loc == identity.loc;
        let (loc, other, what) = if by_default {
            (*used, identity.loc, "no line here says otherwise")
        } else {
            (evidence.loc, *used, "asked for here")
        };
        report.push(
            Diagnostic::new(&CHECK.rule, loc, format!("{scope} can reuse the approval that proves `{fact}`"))
                .label(other, what)
                .help(help),
        );
    }
}
