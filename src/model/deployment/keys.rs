//! The keys that single targets have in `mcpctl.yaml`.

use std::collections::BTreeMap;

use super::Gateways;
use super::egress::Egress;
use super::placement::Placement;
use crate::model::quantity::{Bytes, Duration};
use crate::model::value::{HttpUrl, Origin};
use crate::source::Spanned;

/// Keys of `agentcore`.
#[derive(Debug, Clone, Default)]
pub struct Agentcore {
    /// ARN of the gateway.
    pub gateway_arn: Option<Spanned<String>>,
}

/// Keys of `agentgateway`.
#[derive(Debug, Clone, Default)]
pub struct Agentgateway {
    /// Listeners.
    pub gateways: Gateways,
    /// Kubernetes namespace of the policy form.
    pub namespace: Option<Spanned<String>>,
    /// The version that the gateways have: `1.4` or `1.7`.
    pub version: Option<Spanned<&'static str>>,
}

/// Keys of `agentic-networking`.
#[derive(Debug, Clone, Default)]
pub struct AgenticNetworking {
    /// Kubernetes namespace of the policies.
    pub namespace: Option<Spanned<String>>,
}

/// Keys of `ai-gateway`.
#[derive(Debug, Clone, Default)]
pub struct AiGateway {
    /// Kubernetes namespace of the routes.
    pub namespace: Option<Spanned<String>>,
    /// Name of the Kubernetes `Gateway` that routes are attached to.
    pub gateway: Option<Spanned<String>>,
}

/// Keys of `envoy`.
#[derive(Debug, Clone, Default)]
pub struct Envoy {
    /// Listeners.
    pub gateways: Gateways,
    /// Status of a denial: 403 or 200.
    pub deny_status: Option<Spanned<u32>>,
    /// Origins of web pages that may call the gateways, beside the gateways' own.
    pub origins: Vec<Spanned<Origin>>,
    /// How many processes run each gateway.
    pub replicas: Option<Spanned<u32>>,
    /// The oldest that a request with its answer, and a connection, may get.
    pub max_stream_age: Option<Spanned<Duration>>,
    /// Where processors are that run the controls of classes for servers that lack them, by control.
    pub controls: BTreeMap<String, Spanned<HttpUrl>>,
}

/// Keys of `istio`.
#[derive(Debug, Clone, Default)]
pub struct Istio {
    /// Kubernetes namespace of the servers.
    pub namespace: Option<Spanned<String>>,
    /// Domain of the cluster, with which the names of its services end.
    pub cluster_domain: Option<Spanned<String>>,
    /// Whether the gateway in front verifies the headers `Mcp-Method` and `Mcp-Name` against the body.
    pub verified_headers: Option<Spanned<bool>>,
}

/// Keys of `kafka`.
#[derive(Debug, Clone, Default)]
pub struct Kafka {
    /// Name of the `Kafka` resource of Strimzi whose topics they are.
    pub cluster: Option<Spanned<String>>,
    /// How many brokers hold each partition.
    pub replicas: Option<Spanned<u32>>,
}

/// Keys of `kubernetes`.
#[derive(Debug, Clone, Default)]
pub struct Kubernetes {
    /// Kubernetes namespace of the servers.
    pub namespace: Option<Spanned<String>>,
    /// Domain of the cluster, with which the names of its services end.
    pub cluster_domain: Option<Spanned<String>>,
    /// What gateways may connect to beside servers and each other.
    pub egress: Vec<Egress>,
    /// What tells the nodes of locations from others.
    pub locations: Vec<Placement>,
}

/// Keys of `otel-collector`.
#[derive(Debug, Clone, Default)]
pub struct OtelCollector {
    /// Where SDKs send spans to the collector.
    pub endpoint: Option<Spanned<HttpUrl>>,
    /// The most memory that it uses.
    pub memory: Option<Spanned<Bytes>>,
    /// The most sensitive class of a server whose users keep a pseudonym in spans.
    pub pseudonyms_up_to: Option<Spanned<String>>,
    /// How long a trace takes that `slow_spans` means.
    pub slow_after: Option<Spanned<Duration>>,
}

/// Keys of `prometheus`.
#[derive(Debug, Clone, Default)]
pub struct Prometheus {
    /// Where Alertmanager takes alerts.
    pub alertmanager: Option<Spanned<HttpUrl>>,
}

/// Keys of `redis`.
#[derive(Debug, Clone, Default)]
pub struct Redis {
    /// Masters of a cluster, between which its keys are spread.
    pub masters: Option<Spanned<u32>>,
}

/// Keys of `toolhive`.
#[derive(Debug, Clone, Default)]
pub struct Toolhive {
    /// Kubernetes namespace of the resources.
    pub namespace: Option<Spanned<String>>,
}
