//! `mtls-not-strict`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::MutualTls;
use crate::model::topology::Encryption;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "mtls-not-strict",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds a service mesh whose `mutual_tls` is not `strict` while `encryption_in_transit` is `required`.",
        why: "A mesh that does not insist on mutual TLS accepts plaintext between workloads, which is what required \
              encryption rules out.",
        fix: "Set `zero_trust_config.service_mesh.mutual_tls: strict`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let Some(required) = model.topology.encryption_in_transit.as_ref().filter(|e| e.value == Encryption::Required)
    else {
        return;
    };
    let lax = |message: &str, loc| {
        Diagnostic::new(&CHECK.rule, loc, message).label(required.loc, "encryption in transit is required here")
    };
    match (&model.access.mutual_tls, &model.topology.mesh) {
        (None, Some(mesh)) => report.push(lax("the mesh sets no `mutual_tls`, so it accepts plaintext", mesh.loc)),
        (None, None) => {}
        (Some(mode), _) => match mode.value {
            MutualTls::Strict => {}
            MutualTls::Permissive => report.push(lax("the mesh accepts plaintext: mutual TLS is permissive", mode.loc)),
            MutualTls::Disabled => report.push(lax("the mesh does not encrypt: mutual TLS is disabled", mode.loc)),
        },
    }
}
