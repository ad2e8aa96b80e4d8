//! `unattended-flow-needs-human`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::Model;
use crate::model::access::{ClaimTest, Evidence};
use crate::model::flow::{Call, Flow, Step};
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unattended-flow-needs-human",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds flows that call a tool, or a compensation, whose level needs somebody to be present: a user's delegation \
               or a second factor. One finding for each flow and level.",
        why: "Workflows, sagas and event processors run by themselves. Without a user the call is denied and the flow stops \
              half-way; a compensation that is denied leaves things half done.",
        fix: "Give the level an alternative that a service can meet, lower what the tool needs by classifying its server, or \
              start the flow with the token of a user who delegates to it.",
    },
    run,
};

/// The calls of a flow that need a person.
#[derive(Default)]
struct Needing<'a> {
    /// What a person brings to them.
    facts: u64,
    calls: Vec<(&'a Step, &'a Call)>,
}

fn run(input: &Input<'_>, report: &mut Report) {
    let policy = input.policy;
    if !input.model.complete_for(&["progressive_auth", "data_routing", "mcp_registry", "identity"]) {
        return;
    }
    let human = human_facts(input);
    for row in policy.flows(input.model) {
        let mut calls: BTreeMap<Option<u32>, Needing<'_>> = BTreeMap::new();
        for (step, call, object) in row.calls() {
            let cell = object.and_then(|object| policy.cell(row.principal, object));
            let Some(cell) = cell.filter(|cell| !policy.is_never(cell.condition)) else { continue };
            let sets = policy.conditions.get(cell.condition).minimal_sets();
            if sets.iter().all(|set| set & human != 0) {
                let needed = sets.first().map_or(0, |set| set & human);
                let entry = calls.entry(policy.rule_at(cell.rule).level).or_default();
                entry.facts |= needed;
                entry.calls.push((step, call));
            }
        }
        for (level, needing) in calls {
            report.extend(finding(input, row.flow, level, &needing));
        }
    }
}

fn finding(input: &Input<'_>, flow: &Flow, level: Option<u32>, needing: &Needing<'_>) -> Option<Diagnostic> {
    let ((step, call), others) = needing.calls.split_first()?;
    let server = call.server.as_ref()?.as_str();
    let facts = quoted(input.policy.facts.named(needing.facts).map(|fact| fact.as_str()));
    let of_level = level.map_or_else(String::new, |level| format!(" at level {level}"));
    let more = match others.len() {
        0 => String::new(),
        1 => " (and one more call)".to_owned(),
        others => format!(" (and {others} more calls)"),
    };
    let who = match flow.id.value.kind {
        FlowKind::Workflow | FlowKind::Saga => format!("step `{}` of `{}`", step.name, flow.id),
        FlowKind::Processor => format!("`{}`", flow.id),
    };
    let message =
        format!("{who} calls `{server}/{}`{more}, which{of_level} needs {facts}, and no user is present", call.tool);
    let mut finding = Diagnostic::new(&CHECK.rule, call.tool.loc, message);
    if let Some(level) = level.and_then(|level| input.model.access.levels.get(&level)) {
        finding = finding.label(level.number.loc, format!("level {} asks for it", level.number));
    }
    finding = match (input.classes.listed(server), input.classes.governing(server)) {
        (Some(listing), _) => finding.label(listing.loc, format!("`{server}` is of class `{}`", listing.class.name)),
        (None, Some((_, class))) => {
            finding.label(class.name.loc, format!("no class lists `{server}`, so it is treated as `{}`", class.name))
        }
        (None, None) => finding,
    };
    let other = |(step, call): &(&Step, &Call)| {
        let what = if call.compensation { "the compensation" } else { "a call" };
        (call.tool.loc, format!("{what} of `{}` needs it, too", step.name))
    };
    Some(finding.labels(others.iter().map(other)))
}

/// The facts that only a person who is present can bring: a delegation, or a second factor.
fn human_facts(input: &Input<'_>) -> u64 {
    let is_human = |model: &Model, fact: &str| {
        let mut claims = model.evidence_for(fact).into_iter().flat_map(Evidence::claims);
        claims.any(|claim| {
            let delegated = matches!(claim.test, ClaimTest::DiffersFrom(_));
            delegated || claim.path.last().is_some_and(|name| name == "amr" || name == "acr")
        })
    };
    let facts = &input.policy.facts;
    let human = facts.names().iter().filter(|fact| is_human(input.model, fact.as_str()));
    human.filter_map(|fact| facts.mask(fact.as_str())).fold(0, |all, mask| all | mask)
}
