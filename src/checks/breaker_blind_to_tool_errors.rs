//! `breaker-blind-to-tool-errors`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "breaker-blind-to-tool-errors",
        guards_access: false,
        severity: Severity::Note,
        what: "Shows that the `failure_threshold` of a circuit breaker in front of MCP servers does not count errors of tools.",
        why: "An MCP server answers a tool that failed with status 200 and `isError` in the body. Gateways and meshes count \
              statuses of HTTP, refused and broken connections and timeouts, so a server all of whose tools fail is not cut off.",
        fix: "Let servers answer with a status of 5xx where the server itself fails, and have whatever runs the flows count \
              errors of tools. Where both is done, switch this note off: `checks: {breaker-blind-to-tool-errors: off}`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if input.model.servers.is_empty() {
        return;
    }
    for threshold in input.model.breaker.values().filter_map(|breaker| breaker.failure_threshold.as_ref()) {
        let message = "a tool that fails is not counted here: MCP answers it with status 200";
        report.push(
            Diagnostic::new(&CHECK.rule, threshold.loc, message)
                .help("let servers answer with a status of 5xx where the server itself fails"),
        );
    }
}
