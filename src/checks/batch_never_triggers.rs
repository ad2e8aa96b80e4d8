//! `batch-never-triggers`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::flow::Trigger;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "batch-never-triggers",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds batch strategies whose time trigger is longer than `flush_interval`.",
        why: "A batch is flushed when the interval is over, so it never gets old enough for the trigger.",
        fix: "Make `flush_interval` longer than the trigger, or remove the strategy.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for batch in input.model.batch.values() {
        let Some(flush) = &batch.flush_interval else { continue };
        for strategy in &batch.strategies {
            let Some(trigger) = &strategy.trigger else { continue };
            match &trigger.value {
                Trigger::Every(time) if *time > flush.value => report.push(
                    Diagnostic::new(&CHECK.rule, trigger.loc, format!("strategy `{}` never triggers", strategy.name))
                        .label(flush.loc, format!("batches are flushed after {flush}, before {time} are over")),
                ),
                Trigger::Every(_) | Trigger::BatchFull | Trigger::HighPriorityItem => {}
            }
        }
    }
}
