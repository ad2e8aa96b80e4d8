//! What OpenTelemetry's conventions for MCP name, for all that a workspace does not name itself. Source: OpenTelemetry Semantic
//! Conventions, "Model Context Protocol" (status: development), and Prometheus' translation of OpenTelemetry's names.

use std::sync::LazyLock;

use super::Metric;
use crate::model::Model;
use crate::model::value::{LabelName, MetricName};
use crate::model::vocabulary::MetricKind;
use crate::source::{Loc, Spanned};

/// `mcp.method.name`: the method of a message.
pub const METHOD: &str = "mcp.method.name";
/// `gen_ai.tool.name`: the tool that a call runs.
pub const TOOL: &str = "gen_ai.tool.name";
/// `gen_ai.prompt.name`: the prompt that is asked for.
pub const PROMPT: &str = "gen_ai.prompt.name";
/// `gen_ai.operation.name`: `execute_tool` for the call of a tool.
pub const OPERATION: &str = "gen_ai.operation.name";
/// `mcp.protocol.version`: the revision of the protocol that a client names.
pub const REVISION: &str = "mcp.protocol.version";

/// [`METHOD`] as a label of Prometheus.
pub const METHOD_LABEL: &str = "mcp_method_name";
/// [`TOOL`] as a label of Prometheus.
pub const TOOL_LABEL: &str = "gen_ai_tool_name";
/// `error.type` as a label of Prometheus; absent where nothing failed.
pub const ERROR_LABEL: &str = "error_type";

/// `mcp.server.operation.duration`, in seconds, as Prometheus names it.
const DURATION: &str = "mcp_server_operation_duration_seconds";

/// The metric of that name; always there, as its name and its labels are well-formed.
static OPERATION_DURATION: LazyLock<Option<Metric>> = LazyLock::new(|| {
    let label = |text: &str| Some(Spanned::new(LabelName::parse(text).ok()?, Loc::default()));
    Some(Metric {
        name: Spanned::new(MetricName::parse(DURATION).ok()?, Loc::default()),
        kind: Spanned::new(MetricKind::Histogram, Loc::default()),
        labels: ["mcp_server", METHOD_LABEL, TOOL_LABEL, ERROR_LABEL].into_iter().filter_map(label).collect(),
    })
});

/// The metrics that are declared, and the one of the conventions where any is declared and none has its name.
pub fn measured<'m>(declared: impl Iterator<Item = &'m Metric> + Clone) -> impl Iterator<Item = &'m Metric> {
    let is_wanted = declared.clone().next().is_some() && !declared.clone().any(|metric| metric.name.value == DURATION);
    declared.chain(OPERATION_DURATION.as_ref().filter(|_| is_wanted))
}

impl Model {
    /// The metrics that are read: those that are declared anywhere, and the one of the conventions.
    pub fn metrics_read(&self) -> impl Iterator<Item = &Metric> {
        measured(self.metrics.values().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conventions_name_what_the_workspace_does_not() {
        let named = |name: &str| Metric {
            name: Spanned::new(MetricName::parse(name).unwrap(), Loc::default()),
            ..OPERATION_DURATION.clone().unwrap()
        };
        let names = |declared: &[Metric]| -> Vec<String> {
            measured(declared.iter()).map(|metric| metric.name.value.to_string()).collect()
        };
        assert!(names(&[]).is_empty());
        assert_eq!(names(&[named("mcp_requests_total")]), ["mcp_requests_total", DURATION]);
        assert_eq!(names(&[named(DURATION)]), [DURATION]);
        assert_eq!(OPERATION_DURATION.as_ref().unwrap().labels.len(), 4);
    }
}
