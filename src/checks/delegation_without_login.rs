//! `delegation-without-login`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::evidence::USER_DELEGATION;
use crate::model::access::{ClaimTest, Evidence};
use crate::policy::derive::facts_in_use;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "delegation-without-login",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds issuers that name callers by a claim of their own (`caller`), where `user_delegation` is in use and its \
               evidence asks for nothing that only a login has.",
        why: "A token that a client gets for itself has a `sub`, too. It would count as a user's delegation without any user.",
        fix: "Ask for a claim that the issuer writes only when a person signs in: `user_delegation: {claim: auth_time, present: \
              true}`. With `issuer` beside it, the evidence holds for the tokens of one issuer.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(identity) = &input.model.identity else { return };
    let in_use = facts_in_use(input.model);
    let (Some(asked), Some(evidence)) = (in_use.get(USER_DELEGATION), identity.evidence.get(USER_DELEGATION)) else {
        return;
    };
    for issuer in &identity.issuers {
        let Some(caller) = &issuer.caller else { continue };
        let pieces = evidence.value.pieces();
        let elsewhere = |piece: &Evidence| matches!(piece, Evidence::Issuer(bound) if *bound != issuer.issuer.value);
        if pieces.iter().any(elsewhere) || asks_for_login(&evidence.value, &caller.value) {
            continue;
        }
        let message = format!(
            "issuer `{}` names callers by `{}`, and nothing in the evidence of `{USER_DELEGATION}` asks for a login",
            issuer.issuer,
            caller.value.join(".")
        );
        report.push(Diagnostic::new(&CHECK.rule, caller.loc, message).label(*asked, "asked for here"));
    }
}

/// Whether the evidence asks for a claim beside those that tell who the caller is.
pub(super) fn asks_for_login(evidence: &Evidence, caller: &[String]) -> bool {
    let tells = |path: &[String]| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        matches!(path.as_slice(), ["sub" | "act" | "iss"] | ["act", "sub"]) || path == caller
    };
    evidence.claims().any(|claim| !tells(&claim.path) && !matches!(claim.test, ClaimTest::DiffersFrom(_)))
}
