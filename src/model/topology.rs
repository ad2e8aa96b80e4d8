//! Units, gateways, the rules between units, and the network they stand in.
//! Source: the document's "Federated Gateway Pattern" and "Zero-Trust Network Architecture".

use std::collections::BTreeMap;

use super::Suspension;
use super::name::UnitName;
use super::quantity::{Duration, Retention};
use super::server::Server;
use super::url::canonical;
use super::vocabulary::{Attestation, Enforcement, Mesh, WorkloadIdentity};
use crate::source::{Loc, Spanned};

/// The whole of it. What no section sets has the strictest reading, which is what `Default` gives.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    /// Declared business units; empty means that everything is one unit.
    pub units: BTreeMap<UnitName, Unit>,
    /// Unit folders named in `mcpctl.yaml`, by unit.
    pub unit_folders: BTreeMap<UnitName, String>,
    /// Public URL of the central gateway.
    pub central_gateway: Option<Spanned<String>>,
    /// Where `federation_config` stands.
    pub federation: Option<Loc>,
    /// `cross_bu_data_sharing`; absent means prohibited.
    pub data_sharing: Option<Spanned<DataSharing>>,
    /// `cross_unit_max_class`: the highest class that restricted sharing permits.
    pub cross_unit_max_class: Option<Spanned<String>>,
    /// `cross_unit_routing`; absent means denied.
    pub cross_unit_routing: Option<Spanned<CrossUnitRouting>>,
    /// `local_policy_override`; absent means none.
    pub local_policy_override: Option<Spanned<LocalOverride>>,
    /// `isolation_level`; absent means network and IAM.
    pub isolation: Option<Spanned<Isolation>>,
    /// `encryption_in_transit`; absent means optional.
    pub encryption_in_transit: Option<Spanned<Encryption>>,
    /// Minimum retention of audit records.
    pub audit_retention: Option<Spanned<Retention>>,
    /// Network segments in the order written: role (`mcp_servers`, `gateways`, `agents`) and subnet name.
    pub segments: Vec<(Spanned<String>, Spanned<String>)>,
    /// The product of the service mesh.
    pub mesh: Option<Spanned<Mesh>>,
    /// When policy is decided.
    pub policy_enforcement: Option<Spanned<Enforcement>>,
    /// How workloads prove who they are.
    pub workload_identity: Option<Spanned<WorkloadIdentity>>,
    /// Maximum age of workload certificates.
    pub certificate_rotation: Option<Spanned<Duration>>,
    /// When workloads are attested.
    pub attestation: Option<Spanned<Attestation>>,
}

impl Topology {
    /// The identity that a gateway's certificate carries, by convention: `spiffe://{trust domain}/mcp/gateway/{name}`. The
    /// name is `central`, or a unit's.
    #[must_use]
    pub fn gateway_identity(trust_domain: &str, gateway: &str) -> String {
        format!("spiffe://{trust_domain}/mcp/gateway/{gateway}")
    }

    /// Whether network policies keep units apart: each server is reached from the gateway in front of it alone, and otherwise from
    /// every gateway.
    #[must_use]
    pub fn is_isolated_by_network(&self) -> bool {
        let level = self.isolation.as_ref().map_or(Isolation::NetworkAndIam, |level| level.value);
        matches!(level, Isolation::NetworkAndIam | Isolation::Network)
    }

    /// The URLs that name a server in the `aud` of a token: where the central gateway serves it, where its unit's gateway does,
    /// and its own. Scheme and host are in lower case, and no slash is at the end, sorted. Two servers share none: the check
    /// `shared-url` sees to their own. Source: MCP 2025-11-25, "Canonical Server URI"; RFC 8707.
    #[must_use]
    pub fn canonical_uris(&self, server: &Server) -> Vec<String> {
        let unit = server.unit.as_ref().and_then(|unit| self.units.get(&unit.value));
        let gateways = [self.central_gateway.as_ref(), unit.and_then(|unit| unit.gateway.as_ref())];
        let served = gateways.into_iter().flatten().map(|url| format!("{}/{}/mcp", canonical(&url.value), server.name));
        let mut uris: Vec<String> = served.chain(server.url.as_ref().map(|url| canonical(&url.value))).collect();
        uris.sort_unstable();
        uris.dedup();
        uris
    }
}

/// A business unit of the registry.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its name and place.
    pub name: Spanned<UnitName>,
    /// URL of its gateway proxy.
    pub gateway: Option<Spanned<String>>,
    /// Switched off, with everything in it.
    pub suspended: Suspension,
}

/// `cross_bu_data_sharing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataSharing {
    /// Every class may cross units.
    Allowed,
    /// Classes up to `cross_unit_max_class`.
    Restricted,
    /// None.
    Prohibited,
}

/// `cross_unit_routing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrossUnitRouting {
    /// No further fact needed.
    Allowed,
    /// Needs the fact `cross_unit_approval`.
    ExplicitApproval,
    /// Never.
    Denied,
}

/// `local_policy_override`: what a unit folder may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocalOverride {
    /// Nothing.
    None,
    /// `progressive_auth`, `data_routing` and `zero_trust_config`.
    SecurityOnly,
    /// Any family but those that only the central configuration may have.
    Full,
}

/// `isolation_level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Both.
    NetworkAndIam,
    /// Network policy only.
    Network,
    /// Identity only.
    Iam,
    /// Neither.
    None,
}

/// `encryption_in_transit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encryption {
    /// Every call needs the fact `tls`.
    Required,
    /// No fact needed.
    Optional,
}
