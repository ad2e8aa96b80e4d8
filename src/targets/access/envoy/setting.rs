//! What a gateway is set up with: addresses, certificates, its own identity.

use crate::model::Model;
use crate::model::deployment::{GatewaySettings, Listen};
use crate::model::name::UnitName;
use crate::model::topology::Topology;
use crate::policy::Policy;
use crate::policy::fact::MTLS;
use crate::targets::gateways::{CENTRAL, Gateway};

/// Where a gateway listens unless the settings say otherwise.
const LISTEN: (&str, u16) = ("0.0.0.0", 8443);
/// Where its admin interface listens unless the settings say otherwise.
const ADMIN: (&str, u16) = ("127.0.0.1", 9901);

/// What a gateway is set up with.
pub(super) struct Setting<'a> {
    pub(super) name: &'a str,
    pub(super) unit: Option<&'a UnitName>,
    pub(super) gateway: GatewaySettings,
    pub(super) trust_domain: Option<&'a str>,
    /// Whether every peer must show a certificate.
    pub(super) certificates: bool,
    pub(super) deny_status: u32,
}

impl<'a> Setting<'a> {
    pub(super) fn of(gateway: &Gateway<'a>, model: &'a Model, policy: &Policy) -> Self {
        let settings = model.deployment.envoy.as_ref();
        let own = settings.and_then(|settings| settings.gateways.of(gateway.name)).cloned().unwrap_or_default();
        let trust_domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
        Self {
            name: gateway.name,
            unit: gateway.unit,
            certificates: own.tls.is_some() && (gateway.unit.is_some() || every_call_needs_a_certificate(policy)),
            gateway: own,
            trust_domain: trust_domain.map(|domain| domain.value.as_str()),
            deny_status: settings.and_then(|s| s.deny_status.as_ref()).map_or(403, |status| status.value),
        }
    }

    pub(super) fn listen(&self) -> Listen {
        address(self.gateway.listen.as_ref().map(|listen| &listen.value), LISTEN)
    }

    pub(super) fn admin(&self) -> Listen {
        address(self.gateway.admin.as_ref().map(|admin| &admin.value), ADMIN)
    }

    /// The identity in a gateway's certificate.
    pub(super) fn identity_of(&self, gateway: &str) -> Option<String> {
        self.trust_domain.map(|domain| Topology::gateway_identity(domain, gateway))
    }

    /// The one peer of a unit's gateway: the central gateway.
    pub(super) fn only_peer(&self) -> Option<String> {
        self.unit.and_then(|_| self.identity_of(CENTRAL))
    }

    /// Whether callers themselves stand before this gateway, with certificates.
    pub(super) fn binds_certificates(&self) -> bool {
        self.unit.is_none() && self.gateway.tls.is_some()
    }
}

fn address(written: Option<&Listen>, (host, port): (&str, u16)) -> Listen {
    written.cloned().unwrap_or_else(|| Listen { host: host.to_owned(), port })
}

fn every_call_needs_a_certificate(policy: &Policy) -> bool {
    let Some(mtls) = policy.facts.mask(MTLS) else { return false };
    policy.all_cells().all(|(_, _, cell)| {
        let condition = policy.conditions.get(cell.condition);
        condition.minimal_sets().iter().all(|set| set & mtls != 0)
    })
}
