//! The independent layers that stand before a server: gateways, the mesh, the network.

use super::Model;
use super::deployment::TargetId;

/// Targets that are gateways: each decides every call that passes it.
const GATEWAYS: [TargetId; 6] = [
    TargetId::Agentcore,
    TargetId::Agentgateway,
    TargetId::AgenticNetworking,
    TargetId::AiGateway,
    TargetId::Envoy,
    TargetId::Toolhive,
];

/// The layers that the targets of `mcpctl.yaml` bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// The gateways. They are one layer: a call passes one of them.
    pub gateways: Vec<TargetId>,
    /// Whether the mesh (`istio`) decides calls as well.
    pub mesh: bool,
    /// Whether the network (`kubernetes`) lets nobody but gateways connect: `isolation_level` has network policies.
    pub network: bool,
}

impl Layers {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        usize::from(!self.gateways.is_empty()) + usize::from(self.mesh) + usize::from(self.network)
    }
}

impl Model {
    /// The layers that the listed targets bring.
    #[must_use]
    pub fn layers(&self) -> Layers {
        let listed = |target: TargetId| self.deployment.of(target).is_some();
        Layers {
            gateways: GATEWAYS.into_iter().filter(|target| listed(*target)).collect(),
            mesh: listed(TargetId::Istio),
            network: listed(TargetId::Kubernetes) && self.topology.is_isolated_by_network(),
        }
    }
}
