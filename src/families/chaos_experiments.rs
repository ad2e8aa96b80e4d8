//! `chaos_experiments`. Source: the document, "Chaos Engineering".

use crate::lower::{At, Lowering};
use crate::model::assurance::{Chaos, Experiment, ExperimentKind};
use crate::model::quantity::{Duration, Percent};
use crate::model::vocabulary::Outcome;
use crate::source::Spanned;

/// What is broken on purpose, and what should come of it.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChaosExperiments {
    /// Cutting networks off.
    #[serde(default)]
    network_partitions: Vec<Partition>,
    /// Using a resource up.
    #[serde(default)]
    resource_exhaustion: Vec<Exhaustion>,
    /// Letting a dependency fail.
    #[serde(default)]
    dependency_failures: Vec<DependencyFailure>,
}

/// Cutting a network off.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Partition {
    /// What is cut off, such as `mcp_server_subnet`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    target: Spanned<String>,
    /// How long.
    duration: Option<Spanned<Duration>>,
    /// What the system should do, such as `graceful_degradation`.
    expected: Option<Spanned<Outcome>>,
}

/// Using a resource up.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Exhaustion {
    /// Whose.
    #[cfg_attr(test, schemars(length(min = 1)))]
    target: Spanned<String>,
    /// How much of it is used up, such as `90%_memory`.
    limit: Option<Spanned<Percent>>,
    /// How long.
    duration: Option<Spanned<Duration>>,
    /// What the system should do, such as `load_shedding`.
    expected: Option<Spanned<Outcome>>,
}

/// Letting a dependency fail.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct DependencyFailure {
    /// Which.
    #[cfg_attr(test, schemars(length(min = 1)))]
    target: Spanned<String>,
    /// The share of calls that fail, such as `50%`.
    failure_rate: Option<Spanned<Percent>>,
    /// How long.
    duration: Option<Spanned<Duration>>,
    /// What the system should do, such as `circuit_breaker_activation`.
    expected: Option<Spanned<Outcome>>,
}

impl ChaosExperiments {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let partitions = self.network_partitions.into_iter().map(|e| Experiment {
            kind: ExperimentKind::NetworkPartition,
            target: e.target,
            duration: e.duration,
            amount: None,
            expected: e.expected,
        });
        let exhaustions = self.resource_exhaustion.into_iter().map(|e| Experiment {
            kind: ExperimentKind::ResourceExhaustion,
            target: e.target,
            duration: e.duration,
            amount: e.limit,
            expected: e.expected,
        });
        let failures = self.dependency_failures.into_iter().map(|e| Experiment {
            kind: ExperimentKind::DependencyFailure,
            target: e.target,
            duration: e.duration,
            amount: e.failure_rate,
            expected: e.expected,
        });
        let mut experiments: Vec<Experiment> = partitions.chain(exhaustions).chain(failures).collect();
        experiments.sort_by_key(|experiment| experiment.target.loc);
        out.model.chaos.entry(at.scope.clone()).or_insert(Chaos { loc: at.key, experiments });
    }
}
