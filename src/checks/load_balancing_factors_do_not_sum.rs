//! `load-balancing-factors-do-not-sum`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "load-balancing-factors-do-not-sum",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds `health_factor` and `latency_factor` of `load_balancing` that are not 1 together.",
        why: "They are shares of one weight. What is missing, or too much, counts for nothing that is written here.",
        fix: "Write two numbers that are 1 together, such as `health_factor: 0.7` and `latency_factor: 0.3`.",
    },
    run,
};

/// Sums of decimal fractions are not exact; this is far below what people write.
const INEXACT: f64 = 1e-6;

fn run(input: &Input<'_>, report: &mut Report) {
    for health in input.model.health.values() {
        if let (Some(of_health), Some(of_latency)) = (&health.health_factor, &health.latency_factor) {
            let sum = of_health.value + of_latency.value;
            if (sum - 1.0).abs() > INEXACT {
                let sum = (sum * 1e6).round() / 1e6;
                let message = format!("the factors {of_health} and {of_latency} are {sum} together, not 1");
                let rest = ((1.0 - of_health.value) * 1e6).round() / 1e6;
                let finding = Diagnostic::new(&CHECK.rule, of_latency.loc, message);
                let finding = finding.label(of_health.loc, "the other factor");
                report.push(if rest < 0.0 {
                    finding
                } else {
                    finding.fix(Fix::value(of_latency.loc, rest.to_string()))
                });
            }
        }
    }
}
