//! `flow-never-completes`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::flow::{Call, Flow, Step};
use crate::policy::PrincipalFlow;
use crate::policy::cell::RuleId;
use crate::policy::conflict::{Conflict, Conflicts};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "flow-never-completes",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds flows with a call that is denied whatever is proved: the flow always stops at that step, or cannot undo it. \
               The places shown forbid the call together, and none of them alone: changing any one of them ends the conflict. \
               A flow that is suspended itself, or with its unit, is left alone; where a part of it is, that is a note. A call that only needs \
               somebody to be present is the affair of `unattended-flow-needs-human`.",
        why: "What was done before the step stays done, every time; a saga whose compensation is denied leaves things half \
              done.",
        fix: "Change one of the places that the finding shows, or leave the step out.",
    },
    run,
};

/// Calls of a flow that one rule forbids.
struct Stopped<'a> {
    step: &'a Step,
    call: &'a Call,
    conflict: Conflict,
    others: usize,
}

fn run(input: &Input<'_>, report: &mut Report) {
    if !input.model.complete_for(&["federation_config", "data_routing", "mcp_registry", "identity"]) {
        return;
    }
    let conflicts = Conflicts::new(input.model, input.policy, input.classes);
    let units = &input.model.topology.units;
    let runs = |flow: &Flow| {
        flow.suspended.is_none() && units.get(&flow.unit.value).is_none_or(|unit| unit.suspended.is_none())
    };
    // Most flows hold nothing of the kind, which their cells show without a look at every call.
    let stops = |row: &PrincipalFlow<'_>| {
        let mut cells = input.policy.cells.get(row.principal.0 as usize).into_iter().flatten();
        cells.any(|(_, cell)| conflicts.is_never(cell.condition))
    };
    for row in input.policy.flows(input.model).filter(|row| stops(row) && runs(row.flow)) {
        report.extend(stopped(input, &conflicts, row).values().map(|stopped| finding(row.flow, stopped)));
    }
}

/// The calls of a flow that are never allowed, by whether they undo a step and by the rule that forbids them.
fn stopped<'a>(
    input: &Input<'_>,
    conflicts: &Conflicts<'_>,
    row: PrincipalFlow<'a>,
) -> BTreeMap<(bool, RuleId), Stopped<'a>> {
    let mut found: BTreeMap<(bool, RuleId), Stopped<'a>> = BTreeMap::new();
    for (step, call, object) in row.calls() {
        // Data of other classes goes elsewhere.
        let Some(object) = object.filter(|_| call.routed.is_none()) else { continue };
        let Some(cell) = input.policy.cell(row.principal, object) else { continue };
        if !conflicts.is_never(cell.condition) {
            continue;
        }
        match found.get_mut(&(call.compensation, cell.rule)) {
            Some(stopped) => stopped.others += 1,
            None => {
                let Some(conflict) = conflicts.of(row.principal, object, cell) else { continue };
                found.insert((call.compensation, cell.rule), Stopped { step, call, conflict, others: 0 });
            }
        }
    }
    // Where a step cannot be done there is nothing to undo.
    let stops: BTreeSet<&str> =
        found.iter().filter(|((undoes, _), _)| !undoes).map(|(_, it)| it.step.name.value.as_str()).collect();
    found.retain(|(undoes, _), it| !undoes || !stops.contains(it.step.name.value.as_str()));
    found
}

fn finding(flow: &Flow, stopped: &Stopped<'_>) -> Diagnostic {
    let Stopped { step, call, conflict, others } = stopped;
    let server = call.server.as_ref().map(|server| format!("{server}/")).unwrap_or_default();
    let more = match others {
        0 => String::new(),
        1 => " (and one more call)".to_owned(),
        others => format!(" (and {others} more calls)"),
    };
    let what = if call.compensation {
        format!("`{}` can never undo `{}`: its call of `{server}{}`{more}", flow.id, step.name, call.tool)
    } else {
        format!("`{}` always stops at `{}`: its call of `{server}{}`{more}", flow.id, step.name, call.tool)
    };
    let severity = if conflict.suspension { Severity::Note } else { CHECK.rule.severity };
    Diagnostic::new(&CHECK.rule, call.tool.loc, format!("{what} is never allowed: {}", conflict.why))
        .at(severity)
        .labels(conflict.places.clone())
        .maybe_help(behind(flow, step).filter(|_| !call.compensation))
}

/// Which steps are then never reached: those that wait for it, where any step says what it waits for.
fn behind(flow: &Flow, step: &Step) -> Option<String> {
    if !flow.has_dependencies() {
        return None;
    }
    let at = flow.steps.iter().position(|other| std::ptr::eq(other, step))?;
    let behind = flow.graph().behind([at]);
    let steps = behind.iter().filter(|other| **other != at).filter_map(|at| flow.steps.get(*at));
    let names = quoted(steps.map(|step| step.name.value.as_str()));
    (!names.is_empty()).then(|| format!("{names} then never runs"))
}
