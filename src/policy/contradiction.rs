//! Statements of `policy_tests` that no configuration can meet together, whatever it grants and asks for.
//!
//! More facts never take an access away. So a test that expects a call to be allowed speaks against every one that expects it
//! to be denied with the same facts or more, and against every invariant that forbids the call.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{MTLS, TLS};
use super::invariant::Resolved;
use super::policy_test::{self, Case};
use super::{ObjectIx, Policy, PrincipalIx};
use crate::model::Model;
use crate::model::assurance::{Invariant, PolicyTest};

/// What the tests say of every pair that they name.
#[derive(Debug)]
pub struct Stated<'m> {
    model: &'m Model,
    policy: &'m Policy,
    /// For each principal and tool the facts of every request, and the test.
    pairs: BTreeMap<(PrincipalIx, ObjectIx), Vec<(u64, &'m PolicyTest)>>,
}

/// What a statement speaks against.
#[derive(Debug, Clone)]
pub enum Opposite<'m> {
    /// A test that expects the other decision of the same request, or of one that bears on it.
    Test(&'m PolicyTest),
    /// An invariant, together with these tests.
    Invariant(&'m Invariant, Vec<&'m PolicyTest>),
}

impl<'m> Stated<'m> {
    /// Everything that the tests of the model state.
    #[must_use]
    pub fn of(model: &'m Model, policy: &'m Policy) -> Self {
        let mut pairs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for test in &model.policy_tests {
            for case in policy_test::cases(model, policy, test) {
                if let Some(pair) = case.principal.zip(case.object) {
                    pairs.entry(pair).or_default().push((case.facts, test));
                }
            }
        }
        Self { model, policy, pairs }
    }

    /// What no configuration can meet together with what a test says of one of its requests.
    #[must_use]
    pub fn against(&self, test: &PolicyTest, case: Case) -> Option<Opposite<'m>> {
        let (principal, object) = case.principal.zip(case.object)?;
        let of_pair = self.pairs.get(&(principal, object)).map(Vec::as_slice).unwrap_or_default();
        let allow = test.allow.value;
        let opposite = |facts: u64, other: &PolicyTest| {
            if other.allow.value == allow {
                return false;
            }
            let (this, that) = ((test, case.facts), (other, facts));
            let (fewer, more) = if allow { (this, that) } else { (that, this) };
            self.is_within(fewer, more)
        };
        let found = of_pair.iter().find(|(facts, other)| opposite(*facts, other)).map(|(_, other)| *other);
        if let Some(other) = found {
            return Some(Opposite::Test(other));
        }
        if !allow {
            return None;
        }
        let this = (object, case.facts);
        self.model.invariants.iter().find_map(|invariant| {
            let resolved = Resolved::of(self.model, self.policy, invariant);
            let breaks = |calls: &[(ObjectIx, u64)]| resolved.violated_by(self.policy, principal, calls).is_some();
            if breaks(&[this]) {
                return Some(Opposite::Invariant(invariant, Vec::new()));
            }
            let mut others = self.allowed(principal).into_iter();
            others
                .find(|(call, _)| breaks(&[this, *call]))
                .map(|(_, other)| Opposite::Invariant(invariant, vec![other]))
        })
    }

    /// Whether some set of facts of the first test, among those that come to these bits, is within one of the second. Facts that
    /// no condition asks for have no bits, and in another configuration one may.
    fn is_within(&self, (fewer, few): (&PolicyTest, u64), (more, many): (&PolicyTest, u64)) -> bool {
        let written = |test: &'_ PolicyTest, facts: u64| -> Vec<BTreeSet<String>> {
            let sets = test.with.iter().filter(|set| policy_test::mask(self.policy, set) == facts);
            let names = sets.map(|set| {
                let mut names: BTreeSet<String> = set.iter().map(|fact| fact.value.as_str().to_owned()).collect();
                if names.contains(MTLS) {
                    names.insert(TLS.to_owned());
                }
                names
            });
            names.collect()
        };
        few & !many == 0
            && written(more, many).iter().any(|all| written(fewer, few).iter().any(|some| some.is_subset(all)))
    }

    /// Tests that no configuration can meet together with an invariant: one, or two of which neither would do.
    #[must_use]
    pub fn against_invariant(&self, invariant: &Invariant) -> Option<Vec<&'m PolicyTest>> {
        let resolved = Resolved::of(self.model, self.policy, invariant);
        let mut principals: Vec<PrincipalIx> = self.pairs.keys().map(|(principal, _)| *principal).collect();
        principals.dedup();
        principals.into_iter().find_map(|principal| {
            let allowed = self.allowed(principal);
            let calls: Vec<(ObjectIx, u64)> = allowed.iter().map(|(call, _)| *call).collect();
            let violation = resolved.violated_by(self.policy, principal, &calls)?;
            let test = |call: &(ObjectIx, u64)| allowed.iter().find(|(of, _)| of == call).map(|(_, test)| *test);
            Some(violation.calls.iter().filter_map(test).collect())
        })
    }

    /// The calls of a principal that some test expects to be allowed, each with one such test, sorted.
    fn allowed(&self, principal: PrincipalIx) -> Vec<((ObjectIx, u64), &'m PolicyTest)> {
        let row = self.pairs.range((principal, ObjectIx(0))..=(principal, ObjectIx(u32::MAX)));
        let allowed = row.filter_map(|((_, object), stated)| {
            let (facts, test) = stated.iter().find(|(_, test)| test.allow.value)?;
            Some(((*object, *facts), *test))
        });
        allowed.collect()
    }
}
