//! `histogram-without-unit`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::telemetry::conventions::{has_unit, is_of_another_exporter};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "histogram-without-unit",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds histograms and summaries whose name does not end in a unit (`_seconds`, `_bytes`, `_ratio`) or in what they \
               count (`_items`). Metrics of other exporters are left alone.",
        why: "Nobody can tell seconds from milliseconds by the numbers, and the bounds of the buckets depend on it.",
        fix: "Let the name end in the unit, such as `mcp_tool_duration_seconds`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for metric in input.model.metrics.values().flatten() {
        let (name, kind) = (metric.name.value.as_str(), metric.kind.value.as_str());
        if matches!(kind, "histogram" | "summary") && !has_unit(name) && !is_of_another_exporter(name) {
            report.push(
                Diagnostic::new(&CHECK.rule, metric.name.loc, format!("{kind} `{name}` does not say its unit"))
                    .label(metric.kind.loc, format!("a {kind}"))
                    .help("let the name end in the unit, such as `_seconds` or `_bytes`"),
            );
        }
    }
}
