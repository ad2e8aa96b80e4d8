//! Which part of the relation the tests speak of.

use std::collections::{BTreeMap, BTreeSet};

use super::suite::Suite;
use crate::policy::cell::{Cell, RuleId};
use crate::policy::{ObjectIx, ObjectKind, Policy, PrincipalIx};

/// What the tests cover. Cells are pairs of principal and tool that something grants: what nothing grants, a test can only
/// find denied. Invariants are about everything, and so count for nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Cells with a request of some test.
    pub cells: Covered,
    /// Levels with such a cell.
    pub levels: Covered,
    /// Rules with such a cell.
    pub rules: Covered,
    /// The other cells, those worth a test first: of the highest level, and of a rule that no test speaks of.
    pub untested: Vec<Untested>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    /// How many are covered.
    pub covered: usize,
    /// How many there are.
    pub all: usize,
}

impl Covered {
    /// Whole percents, rounded down; of nothing all is covered.
    #[must_use]
    pub fn percent(self) -> usize {
        (self.covered * 100).checked_div(self.all).unwrap_or(100)
    }
}

/// A cell that no test speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untested {
    /// Who.
    pub principal: PrincipalIx,
    /// What.
    pub object: ObjectIx,
    /// The cell.
    pub cell: Cell,
    /// Whether no test speaks of its rule either.
    pub new_rule: bool,
}

/// What the tests that were run cover.
#[must_use]
pub fn coverage(policy: &Policy, suite: &Suite<'_>) -> Coverage {
    let outcomes = suite.tests.iter().flat_map(|test| &test.outcomes);
    let tested: BTreeSet<(PrincipalIx, ObjectIx)> =
        outcomes.filter_map(|outcome| outcome.case.principal.zip(outcome.case.object)).collect();
    let mut coverage = Coverage::default();
    let mut rules: BTreeMap<RuleId, bool> = BTreeMap::new();
    // The protocol comes with everything else.
    let counts = |object| policy.object_at(object).kind != ObjectKind::Protocol;
    for (principal, object, cell) in policy.all_cells().filter(|(_, object, _)| counts(*object)) {
        let covered = tested.contains(&(principal, object));
        coverage.cells.all += 1;
        coverage.cells.covered += usize::from(covered);
        *rules.entry(cell.rule).or_default() |= covered;
        if !covered {
            coverage.untested.push(Untested { principal, object, cell, new_rule: false });
        }
    }
    let mut levels: BTreeMap<Option<u32>, bool> = BTreeMap::new();
    for (rule, covered) in &rules {
        *levels.entry(policy.rule_at(*rule).level).or_default() |= covered;
    }
    let count = |marks: &mut dyn Iterator<Item = bool>| {
        marks.fold(Covered::default(), |so_far, covered| Covered {
            covered: so_far.covered + usize::from(covered),
            all: so_far.all + 1,
        })
    };
    coverage.rules = count(&mut rules.values().copied());
    coverage.levels = count(&mut levels.values().copied());
    for cell in &mut coverage.untested {
        cell.new_rule = !rules.get(&cell.cell.rule).copied().unwrap_or_default();
    }
    coverage.untested.sort_by_key(|cell| {
        let level = policy.rule_at(cell.cell.rule).level;
        (std::cmp::Reverse(level), !cell.new_rule, cell.principal, cell.object)
    });
    coverage
}
