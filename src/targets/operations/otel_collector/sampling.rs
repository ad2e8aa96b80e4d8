//! Which traces are kept, and who decides it: SDKs and gateways when a trace begins, or the collector when it has ended.

use crate::model::deployment::Deployment;
use crate::model::quantity::Duration;
use crate::model::telemetry::Tracing;
use crate::model::vocabulary::{PriorityBoost, Sampling};

/// How traces are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Choice {
    /// Every trace is kept.
    All,
    /// None is.
    None,
    /// A share, chosen at the first span.
    Head(f64),
    /// Chosen by the collector.
    Tail(Tail),
}

/// What the collector keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    /// Every trace with an error.
    pub(super) errors: bool,
    /// Every trace that takes so long.
    pub(super) slow: Option<Duration>,
    /// The share of the others; more than nothing and less than all. `None` where no other is kept.
    pub(super) share: Option<f64>,
}

/// The share of traces that is kept whatever is in them.
pub(super) fn share(tracing: &Tracing) -> f64 {
    let rate = tracing.rate.as_ref().map_or(1.0, |rate| rate.value);
    match tracing.strategy.as_ref().map(|strategy| strategy.value) {
        Some(Sampling::AlwaysOn | Sampling::RateLimiting) => 1.0,
        Some(Sampling::AlwaysOff) => 0.0,
        Some(Sampling::Probabilistic | Sampling::Tail) | None => rate,
    }
}

/// How the traces of a section are chosen.
pub(super) fn choice(tracing: &Tracing, deployment: &Deployment) -> Choice {
    let share = share(tracing);
    let boost = tracing.priority_boost.as_ref().map(|boost| boost.value);
    let errors = boost == Some(PriorityBoost::ErrorSpans);
    let slow = deployment.otel_collector.as_ref().and_then(|keys| keys.slow_after.as_ref()).map(|slow| slow.value);
    let slow = slow.filter(|_| boost == Some(PriorityBoost::SlowSpans));
    let at_the_end = tracing.strategy.as_ref().is_some_and(|strategy| strategy.value == Sampling::Tail);
    if share >= 1.0 {
        return Choice::All;
    }
    let others = (share > 0.0).then_some(share);
    // Whether a trace has an error is known when it has ended.
    match others {
        _ if errors || slow.is_some() => Choice::Tail(Tail { errors, slow, share: others }),
        None => Choice::None,
        Some(_) if at_the_end => Choice::Tail(Tail { errors, slow, share: others }),
        Some(share) => Choice::Head(share),
    }
}

/// A share in percent, without the dust of a multiplication.
pub(super) fn percent(share: f64) -> f64 {
    (share * 1e10).round() / 1e8
}
