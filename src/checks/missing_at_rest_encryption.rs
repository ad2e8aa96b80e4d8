//! `missing-at-rest-encryption`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::ClassEncryption;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "missing-at-rest-encryption",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds registered servers without `encryption_at_rest: true` whose data class demands \
               `in_transit_and_at_rest`.",
        why: "Encryption on disk is a property of the server. No property of a request can make up for it.",
        fix: "Set `encryption_at_rest: true` if the server's data is encrypted on disk; else encrypt it, or change its class.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry", "data_routing"]) {
        return;
    }
    for (class, server, listed) in input.model.class_members() {
        let Some(demand) = class.encryption.as_ref().filter(|e| e.value == ClassEncryption::InTransitAndAtRest) else {
            continue;
        };
        let (said, loc) = match &server.encryption_at_rest {
            Some(flag) if flag.value => continue,
            Some(flag) => ("is not encrypted at rest", flag.loc),
            None => ("does not say `encryption_at_rest: true`", server.name.loc),
        };
        report.push(
            Diagnostic::new(&CHECK.rule, loc, format!("server `{}` of class `{}` {said}", server.name, class.name))
                .label(demand.loc, format!("class `{}` demands it", class.name))
                .label(listed, "the server is listed here"),
        );
    }
}
