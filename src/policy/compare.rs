//! Comparing relations, cell by cell.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::{ObjectIx, Policy, PrincipalIx};

/// A relation read back from an artifact: for each principal of the policy (same order), each object that it can ever
/// use, with the condition. Over the same facts as the policy.
pub type Lifted = Vec<BTreeMap<ObjectIx, Condition>>;

/// A cell on which an artifact and the model differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Who.
    pub principal: PrincipalIx,
    /// What.
    pub object: ObjectIx,
    /// Minimal fact sets that the artifact lets through and the model denies. Any is a leak.
    pub leaks: Vec<u64>,
    /// Minimal fact sets that the model allows and the artifact denies.
    pub denies: Vec<u64>,
}

/// Every cell on which the artifact differs from the model, leaks first within a cell. Sets that a request cannot have
/// (`mtls` without `tls`) are compared as the requests that they stand for.
#[must_use]
pub fn compare(policy: &Policy, lifted: &Lifted) -> Vec<Difference> {
    let never = Condition::never();
    let empty = BTreeMap::new();
    let mut differences = Vec::new();
    for (index, row) in policy.cells.iter().enumerate() {
        let read = lifted.get(index).unwrap_or(&empty);
        let mut objects: Vec<ObjectIx> = row.iter().map(|(object, _)| *object).chain(read.keys().copied()).collect();
        objects.sort_unstable();
        objects.dedup();
        for object in objects {
            let principal = PrincipalIx(index as u32);
            let model = policy.cell(principal, object).map_or(&never, |cell| policy.conditions.get(cell.condition));
            let artifact = read.get(&object).unwrap_or(&never);
            if model == artifact {
                continue;
            }
            let beyond = |a: &Condition, b: &Condition| -> Vec<u64> {
                a.minimal_sets().iter().map(|set| policy.facts.closed(*set)).filter(|set| !b.holds(*set)).collect()
            };
            let difference =
                Difference { principal, object, leaks: beyond(artifact, model), denies: beyond(model, artifact) };
            if !(difference.leaks.is_empty() && difference.denies.is_empty()) {
                differences.push(difference);
            }
        }
    }
    differences
}
