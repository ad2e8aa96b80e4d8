//! `unit-widens-policy`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::policy::derive::Fault;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unit-widens-policy",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds levels, classes and server entries of a unit folder that allow a request that the central rules \
               deny.",
        why: "A unit may make the central rules stricter for its own servers, never weaker. Both gateways enforce both, so \
              the request stays denied; but the unit's text promises something else.",
        fix: "Ask for at least what the central configuration asks for: the message shows a request that makes the difference.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let policy = input.policy;
    if !input.model.complete_for(&["progressive_auth", "data_routing", "mcp_registry", "zero_trust_config"]) {
        return;
    }
    let mut reported: BTreeSet<_> = BTreeSet::new();
    for fault in &policy.faults {
        let Fault::UnitWidens { unit, principal, object, facts, loc, centre } = fault else { continue };
        // One restated level stands behind many cells; the first one shows it.
        if !reported.insert((*loc, unit)) {
            continue;
        }
        let (who, what) = (&policy.principal_at(*principal).id, policy.object_at(*object));
        let message = format!(
            "unit `{unit}` lets `{who}` use `{what}` with {}, which the central configuration denies",
            policy.facts.shown(*facts)
        );
        report.push(Diagnostic::new(&CHECK.rule, *loc, message).label(*centre, "the central rule"));
    }
}
