//! `unknown-fact`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::name::FactName;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-fact",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds policy tests that name a fact which no rule asks for and no line of `identity.requirements` defines.",
        why: "A fact that nothing uses changes no decision, so the test does not test what it says.",
        fix: "Use the names of `requirements` and `requires`, `cross_unit_approval`, `tls` or `mtls`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["progressive_auth", "data_routing", "mcp_registry", "identity"]) {
        return;
    }
    let mut known = model.proved_facts();
    known.extend(input.policy.facts.names().iter().map(FactName::as_str));
    for test in &model.policy_tests {
        let missing = test.missing.iter().flatten().flatten();
        for fact in test.with.iter().flatten().chain(missing).filter(|fact| !known.contains(fact.value.as_str())) {
            report.push(
                Diagnostic::new(&CHECK.rule, fact.loc, format!("nothing asks for the fact `{fact}`"))
                    .suggest(fact.value.as_str(), input.nearest(fact.value.as_str(), known.iter().copied())),
            );
        }
    }
}
