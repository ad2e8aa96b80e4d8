//! `redundant-grant`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity, quoted};
use crate::model::access::Grant;
use crate::policy::redundant::{self, Redundant};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "redundant-grant",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds entries of `may_call` that other entries of the same list grant already, one of them or several \
               together: without them not a single decision changes. All that are found in a list can go at once.",
        why: "Whoever takes such an entry away to withdraw an access withdraws nothing, and whoever reviews the list reads \
              what does not matter.",
        fix: "Remove the entry, or, where it is the narrow one that is meant, the wider one that the message names.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["mcp_registry", "progressive_auth", "data_routing", "federation_config"]) {
        return;
    }
    for (who, list) in lists(input) {
        for found in redundant::grants(input.model, input.policy, list).iter().filter(|found| found.skipped == 0) {
            report.push(finding(who, found));
        }
    }
}

/// Every list of grants with whose it is.
pub(super) fn lists<'a>(input: &Input<'a>) -> impl Iterator<Item = (&'a str, &'a [Grant])> {
    let agents = input.model.agents.values().map(|agent| (agent.name.value.as_str(), agent.may_call.as_slice()));
    agents.chain(input.model.any_agent.iter().map(|any| ("any_agent", any.may_call.as_slice())))
}

/// The entries that cover a redundant one, in a sentence.
pub(super) fn covers(found: &Redundant<'_>) -> String {
    match found.covered_by.as_slice() {
        [one] if one.text.value == found.grant.text.value => "another entry".to_owned(),
        [one] => format!("`{}`", one.text),
        several => format!("{} together", quoted(several.iter().map(|grant| grant.text.value.as_str()))),
    }
}

fn finding(who: &str, found: &Redundant<'_>) -> Diagnostic {
    let several = found.covered_by.len() > 1;
    let message = format!("`{who}` is granted all of `{}` by {} already", found.grant.text, covers(found));
    let says = if several { "this is a part of it" } else { "this grants it" };
    let places = found.covered_by.iter().map(|grant| (grant.text.loc, says.to_owned()));
    // An entry may be a map, whose first value is its text.
    let fix = Fix::safe(format!("remove `{}`", found.grant.text), vec![Edit::RemoveElement(found.grant.text.loc)]);
    Diagnostic::new(&CHECK.rule, found.grant.text.loc, message).labels(places).fix(fix)
}
