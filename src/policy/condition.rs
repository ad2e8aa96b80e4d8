//! Monotone conditions over facts, as antichains of minimal sufficient fact sets.

use std::collections::HashMap;

/// A condition: sorted minimal sets of facts, none a subset of another. Unique for a monotone function.
///
/// No set at all means never; the empty set alone means always.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition(Vec<u64>);

impl Condition {
    /// Holds for no request.
    #[must_use]
    pub fn never() -> Self {
        Self(Vec::new())
    }

    /// Holds for every request.
    #[must_use]
    pub fn always() -> Self {
        Self(vec![0])
    }

    /// Holds where all facts of the mask do.
    #[must_use]
    pub fn all_of(mask: u64) -> Self {
        Self(vec![mask])
    }

    /// Holds where all facts of any of the masks do.
    #[must_use]
    pub fn any_of(masks: impl IntoIterator<Item = u64>) -> Self {
        let mut masks: Vec<u64> = masks.into_iter().collect();
        masks.sort_by_key(|mask| (mask.count_ones(), *mask));
        let mut minimal: Vec<u64> = Vec::with_capacity(masks.len());
        for mask in masks {
            if !minimal.iter().any(|smaller| smaller & mask == *smaller) {
                minimal.push(mask);
            }
        }
        minimal.sort_unstable();
        Self(minimal)
    }

    /// Both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::any_of(self.0.iter().flat_map(|a| other.0.iter().map(move |b| a | b)))
    }

    /// Either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self::any_of(self.0.iter().chain(&other.0).copied())
    }

    /// The minimal sufficient sets, sorted.
    #[must_use]
    pub fn minimal_sets(&self) -> &[u64] {
        &self.0
    }

    /// Whether a request with these facts satisfies it.
    #[must_use]
    pub fn holds(&self, facts: u64) -> bool {
        self.0.iter().any(|set| set & facts == *set)
    }

    /// Whether every request that satisfies this one satisfies `other`.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        self.0.iter().all(|set| other.holds(*set))
    }

    /// The minimal sets that satisfy this one and not `other`: empty exactly if this implies `other`.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Vec<u64> {
        self.0.iter().copied().filter(|set| !other.holds(*set)).collect()
    }

    /// The minimal sets of facts that a request with `facts` lacks. Empty where nothing would help.
    #[must_use]
    pub fn missing(&self, facts: u64) -> Vec<u64> {
        Self::any_of(self.0.iter().map(|set| set & !facts)).0
    }
}

/// A condition by number, within one [`Conditions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CondId(pub u32);

impl CondId {
    /// The condition that never holds has this number in every pool.
    pub const NEVER: Self = Self(0);
}

/// A pool that keeps each distinct condition once.
#[derive(Debug, Clone)]
pub struct Conditions {
    pool: Vec<Condition>,
    ids: HashMap<Condition, CondId>,
}

impl Default for Conditions {
    fn default() -> Self {
        let mut conditions = Self { pool: Vec::new(), ids: HashMap::new() };
        conditions.intern(Condition::never());
        conditions
    }
}

impl Conditions {
    /// The number of a condition; equal conditions have equal numbers.
    pub fn intern(&mut self, condition: Condition) -> CondId {
        if let Some(id) = self.ids.get(&condition) {
            return *id;
        }
        let id = CondId(self.pool.len() as u32);
        self.pool.push(condition.clone());
        self.ids.insert(condition, id);
        id
    }

    /// Every condition of the pool.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.pool.iter()
    }

    /// The condition of a number that this pool gave out.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "a CondId is only made by `intern`")]
    pub fn get(&self, id: CondId) -> &Condition {
        &self.pool[id.0 as usize]
    }

    /// How many distinct conditions there are, the one that never holds included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pool.len()
    }

    /// Never true: the pool always holds the condition that never holds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pool.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brute(masks: &[u64], facts: u64) -> bool {
        masks.iter().any(|mask| mask & facts == *mask)
    }

    proptest! {
        #[test]
        fn the_antichain_means_what_the_masks_mean(
            a in prop::collection::vec(0_u64..64, 0..6),
            b in prop::collection::vec(0_u64..64, 0..6),
        ) {
            let (x, y) = (Condition::any_of(a.clone()), Condition::any_of(b.clone()));
            let (and, or) = (x.and(&y), x.or(&y));
            let mut implies = true;
            for facts in 0..64 {
                let (in_a, in_b) = (brute(&a, facts), brute(&b, facts));
                prop_assert_eq!(x.holds(facts), in_a);
                prop_assert_eq!(and.holds(facts), in_a && in_b);
                prop_assert_eq!(or.holds(facts), in_a || in_b);
                implies &= !in_a || in_b;
                for missing in x.missing(facts) {
                    prop_assert!(brute(&a, facts | missing));
                    for bit in 0..6 {
                        if missing >> bit & 1 == 1 {
                            prop_assert!(!brute(&a, facts | (missing & !(1 << bit))));
                        }
                    }
                }
            }
            prop_assert_eq!(x.implies(&y), implies);
            prop_assert_eq!(x.beyond(&y).is_empty(), implies);
            for set in x.minimal_sets() {
                prop_assert!(x.minimal_sets().iter().all(|other| other == set || other & set != *other));
            }
        }
    }
}
