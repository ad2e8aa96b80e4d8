//! `restricted-data-flow`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::classification::{Classification, Listing};
use crate::model::access::{Grant, Granted};
use crate::model::flow::{Call, Flow};
use crate::model::name::FlowKind;
use crate::model::server::Server;
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "restricted-data-flow",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds flows that call a server of one data class and later a server of a less sensitive one, and agents that \
               are granted both. Tools annotated as read-only take nothing in, so they are no leak. The steepest descent of a \
               flow or agent is reported.",
        why: "What was read from the sensitive server can reach the other one in an argument, and leaves the rules of its \
              class.",
        fix: "Check that the later call carries nothing of the kind, and accept the finding with a waiver; else split the \
              flow or the agent, or put the second server into the more sensitive class.",
    },
    run,
};

/// One end of a descent: where it is written, and what it calls.
type End<'a> = (Loc, Listing<'a>, &'a str);

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["data_routing", "mcp_registry"]) {
        return;
    }
    let classes = input.classes;
    let takes_in = |server: &str, tool: &str| {
        let tool = model.server(server).and_then(|server| server.tools.get(tool));
        !tool.and_then(|tool| tool.read_only.as_ref()).is_some_and(|flag| flag.value)
    };
    for flow in model.flows.values() {
        // Most flows stay within one class, and nothing can descend there.
        let servers = flow.steps.iter().flat_map(|step| &step.servers);
        let mut ranks = servers.filter_map(|server| Some(classes.listed(server.value.as_str())?.rank));
        let first = ranks.next();
        if ranks.all(|rank| Some(rank) == first) {
            continue;
        }
        if let Some(descent) = of_flow(flow, classes, takes_in) {
            report.push(finding(&format!("`{}` calls", flow.id), "and later", descent));
        }
    }
    let granted_input = |grant: &Grant| match &grant.what {
        Granted::Tool(tool) => !grant.only_read_only && takes_in(grant.server.as_str(), tool.as_str()),
        Granted::Readable(_) => false,
        Granted::All => !grant.only_read_only && model.servers.get(&grant.server).is_some_and(has_writing_tool),
    };
    for agent in model.agents.values() {
        let listed = |grant: &Grant| classes.listed(grant.server.as_str());
        let ends = || agent.may_call.iter().filter_map(|grant| Some((grant, listed(grant)?)));
        let Some((source, high)) = ends().max_by_key(|(_, class)| class.rank) else { continue };
        let sinks = ends().filter(|(grant, class)| class.rank < high.rank && granted_input(grant));
        if let Some((sink, low)) = sinks.min_by_key(|(_, class)| class.rank) {
            let descent = ((source.text.loc, high, source.server.as_str()), (sink.text.loc, low, sink.server.as_str()));
            report.push(finding(&format!("agent `{}` may call", agent.name), "and", descent));
        }
    }
}

fn finding(who: &str, and: &str, ((from, high, source), (to, low, sink)): (End<'_>, End<'_>)) -> Diagnostic {
    let (high, low) = (&high.class.name, &low.class.name);
    let message = format!("{who} `{source}` of class `{high}` {and} `{sink}` of the lower class `{low}`");
    Diagnostic::new(&CHECK.rule, to, message).label(from, format!("data of class `{high}` comes from here"))
}

fn has_writing_tool(server: &Server) -> bool {
    let read_only = |flag: &Option<crate::source::Spanned<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
    server.tools.values().any(|tool| tool.registered && !read_only(&tool.read_only))
}

/// The steepest descent of a flow, in the order in which its steps can run.
fn of_flow<'a>(
    flow: &'a Flow,
    classes: &Classification<'a>,
    takes_in: impl Fn(&str, &str) -> bool,
) -> Option<(End<'a>, End<'a>)> {
    let graph = flow.graph();
    let order = if flow.id.value.kind == FlowKind::Workflow { graph.order() } else { (0..flow.steps.len()).collect() };
    let end = |call: &'a Call| {
        let server = call.server.as_ref()?.as_str();
        Some((call.tool.loc, classes.listed(server)?, server))
    };
    // The most sensitive end that can have come before each step is done, itself included.
    let mut before: BTreeMap<usize, End<'a>> = BTreeMap::new();
    let mut steepest: Option<(End<'a>, End<'a>)> = None;
    let mut last = None;
    for at in order {
        let Some(step) = flow.steps.get(at) else { continue };
        let earlier: Vec<usize> = match flow.id.value.kind {
            FlowKind::Workflow => graph.needs(at).collect(),
            FlowKind::Saga | FlowKind::Processor => last.into_iter().collect(),
        };
        let mut highest = earlier.iter().filter_map(|step| before.get(step)).max_by_key(|end| end.1.rank).copied();
        for call in step.calls.iter().filter(|call| !call.compensation) {
            let Some(this) = end(call) else { continue };
            // Of calls by class one is made, and it takes no data above the class of its server.
            if let Some(from) = highest.filter(|_| call.routed.is_none())
                && from.1.rank > this.1.rank
                && takes_in(this.2, call.tool.value.as_str())
                && steepest.is_none_or(|(a, b)| from.1.rank - this.1.rank > a.1.rank - b.1.rank)
            {
                steepest = Some((from, this));
            }
            if highest.is_none_or(|from| from.1.rank < this.1.rank) {
                highest = Some(this);
            }
        }
        before.extend(highest.map(|highest| (at, highest)));
        last = Some(at);
    }
    steepest
}
