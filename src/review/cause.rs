//! Why a decision changed: the parts of the change without any one of which it would not have.

use super::access::Side;
use super::mixture::{copy, cut};
use super::premises::{At, Premise, changed_everywhere, changed_here};
use crate::model::Model;
use crate::model::name::FactName;
use crate::policy::Policy;
use crate::policy::derive::derive;

/// The decision of a request on one side.
#[must_use]
pub fn decide(policy: &Policy, at: At<'_>, facts: &[FactName]) -> bool {
    let principal = policy.principal(&at.principal.to_string());
    let object = policy.object(at.object);
    let Some((principal, object)) = principal.zip(object) else { return false };
    let held = facts.iter().filter_map(|fact| policy.facts.mask(fact.as_str())).fold(0, |all, bit| all | bit);
    policy.decide(principal, object, held)
}

/// Every part that differs between two sides and can matter to a cell.
#[must_use]
pub fn changed(base: Side<'_>, head: Side<'_>, at: At<'_>) -> Vec<Premise> {
    let mut parts = changed_everywhere(base, head, at);
    parts.extend(changed_here(base, head, at));
    parts
}

/// Those of the changed parts that turn the decision on a request: taking all of them from the head turns the base's decision,
/// and taking all but any one does not. `None` where no such parts are found: the parts then do not explain it.
#[must_use]
pub fn turning(
    base: Side<'_>,
    head: Side<'_>,
    at: At<'_>,
    changed: &[Premise],
    facts: &[FactName],
) -> Option<Vec<Premise>> {
    let (before, after) = (cut(base, at), cut(head, at));
    let decided = |parts: &[Premise]| {
        let mut hybrid: Model = before.clone();
        parts.iter().for_each(|part| copy(part, &mut hybrid, &after, at));
        decide(&derive(&hybrid), at, facts)
    };
    let old = decided(&[]);
    let mut parts = changed.to_vec();
    if decided(&parts) == old {
        return None;
    }
    // A part that was needed beside others may not be once they are gone, so this goes on until nothing changes.
    loop {
        let known = parts.len();
        let mut index = 0;
        while index < parts.len() {
            let mut fewer = parts.clone();
            fewer.remove(index);
            if decided(&fewer) == old {
                index += 1;
            } else {
                parts = fewer;
            }
        }
        if parts.len() == known {
            return Some(parts);
        }
    }
}
