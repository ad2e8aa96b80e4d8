//! What the target uses of a scope.

use super::exporters::{Destination, destination};
use super::sampling::{Choice, Tail, choice};
use crate::model::flow::Batch;
use crate::model::telemetry::{Exporter, Tracing};
use crate::model::{Model, Scope};
use crate::targets::names::dns_labels;
use crate::targets::{CompileError, TargetId};

/// The traces of a scope.
pub(super) struct Used<'m> {
    pub(super) scope: &'m Scope,
    pub(super) tracing: &'m Tracing,
    /// Batching for the scope: its own, else the central one.
    pub(super) batch: Option<&'m Batch>,
    pub(super) choice: Choice,
}

impl<'m> Used<'m> {
    /// Every scope that has traces.
    pub(super) fn all(model: &'m Model) -> impl Iterator<Item = Self> {
        model.tracing.iter().map(|(scope, tracing)| Self {
            scope,
            tracing,
            batch: Model::in_scope(&model.batch, scope),
            choice: choice(tracing, &model.deployment),
        })
    }

    /// What the collector chooses.
    pub(super) fn tail(&self) -> Option<Tail> {
        match self.choice {
            Choice::Tail(tail) => Some(tail),
            Choice::All | Choice::None | Choice::Head(_) => None,
        }
    }

    /// Whether there is anything to send, and a place to send it to.
    pub(super) fn has_collector(&self) -> bool {
        self.choice != Choice::None && self.tracing.exporters.iter().any(|exporter| destination(exporter).is_some())
    }

    /// The exporters that the collector can send to, each with its name there.
    pub(super) fn destinations(&self) -> Result<Vec<(&'m Exporter, String, Destination<'m>)>, CompileError> {
        let reached = || self.tracing.exporters.iter().filter_map(|one| Some((one, destination(one)?)));
        let names = reached().map(|(exporter, _)| (exporter.name.value.as_str(), exporter.name.loc));
        let labels = dns_labels(TargetId::OtelCollector, names).map_err(CompileError::Findings)?;
        let label = |exporter: &Exporter| labels.get(exporter.name.value.as_str()).cloned().unwrap_or_default();
        Ok(reached().map(|(exporter, to)| (exporter, label(exporter), to)).collect())
    }
}
