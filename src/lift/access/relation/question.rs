//! The model's side of the questions: how facts show, and who could call.

use std::collections::{BTreeMap, BTreeSet};

use super::STRANGER;
use super::product::{Before, Decided, Product};
use crate::lift::access::probe::Token;
use crate::lift::access::probe::tells_the_caller;
use crate::model::Model;
use crate::model::access::evidence::{SPIFFE, USER_DELEGATION};
use crate::model::access::{ClaimTest, Evidence, Issuer, Scalar};
use crate::model::name::ServerName;
use crate::model::topology::Topology;
use crate::policy::condition::CondId;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::visibility::matches as matches_uri;
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
    /// Every subject of a declared principal.
    pub(super) subjects: BTreeSet<&'a str>,
    /// Whether a user's delegation is told by two claims that differ, beside what tells users from workloads.
    pub(super) compares_actors: bool,
    /// Claims beside `sub` by which issuers name callers.
    pub(super) caller_claims: BTreeSet<&'a [String]>,
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
        let mut evidence: Vec<(u64, Evidence)> = Vec::new();
        let asked = asked_for(policy);
        for (bit, found) in policy.shown() {
            // Facts with the same evidence are one to a product, and stand in conditions as one of them.
            match evidence.iter_mut().find(|(_, known)| known.is_shown_by_the_same(found)) {
                Some((known, _)) if *known & asked == 0 && bit & asked != 0 => {
                    *known = bit;
                    continue;
                }
                Some(_) if bit & asked == 0 => continue,
                Some(_) | None => {}
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
            subjects: policy.subjects().into_iter().collect(),
            compares_actors: matches!(
                policy.evidence_for(USER_DELEGATION),
                Some(Evidence::Claim(claim)) if matches!(claim.test, ClaimTest::DiffersFrom(_))
            ),
            caller_claims: model
                .identity
                .iter()
                .flat_map(|identity| &identity.issuers)
                .filter_map(|issuer| issuer.caller.as_ref().map(|path| path.value.as_slice()))
                .collect(),
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

impl Question<'_> {
    /// Whether all about a claim is in the token: it tells the caller, or the caller's unit.
    pub(super) fn is_of_caller(&self, path: &[String]) -> bool {
        tells_the_caller(path) || self.unit_claim.as_deref() == Some(path) || self.caller_claims.contains(path)
    }

    /// The facts that follow from who issued a token: those that hold, and those that do not.
    pub(super) fn of_issuer(&self, issuer: Option<&Issuer>) -> (u64, u64) {
        let name = issuer.map(|issuer| issuer.issuer.value.as_str());
        self.evidence.iter().fold((0, 0), |(always, never), (bit, evidence)| {
            let holds = match evidence {
                Evidence::Issuer(bound) => Some(name == Some(bound.as_str())),
                Evidence::Claim(claim) if matches!(claim.path.as_slice(), [only] if only == "iss") => match &claim.test
                {
                    ClaimTest::Contains(values) => {
                        Some(name.is_some_and(|name| values.iter().any(|value| value.as_text() == Some(name))))
                    }
                    ClaimTest::Is(texts) => Some(name.is_some_and(|name| texts.iter().any(|text| text == name))),
                    ClaimTest::Present => Some(name.is_some()),
                    ClaimTest::DiffersFrom(_) => None,
                },
                Evidence::KnownCaller
                | Evidence::Claim(_)
                | Evidence::Argument(_)
                | Evidence::Called(_)
                | Evidence::NotWorkload
                | Evidence::Transport
                | Evidence::All(_) => None,
            };
            match holds {
                Some(true) => (always | bit, never),
                Some(false) => (always, never | bit),
                None => (always, never),
            }
        })
    }

    /// Whether a fact follows from the texts and objects of a token, and then whether it holds; `None` where other claims say it.
    pub(super) fn follows(&self, evidence: &Evidence, token: &Token) -> Option<bool> {
        let text = |path: &[String]| token.texts.get(path).filter(|text| !text.is_empty());
        match evidence {
            Evidence::NotWorkload => {
                let sub = token.texts.get(["sub".to_owned()].as_slice());
                // A caller who acts for nobody is not a user; what compares the two says so already.
                let actor = token.texts.get(["act".to_owned(), "sub".to_owned()].as_slice());
                let for_another = !self.compares_actors || actor.is_some() && actor != sub;
                let is_user = |sub: &String| !self.subjects.contains(sub.as_str()) && !sub.starts_with(SPIFFE);
                Some(for_another && sub.is_some_and(is_user))
            }
            Evidence::Claim(claim) if matches!(claim.path.as_slice(), [only] if only == "iss") => None,
            Evidence::Claim(claim) => match &claim.test {
                ClaimTest::DiffersFrom(other) => match (text(&claim.path), text(other)) {
                    (Some(left), Some(right)) => Some(left != right),
                    _ if self.is_of_caller(&claim.path) && self.is_of_caller(other) => Some(false),
                    _ => None,
                },
                ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::Present if !self.is_of_caller(&claim.path) => {
                    None
                }
                ClaimTest::Contains(values) => {
                    let found = text(&claim.path);
                    Some(found.is_some_and(|found| values.contains(&Scalar::Text(found.clone()))))
                }
                ClaimTest::Is(texts) => Some(text(&claim.path).is_some_and(|found| texts.contains(found))),
                ClaimTest::Present => Some(text(&claim.path).is_some() || token.objects.contains(&claim.path)),
            },
            Evidence::KnownCaller
            | Evidence::Argument(_)
            | Evidence::Called(_)
            | Evidence::Issuer(_)
            | Evidence::Transport
            | Evidence::All(_) => None,
        }
    }

    /// The texts that evidence compares a claim with.
    pub(super) fn texts_of<'q>(&'q self, path: &'q [String]) -> impl Iterator<Item = &'q str> {
        let claims = self.evidence.iter().flat_map(|(_, evidence)| evidence.claims());
        claims.filter(move |claim| claim.path == path).flat_map(|claim| claim.test.texts())
    }
}

/// The facts that some condition asks for.
fn asked_for(policy: &Policy) -> u64 {
    let all = (0..policy.conditions.len()).filter_map(|at| u32::try_from(at).ok()).map(CondId);
    all.flat_map(|at| policy.conditions.get(at).minimal_sets()).fold(0_u64, |all, set| all | *set)
}
