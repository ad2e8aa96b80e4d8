//! `batch-truncates`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::flow::Trigger;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "batch-truncates",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds batch strategies whose `max_items` is below `batch_size`.",
        why: "The strategy takes fewer items than a batch holds. The rest waits for the next flush, or is dropped; and a strategy \
              that flushes a full batch never sees one.",
        fix: "Make `max_items` at least as large as `batch_size`, or make the batch smaller.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for batch in input.model.batch.values() {
        let Some(size) = &batch.batch_size else { continue };
        for strategy in &batch.strategies {
            let Some(most) = strategy.max_items.as_ref().filter(|most| most.value < size.value) else { continue };
            let full = strategy.trigger.as_ref().is_some_and(|trigger| trigger.value == Trigger::BatchFull);
            let message = match full {
                true => format!(
                    "strategy `{}` takes {most} items at most, so a batch of {size} is never full",
                    strategy.name
                ),
                false => format!("strategy `{}` takes {most} items at most of a batch of {size}", strategy.name),
            };
            report.push(Diagnostic::new(&CHECK.rule, most.loc, message).label(size.loc, "the size of a batch"));
        }
    }
}
