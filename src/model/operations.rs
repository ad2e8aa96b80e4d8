//! Circuit breakers, bulkheads, health, caches and connection pools.
//! Source: the document's "Operational Integration Patterns" and "Performance Optimization Patterns".

use super::name::ServerName;
use super::quantity::{Bytes, Duration};
use super::value::ProbeEndpoint;
use super::vocabulary::{Balancing, CacheLocation, DependencyMapping, Discovery, Eviction, Fallback, UpstreamFailures};
use crate::source::{Loc, Spanned};

/// The `circuit_breaker_config` section. It holds for every server.
#[derive(Debug, Clone)]
pub struct Breaker {
    /// Where it stands.
    pub loc: Loc,
    /// Failures in a row that open the circuit.
    pub failure_threshold: Option<Spanned<u32>>,
    /// The time a call may take.
    pub timeout: Option<Spanned<Duration>>,
    /// Trial calls after that.
    pub half_open_max_calls: Option<Spanned<u32>>,
    /// How long it stays open before calls are tried again.
    pub half_open_timeout: Option<Spanned<Duration>>,
    /// What is done on upstream failures (`isolate_downstream`).
    pub upstream_failures: Option<Spanned<UpstreamFailures>>,
    /// How dependencies are known (`automatic_discovery`).
    pub dependency_mapping: Option<Spanned<DependencyMapping>>,
    /// What is served instead, in order (`cached_responses`, `degraded_mode`).
    pub fallback_strategies: Vec<Spanned<Fallback>>,
}

impl Breaker {
    /// Failures in a row that open the circuit; 5 where another key of the breaker is written and this one is not. `None` where
    /// the section sets up no breaker, but at most a time limit.
    #[must_use]
    pub fn opens_after(&self) -> Option<u32> {
        const FAILURES: u32 = 5;
        let written = self.failure_threshold.as_ref().map(|threshold| threshold.value);
        written.or_else(|| (self.half_open_timeout.is_some() || self.half_open_max_calls.is_some()).then_some(FAILURES))
    }

    /// Whether each caller has a circuit of its own, so that what one of them meets cuts off that one alone.
    #[must_use]
    pub fn isolates(&self) -> bool {
        self.upstream_failures.as_ref().is_some_and(|word| word.value == UpstreamFailures::IsolateDownstream)
    }

    /// Whether a call that is held back fails at once, instead of waiting until the circuit lets it through. Of the fallbacks the
    /// first one that says so counts.
    #[must_use]
    pub fn fails_fast(&self) -> bool {
        let mut fallbacks = self.fallback_strategies.iter().map(|fallback| fallback.value);
        let first = fallbacks.find(|word| matches!(word, Fallback::FailFast | Fallback::QueueRequests));
        let failing = self.upstream_failures.as_ref().is_some_and(|word| word.value == UpstreamFailures::FailFast);
        first.map_or(failing, |word| word == Fallback::FailFast)
    }

    /// Whether callers are told when the server may be back.
    #[must_use]
    pub fn degrades(&self) -> bool {
        self.fallback_strategies.iter().any(|fallback| fallback.value == Fallback::DegradedMode)
    }

    /// How long the circuit stays open; 30 seconds where it is not written.
    #[must_use]
    pub fn open_for(&self) -> Duration {
        const OPEN: Duration = Duration(30_000);
        self.half_open_timeout.as_ref().map_or(OPEN, |open| open.value)
    }
}

/// A bulkhead: resources set aside for some servers.
#[derive(Debug, Clone)]
pub struct ResourcePool {
    /// Its name.
    pub name: Spanned<String>,
    /// Its servers.
    pub servers: Vec<Spanned<ServerName>>,
    /// Cores in total, in thousandths.
    pub cpu_millicores: Option<Spanned<u64>>,
    /// Memory in total.
    pub memory: Option<Spanned<Bytes>>,
    /// Connections in total.
    pub connections: Option<Spanned<u64>>,
}

/// The `health_monitoring` section.
#[derive(Debug, Clone)]
pub struct Health {
    /// Where it stands.
    pub loc: Loc,
    /// Discovery product (`consul`).
    pub discovery_service: Option<Spanned<Discovery>>,
    /// The checks, in order.
    pub checks: Vec<HealthCheck>,
    /// How calls are spread over instances.
    pub strategy: Option<Spanned<Balancing>>,
    /// Weight of health, as a ratio of 1.
    pub health_factor: Option<Spanned<f64>>,
    /// Weight of latency, as a ratio of 1.
    pub latency_factor: Option<Spanned<f64>>,
}

/// One health check.
#[derive(Debug, Clone)]
pub struct HealthCheck {
    /// Where it stands.
    pub loc: Loc,
    /// What is probed.
    pub probe: Probe,
    /// Time between probes.
    pub interval: Option<Spanned<Duration>>,
    /// Longest time a probe may take.
    pub timeout: Option<Spanned<Duration>>,
}

/// What a health check probes.
#[derive(Debug, Clone)]
pub enum Probe {
    /// An HTTP path or URL.
    Http(Option<Spanned<ProbeEndpoint>>),
    /// A TCP port.
    Tcp(Option<Spanned<u16>>),
    /// The gRPC health service.
    Grpc(Option<Spanned<u16>>),
}

/// A cache layer, the one nearest to the caller first.
#[derive(Debug, Clone)]
pub struct CacheLayer {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it is (`gateway`, `mcp_server`, `redis_cluster`).
    pub location: Option<Spanned<CacheLocation>>,
    /// How long entries live.
    pub ttl: Option<Spanned<Duration>>,
    /// What makes room when it is full.
    pub eviction: Option<Spanned<Eviction>>,
    /// Its size.
    pub size: Option<Spanned<Bytes>>,
}

/// Connection pools.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// Database pools.
    pub database: Vec<DatabasePool>,
    /// HTTP pools.
    pub http: Vec<HttpPool>,
}

/// A database pool of one server's instances; sizes are per instance.
#[derive(Debug, Clone)]
pub struct DatabasePool {
    /// The server.
    pub server: Spanned<ServerName>,
    /// Connections kept.
    pub pool_size: Option<Spanned<u64>>,
    /// Connections beyond that under load.
    pub max_overflow: Option<Spanned<u64>>,
    /// Age at which a connection is replaced.
    pub recycle_time: Option<Spanned<Duration>>,
}

/// An HTTP pool towards one server; sizes are per instance of the caller.
#[derive(Debug, Clone)]
pub struct HttpPool {
    /// The server.
    pub server: Spanned<ServerName>,
    /// Connections.
    pub pool_size: Option<Spanned<u64>>,
    /// How long an idle connection is kept.
    pub keep_alive: Option<Spanned<Duration>>,
    /// Longest time a request may take.
    pub timeout: Option<Spanned<Duration>>,
}
