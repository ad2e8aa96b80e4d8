//! `breaker-opens-by-luck`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::Model;
use crate::model::assurance::ExperimentKind;
use crate::model::assurance::hit::calls_until;
use crate::model::vocabulary::Outcome;

/// All calls, in thousandths of a percent.
const WHOLE: f64 = 100_000.0;

/// Beyond so many calls the number itself says nothing.
const MANY: f64 = 1_000_000.0;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "breaker-opens-by-luck",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds chaos experiments that fail a share of calls and expect `circuit_breaker_activation`, where that takes more than \
               twice as many calls on average as the breaker counts. The breaker counts failures in a row, and each success begins \
               anew: with a `failure_rate` of p and a `failure_threshold` of n it takes (1-pⁿ)/((1-p)pⁿ) calls on average.",
        why: "The experiment passes on one day and fails on the next, with nothing changed. Where connections are kept open, one \
              good connection takes all calls, and the breaker stays closed.",
        fix: "Fail all calls, or send many more calls than the number while the experiment lasts.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    for (scope, chaos) in &model.chaos {
        let breaker = Model::in_scope(&model.breaker, scope);
        let Some((breaker, failures)) = breaker.and_then(|breaker| Some((breaker, breaker.opens_after()?))) else {
            continue;
        };
        for experiment in &chaos.experiments {
            let opens = experiment.expected.as_ref().is_some_and(|it| it.value == Outcome::CircuitBreakerActivation);
            let Some(rate) = experiment.amount.as_ref() else { continue };
            if !opens || experiment.kind != ExperimentKind::DependencyFailure {
                continue;
            }
            let calls = calls_until(failures, f64::from(rate.value.milli) / WHOLE);
            if calls <= 2.0 * f64::from(failures) {
                continue;
            }
            let calls = if calls > MANY { "more than a million".to_owned() } else { format!("{calls:.0}") };
            let percent = f64::from(rate.value.milli) * 100.0 / WHOLE;
            let message = format!(
                "`failure_rate: {percent}%` opens a breaker of {failures} failures in a row after {calls} calls on average"
            );
            let counted = breaker.failure_threshold.as_ref().map_or(breaker.loc, |threshold| threshold.loc);
            let finding = Diagnostic::new(&CHECK.rule, rate.loc, message)
                .label(counted, format!("{failures} failures in a row"))
                .help("write `failure_rate: 100%`, or send many more calls than that while the experiment lasts");
            report.push(finding);
        }
    }
}
