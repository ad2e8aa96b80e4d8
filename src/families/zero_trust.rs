//! `zero_trust_config`. Source: the document, "Zero-Trust Network Architecture".

use super::decode::Merged;
use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::access::MutualTls;
use crate::model::quantity::Duration;
use crate::model::vocabulary::{Attestation, Enforcement, Mesh, WorkloadIdentity};
use crate::source::Spanned;

/// Network segments, the service mesh, and how workloads prove who they are.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ZeroTrustConfig {
    /// Which subnet each role stands in, as a map or as a list of one-key maps.
    network_segmentation: Option<Merged<Segmentation>>,
    /// The mesh.
    service_mesh: Option<ServiceMesh>,
    /// Workload identity.
    identity_verification: Option<IdentityVerification>,
}

/// Which subnet each role stands in.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Segmentation {
    /// The subnet of MCP servers.
    #[cfg_attr(test, schemars(length(min = 1)))]
    mcp_servers: Option<Spanned<String>>,
    /// The subnet of gateways.
    #[cfg_attr(test, schemars(length(min = 1)))]
    gateways: Option<Spanned<String>>,
    /// The subnet of agents.
    #[cfg_attr(test, schemars(length(min = 1)))]
    agents: Option<Spanned<String>>,
}

/// The mesh.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ServiceMesh {
    /// The product, such as `istio`.
    provider: Option<Spanned<Mesh>>,
    /// `strict` asks every call for a client certificate; without the key the mesh takes certificates alone, and no call is asked for one.
    mutual_tls: Option<Spanned<MutualTlsWord>>,
    /// When policy is decided.
    policy_enforcement: Option<Spanned<Enforcement>>,
}

/// Workload identity.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct IdentityVerification {
    /// The scheme, such as `spiffe`.
    workload_identity: Option<Spanned<WorkloadIdentity>>,
    /// The oldest that a workload certificate may get, such as `24_hours`.
    certificate_rotation: Option<Spanned<Duration>>,
    /// When workloads are attested.
    attestation: Option<Spanned<Attestation>>,
}

words! {
    /// `mutual_tls`.
    enum MutualTlsWord { Strict = "strict", Permissive = "permissive", Disabled = "disabled", }
}

impl ZeroTrustConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mesh = self.service_mesh;
        let mutual_tls = mesh.as_ref().and_then(|mesh| mesh.mutual_tls.clone()).map(|word| {
            word.map(|word| match word {
                MutualTlsWord::Strict => MutualTls::Strict,
                MutualTlsWord::Permissive => MutualTls::Permissive,
                MutualTlsWord::Disabled => MutualTls::Disabled,
            })
        });
        if let Some(unit) = &at.scope {
            let segments = self.network_segmentation.as_ref().map(|Merged(segments)| segments);
            let segment = segments.and_then(|s| [&s.mcp_servers, &s.gateways, &s.agents].into_iter().flatten().next());
            let identity = self.identity_verification.as_ref();
            let parts = [
                ("network_segmentation", segment.map(|subnet| subnet.loc)),
                ("provider", mesh.as_ref().and_then(|mesh| mesh.provider.as_ref()).map(|it| it.loc)),
                (
                    "policy_enforcement",
                    mesh.as_ref().and_then(|mesh| mesh.policy_enforcement.as_ref()).map(|it| it.loc),
                ),
                ("workload_identity", identity.and_then(|one| one.workload_identity.as_ref()).map(|it| it.loc)),
                ("certificate_rotation", identity.and_then(|one| one.certificate_rotation.as_ref()).map(|it| it.loc)),
                ("attestation", identity.and_then(|one| one.attestation.as_ref()).map(|it| it.loc)),
            ];
            for (what, loc) in parts {
                out.centre_only(at, what, loc);
            }
            out.model.overlays.entry(unit.clone()).or_default().mutual_tls = mutual_tls;
            return;
        }
        out.model.access.mutual_tls = mutual_tls;
        let topology = &mut out.model.topology;
        if let Some(Merged(segments)) = self.network_segmentation {
            for (role, subnet) in
                [("mcp_servers", segments.mcp_servers), ("gateways", segments.gateways), ("agents", segments.agents)]
            {
                topology.segments.extend(subnet.map(|subnet| (Spanned::new(role.to_owned(), subnet.loc), subnet)));
            }
            topology.segments.sort_by_key(|(_, subnet)| subnet.loc);
        }
        if let Some(mesh) = mesh {
            topology.mesh = mesh.provider;
            topology.policy_enforcement = mesh.policy_enforcement;
        }
        if let Some(identity) = self.identity_verification {
            topology.workload_identity = identity.workload_identity;
            topology.certificate_rotation = identity.certificate_rotation;
            topology.attestation = identity.attestation;
        }
    }
}
