//! `caller-without-issuer`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "caller-without-issuer",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds agents and flows for which no issuer may speak, because the `speaks_for` of each leaves them out.",
        why: "No token of theirs is accepted, so every call is denied, whatever they are granted.",
        fix: "Add their kind or unit to the `speaks_for` of the issuer that gives them their tokens.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(identity) = model.identity.as_ref().filter(|_| model.complete_for(&["identity", "mcp_registry"])) else {
        return;
    };
    if identity.issuers.is_empty() {
        return;
    }
    for (principal, cells) in input.policy.principals.iter().zip(&input.policy.cells) {
        let placed = model.topology.units.is_empty() || principal.unit.is_some();
        let spoken_for = identity.issuers.iter().any(|issuer| principal.is_spoken_for_by(issuer));
        if spoken_for || !placed || cells.is_empty() {
            continue;
        }
        let message = format!("no issuer speaks for `{}`, so every call of it is denied", principal.id);
        let words = identity.issuers.iter().filter_map(|issuer| {
            let first = issuer.speaks_for.first()?;
            Some((first.loc, format!("`{}` speaks for others alone", issuer.issuer)))
        });
        report.push(Diagnostic::new(&CHECK.rule, principal.loc, message).labels(words));
    }
}
