//! `too-many-facts`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::policy::derive::Fault;
use crate::policy::fact::MOST_FACTS;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "too-many-facts",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds workspaces that ask for more than 64 different facts, the four built-in ones included.",
        why: "Conditions are kept as sets of at most 64 facts. What asks for another one is denied altogether.",
        fix: "Join requirements that are always asked for together, or prove several by one fact.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let beyond = input.policy.faults.iter().filter_map(|fault| match fault {
        Fault::TooManyFacts(fact) => Some(fact),
        Fault::UnitWidens { .. } | Fault::TooManyWays(..) => None,
    });
    let beyond: Vec<_> = beyond.collect();
    let Some((first, others)) = beyond.split_first() else { return };
    let names = quoted(beyond.iter().map(|fact| fact.value.as_str()));
    report.push(
        Diagnostic::new(
            &CHECK.rule,
            first.loc,
            format!("more than {MOST_FACTS} facts are in use; beyond them are {names}"),
        )
        .labels(others.iter().map(|fact| (fact.loc, format!("`{fact}` is beyond, too")))),
    );
}
