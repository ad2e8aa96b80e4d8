//! `issuer-as-audience`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::Issuer;
use crate::model::url::canonical;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "issuer-as-audience",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds an audience that is the URL of a token issuer.",
        why: "Tokens for an authorization server are not access tokens: an assertion that a client exchanges there (ID-JAG) has the \
              server in its `aud`. A gateway that accepts this audience accepts the assertion itself, without the exchange and the \
              rules that the authorization server applies to it.",
        fix: "Remove the audience. Write `audience: per_server`, or an audience that only access tokens for these gateways have.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let issuers: &[Issuer] = input.model.identity.as_ref().map_or(&[], |identity| &identity.issuers);
    for audience in issuers.iter().flat_map(|issuer| &issuer.audiences) {
        let same = issuers.iter().find(|issuer| canonical(&issuer.issuer.value) == canonical(&audience.value));
        let Some(issuer) = same else { continue };
        let message =
            format!("audience `{audience}` is the URL of an issuer, so assertions for it work as access tokens");
        let found = Diagnostic::new(&CHECK.rule, audience.loc, message).label(issuer.issuer.loc, "the issuer");
        report.push(found.help("write `audience: per_server`, or an audience of access tokens for these gateways"));
    }
}
