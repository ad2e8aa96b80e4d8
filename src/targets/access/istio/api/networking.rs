//! The group `networking.istio.io`: traffic to a host, and hosts that the mesh does not know as services.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::targets::objects::kinds;

kinds!("networking.istio.io/v1"; DestinationRule, ServiceEntry);

/// `DestinationRule`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationRule {
    /// `exportTo`: the namespaces whose pods go by it.
    pub export_to: Vec<String>,
    /// `host`.
    pub host: String,
    /// `trafficPolicy`.
    pub traffic_policy: TrafficPolicy,
}

/// `trafficPolicy` of a `DestinationRule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficPolicy {
    /// `connectionPool`: limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<ConnectionPool>,
    /// `outlierDetection`: the circuit breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetection>,
    /// `tls`.
    pub tls: Tls,
}

/// `trafficPolicy.connectionPool`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionPool {
    /// `http`.
    pub http: HttpPool,
    /// `tcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpPool>,
}

/// `trafficPolicy.connectionPool.http`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpPool {
    /// `http2MaxRequests`: most requests at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2_max_requests: Option<i32>,
    /// `idleTimeout` of a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<String>,
}

/// `trafficPolicy.connectionPool.tcp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpPool {
    /// `maxConnections` to a pod.
    pub max_connections: i32,
}

/// `trafficPolicy.outlierDetection`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlierDetection {
    /// `baseEjectionTime`: how long a pod takes no calls, the first time.
    pub base_ejection_time: String,
    /// `consecutive5xxErrors`: faults in a row after which a pod takes no calls.
    pub consecutive5xx_errors: u32,
    /// `interval` at which pods are looked at.
    pub interval: String,
    /// `maxEjectionPercent`: the share of pods that may be without calls at once.
    pub max_ejection_percent: u32,
    /// `splitExternalLocalOriginErrors`: whether faults of the connection are counted apart.
    pub split_external_local_origin_errors: bool,
}

/// `trafficPolicy.tls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// `mode`.
    pub mode: TlsMode,
}

/// `trafficPolicy.tls.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TlsMode {
    /// `ISTIO_MUTUAL`: mutual TLS with the certificates of the mesh.
    #[serde(rename = "ISTIO_MUTUAL")]
    IstioMutual,
}

/// `ServiceEntry`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEntry {
    /// `exportTo`: the namespaces whose pods see the host.
    pub export_to: Vec<String>,
    /// `hosts`.
    pub hosts: Vec<String>,
    /// `location`.
    pub location: Location,
    /// `ports`.
    pub ports: Vec<Port>,
    /// `resolution`.
    pub resolution: Resolution,
    /// `workloadSelector`.
    pub workload_selector: WorkloadSelector,
}

/// `location` of a `ServiceEntry`.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Location {
    /// `MESH_INTERNAL`: its pods have proxies.
    #[serde(rename = "MESH_INTERNAL")]
    MeshInternal,
}

/// `resolution` of a `ServiceEntry`.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Resolution {
    /// `STATIC`: the addresses are those of the pods.
    #[serde(rename = "STATIC")]
    Static,
}

/// `ports[]` of a `ServiceEntry`.
#[derive(Debug, Clone, Serialize)]
pub struct Port {
    /// `name`.
    pub name: String,
    /// `number`.
    pub number: u16,
    /// `protocol`.
    pub protocol: String,
}

/// `workloadSelector` of a `ServiceEntry`: the pods that the host leads to.
#[derive(Debug, Clone, Serialize)]
pub struct WorkloadSelector {
    /// `labels`: a pod has all of them.
    pub labels: BTreeMap<String, String>,
}
