//! `ineffective-requirement`.

use super::redundant_grant::{covers, lists};
use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::name::FactName;
use crate::policy::Policy;
use crate::policy::redundant::{self, Redundant};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "ineffective-requirement",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds `requires` of a grant that nobody has to meet, because other entries of the same `may_call` grant \
               everything that it does, and some of it without.",
        why: "Two grants of one tool are alternatives: the laxer one is enough. Whoever wrote the stricter one believes in a \
              protection that is not there.",
        fix: "Narrow the laxer entry so that it leaves the tool out, give it the same `requires`, or put the requirement on \
              the tool itself in `mcp_registry`, where it holds for every grant.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry", "progressive_auth", "data_routing", "federation_config"]) {
        return;
    }
    for (who, list) in lists(input).filter(|(_, list)| list.iter().any(|grant| !grant.requires.is_empty())) {
        for found in redundant::grants(input.model, input.policy, list).iter().filter(|found| found.skipped != 0) {
            report.push(finding(input.policy, who, found));
        }
    }
}

fn finding(policy: &Policy, who: &str, found: &Redundant<'_>) -> Diagnostic {
    let is_skipped = |name: &str| policy.facts.mask(name).is_some_and(|bit| found.skipped & bit != 0);
    let place = found.grant.requires.iter().find(|fact| is_skipped(fact.value.as_str())).map(|fact| fact.loc);
    let facts = quoted(policy.facts.named(found.skipped).map(FactName::as_str));
    let (what, by) = (&found.grant.text, covers(found));
    let message = match found.covered_by.len() {
        0 | 1 => format!("`{who}` needs no {facts} for `{what}`, because {by} grants it without"),
        _ => format!("`{who}` need not have {facts} at once for `{what}`, because {by} grant it with less"),
    };
    let places = found.covered_by.iter().map(|grant| (grant.text.loc, "granted here".to_owned()));
    Diagnostic::new(&CHECK.rule, place.unwrap_or(found.grant.text.loc), message).labels(places)
}
