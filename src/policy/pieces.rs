//! The relation over single pieces of evidence, as products see them: a fact that several pieces show together is as many facts.

use std::collections::BTreeMap;

use super::Policy;
use super::condition::{CondId, Condition, Conditions};
use super::fact::{Facts, MOST_FACTS};
use crate::model::access::Evidence;
use crate::model::name::FactName;

/// What parts the name of a fact from the number of one of its pieces. No name of a fact holds it.
const PIECE: char = '/';

/// The name of the fact of which this is a piece: itself, for a fact of one piece.
#[must_use]
pub fn whole(name: &str) -> &str {
    name.split_once(PIECE).map_or(name, |(fact, _)| fact)
}

/// How many facts the relation has once each is in its pieces.
#[must_use]
pub fn count(policy: &Policy) -> usize {
    policy.evidence.iter().map(|evidence| evidence.as_ref().map_or(1, |evidence| evidence.pieces().len())).sum()
}

/// The relation in which each fact has one piece of evidence. The first piece of a fact keeps its name, the others are
/// `NAME/2` and so on; a piece that shows another fact already is that fact. `None` where these are more than a mask holds.
#[must_use]
pub fn in_pieces(policy: &Policy) -> Option<Policy> {
    let several = |evidence: &Option<Evidence>| matches!(evidence, Some(Evidence::All(_)));
    if !policy.evidence.iter().any(several) {
        return Some(policy.clone());
    }
    let mut known: Vec<(FactName, Option<Evidence>)> = Vec::new();
    let mut pieces_of: Vec<Vec<FactName>> = Vec::new();
    // Facts of one piece come first, so that a piece that is one of them is found.
    let facts = || policy.facts.names().iter().zip(&policy.evidence);
    known.extend(
        facts().filter(|(_, evidence)| !several(evidence)).map(|(name, evidence)| (name.clone(), evidence.clone())),
    );
    for (name, evidence) in facts() {
        let Some(Evidence::All(pieces)) = evidence else {
            pieces_of.push(vec![name.clone()]);
            continue;
        };
        let mut of_this = Vec::new();
        for (number, piece) in (1..).zip(pieces) {
            let same = known.iter().find(|(_, other)| {
                other.as_ref().is_some_and(|other| *piece != Evidence::Transport && other.is_shown_by_the_same(piece))
            });
            let piece_name = match same {
                Some((known, _)) => known.clone(),
                None => {
                    let new = if number == 1 { name.clone() } else { format!("{name}{PIECE}{number}").into() };
                    known.push((new.clone(), Some(piece.clone())));
                    new
                }
            };
            of_this.push(piece_name);
        }
        pieces_of.push(of_this);
    }
    if known.len() > MOST_FACTS {
        return None;
    }
    let facts = Facts::new(known.iter().map(|(name, _)| name.clone()));
    let mask = |name: &FactName| facts.mask(name.as_str()).unwrap_or_default();
    let masks: Vec<u64> =
        pieces_of.iter().map(|pieces| pieces.iter().map(mask).fold(0, |all, bit| all | bit)).collect();
    let of_set =
        |set: u64| masks.iter().zip(0..).filter(|(_, bit)| set >> bit & 1 == 1).fold(0, |all, (mask, _)| all | mask);
    let translated = |condition: &Condition| Condition::any_of(condition.minimal_sets().iter().map(|set| of_set(*set)));
    let mut evidence = vec![None; facts.names().len()];
    for (name, found) in known {
        let bit = mask(&name).trailing_zeros() as usize;
        if let Some(place) = evidence.get_mut(bit) {
            *place = found;
        }
    }
    let mut conditions = Conditions::default();
    let mut numbers: BTreeMap<CondId, CondId> = BTreeMap::new();
    let mut number =
        |old: CondId| *numbers.entry(old).or_insert_with(|| conditions.intern(translated(policy.conditions.get(old))));
    let mut result = policy.clone();
    for (_, cell) in result.cells.iter_mut().flatten() {
        cell.condition = number(cell.condition);
    }
    for rule in &mut result.rules {
        rule.condition = number(rule.condition);
    }
    result.demands = policy.demands.iter().map(translated).collect();
    (result.conditions, result.facts, result.evidence) = (conditions, facts, evidence);
    Some(result)
}
