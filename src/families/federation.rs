//! `federation_config`. Source: the document, "Federated Gateway Pattern".

use super::decode::Merged;
use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::quantity::Retention;
use crate::model::topology::{CrossUnitRouting, DataSharing, Encryption, Isolation, LocalOverride};
use crate::source::Spanned;

/// Rules between business units: what data may cross, how calls are routed, and what a unit may set itself.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FederationConfig {
    /// The central gateway's rules.
    central_gateway: Option<CentralGateway>,
    /// The rules for the gateways of business units.
    business_unit_gateways: Option<BusinessUnitGateways>,
}

/// The central gateway's rules.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct CentralGateway {
    /// Policies that hold everywhere, as a map or as a list of one-key maps.
    global_policies: Option<Merged<GlobalPolicies>>,
}

/// Policies that hold everywhere.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct GlobalPolicies {
    /// Which data classes a call may reach in another unit: `allowed` all, `restricted` those up to
    /// `cross_unit_max_class`, `prohibited` (the default) none.
    cross_bu_data_sharing: Option<Spanned<SharingWord>>,
    /// The most sensitive class that `restricted` sharing permits; without it the class named `internal`.
    cross_unit_max_class: Option<Spanned<String>>,
    /// How long audit records are kept at least, such as `7_years`.
    audit_retention: Option<Spanned<Retention>>,
    /// `required` asks every call for TLS; `optional` is the default.
    encryption_in_transit: Option<Spanned<EncryptionWord>>,
}

/// The rules for the gateways of business units.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct BusinessUnitGateways {
    /// How units are kept apart; `network_and_iam` is the default.
    isolation_level: Option<Spanned<IsolationWord>>,
    /// What a unit folder may contain; `none` is the default.
    local_policy_override: Option<Spanned<OverrideWord>>,
    /// What a call into another unit needs; `denied` is the default.
    cross_unit_routing: Option<Spanned<RoutingWord>>,
}

words! {
    /// `cross_bu_data_sharing`.
    enum SharingWord { Restricted = "restricted", Allowed = "allowed", Prohibited = "prohibited", }
}
words! {
    /// `encryption_in_transit`.
    enum EncryptionWord { Required = "required", Optional = "optional", }
}
words! {
    /// `isolation_level`.
    enum IsolationWord { NetworkAndIam = "network_and_iam", Network = "network", Iam = "iam", None = "none", }
}
words! {
    /// `local_policy_override`.
    enum OverrideWord { None = "none", SecurityOnly = "security_only", Full = "full", }
}
words! {
    /// `cross_unit_routing`.
    enum RoutingWord { ExplicitApproval = "explicit_approval", Allowed = "allowed", Denied = "denied", }
}

impl FederationConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        if at.scope.is_some() {
            return;
        }
        let topology = &mut out.model.topology;
        topology.federation = Some(at.key);
        if let Some(Merged(policies)) = self.central_gateway.and_then(|gateway| gateway.global_policies) {
            topology.data_sharing = policies.cross_bu_data_sharing.map(|word| {
                word.map(|word| match word {
                    SharingWord::Restricted => DataSharing::Restricted,
                    SharingWord::Allowed => DataSharing::Allowed,
                    SharingWord::Prohibited => DataSharing::Prohibited,
                })
            });
            topology.cross_unit_max_class = policies.cross_unit_max_class;
            topology.audit_retention = policies.audit_retention;
            topology.encryption_in_transit = policies.encryption_in_transit.map(|word| {
                word.map(|word| match word {
                    EncryptionWord::Required => Encryption::Required,
                    EncryptionWord::Optional => Encryption::Optional,
                })
            });
        }
        let Some(units) = self.business_unit_gateways else { return };
        topology.isolation = units.isolation_level.map(|word| {
            word.map(|word| match word {
                IsolationWord::NetworkAndIam => Isolation::NetworkAndIam,
                IsolationWord::Network => Isolation::Network,
                IsolationWord::Iam => Isolation::Iam,
                IsolationWord::None => Isolation::None,
            })
        });
        topology.local_policy_override = units.local_policy_override.map(|word| {
            word.map(|word| match word {
                OverrideWord::None => LocalOverride::None,
                OverrideWord::SecurityOnly => LocalOverride::SecurityOnly,
                OverrideWord::Full => LocalOverride::Full,
            })
        });
        topology.cross_unit_routing = units.cross_unit_routing.map(|word| {
            word.map(|word| match word {
                RoutingWord::ExplicitApproval => CrossUnitRouting::ExplicitApproval,
                RoutingWord::Allowed => CrossUnitRouting::Allowed,
                RoutingWord::Denied => CrossUnitRouting::Denied,
            })
        });
    }
}
