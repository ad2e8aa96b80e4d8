//! `health_monitoring`. Source: the document, "Health Check and Service Discovery".

use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::operations::{Health, HealthCheck, Probe};
use crate::model::quantity::Duration;
use crate::model::value::ProbeEndpoint;
use crate::model::vocabulary::{Balancing, Discovery};
use crate::source::Spanned;

/// How servers are found, probed and balanced.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HealthMonitoring {
    /// The discovery product, such as `consul`.
    discovery_service: Option<Spanned<Discovery>>,
    /// The probes.
    #[serde(default)]
    health_checks: Vec<Spanned<CheckSection>>,
    /// How calls are spread over instances.
    load_balancing: Option<LoadBalancing>,
}

/// A probe.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct CheckSection {
    /// What kind.
    r#type: Spanned<ProbeWord>,
    /// The path or URL of an HTTP probe, such as `/health`.
    endpoint: Option<Spanned<ProbeEndpoint>>,
    /// The port of a TCP or gRPC probe.
    #[cfg_attr(test, schemars(range(min = 1)))]
    port: Option<Spanned<u16>>,
    /// Time between probes.
    interval: Option<Spanned<Duration>>,
    /// The longest that a probe may take.
    timeout: Option<Spanned<Duration>>,
}

/// How calls are spread over instances.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LoadBalancing {
    /// The strategy.
    strategy: Option<Spanned<Balancing>>,
    /// The weight of health, of 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    health_factor: Option<Spanned<f64>>,
    /// The weight of latency, of 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    latency_factor: Option<Spanned<f64>>,
}

words! {
    /// `type` of a probe.
    enum ProbeWord { Http = "http", Tcp = "tcp", Grpc = "grpc", }
}

impl HealthMonitoring {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let checks = self.health_checks.into_iter().map(|Spanned { value: check, loc }| HealthCheck {
            loc,
            probe: match check.r#type.value {
                ProbeWord::Http => Probe::Http(check.endpoint),
                ProbeWord::Tcp => Probe::Tcp(check.port),
                ProbeWord::Grpc => Probe::Grpc(check.port),
            },
            interval: check.interval,
            timeout: check.timeout,
        });
        let checks = checks.collect();
        let (strategy, health_factor, latency_factor) = match self.load_balancing {
            Some(balancing) => (balancing.strategy, balancing.health_factor, balancing.latency_factor),
            None => (None, None, None),
        };
        let health = Health {
            loc: at.key,
            discovery_service: self.discovery_service,
            checks,
            strategy,
            health_factor,
            latency_factor,
        };
        out.model.health.entry(at.scope.clone()).or_insert(health);
    }
}
