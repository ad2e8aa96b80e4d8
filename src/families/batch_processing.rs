//! `batch_processing`. Source: the document, "Batch Processing Pattern".

use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::flow::{Batch, BatchStrategy, Trigger};
use crate::model::quantity::Duration;
use crate::model::vocabulary::Compression;
use crate::source::Spanned;

/// How calls are gathered into batches.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchProcessing {
    /// Items in a batch.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000)))]
    batch_size: Option<Spanned<u64>>,
    /// The longest that a batch waits to be sent.
    flush_interval: Option<Spanned<Duration>>,
    /// How batches are compressed.
    compression: Option<Spanned<Compression>>,
    /// Ways of flushing, by name.
    #[serde(default)]
    strategies: Vec<StrategySection>,
}

/// A way of flushing.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct StrategySection {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// When it flushes.
    trigger: Option<Spanned<TriggerWord>>,
    /// The most items that it takes at once.
    #[cfg_attr(test, schemars(range(min = 1, max = 2_147_483_647)))]
    max_items: Option<Spanned<u64>>,
}

words! {
    /// `trigger`.
    enum TriggerWord {
        EverySecond = "every_second",
        EveryMinute = "every_minute",
        EveryHour = "every_hour",
        EveryDay = "every_day",
        BatchFull = "batch_full",
        HighPriorityItem = "high_priority_item",
    }
}

impl BatchProcessing {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut strategies = Vec::new();
        for strategy in self.strategies {
            let key = format!("{:?}\u{0}{}", at.scope, strategy.name);
            if out.declare_as("batch strategy", key, &strategy.name.value, strategy.name.loc) {
                strategies.push(BatchStrategy {
                    name: strategy.name,
                    trigger: strategy.trigger.map(|word| word.map(trigger)),
                    max_items: strategy.max_items,
                });
            }
        }
        let batch = Batch {
            loc: at.key,
            batch_size: self.batch_size,
            flush_interval: self.flush_interval,
            compression: self.compression,
            strategies,
        };
        out.model.batch.entry(at.scope.clone()).or_insert(batch);
    }
}

fn trigger(word: TriggerWord) -> Trigger {
    match word {
        TriggerWord::EverySecond => Trigger::Every(Duration(1_000)),
        TriggerWord::EveryMinute => Trigger::Every(Duration(60_000)),
        TriggerWord::EveryHour => Trigger::Every(Duration(3_600_000)),
        TriggerWord::EveryDay => Trigger::Every(Duration(86_400_000)),
        TriggerWord::BatchFull => Trigger::BatchFull,
        TriggerWord::HighPriorityItem => Trigger::HighPriorityItem,
    }
}
