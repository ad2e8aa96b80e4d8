//! The targets that configure an engine and decide no call.

pub mod cache_plan;
pub mod chaos;
pub mod consul;
pub mod elasticsearch;
pub mod kafka;
pub mod kubernetes;
pub mod otel_collector;
pub mod pools;
pub mod prometheus;
pub mod redis;
pub mod scenarios;
mod scopes;
pub mod temporal;

use crate::model::Model;
use crate::targets::TargetId;
use crate::targets::left_out::Waiting;

/// What keeps files of a target from being written, although the target is compiled.
#[must_use]
pub fn waiting(target: TargetId, model: &Model) -> Option<Waiting> {
    let all = [
        (TargetId::Chaos, chaos::waiting as fn(&Model) -> _),
        (TargetId::Consul, consul::waiting),
        (TargetId::OtelCollector, otel_collector::waiting),
        (TargetId::Prometheus, prometheus::waiting),
    ];
    all.into_iter().find(|(known, _)| *known == target).and_then(|(_, waiting)| waiting(model))
}
