//! `delegation-by-fixed-claim`.

use super::delegation_without_login::asks_for_login;
use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::evidence::USER_DELEGATION;
use crate::policy::derive::facts_in_use;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "delegation-by-fixed-claim",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds that `user_delegation` is in use and rests on the claim `act` alone.",
        why: "An issuer can put `act` into every token of a client, also into one that the client gets for itself, without any \
              user (a fixed claim mapper does). Such a token counts as a user's delegation.",
        fix: "Make sure that the issuer writes `act` into tokens of a person alone, or ask for what only a login has as well: \
              `user_delegation: {all: [{claim: [act, sub], differs_from: sub}, {claim: auth_time, present: true}]}`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    // What a part that cannot be read says of the caller is not known.
    if !input.model.complete_for(&["identity"]) {
        return;
    }
    let Some(identity) = input.model.identity.as_ref().filter(|identity| !identity.issuers.is_empty()) else { return };
    let in_use = facts_in_use(input.model);
    let (Some(asked), Some(evidence)) = (in_use.get(USER_DELEGATION), identity.evidence.get(USER_DELEGATION)) else {
        return;
    };
    if identity.issuers.iter().any(|issuer| issuer.caller.is_some()) || asks_for_login(&evidence.value, &[]) {
        return;
    }
    let by_default = evidence.loc == identity.loc;
    let (loc, other) = if by_default { (*asked, identity.loc) } else { (evidence.loc, *asked) };
    let message = format!("a token with a fixed `act` shows `{USER_DELEGATION}` without any user");
    let help = "make sure that the issuer writes `act` into tokens of a person alone, or ask for `auth_time` as well";
    report
        .push(Diagnostic::new(&CHECK.rule, loc, message).label(other, "its evidence rests on `act` alone").help(help));
}
