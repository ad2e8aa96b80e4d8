//! How the items of a flow are gathered before their runs are started together, by `batch_processing`.

use serde::Serialize;

use crate::families::FamilyId;
use crate::model::Model;
use crate::model::flow::{Batch, BatchStrategy, Flow, Trigger};
use crate::targets::NotExpressed;

/// How items are gathered into batches. Each item is a run of the flow.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Batching {
    /// How many items make a batch full; absent where the workspace does not say.
    #[cfg_attr(test, schemars(range(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The longest that an item waits, in milliseconds; absent where the workspace does not say.
    #[cfg_attr(test, schemars(range(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flush_interval_ms: Option<u64>,
    /// What sends a batch before that, and how much of what waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<Strategy>,
}

/// What sends a batch.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Strategy {
    /// Its name, which the runs of its batches bear in their memo.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub name: String,
    /// The event that sends a batch; absent for one that is sent at an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<SentOn>,
    /// The interval at which a batch is sent, in milliseconds.
    #[cfg_attr(test, schemars(range(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
    /// The most items of one batch, those of high priority first; absent for all that wait.
    #[cfg_attr(test, schemars(range(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
}

/// What sends a batch: see [`Strategy::on`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum SentOn {
    /// As many items wait as make a batch full.
    Full,
    /// An item of high priority came.
    HighPriority,
}

/// What the workspace says of batches in the unit of a flow.
pub(super) fn of(model: &Model, flow: &Flow) -> Option<Batching> {
    let batch = Model::in_scope(&model.batch, &Some(flow.unit.value.clone()))?;
    let number = |value: &Option<crate::source::Spanned<u64>>| value.as_ref().map(|value| value.value);
    let strategies: Vec<Strategy> = batch
        .strategies
        .iter()
        .filter(|one| why_never(batch, one).is_none())
        .map(|one| {
            let trigger = one.trigger.as_ref().map(|trigger| &trigger.value);
            let (on, every_ms) = match trigger {
                Some(Trigger::Every(time)) => (None, Some(time.0)),
                Some(Trigger::BatchFull) => (Some(SentOn::Full), None),
                Some(Trigger::HighPriorityItem) => (Some(SentOn::HighPriority), None),
                None => (None, None),
            };
            Strategy { name: one.name.value.clone(), on, every_ms, max_items: number(&one.max_items) }
        })
        .collect();
    let size = number(&batch.batch_size);
    let flush_interval_ms = batch.flush_interval.as_ref().map(|time| time.value.0);
    let says = size.is_some() || flush_interval_ms.is_some() || !strategies.is_empty();
    says.then_some(Batching { size, flush_interval_ms, strategies })
}

/// Why a strategy never sends a batch.
fn why_never(batch: &Batch, strategy: &BatchStrategy) -> Option<&'static str> {
    match strategy.trigger.as_ref().map(|trigger| &trigger.value) {
        None => Some("it has no trigger, so it sends no batch; write `trigger:`"),
        Some(Trigger::BatchFull) if batch.batch_size.is_none() => {
            Some("nothing says how many items make a batch full; write `batch_size`")
        }
        Some(Trigger::Every(_) | Trigger::BatchFull | Trigger::HighPriorityItem) => None,
    }
}

/// Strategies that never send a batch.
pub(super) fn unexpressed(model: &Model) -> impl Iterator<Item = NotExpressed> {
    model.batch.values().flat_map(|batch| {
        batch.strategies.iter().filter_map(move |strategy| {
            let why = why_never(batch, strategy)?;
            let key = format!("strategies[].name: {}", strategy.name);
            Some(NotExpressed { family: FamilyId::BatchProcessing, key, loc: strategy.name.loc, why, own: true })
        })
    })
}
