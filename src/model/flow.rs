//! Workflows, sagas and event processors, and what runs them.
//! Source: the document's "Orchestrated Workflow", "Event-Driven Integration", "Saga" and "Batch Processing" patterns.

pub mod handover;
pub mod order;

use handover::{Condition, Taken};

use super::Suspension;
use super::access::Readable;
use super::name::{FlowId, ServerName, ToolName, UnitName};
use super::quantity::{Attempts, Duration, Kept};
use super::value::TopicName;
use super::vocabulary::{Backoff, BusProvider, Checkpointing, Compression, Engine, FailureHandling, Persistence};
use crate::source::{Loc, Spanned};

/// One flow: a principal that is granted exactly what its steps name.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Kind and name, and where the name stands.
    pub id: Spanned<FlowId>,
    /// Its unit: its own key, else the unit of its folder, else `central`.
    pub unit: Spanned<UnitName>,
    /// Whether `unit` was written rather than derived.
    pub unit_written: bool,
    /// Token subject, where written; else derived from the trust domain.
    pub subject: Option<Spanned<String>>,
    /// What it does, in the order written. An event processor is one step named after itself.
    pub steps: Vec<Step>,
    /// Sagas: `compensations_enabled`.
    pub compensations_enabled: Option<Spanned<bool>>,
    /// Processors: topics it reads.
    pub subscribes_to: Vec<Spanned<String>>,
    /// Switched off.
    pub suspended: Suspension,
}

/// A step of a flow.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name.
    pub name: Spanned<String>,
    /// The servers it calls: one, or several, of which each call goes to the one that fits.
    pub servers: Vec<Spanned<ServerName>>,
    /// The tools it calls, compensations included.
    pub calls: Vec<Call>,
    /// The resources and prompts it reads.
    pub reads: Vec<Read>,
    /// Steps that must be done before.
    pub depends_on: Vec<Spanned<String>>,
    /// Whether the flow goes on without it when it fails.
    pub optional: Option<Spanned<bool>>,
    /// What a result before it must say, or it is not begun.
    pub proceed_if: Option<Condition>,
    /// The arguments of its calls that come from results before it.
    pub takes: Vec<Taken>,
}

/// A resource or prompt that a step reads.
#[derive(Debug, Clone)]
pub struct Read {
    /// What it reads.
    pub what: Spanned<Readable>,
    /// The server that offers it; `None` where several could, which grants nothing.
    pub server: Option<ServerName>,
}

/// A tool call of a step.
#[derive(Debug, Clone)]
pub struct Call {
    /// The tool's name, where it is named.
    pub tool: Spanned<ToolName>,
    /// The server it resolves to; `None` where several could own it, which grants nothing.
    pub server: Option<ServerName>,
    /// Whether it undoes the step instead of doing it.
    pub compensation: bool,
    /// For which data the call goes to this server, where several servers of the step take it. There is then one such call for each of
    /// them, one after the other, and one of them is made.
    pub routed: Option<Routed>,
}

/// For which data a call goes to one of several servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The path of the argument that says of which class the data is.
    pub argument: Vec<String>,
    /// The classes for which the call goes to this server.
    pub classes: Vec<String>,
    /// Whether it is the first of the calls of which one is made.
    pub first: bool,
}

impl Call {
    /// Whether the call before it is made in its place, or it in the place of that one.
    #[must_use]
    pub fn is_alternative(&self) -> bool {
        self.routed.as_ref().is_some_and(|routed| !routed.first)
    }
}

impl Flow {
    /// Whether any step waits for another.
    #[must_use]
    pub fn has_dependencies(&self) -> bool {
        self.steps.iter().any(|step| !step.depends_on.is_empty())
    }

    /// Whether a call of it is ever made: compensations that are switched off are not, and are not granted either.
    #[must_use]
    pub fn makes(&self, call: &Call) -> bool {
        !call.compensation || self.compensations_enabled.as_ref().is_none_or(|switch| switch.value)
    }

    /// All calls with the step they belong to.
    pub fn calls(&self) -> impl Iterator<Item = (&Step, &Call)> {
        self.steps.iter().flat_map(|step| step.calls.iter().map(move |call| (step, call)))
    }
}

/// The `orchestration` section.
#[derive(Debug, Clone)]
pub struct Orchestration {
    /// Where it stands.
    pub loc: Loc,
    /// The engine.
    pub engine: Option<Spanned<Engine>>,
    /// Attempts in all, the first one included.
    pub max_attempts: Option<Spanned<Attempts>>,
    /// How the waiting time grows.
    pub backoff: Option<Spanned<Backoff>>,
    /// What happens on failure (`compensating_transactions`).
    pub failure_handling: Option<Spanned<FailureHandling>>,
    /// How state is kept (`event_sourced`).
    pub persistence: Option<Spanned<Persistence>>,
    /// When state is saved (`per_step`).
    pub checkpointing: Option<Spanned<Checkpointing>>,
    /// Whether runs can be replayed.
    pub replay: Option<Spanned<bool>>,
}

/// The event bus.
#[derive(Debug, Clone, Default)]
pub struct EventBus {
    /// The product.
    pub provider: Option<Spanned<BusProvider>>,
    /// Its topics.
    pub topics: Vec<Topic>,
}

/// A topic of the event bus.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its name.
    pub name: Spanned<TopicName>,
    /// How many partitions.
    pub partitions: Option<Spanned<u32>>,
    /// How long events are kept.
    pub retention: Option<Spanned<Kept>>,
}

/// The `batch_processing` section.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Where it stands.
    pub loc: Loc,
    /// Items in a batch.
    pub batch_size: Option<Spanned<u64>>,
    /// Longest time a batch waits.
    pub flush_interval: Option<Spanned<Duration>>,
    /// How batches are compressed.
    pub compression: Option<Spanned<Compression>>,
    /// Named ways of flushing.
    pub strategies: Vec<BatchStrategy>,
}

/// One way of flushing a batch.
#[derive(Debug, Clone)]
pub struct BatchStrategy {
    /// Its name.
    pub name: Spanned<String>,
    /// When it flushes.
    pub trigger: Option<Spanned<Trigger>>,
    /// Most items that it takes at once.
    pub max_items: Option<Spanned<u64>>,
}

/// When a batch is flushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// At an interval: `every_minute`.
    Every(Duration),
    /// When it is full: `batch_full`.
    BatchFull,
    /// On an item of high priority: `high_priority_item`.
    HighPriorityItem,
}
