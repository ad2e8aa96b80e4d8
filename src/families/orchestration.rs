//! `orchestration`. Source: the document, "Orchestration Engine Configuration".

use crate::lower::{At, Lowering};
use crate::model::flow::Orchestration;
use crate::model::quantity::Attempts;
use crate::model::vocabulary::{Backoff, Checkpointing, Engine, FailureHandling, Persistence};
use crate::source::Spanned;

/// The engine that runs workflows, and how it handles errors and state.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrchestrationConfig {
    /// The product, such as `temporal`.
    engine: Option<Spanned<Engine>>,
    /// What happens when a step fails.
    error_handling: Option<ErrorHandling>,
    /// How the state of runs is kept.
    state_management: Option<StateManagement>,
}

/// What happens when a step fails.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ErrorHandling {
    /// How often and how fast a step is tried again.
    retry_policy: Option<RetryPolicy>,
    /// What is done when all attempts failed, such as `compensating_transactions`.
    failure_handling: Option<Spanned<FailureHandling>>,
}

/// How often and how fast a step is tried again.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct RetryPolicy {
    /// Attempts in all, the first one included: 3 attempts are 2 retries.
    #[cfg_attr(test, schemars(range(max = 2_147_483_647)))]
    max_attempts: Option<Spanned<u32>>,
    /// How the waiting time grows.
    backoff: Option<Spanned<Backoff>>,
}

/// How the state of runs is kept.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct StateManagement {
    /// Where state lives, such as `event_sourced`.
    persistence: Option<Spanned<Persistence>>,
    /// When state is saved, such as `per_step`.
    checkpointing: Option<Spanned<Checkpointing>>,
    /// Whether a run can be replayed from its history.
    replay_capability: Option<Spanned<bool>>,
}

impl OrchestrationConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let (retry, failure_handling) = match self.error_handling {
            Some(handling) => (handling.retry_policy, handling.failure_handling),
            None => (None, None),
        };
        let (max_attempts, backoff) = match retry {
            Some(retry) => (retry.max_attempts, retry.backoff),
            None => (None, None),
        };
        let (persistence, checkpointing, replay) = match self.state_management {
            Some(state) => (state.persistence, state.checkpointing, state.replay_capability),
            None => (None, None, None),
        };
        let orchestration = Orchestration {
            loc: at.key,
            engine: self.engine,
            max_attempts: max_attempts.map(|attempts| attempts.map(Attempts)),
            backoff,
            failure_handling,
            persistence,
            checkpointing,
            replay,
        };
        out.model.orchestration.entry(at.scope.clone()).or_insert(orchestration);
    }
}
