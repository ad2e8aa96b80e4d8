//! `shared-audience`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "shared-audience",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds token issuers with `audiences` in place of `audience: per_server`.",
        why: "A token that a client got for one server works at every other server. A client that is tricked into sending its \
              token elsewhere, or a token that leaks from one server, opens all of them. MCP asks each server to take only tokens \
              that were issued for it (RFC 8707).",
        fix: "Let the authorization server put the resource that the client asks for into `aud` (the URL of the server at the \
              gateway, which the gateway's metadata names), and write `audience: per_server` in place of `audiences`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let issuers = input.model.identity.iter().flat_map(|identity| &identity.issuers);
    for issuer in issuers {
        let Some(first) = issuer.audiences.first() else { continue };
        let message = format!("a token of issuer `{}` for one server works at every server", issuer.issuer);
        let help = "write `audience: per_server` in place of `audiences`";
        report.push(Diagnostic::new(&CHECK.rule, first.loc, message).help(help));
    }
}
