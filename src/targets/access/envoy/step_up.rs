//! What a request lacks: the denials under a condition, and the scopes that would show it.
//!
//! A challenge names every scope that the nearest way to meet the condition needs, those that the token has included: clients of
//! 2025-11-25 ask for exactly what a challenge names, and would lose the others. It is sent only where nothing else is missing.
//! Source: MCP 2025-11-25 and 2026-07-28, "Scope Challenge Handling"; RFC 6750, section 3.1.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::evidence::Evidences;
use super::matchers::{action, first_of, nested};
use super::predicate::{Maybe, Predicate};
use super::rules::Rules;
use crate::model::access::Evidence;
use crate::policy::Policy;
use crate::policy::condition::Condition;
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

    /// Every denial that a challenge answers, by the end of its name, with the scopes that it asks for and the facts that are missing.
    pub(super) fn offers(&self) -> BTreeMap<String, (String, BTreeSet<String>)> {
        let policy = self.policy();
        let sets: BTreeSet<u64> =
            policy.conditions.iter().flat_map(|condition| condition.minimal_sets()).copied().collect();
        let mut offers = BTreeMap::new();
        for way in sets.into_iter().map(|set| self.way(set, policy)) {
            let scopes: BTreeSet<&str> = way.soft.keys().filter_map(|name| self.scope(name)).collect();
            let scopes = scopes.into_iter().collect::<Vec<_>>().join(" ");
            for part in way.parts() {
                let missing = part.iter().map(|fact| (*fact).to_owned()).collect();
                offers.insert(way.leaf(&part), (scopes.clone(), missing));
            }
        }
        offers
    }
}

/// That a request shows the facts of a mask.
type Shown<'f> = dyn Fn(u64) -> Maybe + 'f;
/// A denial under this name.
type Deny<'f> = dyn Fn(&str) -> Value + 'f;

impl Rules<'_> {
    /// A denial for each fact that every way to meet the condition needs and no scope shows, and one for what else is missing:
    /// there the way decides of which the fewest scopes are missing.
    ///
    /// # Errors
    /// The denial that is all there is, where nothing can meet it.
    pub(super) fn denials(
        &self,
        rule: &str,
        condition: &Condition,
        names: &[&str],
    ) -> Result<Vec<(Predicate, Value)>, Value> {
        let deny = |what: &str| action(&format!("{}/{rule}/deny:{what}", self.server.name), false);
        let sets = condition.minimal_sets();
        if sets.is_empty() {
            return Err(deny("never"));
        }
        let shown = |set: u64| {
            let facts = self.policy.facts.named(set);
            Predicate::all(facts.map(|fact| self.evidence.fact(fact.as_str(), self.server, names)))
        };
        let common = sets.iter().fold(u64::MAX, |all, set| all & set) & self.policy.facts.all();
        let hard = self.evidence.way(common, self.policy).hard;
        let mut denials = Vec::new();
        for fact in self.policy.facts.named(hard) {
            let missing = deny(&format!("missing_{}", whole(fact.as_str())));
            match self.evidence.fact(fact.as_str(), self.server, names) {
                // Nothing can show it.
                None => return Err(missing),
                Some(shows) if shows.is_always() => {}
                Some(shows) => denials.push((shows.negated(), missing)),
            }
        }
        let ways: Vec<u64> = sets.iter().map(|set| set & !hard).collect();
        let in_words = |set: &u64| {
            let mut facts: Vec<&str> = self.policy.facts.named(*set).map(|fact| whole(fact.as_str())).collect();
            facts.dedup();
            facts.join("_and_")
        };
        let missing = deny(&format!("missing_{}", ways.iter().map(in_words).collect::<Vec<_>>().join("_or_")));
        match Predicate::any(ways.iter().map(|way| shown(*way))) {
            None => Err(missing),
            // One way needs nothing more.
            Some(any) if any.is_always() || ways.contains(&0) => Ok(denials),
            Some(any) => {
                denials.push((any.negated(), self.nearest(sets, hard, (&shown, &deny), missing)));
                Ok(denials)
            }
        }
    }

    /// The denial of a request that lacks what scopes show, the smallest parts first; `otherwise` where more is missing. `known` is
    /// what was seen already.
    fn nearest(&self, sets: &[u64], known: u64, (shown, deny): (&Shown<'_>, &Deny<'_>), mut otherwise: Value) -> Value {
        let ways: Vec<Way> = sets.iter().map(|set| self.evidence.way(*set, self.policy)).collect();
        let mut parts: Vec<(&Way, BTreeSet<&str>)> =
            ways.iter().flat_map(|way| way.parts().into_iter().map(move |part| (way, part))).collect();
        parts.sort_by_key(|(_, part)| part.len());
        let mut matchers = Vec::new();
        for (way, part) in parts {
            let lacking = part.iter().filter_map(|name| way.soft.get(*name)).fold(0, |all, mask| all | mask);
            // A scope helps only where a token can show the fact at all.
            let (Some(_), Some(rest)) = (shown(lacking), shown(way.without(&part) & !known)) else { continue };
            let leaf = deny(&way.leaf(&part));
            if rest.is_always() {
                otherwise = leaf;
                break;
            }
            matchers.push((rest, leaf));
        }
        if matchers.is_empty() { otherwise } else { nested(first_of(matchers, otherwise)) }
    }
}
