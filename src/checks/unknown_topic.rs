//! `unknown-topic`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-topic",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds event processors that subscribe to a topic which no `event_bus` declares. Where no topics are declared \
               at all, nothing is unknown.",
        why: "A processor of a topic that does not exist never runs.",
        fix: "Correct the name, or declare the topic under `event_driven_config.event_bus.topics`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.names_known(&["event_driven_config"]) {
        return;
    }
    let topics: BTreeSet<&str> =
        model.event_bus.values().flat_map(|bus| &bus.topics).map(|topic| topic.name.value.as_str()).collect();
    if topics.is_empty() {
        return;
    }
    for flow in model.flows.values() {
        for topic in flow.subscribes_to.iter().filter(|topic| !topics.contains(topic.value.as_str())) {
            report.push(
                Diagnostic::new(&CHECK.rule, topic.loc, format!("no event bus declares the topic `{topic}`"))
                    .suggest(&topic.value, input.nearest(&topic.value, topics.iter().copied())),
            );
        }
    }
}
