//! Mutation: the workspace with one thing made laxer, and whether any test or invariant notices.

use rayon::prelude::*;

use super::suite::Suite;
use crate::model::Model;
use crate::policy::derive::derive;
use crate::policy::invariant::Resolved;
use crate::policy::policy_test::{Case, judge};
use crate::policy::whole::Whole;
use crate::policy::{ObjectIx, ObjectKind, Policy, PrincipalIx};
use crate::source::Loc;

pub mod edits;
mod generous;

#[cfg(test)]
mod tests;

/// What a mutant makes laxer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MutationKind {
    /// A requirement, a suspension or a border is gone.
    Drop,
    /// A level is lower by one. It may lack an alternative that the higher one offers.
    Lower,
    /// A principal is granted one more tool.
    Grant,
}

impl MutationKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Drop, Self::Lower, Self::Grant];

    /// The word in lists: `drop`, `lower`, `grant`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Lower => "lower",
            Self::Grant => "grant",
        }
    }
}

/// A mutant that no test noticed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Survivor {
    /// What it makes laxer.
    pub kind: MutationKind,
    /// What exactly, in words.
    pub what: String,
    /// Where that stands: the requirement, the level, the principal.
    pub loc: Loc,
}

/// How many mutants of a kind were made and noticed. Those that change no decision about a tool are not
/// counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Mutants that change some decision.
    pub made: usize,
    /// Those that a test or an invariant notices.
    pub noticed: usize,
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutation {
    /// In the order of [`MutationKind::ALL`].
    pub scores: [Score; 3],
    /// Every mutant that no test noticed, by kind and place.
    pub survivors: Vec<Survivor>,
    /// Pairs of principal and tool that no grant was tried for, because there are too many.
    pub untried: usize,
}

impl Mutation {
    fn count(&mut self, kind: MutationKind, noticed: usize, survivors: Vec<Survivor>) {
        let [drop, lower, grant] = &mut self.scores;
        let score = match kind {
            MutationKind::Drop => drop,
            MutationKind::Lower => lower,
            MutationKind::Grant => grant,
        };
        score.made += noticed + survivors.len();
        score.noticed += noticed;
        self.survivors.extend(survivors);
    }
}

/// What passes now, and so could notice something.
struct Guards<'a> {
    cases: Vec<(&'a crate::model::assurance::PolicyTest, Case)>,
    invariants: Vec<Resolved>,
}

impl Guards<'_> {
    /// Whether a relation over the same principals, objects and facts fails any.
    fn notice(&self, whole: Whole<'_>) -> bool {
        self.cases.iter().any(|(test, case)| judge(whole, test, *case).fault.is_some())
            || self.invariants.iter().any(|invariant| !invariant.violations(whole).is_empty())
    }
}

/// Makes every mutant and asks every test that passes now.
#[must_use]
pub fn mutate(model: &Model, whole: Whole<'_>, suite: &Suite<'_>) -> Mutation {
    let policy = whole.policy;
    let passing = suite.tests.iter().flat_map(|run| run.outcomes.iter().map(move |outcome| (run.test, outcome)));
    let guards = Guards {
        cases: passing.filter(|(_, it)| it.fault.is_none()).map(|(test, outcome)| (test, outcome.case)).collect(),
        invariants: suite
            .invariants
            .iter()
            .filter(|run| run.passes())
            .map(|run| Resolved::of(model, policy, run.invariant))
            .collect(),
    };
    let mut mutation = Mutation::default();
    // Every mutant speaks of the same facts, also where the last one that asks for a fact is gone.
    let pinned = edits::with_facts_pinned(model, policy);
    let edits = edits::edits(model);
    let judged: Vec<Option<(bool, Survivor)>> = edits
        .into_par_iter()
        .map(|edit| {
            let mut mutated = pinned.clone();
            (edit.apply)(&mut mutated);
            let mutated = derive(&mutated);
            let survivor = Survivor { kind: edit.kind, what: edit.what, loc: edit.loc };
            (!same_decisions(policy, &mutated)).then(|| (guards.notice(whole.over(&mutated)), survivor))
        })
        .collect();
    for (noticed, survivor) in judged.into_iter().flatten() {
        let kind = survivor.kind;
        mutation.count(kind, usize::from(noticed), if noticed { vec![] } else { vec![survivor] });
    }
    grants(model, whole, &guards, &mut mutation);
    mutation.survivors.sort();
    mutation
}

/// Whether two relations over the same principals, objects and facts decide every call of a tool alike. Of other methods no
/// test can speak.
fn same_decisions(one: &Policy, other: &Policy) -> bool {
    let of = |policy: &Policy, row: usize| {
        let cells = policy.cells.get(row).into_iter().flatten().filter(|(object, cell)| {
            !policy.is_never(cell.condition) && matches!(policy.object_at(*object).kind, ObjectKind::Tool(_))
        });
        cells.map(|(object, cell)| (*object, policy.conditions.get(cell.condition).clone())).collect::<Vec<_>>()
    };
    one.principals.len() == other.principals.len()
        && (0..one.principals.len()).all(|row| of(one, row) == of(other, row))
}

/// Grants every principal each tool that it has not, one at a time. The relation in which everything is granted says what
/// each grant alone would let through.
fn grants(model: &Model, whole: Whole<'_>, guards: &Guards<'_>, mutation: &mut Mutation) {
    let policy = whole.policy;
    let pairs = policy.principals.len().saturating_mul(policy.objects.len());
    if pairs > generous::MOST_PAIRS {
        mutation.untried = pairs;
        return;
    }
    let everything = derive(&generous::generous(model));
    let judged: Vec<(usize, Vec<Survivor>)> = (0..policy.principals.len() as u32)
        .into_par_iter()
        .map(PrincipalIx)
        .map(|principal| of_principal(whole, &everything, guards, principal))
        .collect();
    for (noticed, survivors) in judged {
        mutation.count(MutationKind::Grant, noticed, survivors);
    }
}

fn of_principal(
    whole: Whole<'_>,
    everything: &Policy,
    guards: &Guards<'_>,
    principal: PrincipalIx,
) -> (usize, Vec<Survivor>) {
    let mine: Vec<_> = guards.cases.iter().filter(|(_, case)| case.principal == Some(principal)).collect();
    let policy = whole.policy;
    let now = whole.possible(principal).0;
    let (mut noticed, mut survivors) = (0, Vec::new());
    for (object, cell) in everything.cells.get(principal.0 as usize).into_iter().flatten() {
        let is_tool = matches!(policy.object_at(*object).kind, ObjectKind::Tool(_));
        let sets = everything.conditions.get(cell.condition).minimal_sets();
        let Some(plainest) = sets.iter().copied().min_by_key(|set| (set.count_ones(), *set)) else { continue };
        if !is_tool || policy.cell(principal, *object).is_some() {
            continue;
        }
        let by_case = || {
            mine.iter().any(|(test, case)| {
                case.object == Some(*object) && judge(whole.over(everything), test, *case).fault.is_some()
            })
        };
        let with_it = || {
            let mut possible: Vec<(ObjectIx, u64)> = now.clone();
            possible.push((*object, plainest));
            possible.sort_unstable();
            possible
        };
        let by_invariant = || {
            let possible = with_it();
            guards.invariants.iter().any(|rule| rule.violated_by(policy, principal, &possible).is_some())
        };
        if by_case() || by_invariant() {
            noticed += 1;
        } else {
            let who = policy.principal_at(principal);
            let what = format!("`{}` may also call `{}`", who.id, policy.object_at(*object));
            survivors.push(Survivor { kind: MutationKind::Grant, what, loc: who.loc });
        }
    }
    (noticed, survivors)
}
