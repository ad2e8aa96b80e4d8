//! `location-violates-class`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::RequiredLocation;
use crate::model::server::Location;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "location-violates-class",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds registered servers that stand elsewhere than their data class demands, or do not say where they stand.",
        why: "`on_premises_only` and `secure_enclave` are promises about places. No property of a request can make up for a \
              server that is in the wrong one.",
        fix: "Set `location: on_premises` or `secure_enclave` if the server is there; otherwise move it, or change its class.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry", "data_routing"]) {
        return;
    }
    for (class, server, listed) in input.model.class_members() {
        let Some(required) = &class.location else { continue };
        let location = server.location.as_ref();
        let (fits, demand) = match required.value {
            RequiredLocation::Any => continue,
            RequiredLocation::OnPremisesOnly => (
                matches!(location.map(|l| l.value), Some(Location::OnPremises | Location::SecureEnclave)),
                "on premises or in a secure enclave",
            ),
            RequiredLocation::SecureEnclave => {
                (matches!(location.map(|l| l.value), Some(Location::SecureEnclave)), "in a secure enclave")
            }
        };
        if fits {
            continue;
        }
        let (message, loc) = match location {
            Some(location) => (
                format!(
                    "server `{}` of class `{}` runs {}, not {demand}",
                    server.name,
                    class.name,
                    place(location.value)
                ),
                location.loc,
            ),
            None => (
                format!("server `{}` of class `{}` must stand {demand} and has no `location`", server.name, class.name),
                server.name.loc,
            ),
        };
        report.push(
            Diagnostic::new(&CHECK.rule, loc, message)
                .label(required.loc, format!("class `{}` demands it", class.name))
                .label(listed, "the server is listed here"),
        );
    }
}

fn place(location: Location) -> &'static str {
    match location {
        Location::Cloud => "in the cloud",
        Location::OnPremises => "on premises",
        Location::SecureEnclave => "in a secure enclave",
    }
}
