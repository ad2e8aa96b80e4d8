//! The model's side of the questions: how facts show, and who could call.

use std::collections::BTreeMap;

use super::STRANGER;
use super::product::{Before, Decided, Product};
use crate::model::Model;
use crate::model::access::{ClaimTest, Evidence, default_evidence};
use crate::model::name::ServerName;
use crate::model::topology::Topology;
use crate::policy::condition::CondId;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::seen::matches as matches_uri;
use crate::policy::{ObjectKind, Policy};

/// What is asked of one product: the model's side of it, the same for all servers.
pub(super) struct Question<'a> {
    pub(super) product: &'a dyn Product,
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    pub(super) decided: Decided,
    pub(super) before: Before<'a>,
    pub(super) evidence: Vec<(u64, Evidence)>,
    pub(super) transport: (u64, u64),
    /// The facts that show as a difference between claims of the caller, with the two paths.
    pub(super) differing: Vec<(u64, Vec<String>, Vec<String>)>,
    pub(super) unit_claim: Option<Vec<String>>,
    /// Whether some resource is of a pattern that takes in every URI.
    pub(super) open_resources: bool,
    /// For each subject, one server whose rules name it.
    pub(super) first: BTreeMap<String, ServerName>,
    /// Identities of gateways, which hold the tokens of others and so may bring none.
    pub(super) gateways: Vec<String>,
}

impl<'a> Question<'a> {
    /// The question to a product about a model. `first` has, for each subject, one server whose rules name it.
    pub(super) fn new(
        product: &'a dyn Product,
        model: &'a Model,
        policy: &'a Policy,
        decided: Decided,
        before: Before<'a>,
        first: BTreeMap<String, ServerName>,
    ) -> Self {
        let defaults = default_evidence();
        let mut evidence: Vec<(u64, Evidence)> = Vec::new();
        let mut differing: Vec<(u64, Vec<String>, Vec<String>)> = Vec::new();
        let asked = asked_for(policy);
        for fact in policy.facts.names() {
            let bit = policy.facts.mask(fact.as_str()).unwrap_or_default();
            let default = || defaults.iter().find(|(name, _)| *name == fact.as_str()).map(|(_, evidence)| evidence);
            let declared = model.identity.as_ref().and_then(|identity| identity.evidence_for(fact.as_str()));
            let Some(found) = declared.or_else(default) else { continue };
            // Facts with the same evidence are one to a product, and stand in conditions as one of them.
            match evidence.iter_mut().find(|(_, known)| known.is_shown_by_the_same(found)) {
                Some((known, _)) if *known & asked == 0 && bit & asked != 0 => {
                    for (of, ..) in differing.iter_mut().filter(|(of, ..)| of == known) {
                        *of = bit;
                    }
                    *known = bit;
                    continue;
                }
                Some(_) if bit & asked == 0 => continue,
                Some(_) | None => {}
            }
            if let Evidence::Claim(claim) = found
                && let ClaimTest::DiffersFrom(other) = &claim.test
            {
                differing.push((bit, claim.path.clone(), other.clone()));
            }
            evidence.push((bit, found.clone()));
        }
        let bit = |fact| policy.facts.mask(fact).unwrap_or_default();
        let domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
        let with_gateway = model.topology.units.values().filter(|unit| unit.gateway.is_some());
        let names = with_gateway.map(|unit| unit.name.value.as_str()).chain(["central"]);
        let gateways = domain.map_or_else(Vec::new, |domain| {
            names.map(|name| Topology::gateway_identity(&domain.value, name)).collect()
        });
        let unit_claim = model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref());
        Self {
            product,
            model,
            policy,
            decided,
            before,
            evidence,
            transport: (bit(TLS), bit(MTLS)),
            differing,
            unit_claim: unit_claim.map(|claim| vec![claim.value.clone()]),
            open_resources: policy
                .objects
                .iter()
                .any(|object| matches!(&object.kind, ObjectKind::Resource(pattern) if matches_uri(pattern, STRANGER))),
            gateways,
            first,
        }
    }
}

/// The facts that some condition asks for.
fn asked_for(policy: &Policy) -> u64 {
    let all = (0..policy.conditions.len()).filter_map(|at| u32::try_from(at).ok()).map(CondId);
    all.flat_map(|at| policy.conditions.get(at).minimal_sets()).fold(0_u64, |all, set| all | *set)
}
