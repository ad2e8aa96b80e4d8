//! `mtls-not-strict`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::access::MutualTls;
use crate::model::topology::Encryption;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "mtls-not-strict",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds a service mesh whose `mutual_tls` is `permissive` or `disabled`. Without the key the mesh is strict, and calls need no \
               certificate of the caller's own.",
        why: "A mesh that does not insist on mutual TLS accepts plaintext between workloads, and cannot tell who calls. The target \
              `istio` writes no rules for it.",
        fix: "Set `zero_trust_config.service_mesh.mutual_tls: strict`, or leave the key out.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    let required = model.topology.encryption_in_transit.as_ref().filter(|word| word.value == Encryption::Required);
    let of_units = model.overlays.values();
    for mode in std::iter::once(&model.access).chain(of_units).filter_map(|rules| rules.mutual_tls.as_ref()) {
        let message = match mode.value {
            MutualTls::Strict => continue,
            MutualTls::Permissive => "the mesh accepts plaintext: mutual TLS is permissive",
            MutualTls::Disabled => "the mesh does not encrypt: mutual TLS is disabled",
        };
        let finding = Diagnostic::new(&CHECK.rule, mode.loc, message).fix(Fix::value(mode.loc, "strict"));
        report.push(match required {
            Some(required) => finding.label(required.loc, "encryption in transit is required here"),
            None => finding,
        });
    }
}
