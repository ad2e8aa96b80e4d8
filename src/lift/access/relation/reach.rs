//! What the tokens of one caller can say at all: facts that follow from who calls and who issued the token are not free.

use std::collections::BTreeSet;

use super::caller::{Caller, Here};
use super::question::Question;
use crate::model::access::{ArgumentTest, ClaimTest, Evidence};
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
    /// A condition of the model that is the same as what was found, for every token that there is. Where nothing found asks how
    /// the connection was made, the model's condition is also tried without that: whether it is given is judged elsewhere.
    pub(super) fn same(&self, reach: &Reach, found: &Condition, expected: &Condition) -> Option<Condition> {
        let all = |condition: &Condition| condition.minimal_sets().iter().fold(0, |all, set| all | set);
        let transport = self.evidence.iter().filter(|(_, evidence)| matches!(evidence, Evidence::Transport));
        let given = transport.fold(0, |bits, (bit, _)| bits | bit) & !all(found);
        let narrowed = Condition::any_of(expected.minimal_sets().iter().map(|set| set & !given));
        let found = self.closed(found);
        [expected.clone(), narrowed].into_iter().find(|other| reach.same(&found, &self.closed(other)))
    }

    /// The condition with all facts that follow from those in it: a claim that is one of some values is one of more values.
    fn closed(&self, condition: &Condition) -> Condition {
        let shown = |set: u64| self.evidence.iter().filter(move |(bit, _)| set & bit != 0);
        let follows = |set: &u64| {
            let more = self.evidence.iter().filter(|(_, other)| shown(*set).any(|(_, one)| implies(one, other)));
            more.fold(*set, |all, (bit, _)| all | bit)
        };
        Condition::any_of(condition.minimal_sets().iter().map(follows))
    }

    /// What the tokens that mean a caller can say.
    pub(super) fn reach(&self, here: &Here<'_, 'a>, caller: &Caller<'_>) -> Reach {
        let mut reach = Reach { determined: u64::MAX, patterns: BTreeSet::new() };
        for issuer in here.messages.issuers.iter().filter(|issuer| self.speaks(issuer.of.by, caller)) {
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

/// Whether what shows one fact shows the other one as well.
fn implies(one: &Evidence, other: &Evidence) -> bool {
    let (one, other) = match (one, other) {
        (Evidence::Claim(one), Evidence::Claim(other)) => (one, other),
        (Evidence::Argument(one), Evidence::Argument(other)) => {
            return one.path == other.path
                && matches!(
                    (&one.test, &other.test),
                    (ArgumentTest::OneOf(few), ArgumentTest::OneOf(many)) if few.iter().all(|value| many.contains(value))
                );
        }
        _ => return false,
    };
    let same = one.path == other.path && one.separator == other.separator;
    same && match (&one.test, &other.test) {
        (ClaimTest::Contains(few), ClaimTest::Contains(many)) => few.iter().all(|value| many.contains(value)),
        (ClaimTest::Is(few), ClaimTest::Is(many)) => few.iter().all(|text| many.contains(text)),
        (ClaimTest::Is(few), ClaimTest::Contains(many)) => {
            few.iter().all(|text| many.iter().any(|value| value.as_text() == Some(text)))
        }
        (ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::DiffersFrom(_) | ClaimTest::Present, _) => false,
    }
}
