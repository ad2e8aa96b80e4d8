//! `duplicate-label`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "duplicate-label",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds metrics that list a label twice.",
        why: "A series has each label once: client libraries refuse to register the metric, and Prometheus refuses the scrape.",
        fix: "Remove one of the two, or correct its name.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten() {
        for (index, label) in metric.labels.iter().enumerate() {
            let before = metric.labels.iter().take(index).find(|known| known.value == label.value);
            if let Some(first) = before {
                let message = format!("metric `{}` lists the label `{label}` twice", metric.name);
                let fix = Fix::safe(format!("remove the second `{label}`"), vec![Edit::Remove(label.loc)]);
                let finding = Diagnostic::new(&CHECK.rule, label.loc, message).label(first.loc, "the first of the two");
                report.push(finding.fix(fix));
            }
        }
    }
}
