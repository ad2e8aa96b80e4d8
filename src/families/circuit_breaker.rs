//! `circuit_breaker_config`. Source: the document, "Circuit Breaker Pattern".

use crate::lower::{At, Lowering};
use crate::model::operations::Breaker;
use crate::model::quantity::Duration;
use crate::model::vocabulary::{DependencyMapping, Fallback, UpstreamFailures};
use crate::source::Spanned;

/// When calls to a failing server are cut off, and what is served instead.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CircuitBreakerConfig {
    /// The breaker in front of every MCP server.
    per_mcp_server: Option<PerServer>,
    /// How failures are kept from spreading.
    cascading_protection: Option<CascadingProtection>,
}

/// The breaker in front of every MCP server.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct PerServer {
    /// Failures in a row that open the circuit: answers of 500 and above, refused and reset connections, calls that took too long.
    #[cfg_attr(test, schemars(range(min = 1)))]
    failure_threshold: Option<Spanned<u32>>,
    /// The time a call may take. Where an answer is a stream, the longest pause in it.
    timeout: Option<Spanned<Duration>>,
    /// Trial calls that are then let through.
    #[cfg_attr(test, schemars(range(min = 1)))]
    half_open_max_calls: Option<Spanned<u32>>,
    /// How long it stays open before calls are tried again.
    half_open_timeout: Option<Spanned<Duration>>,
}

/// How failures are kept from spreading.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct CascadingProtection {
    /// What is done when an upstream fails, such as `isolate_downstream`.
    upstream_failures: Option<Spanned<UpstreamFailures>>,
    /// How dependencies are known: by grants, flows and processors (`automatic_discovery`), or by workflows and sagas alone (`declared`).
    dependency_mapping: Option<Spanned<DependencyMapping>>,
    /// What is served instead, in order, such as `cached_responses`.
    #[serde(default)]
    fallback_strategies: Vec<Spanned<Fallback>>,
}

impl CircuitBreakerConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let (failure_threshold, timeout, half_open_max_calls, half_open_timeout) = match self.per_mcp_server {
            Some(b) => (b.failure_threshold, b.timeout, b.half_open_max_calls, b.half_open_timeout),
            None => (None, None, None, None),
        };
        let (upstream_failures, dependency_mapping, fallback_strategies) = match self.cascading_protection {
            Some(c) => (c.upstream_failures, c.dependency_mapping, c.fallback_strategies),
            None => (None, None, Vec::new()),
        };
        let breaker = Breaker {
            loc: at.key,
            failure_threshold,
            timeout,
            half_open_max_calls,
            half_open_timeout,
            upstream_failures,
            dependency_mapping,
            fallback_strategies,
        };
        out.model.breaker.entry(at.scope.clone()).or_insert(breaker);
    }
}
