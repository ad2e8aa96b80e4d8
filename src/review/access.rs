//! Two relations compared, cell by cell: complete by construction. A pair that has no cell on either side is denied on both.

use std::collections::HashMap;

use crate::model::Model;
use crate::policy::condition::{CondId, Condition, Conditions};
use crate::policy::fact::{Facts, MOST_FACTS};
use crate::policy::{Object, ObjectIx, Policy, PrincipalId};

/// On which side a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The side that is compared with: the line is gone, or was otherwise.
    Base,
    /// The side that is judged.
    Head,
}

impl Which {
    /// The word in every output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What the workspace means.
    pub model: &'a Model,
    /// The relation that follows from it.
    pub policy: &'a Policy,
}

/// What became of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing was let through before, and something is now.
    Added,
    /// Everything that was let through still is, and more.
    Widened,
    /// Some requests are let through that were not, and some are denied that were not.
    Both,
    /// Everything that is let through was before, and more was.
    Narrowed,
    /// Something was let through before, and nothing is now.
    Removed,
}

impl Change {
    /// The word in every output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Widened => "widened",
            Self::Both => "both",
            Self::Narrowed => "narrowed",
            Self::Removed => "removed",
        }
    }

    /// Whether some request is let through that was denied.
    #[must_use]
    pub fn widens(self) -> bool {
        matches!(self, Self::Added | Self::Widened | Self::Both)
    }

    fn between(before: &Condition, after: &Condition) -> Option<Self> {
        let never = |condition: &Condition| *condition == Condition::never();
        match (after.beyond(before).is_empty(), before.beyond(after).is_empty()) {
            (true, true) => None,
            (false, true) if never(before) => Some(Self::Added),
            (false, true) => Some(Self::Widened),
            (true, false) if never(after) => Some(Self::Removed),
            (true, false) => Some(Self::Narrowed),
            (false, false) => Some(Self::Both),
        }
    }
}

/// A cell that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flip {
    /// What became of it.
    pub change: Change,
    /// When it was allowed, by number in [`Compared::conditions`].
    pub before: CondId,
    /// When it is allowed now.
    pub after: CondId,
    /// Who, as an index into [`Compared::principals`].
    pub principal: usize,
    /// What, as an index into [`Compared::objects`].
    pub object: usize,
}

/// Two relations over the same facts, and where they differ.
#[derive(Debug, Default)]
pub struct Compared {
    /// The facts of either side.
    pub facts: Facts,
    /// The conditions of either side, over these facts.
    pub conditions: Conditions,
    /// The principals of either side, sorted.
    pub principals: Vec<PrincipalId>,
    /// The objects of either side, sorted.
    pub objects: Vec<Object>,
    /// How many pairs have a cell on one side at least.
    pub cells: usize,
    /// Every cell that changed, principals in order, objects in order within each.
    pub flips: Vec<Flip>,
}

/// More facts than can be told apart: both sides together use more than [`MOST_FACTS`].
#[derive(Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("the two sides together use {0} facts, and {MOST_FACTS} is the most that can be compared")]
pub struct TooManyFacts(pub usize);

/// Compares two relations.
///
/// # Errors
/// Where both sides together use more facts than a mask has bits.
pub fn compare(base: Side<'_>, head: Side<'_>) -> Result<Compared, TooManyFacts> {
    let mut names: Vec<_> = [base, head].iter().flat_map(|side| side.policy.facts.names()).cloned().collect();
    names.sort();
    names.dedup();
    if names.len() > MOST_FACTS {
        return Err(TooManyFacts(names.len()));
    }
    let mut found = Compared { facts: Facts::new(names), ..Compared::default() };
    let (objects, of_base, of_head) = joined(&base.policy.objects, &head.policy.objects);
    let ids = |side: Side<'_>| side.policy.principals.iter().map(|principal| principal.id.clone()).collect::<Vec<_>>();
    let (principals, base_rows, head_rows) = joined(&ids(base), &ids(head));
    let mut translators = [Translator::new(base.policy), Translator::new(head.policy)];
    let mut memo: HashMap<(CondId, CondId), Option<Change>> = HashMap::new();
    // For each principal of the union its row on either side.
    let mut rows: Vec<[Option<usize>; 2]> = vec![[None, None]; principals.len()];
    for (side, at) in [base_rows, head_rows].iter().enumerate() {
        for (index, joint) in at.iter().enumerate() {
            if let Some(slot) = rows.get_mut(*joint).and_then(|row| row.get_mut(side)) {
                *slot = Some(index);
            }
        }
    }
    let [base_side, head_side] = &mut translators;
    for (principal, [before, after]) in rows.iter().enumerate() {
        let before = base_side.row(*before, &of_base, &found.facts, &mut found.conditions);
        let after = head_side.row(*after, &of_head, &found.facts, &mut found.conditions);
        for (object, before, after) in paired(&before, &after) {
            found.cells += 1;
            if before == after {
                continue;
            }
            let change = *memo
                .entry((before, after))
                .or_insert_with(|| Change::between(found.conditions.get(before), found.conditions.get(after)));
            found.flips.extend(change.map(|change| Flip { change, before, after, principal, object }));
        }
    }
    found.objects = objects;
    found.principals = principals;
    Ok(found)
}

/// Two rows sorted by object as one, with what either side has for each object.
fn paired(before: &[(usize, CondId)], after: &[(usize, CondId)]) -> Vec<(usize, CondId, CondId)> {
    let mut pairs = Vec::with_capacity(before.len().max(after.len()));
    let (mut left, mut right) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let object = match (left.peek(), right.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((one, _)), None) | (None, Some((one, _))) => *one,
            (None, None) => return pairs,
        };
        let take = |side: &mut std::iter::Peekable<std::slice::Iter<'_, (usize, CondId)>>| {
            side.next_if(|(at, _)| *at == object).map_or(CondId::NEVER, |(_, condition)| *condition)
        };
        let (before, after) = (take(&mut left), take(&mut right));
        pairs.push((object, before, after));
    }
}

/// The sorted union of two sorted lists, and where each element of either list stands in it.
fn joined<T: Ord + Clone>(base: &[T], head: &[T]) -> (Vec<T>, Vec<usize>, Vec<usize>) {
    let mut union = Vec::with_capacity(base.len().max(head.len()));
    let (mut of_base, mut of_head) = (Vec::with_capacity(base.len()), Vec::with_capacity(head.len()));
    let (mut left, mut right) = (base.iter().peekable(), head.iter().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) => (*a).min(*b),
            (Some(one), None) | (None, Some(one)) => *one,
            (None, None) => return (union, of_base, of_head),
        };
        let at = union.len();
        union.push(next.clone());
        if left.next_if(|one| *one == next).is_some() {
            of_base.push(at);
        }
        if right.next_if(|one| *one == next).is_some() {
            of_head.push(at);
        }
    }
}

/// The conditions of one policy over the facts of both.
struct Translator<'a> {
    policy: &'a Policy,
    known: HashMap<CondId, CondId>,
}

impl<'a> Translator<'a> {
    fn new(policy: &'a Policy) -> Self {
        Self { policy, known: HashMap::new() }
    }

    /// The cells of a principal: objects of the union, and conditions over the joint facts.
    fn row(
        &mut self,
        principal: Option<usize>,
        objects: &[usize],
        facts: &Facts,
        conditions: &mut Conditions,
    ) -> Vec<(usize, CondId)> {
        let policy = self.policy;
        let row = principal.and_then(|at| policy.cells.get(at)).map(Vec::as_slice).unwrap_or_default();
        row.iter()
            .filter_map(|(ObjectIx(object), cell)| {
                let object = *objects.get(*object as usize)?;
                let condition = *self
                    .known
                    .entry(cell.condition)
                    .or_insert_with(|| conditions.intern(translated(policy, cell.condition, facts)));
                Some((object, condition))
            })
            .collect()
    }
}

/// A condition of a policy over other facts, which hold all of the policy's.
fn translated(policy: &Policy, condition: CondId, facts: &Facts) -> Condition {
    Condition::any_of(policy.conditions.get(condition).minimal_sets().iter().map(|set| {
        let bits = policy.facts.named(*set).filter_map(|fact| facts.mask(fact.as_str()));
        facts.closed(bits.fold(0, |all, bit| all | bit))
    }))
}
