//! What the tokens of one caller can say at all: facts that follow from who calls and who issued the token are not free.

use std::collections::BTreeSet;

use super::here::{Caller, Here};
use super::question::Question;
use crate::policy::condition::Condition;

/// The facts that each token of a caller decides, and the ways in which they do.
#[derive(Debug)]
pub(super) struct Reach {
    determined: u64,
    patterns: BTreeSet<u64>,
}

impl Reach {
    /// Whether two conditions let the same tokens through: they agree under each pattern that there is.
    pub(super) fn same(&self, one: &Condition, other: &Condition) -> bool {
        let under = |condition: &Condition, pattern: u64| {
            let sets = condition.minimal_sets().iter().filter(|set| *set & self.determined & !pattern == 0);
            Condition::any_of(sets.map(|set| set & !self.determined))
        };
        one == other
            || !self.patterns.is_empty()
                && self.patterns.iter().all(|pattern| under(one, *pattern) == under(other, *pattern))
    }
}

impl<'a> Question<'a> {
    /// What the tokens that mean a caller can say.
    pub(super) fn reach(&self, here: &Here<'_, 'a>, caller: &Caller<'_>) -> Reach {
        let mut reach = Reach { determined: u64::MAX, patterns: BTreeSet::new() };
        for issuer in here.sheet.issuers.iter().filter(|issuer| self.speaks(issuer.of.by, caller)) {
            for (token, named_by) in caller.tokens.iter().zip(&caller.claims) {
                if named_by.is_of(issuer.of.by) {
                    let always = token.of.always | issuer.of.always;
                    reach.determined &= always | token.of.never | issuer.of.never;
                    reach.patterns.insert(always);
                }
            }
        }
        reach
    }
}
