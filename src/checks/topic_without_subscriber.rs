//! `topic-without-subscriber`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::name::FlowKind;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "topic-without-subscriber",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds topics of the event bus that no event processor subscribes to. Where there are no processors at all, \
               somebody else reads the topics.",
        why: "Events are sent there and nothing happens.",
        fix: "Subscribe a processor to the topic, or remove it.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["event_driven_config"]) {
        return;
    }
    let processors = || model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Processor);
    let read: BTreeSet<&str> =
        processors().flat_map(|flow| &flow.subscribes_to).map(|topic| topic.value.as_str()).collect();
    if processors().next().is_none() {
        return;
    }
    for topic in model.event_bus.values().flat_map(|bus| &bus.topics) {
        if !read.contains(topic.name.value.as_str()) {
            let message = format!("no event processor subscribes to the topic `{}`", topic.name);
            report.push(Diagnostic::new(&CHECK.rule, topic.name.loc, message));
        }
    }
}
