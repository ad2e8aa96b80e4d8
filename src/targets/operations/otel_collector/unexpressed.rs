//! Values in use that the collector has no field for, each at its place.

use super::exporters::{compression, destination};
use super::sampling;
use super::used::Used;
use crate::families::FamilyId;
use crate::model::flow::{Batch, Trigger};
use crate::model::telemetry::SpanProtocol;
use crate::model::vocabulary::{PriorityBoost, Sampling};
use crate::model::{Model, Scope};
use crate::source::Loc;
use crate::targets::NotExpressed;

/// Every value that is left out.
pub(super) fn values(model: &Model) -> Vec<NotExpressed> {
    let mut found = Vec::new();
    for used in Used::all(model) {
        exporters(&used, &mut found);
        choices(&used, model, &mut found);
    }
    for (scope, batch) in &model.batch {
        batches(scope, batch, model, &mut found);
    }
    found
}

fn left(family: FamilyId, key: &str, value: &str, loc: Loc, why: &'static str) -> NotExpressed {
    NotExpressed { family, key: format!("{key}: {value}"), loc, why, own: false }
}

fn exporters(used: &Used<'_>, found: &mut Vec<NotExpressed>) {
    for exporter in &used.tracing.exporters {
        let to = destination(exporter);
        let own = exporter.protocol == Some(SpanProtocol::Jaeger);
        let (key, value, loc, why) = match (&exporter.endpoint, to) {
            (None, _) => {
                let why = "it has no endpoint to send to";
                ("exporters[].name", exporter.name.value.as_str(), exporter.name.loc, why)
            }
            (Some(url), Some(to)) if to.moved => {
                let why = "the collector has no exporter for Jaeger's own protocols; it sends OTLP to port 4317 of that host, where \
                           Jaeger takes it: write that URL";
                ("exporters[].endpoint", url.value.as_str(), url.loc, why)
            }
            (Some(url), None) if own => {
                let why = "the collector has no exporter for Jaeger's own protocols, so nothing is sent there; write the URL at which \
                           Jaeger takes OTLP";
                ("exporters[].endpoint", url.value.as_str(), url.loc, why)
            }
            (Some(_), _) => continue,
        };
        found.push(NotExpressed { own: true, ..left(FamilyId::Tracing, key, value, loc, why) });
    }
}

fn choices(used: &Used<'_>, model: &Model, found: &mut Vec<NotExpressed>) {
    const FAMILY: FamilyId = FamilyId::Tracing;
    let tracing = used.tracing;
    match (&tracing.strategy, &tracing.rate) {
        (Some(word), _) if word.value == Sampling::RateLimiting => {
            let why = "the collector can limit spans a second and no traces, so it keeps every trace; write `tail` with a share";
            found.push(left(FAMILY, "sampling.strategy", word.value.word(), word.loc, why));
        }
        (Some(word), Some(rate)) if matches!(word.value, Sampling::AlwaysOn | Sampling::AlwaysOff) => {
            let why = "it changes nothing beside `always_on` and `always_off`";
            found.push(left(FAMILY, "sampling.rate", &rate.value.to_string(), rate.loc, why));
        }
        (Some(word), None) if matches!(word.value, Sampling::Probabilistic | Sampling::Tail) => {
            let why = "there is no `rate`, so every trace is kept";
            found.push(left(FAMILY, "sampling.strategy", word.value.word(), word.loc, why));
        }
        _ => {}
    }
    let Some(boost) = &tracing.priority_boost else { return };
    let slow = model.deployment.otel_collector.as_ref().is_some_and(|keys| keys.slow_after.is_some());
    let why = if sampling::share(tracing) >= 1.0 {
        "every trace is kept, so none can be kept more often"
    } else if boost.value == PriorityBoost::SlowSpans && !slow {
        "nothing says when a trace is slow; set `targets.otel-collector.slow_after`"
    } else {
        return;
    };
    found.push(left(FAMILY, "sampling.priority_boost", boost.value.word(), boost.loc, why));
}

fn batches(scope: &Scope, batch: &Batch, model: &Model, found: &mut Vec<NotExpressed>) {
    const FAMILY: FamilyId = FamilyId::BatchProcessing;
    for strategy in &batch.strategies {
        let Some(trigger) = &strategy.trigger else { continue };
        let (word, why) = match trigger.value {
            Trigger::BatchFull => {
                let size = batch.batch_size.as_ref().map(|size| size.value);
                let Some(most) = strategy.max_items.as_ref().filter(|most| size.is_some_and(|size| most.value < size))
                else {
                    continue;
                };
                let why = "the collector refuses a limit below the size of a batch, so it has none";
                found.push(left(FAMILY, "strategies[].max_items", &most.value.to_string(), most.loc, why));
                continue;
            }
            Trigger::Every(time) => (
                format!("every {time}"),
                "a batch of the collector is sent after `flush_interval`, and at no other time",
            ),
            Trigger::HighPriorityItem => {
                ("high_priority_item".to_owned(), "to the collector no span is more urgent than another")
            }
        };
        found.push(left(FAMILY, "strategies[].trigger", &word, trigger.loc, why));
    }
    let Some(word) = &batch.compression else { return };
    let mut users =
        Used::all(model).filter(|used| used.scope == scope || used.batch.is_some_and(|it| it.loc == batch.loc));
    let refused = users.any(|used| {
        let kinds = used.tracing.exporters.iter().filter_map(destination).map(|to| to.kind);
        kinds.into_iter().any(|kind| compression(kind, Some(batch)).is_none())
    });
    if refused {
        let why = "receivers of OTLP over gRPC take no LZ4, and Zipkin takes gzip alone; to these, spans are sent as the exporter \
                   does by itself";
        found.push(left(FAMILY, "compression", word.value.word(), word.loc, why));
    }
}
