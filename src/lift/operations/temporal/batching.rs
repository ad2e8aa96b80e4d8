//! How items are gathered into batches: read back, and as the model has it.

use serde::Deserialize;

use crate::lift::LiftError;
use crate::model::Model;
use crate::model::flow::{Batch, Flow, Trigger};

/// How many items make a batch full, how long one waits at most, and by name what sends a batch before, with the most items of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batching {
    size: Option<u64>,
    flush: Option<u64>,
    strategies: Vec<(String, Trigger, Option<u64>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BatchingFile {
    size: Option<u64>,
    flush_interval_ms: Option<u64>,
    #[serde(default)]
    strategies: Vec<StrategyFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StrategyFile {
    name: String,
    on: Option<String>,
    every_ms: Option<u64>,
    max_items: Option<u64>,
}

/// What a plan says.
pub(super) fn read(file: BatchingFile) -> Result<Batching, LiftError> {
    let trigger = |one: &StrategyFile| match (one.on.as_deref(), one.every_ms) {
        (None, Some(every)) => Ok(Trigger::Every(crate::model::quantity::Duration(every))),
        (Some("full"), None) => Ok(Trigger::BatchFull),
        (Some("highPriority"), None) => Ok(Trigger::HighPriorityItem),
        _ => super::unexpected(format!("the strategy `{}` has another trigger", one.name)),
    };
    let strategies = file.strategies.into_iter().map(|one| Ok((one.name.clone(), trigger(&one)?, one.max_items)));
    let strategies = strategies.collect::<Result<_, LiftError>>()?;
    Ok(Batching { size: file.size, flush: file.flush_interval_ms, strategies })
}

/// What the model says of the unit of a flow; a unit's own batches come before the central ones.
pub(super) fn expected(model: &Model, flow: &Flow) -> Option<Batching> {
    let own = model.batch.get(&Some(flow.unit.value.clone()));
    let Batch { batch_size, flush_interval, strategies, .. } = own.or_else(|| model.batch.get(&None))?;
    let mut sent = Vec::new();
    for strategy in strategies {
        match strategy.trigger.as_ref().map(|trigger| trigger.value.clone()) {
            Some(Trigger::BatchFull) if batch_size.is_none() => {}
            Some(trigger) => {
                sent.push((strategy.name.value.clone(), trigger, strategy.max_items.as_ref().map(|most| most.value)));
            }
            None => {}
        }
    }
    let found = Batching {
        size: batch_size.as_ref().map(|size| size.value),
        flush: flush_interval.as_ref().map(|time| time.value.0),
        strategies: sent,
    };
    (found != Batching { size: None, flush: None, strategies: Vec::new() }).then_some(found)
}
