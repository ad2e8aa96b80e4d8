//! Denials that a client can do something about: what a request lacks, and the scopes that would show it.
//!
//! A challenge names every scope that the nearest way to meet the condition needs, those that the token has included: clients of
//! 2025-11-25 ask for exactly what a challenge names, and would lose the others. It is sent only where nothing else is missing.
//! Source: MCP 2025-11-25 and 2026-07-28, "Scope Challenge Handling"; RFC 6750, section 3.1.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Evidences;
use crate::model::access::Evidence;
use crate::policy::Policy;
use crate::policy::pieces::whole;

/// Most scopes of one way of which each part that may be missing is a denial of its own.
const MOST_PARTS: usize = 4;

/// One way to meet a condition.
pub(super) struct Way {
    /// Facts of it, as a mask, that no scope shows.
    pub(super) hard: u64,
    /// Facts of it that a scope shows, by name, as masks of their pieces.
    pub(super) soft: BTreeMap<String, u64>,
}

impl Way {
    /// What may be missing of the facts that scopes show: the smallest parts first.
    pub(super) fn parts(&self) -> Vec<BTreeSet<&str>> {
        let names: Vec<&str> = self.soft.keys().map(String::as_str).collect();
        if names.len() > MOST_PARTS {
            return vec![names.into_iter().collect()];
        }
        let mut parts: Vec<BTreeSet<&str>> = (1_u32..1 << names.len())
            .map(|part| names.iter().enumerate().filter(|(at, _)| part >> at & 1 == 1).map(|(_, name)| *name).collect())
            .collect();
        parts.sort_by_key(|part| part.len());
        parts
    }

    /// The facts of it that remain to be shown where a part is missing, as a mask.
    pub(super) fn without(&self, part: &BTreeSet<&str>) -> u64 {
        let shown = self.soft.iter().filter(|(name, _)| !part.contains(name.as_str()));
        shown.fold(self.hard, |all, (_, mask)| all | mask)
    }

    /// The name of the denial of a part. It also tells which way it is, as the scopes depend on it.
    pub(super) fn leaf(&self, part: &BTreeSet<&str>) -> String {
        let joined = |names: &[&str]| names.join("_and_");
        let missing = joined(&part.iter().copied().collect::<Vec<_>>());
        let all: Vec<&str> = self.soft.keys().map(String::as_str).collect();
        match all.len() {
            more if more > MOST_PARTS => format!("missing_some_of_{}", joined(&all)),
            same if same == part.len() => format!("missing_{missing}"),
            _ => format!("missing_{missing}_of_{}", joined(&all)),
        }
    }
}

impl Evidences<'_> {
    /// The scope that shows a fact, by the name of the whole fact.
    fn scope(&self, name: &str) -> Option<&str> {
        let pieces = self.facts().filter(|fact| whole(fact) == name);
        pieces.filter_map(|fact| self.of(fact).and_then(Evidence::scope)).next()
    }

    /// A minimal set of facts, parted into what scopes show and what they do not.
    pub(super) fn way(&self, set: u64, policy: &Policy) -> Way {
        let mut way = Way { hard: 0, soft: BTreeMap::new() };
        for fact in policy.facts.named(set) {
            let mask = policy.facts.mask(fact.as_str()).unwrap_or_default();
            let name = whole(fact.as_str());
            match self.scope(name) {
                Some(_) => *way.soft.entry(name.to_owned()).or_default() |= mask,
                None => way.hard |= mask,
            }
        }
        way
    }

    /// Every denial that a challenge answers, by the end of its name, with the scopes that it asks for.
    pub(super) fn offers(&self) -> BTreeMap<String, String> {
        let policy = self.policy();
        let sets: BTreeSet<u64> =
            policy.conditions.iter().flat_map(|condition| condition.minimal_sets()).copied().collect();
        let mut offers = BTreeMap::new();
        for way in sets.into_iter().map(|set| self.way(set, policy)) {
            let scopes: BTreeSet<&str> = way.soft.keys().filter_map(|name| self.scope(name)).collect();
            let scopes = scopes.into_iter().collect::<Vec<_>>().join(" ");
            offers.extend(way.parts().iter().map(|part| (way.leaf(part), scopes.clone())));
        }
        offers
    }
}
