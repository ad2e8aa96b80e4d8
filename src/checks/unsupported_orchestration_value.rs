//! `unsupported-orchestration-value`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity, quoted};
use crate::model::vocabulary::Engine;
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unsupported-orchestration-value",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds values of `orchestration` that the chosen engine cannot give. Temporal grows the time between attempts \
               by a factor, keeps its state as a history of events, saves it with every step, and can always replay it.",
        why: "The engine would do something else than what is written here, and nothing would say so.",
        fix: "Use one of the values that the message names, or another engine.",
    },
    run,
};

/// For each key what Temporal gives.
const TEMPORAL: [(&str, &[&str]); 3] = [
    ("error_handling.retry_policy.backoff", &["exponential", "fixed"]),
    ("state_management.persistence", &["event_sourced"]),
    ("state_management.checkpointing", &["per_step"]),
];

fn run(input: &Input<'_>, report: &mut Report) {
    for rules in input.model.orchestration.values() {
        let Some(engine) = rules.engine.as_ref().filter(|engine| engine.value == Engine::Temporal) else { continue };
        let written = [
            rules.backoff.as_ref().map(|word| Spanned::new(word.value.word(), word.loc)),
            rules.persistence.as_ref().map(|word| Spanned::new(word.value.word(), word.loc)),
            rules.checkpointing.as_ref().map(|word| Spanned::new(word.value.word(), word.loc)),
        ];
        for ((key, given), written) in TEMPORAL.iter().zip(written) {
            let Some(value) = written.filter(|value| !given.contains(&value.value)) else { continue };
            report.push(
                Diagnostic::new(&CHECK.rule, value.loc, format!("`{engine}` cannot give `{key}: {value}`"))
                    .label(engine.loc, "the engine")
                    .help(format!("it gives {}", quoted(given.iter().copied())))
                    .maybe_fix(given.first().filter(|_| given.len() == 1).map(|only| Fix::value(value.loc, *only))),
            );
        }
        if let Some(replay) = rules.replay.as_ref().filter(|replay| !replay.value) {
            let message =
                format!("`{engine}` can always replay: `state_management.replay_capability` cannot be `false`");
            let finding = Diagnostic::new(&CHECK.rule, replay.loc, message).label(engine.loc, "the engine");
            report.push(finding.fix(Fix::value(replay.loc, "true")));
        }
    }
}
