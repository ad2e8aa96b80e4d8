//! `misspelt-log-field`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::telemetry::conventions::meant;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "misspelt-log-field",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds fields of `logging_config` that are one or two letters away from a field that the targets know, such as \
               `tenent_id` for `tenant_id`, and other spellings of one (`userId`). Names of one's own are left alone.",
        why: "Gateways fill the fields that they know. One that is misspelt is missing in every log, which is noticed when somebody \
              needs it.",
        fix: "Correct the name. Where the name is right, waive the finding.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for logging in input.model.logging.values() {
        for field in &logging.fields {
            let Some(known) = meant(&field.value) else { continue };
            // Beside the known field it is one of its own.
            if logging.fields.iter().any(|other| other.value == known) {
                continue;
            }
            report.push(
                Diagnostic::new(&CHECK.rule, field.loc, format!("no target knows the log field `{field}`"))
                    .suggest(&field.value, Some(known)),
            );
        }
    }
}
