//! `colliding-topics`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::flow::Topic;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "colliding-topics",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds topics of one event bus whose names differ only in `.` and `_`, such as `customer.events` and `customer_events`.",
        why: "Kafka names the metrics of a topic with `_` for `.`, so it refuses the second topic of such a pair.",
        fix: "Rename one of the topics, and use either `.` or `_` in all names.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for bus in input.model.event_bus.values() {
        let mut known: BTreeMap<String, &Topic> = BTreeMap::new();
        for topic in &bus.topics {
            match known.get(&topic.name.value.as_str().replace('.', "_")) {
                Some(first) => {
                    let message = format!("topic `{}` collides with `{}`", topic.name, first.name);
                    report.push(
                        Diagnostic::new(&CHECK.rule, topic.name.loc, message)
                            .label(first.name.loc, "the first of the two")
                            .help("rename one of them: Kafka takes `.` and `_` for the same"),
                    );
                }
                None => {
                    known.insert(topic.name.value.as_str().replace('.', "_"), topic);
                }
            }
        }
    }
}
