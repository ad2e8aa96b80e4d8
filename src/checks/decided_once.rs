//! `decided-once`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::vocabulary::Enforcement;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "decided-once",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds `service_mesh.policy_enforcement: per_connection`.",
        why: "No target decides once for a whole connection: every gateway, and every sidecar of the mesh, decides each request by the token \
              that it carries. So the word promises less than what is enforced, and would let a connection outlive the grant that it \
              was opened with.",
        fix: "Set `policy_enforcement: per_request`, or leave the key out.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(enforcement) = &input.model.topology.policy_enforcement else { return };
    match enforcement.value {
        Enforcement::PerRequest => {}
        Enforcement::PerConnection => report.push(
            Diagnostic::new(&CHECK.rule, enforcement.loc, "policy is decided for each request all the same")
                .fix(Fix::value(enforcement.loc, "per_request")),
        ),
    }
}
