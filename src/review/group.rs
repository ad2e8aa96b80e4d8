//! Changed cells in groups that a person can read: what changed alike, for the same reason, stands in one line.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::access::{Change, Compared, Flip, Side, Which};
use super::cause::turning;
use super::excuse::{Excuse, Rules, Waivers, holds};
use super::premises::{At, Premise, changed_everywhere, changed_here, changed_lines};
use super::rename::Renamed;
use crate::model::access::classification::Classification;
use crate::model::name::FactName;
use crate::policy::cell::RuleId;
use crate::policy::condition::CondId;
use crate::policy::{Object, ObjectKind, PrincipalId};
use crate::source::Loc;

/// A request that is decided differently from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Who.
    pub principal: PrincipalId,
    /// What.
    pub object: Object,
    /// All facts that the request shows.
    pub facts: Vec<FactName>,
    /// Whether it is let through now; before it was the other way round.
    pub allowed: bool,
}

/// Cells that changed alike and for the same reason: every pair of one of the principals and one of the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What became of them.
    pub change: Change,
    /// Who, sorted.
    pub principals: Vec<PrincipalId>,
    /// What, sorted.
    pub objects: Vec<Object>,
    /// The minimal sets of facts that sufficed.
    pub before: Vec<Vec<FactName>>,
    /// The minimal sets of facts that suffice now.
    pub after: Vec<Vec<FactName>>,
    /// The lines that explain it, sorted: without any one of them some request of the group would be decided as before.
    pub causes: Vec<(Which, Loc)>,
    /// A request that is decided otherwise.
    pub example: Example,
    /// The waiver that is about what opens.
    pub excuse: Option<Excuse>,
    /// The guess that explains it: removed and added alike under another name, by its place in [`super::diff::Diff::renames`].
    pub renamed: Option<usize>,
}

impl Group {
    /// How many cells it holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.principals.len() * self.objects.len()
    }
}

/// What the search for causes depends on; cells with the same key share its outcome.
type Key = (CondId, CondId, Option<RuleId>, Option<RuleId>, Vec<Premise>);

/// What one line of the result has in common.
type Shape<'p> = (Change, CondId, CondId, &'p [Premise], Option<Excuse>, Option<usize>);

/// Principals and objects, every pair of which belongs to it.
type Rectangle = (Vec<usize>, Vec<usize>);

/// The changed cells in groups: widenings first, those that a waiver excuses after the others; the most sensitive data first, and
/// of the same the largest. What a waiver is about, and what a guessed new name explains, stands by itself.
#[must_use]
pub fn groups(compared: &Compared, base: Side<'_>, head: Side<'_>, rules: Rules<'_>, renamed: &Renamed) -> Vec<Group> {
    let Some(first) = compared.flips.first() else { return Vec::new() };
    let Some(at) = place(compared, first) else { return Vec::new() };
    let everywhere = changed_everywhere(base, head, at);
    let keyed: Vec<(&Flip, Key)> = compared
        .flips
        .par_iter()
        .filter_map(|flip| {
            let at = place(compared, flip)?;
            let rule = |side: Side<'_>| {
                let principal = side.policy.principal(&at.principal.to_string())?;
                side.policy.cell(principal, side.policy.object(at.object)?).map(|cell| cell.rule)
            };
            Some((flip, (flip.before, flip.after, rule(base), rule(head), changed_here(base, head, at))))
        })
        .collect();
    let mut first_of: BTreeMap<&Key, &Flip> = BTreeMap::new();
    for (flip, key) in &keyed {
        first_of.entry(key).or_insert(flip);
    }
    let causes: BTreeMap<&Key, Vec<Premise>> = first_of
        .into_par_iter()
        .map(|(key, flip)| (key, parts_of(compared, base, head, flip, &everywhere, &key.4)))
        .collect::<Vec<_>>()
        .into_iter()
        .collect();
    let waivers = Waivers::new(rules, compared);
    let mut shapes: BTreeMap<Shape<'_>, Vec<&Flip>> = BTreeMap::new();
    for (flip, key) in &keyed {
        let parts = causes.get(key).map(Vec::as_slice).unwrap_or_default();
        let apart = (waivers.of(flip), renamed.of(flip));
        shapes.entry((flip.change, flip.before, flip.after, parts, apart.0, apart.1)).or_default().push(flip);
    }
    let rectangles: Vec<(Shape<'_>, Rectangle)> = shapes
        .into_iter()
        .flat_map(|(shape, flips)| rectangles(&flips).into_iter().map(move |rectangle| (shape, rectangle)))
        .collect();
    let mut groups: Vec<Group> = rectangles
        .into_par_iter()
        .filter_map(|(shape, (principals, objects))| group(compared, base, head, shape, &principals, &objects))
        .collect();
    let classes = [base, head].map(|side| Classification::of(&side.model.access));
    groups.sort_by_cached_key(|group| {
        let (data, cells) = (sensitivity(group, &classes), group.cells());
        let order = (rank(group), group.renamed, Reverse(data), group.change, kind(group), Reverse(cells));
        (order, group.objects.clone(), group.principals.clone())
    });
    groups
}

/// Tools come before what else a server has, and its own protocol, which opens with its first tool, last.
fn kind(group: &Group) -> Option<u8> {
    let kinds = group.objects.iter().map(|object| match object.kind {
        ObjectKind::Tool(_) => 0,
        ObjectKind::Resource(_) => 1,
        ObjectKind::Prompt(_) => 2,
        ObjectKind::Protocol => 3,
    });
    kinds.min()
}

/// The rank of the most sensitive class among the servers of a group, on either side.
fn sensitivity(group: &Group, classes: &[Classification<'_>; 2]) -> Option<usize> {
    let mut servers: Vec<&str> = group.objects.iter().map(|object| object.server.as_str()).collect();
    servers.dedup();
    let of = |server: &str| classes.each_ref().map(|side| side.governing(server).map(|(rank, _)| rank));
    servers.into_iter().flat_map(of).flatten().max()
}

fn place<'c>(compared: &'c Compared, flip: &Flip) -> Option<At<'c>> {
    Some(At { principal: compared.principals.get(flip.principal)?, object: compared.objects.get(flip.object)? })
}

/// The requests that show how a cell changed: one that is let through now, one that is denied now, or both.
fn requests(compared: &Compared, before: CondId, after: CondId) -> Vec<(Vec<FactName>, bool)> {
    let (before, after) = (compared.conditions.get(before), compared.conditions.get(after));
    let named = |set: u64| compared.facts.named(compared.facts.closed(set)).cloned().collect::<Vec<FactName>>();
    let opened = after.beyond(before).first().map(|set| (named(*set), true));
    let closed = before.beyond(after).first().map(|set| (named(*set), false));
    opened.into_iter().chain(closed).collect()
}

fn parts_of(
    compared: &Compared,
    base: Side<'_>,
    head: Side<'_>,
    flip: &Flip,
    everywhere: &[Premise],
    here: &[Premise],
) -> Vec<Premise> {
    let Some(at) = place(compared, flip) else { return Vec::new() };
    let changed: Vec<Premise> = everywhere.iter().chain(here).cloned().collect();
    let mut parts = BTreeSet::new();
    for (facts, _) in requests(compared, flip.before, flip.after) {
        // Where the parts that are known do not explain it, all that changed are shown.
        parts.extend(turning(base, head, at, &changed, &facts).unwrap_or_else(|| changed.clone()));
    }
    parts.into_iter().collect()
}

/// The pairs as few blocks of principals and objects, each block complete.
fn rectangles(flips: &[&Flip]) -> Vec<Rectangle> {
    let blocks = |pairs: &mut dyn Iterator<Item = (usize, usize)>| {
        let mut by_first: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (first, second) in pairs {
            by_first.entry(first).or_default().push(second);
        }
        let mut blocks: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (first, mut seconds) in by_first {
            seconds.sort_unstable();
            blocks.entry(seconds).or_default().push(first);
        }
        blocks
    };
    let by_object = blocks(&mut flips.iter().map(|flip| (flip.object, flip.principal)));
    let by_principal = blocks(&mut flips.iter().map(|flip| (flip.principal, flip.object)));
    if by_object.len() <= by_principal.len() {
        by_object.into_iter().collect()
    } else {
        by_principal.into_iter().map(|(objects, principals)| (principals, objects)).collect()
    }
}

fn group(
    compared: &Compared,
    base: Side<'_>,
    head: Side<'_>,
    (change, before, after, parts, excuse, renamed): Shape<'_>,
    principals: &[usize],
    objects: &[usize],
) -> Option<Group> {
    let principals: Vec<&PrincipalId> = principals.iter().filter_map(|at| compared.principals.get(*at)).collect();
    let objects: Vec<&Object> = objects.iter().filter_map(|at| compared.objects.get(*at)).collect();
    let mut causes = BTreeSet::new();
    for principal in &principals {
        for object in &objects {
            for part in parts {
                let (gone, new) = changed_lines(part, base, head, At { principal, object });
                causes.extend(gone.into_iter().map(|loc| (Which::Base, loc)));
                causes.extend(new.into_iter().map(|loc| (Which::Head, loc)));
            }
        }
    }
    let (facts, allowed) = requests(compared, before, after).into_iter().next()?;
    let named = |condition: CondId| {
        let sets = compared.conditions.get(condition).minimal_sets();
        sets.iter().map(|set| compared.facts.named(*set).cloned().collect()).collect()
    };
    Some(Group {
        change,
        before: named(before),
        after: named(after),
        causes: causes.into_iter().collect(),
        example: Example {
            principal: (*principals.first()?).clone(),
            object: (*objects.first()?).clone(),
            facts,
            allowed,
        },
        principals: principals.into_iter().cloned().collect(),
        objects: objects.into_iter().cloned().collect(),
        excuse,
        renamed,
    })
}

/// How urgent a group is to look at: what opens first, and of that what nothing excuses.
fn rank(group: &Group) -> u8 {
    match (group.change.widens(), holds(group.excuse)) {
        (true, false) => 0,
        (true, true) => 1,
        (false, _) => 2,
    }
}
