//! `error-boost-needs-tail-sampling`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "error-boost-needs-tail-sampling",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds `priority_boost: error_spans` with a `sampling.strategy` that decides before a trace is finished: \
               `probabilistic`, `rate_limiting` or `always_off`. Where `targets.otel-collector.endpoint` says that a collector chooses, \
               nothing is found.",
        why: "Whether a trace is kept is then decided at its first span, when nobody knows that a later one fails. The traces \
              with errors are dropped like all others.",
        fix: "Use `strategy: tail`, which decides when the trace is finished, or `always_on`; or set `targets.otel-collector.endpoint`, so that \
              everything sends to a collector that decides; or remove `priority_boost`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    // Gateways and SDKs then send every trace to the collector, which keeps those with an error.
    let collector = input.model.deployment.otel_collector.as_ref();
    if collector.is_some_and(|collector| collector.endpoint.is_some()) {
        return;
    }
    for tracing in input.model.tracing.values() {
        let Some(boost) = tracing.priority_boost.as_ref().filter(|boost| boost.value == "error_spans") else {
            continue;
        };
        let early = match &tracing.strategy {
            Some(strategy) => matches!(strategy.value.as_str(), "probabilistic" | "rate_limiting" | "always_off"),
            // A rate without a strategy is a probability.
            None => tracing.rate.is_some(),
        };
        if !early {
            continue;
        }
        let message = "traces with errors cannot be kept more often: sampling decides before an error is known";
        let finding = Diagnostic::new(&CHECK.rule, boost.loc, message).help("use `strategy: tail`, or `always_on`");
        report.push(match (&tracing.strategy, &tracing.rate) {
            (Some(strategy), _) => finding
                .label(strategy.loc, format!("the strategy is `{strategy}`"))
                .fix(Fix::value(strategy.loc, "tail")),
            (None, Some(rate)) => finding.label(rate.loc, "a rate is decided at the first span"),
            (None, None) => finding,
        });
    }
}
