//! `servers-in-a-cycle`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::flow::Flow;
use crate::model::flow::order::StepGraph;
use crate::model::name::{FlowKind, ServerName};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "servers-in-a-cycle",
        guards_access: false,
        severity: Severity::Note,
        what: "Finds servers that flows put in a circle: a step that calls the one waits for a step that calls the other, and, there or in \
               another flow, the other way round.",
        why: "The document's principle of loose coupling: servers in a circle can neither be released nor restored one after the other, and \
              a fault of any of them reaches all of them.",
        fix: "Turn one of the orders round, or let an event start what comes later; or switch the check off.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let names: Vec<&ServerName> = input.model.servers.keys().collect();
    let number: BTreeMap<&ServerName, usize> = names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let mut needs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); names.len()];
    let mut places: BTreeMap<(usize, usize), (Loc, String)> = BTreeMap::new();
    for flow in input.model.flows.values() {
        for (step, before) in orders(flow) {
            let (Some(step), Some(before)) = (flow.steps.get(step), flow.steps.get(before)) else { continue };
            for (late, early) in
                step.servers.iter().flat_map(|late| before.servers.iter().map(move |early| (late, early)))
            {
                let (Some(late), Some(early)) = (number.get(&late.value), number.get(&early.value)) else { continue };
                if let Some(of_late) = needs.get_mut(*late).filter(|_| late != early) {
                    of_late.insert(*early);
                    let said = format!(
                        "step `{}` of `{}` comes after one of `{}`",
                        step.name,
                        flow.id,
                        before.servers.first().map_or("", |server| server.value.as_str())
                    );
                    places.entry((*late, *early)).or_insert((step.name.loc, said));
                }
            }
        }
    }
    let graph = StepGraph::of(needs);
    for knot in graph.knots() {
        let cycle = graph.cycle(&knot);
        let shown: Vec<String> = cycle.iter().filter_map(|at| names.get(*at)).map(|name| format!("`{name}`")).collect();
        let after = cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1));
        let mut labels = after.filter_map(|edge| places.get(&edge)).cloned();
        let Some((loc, first)) = labels.next() else { continue };
        let message = format!("flows put these servers in a circle: {}", shown.join(", "));
        report.push(Diagnostic::new(&CHECK.rule, loc, message).label(loc, first).labels(labels));
    }
}

/// Each step with one that it waits for. A saga is a sequence.
fn orders(flow: &Flow) -> Vec<(usize, usize)> {
    if flow.id.value.kind == FlowKind::Saga {
        return (1..flow.steps.len()).map(|at| (at, at - 1)).collect();
    }
    let graph = flow.graph();
    (0..flow.steps.len()).flat_map(|at| graph.needs(at).map(move |before| (at, before)).collect::<Vec<_>>()).collect()
}
