//! `flush-interval-too-long`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::Model;
use crate::model::quantity::Duration;
use crate::model::vocabulary::BusProvider;

/// The largest `linger.ms` that librdkafka takes.
const LONGEST: Duration = Duration(900_000);

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "flush-interval-too-long",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds a `flush_interval` of `batch_processing` of more than 15 minutes, where the event bus is Kafka.",
        why: "A producer of librdkafka refuses to start with it.",
        fix: "Write `15m` or less, such as `flush_interval: 1m`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for (scope, batch) in &input.model.batch {
        let bus = Model::in_scope(&input.model.event_bus, scope);
        let kafka = bus.and_then(|bus| bus.provider.as_ref()).filter(|it| it.value == BusProvider::ApacheKafka);
        let (Some(kafka), Some(flush)) = (kafka, &batch.flush_interval) else { continue };
        if flush.value > LONGEST {
            let message = format!("a batch waits for {flush}, and producers of Kafka wait for {LONGEST} at most");
            report.push(
                Diagnostic::new(&CHECK.rule, flush.loc, message)
                    .label(kafka.loc, "the event bus")
                    .help("write `15m` or less")
                    .fix(Fix::value(flush.loc, LONGEST.to_string())),
            );
        }
    }
}
