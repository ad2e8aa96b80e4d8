//! `weak-attestation`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::vocabulary::Attestation;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "weak-attestation",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds `identity_verification.attestation` that is not `continuous`: `at_startup`, or `none`.",
        why: "A certificate of a workload says what the workload was when it was attested. What is not attested again may have been taken \
              over since, and keeps its identity; what is never attested may be anything.",
        fix: "Attest workloads at each renewal of their certificates, as SPIRE does, and set `attestation: continuous`; or waive the finding \
              with the name of whoever answers for the workloads.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let topology = &input.model.topology;
    let Some(attestation) = &topology.attestation else { return };
    let message = match attestation.value {
        Attestation::Continuous => return,
        Attestation::AtStartup => {
            "a workload that is taken over after its start keeps its identity for as long as it runs"
        }
        Attestation::None => "nothing shows that a workload is what its certificate says",
    };
    let finding = Diagnostic::new(&CHECK.rule, attestation.loc, message);
    let finding = match &topology.certificate_rotation {
        Some(age) => finding.label(age.loc, "a new certificate says no more than the one before it"),
        None => finding,
    };
    report.push(finding);
}
