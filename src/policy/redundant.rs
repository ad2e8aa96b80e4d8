//! Entries of `may_call` that can go without changing any cell, and the entries that make them superfluous.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::derive::condition_of;
use super::{ObjectIx, ObjectKind, Policy};
use crate::model::Model;
use crate::model::access::{Grant, Granted};
use crate::model::server::Tool;

/// An entry that can go.
#[derive(Debug, Clone)]
pub struct Redundant<'m> {
    /// The entry.
    pub grant: &'m Grant,
    /// The entries that stay and grant all of it, in the order written: one, or several together of which none could be left
    /// out.
    pub covered_by: Vec<&'m Grant>,
    /// Facts that the entry asks for and that nobody needs, because what covers it lets some call through without them.
    pub skipped: u64,
}

/// An entry with what it grants.
struct Entry<'m> {
    grant: &'m Grant,
    /// The tools, sorted.
    objects: Vec<ObjectIx>,
    /// The facts that it asks for.
    facts: u64,
}

/// Entries of one server.
struct Entries<'a, 'm> {
    policy: &'a Policy,
    all: Vec<Entry<'m>>,
    /// For each tool the entries that grant it, in the order written.
    of_tool: BTreeMap<ObjectIx, Vec<usize>>,
    /// Whether an entry stays.
    stays: Vec<bool>,
}

/// So many entries that might make one superfluous are looked at, so that absurd lists take no quadratic time.
const LOOKED_AT: usize = 1_024;

/// The entries of one principal's list that can all go together, in the order written. Of two that say the same the later one
/// goes. Entries that grant nothing are not among them.
#[must_use]
pub fn grants<'m>(model: &Model, policy: &Policy, list: &'m [Grant]) -> Vec<Redundant<'m>> {
    // Most lists are short, and name each server once.
    let repeats = |(at, grant): (usize, &Grant)| list.iter().take(at).any(|before| before.server == grant.server);
    if list.len() <= 16 && !list.iter().enumerate().any(repeats) {
        return Vec::new();
    }
    let mut by_server: Vec<(&str, usize)> = list.iter().map(|grant| grant.server.as_str()).zip(0..).collect();
    by_server.sort_unstable();
    let mut found = Vec::new();
    for of_server in by_server.chunk_by(|one, other| one.0 == other.0).filter(|some| some.len() > 1) {
        let grants = of_server.iter().filter_map(|(_, at)| list.get(*at));
        let mut entries = Entries::of(model, policy, grants);
        entries.drop_superfluous();
        found.extend(entries.superfluous());
    }
    found.sort_by_key(|redundant| redundant.grant.text.loc);
    found
}

/// What an entry grants, sorted.
#[must_use]
pub fn granted(model: &Model, policy: &Policy, grant: &Grant) -> Vec<ObjectIx> {
    let Some(server) = model.server(grant.server.as_str()) else { return Vec::new() };
    let is_granted = |tool: &Tool| {
        let reads = tool.read_only.as_ref().is_some_and(|flag| flag.value);
        tool.registered && (reads || !grant.only_read_only)
    };
    let all = policy.index.tools(server).filter(|(tool, _)| is_granted(tool));
    let here = || policy.index.objects_on(&policy.objects, grant.server.as_str());
    match &grant.what {
        Granted::All => {
            let readable =
                here().filter(|(object, _)| matches!(object.kind, ObjectKind::Resource(_) | ObjectKind::Prompt(_)));
            all.map(|(_, object)| object).chain(readable.map(|(_, index)| ObjectIx(index))).collect()
        }
        Granted::Readable(readable) => {
            here().filter(|(object, _)| object.kind.is_of(readable)).map(|(_, index)| ObjectIx(index)).collect()
        }
        Granted::Tool(name) => {
            let here = policy.index.on(grant.server.as_str());
            let found = server.tools.get(name).filter(|tool| is_granted(tool));
            found.and_then(|_| policy.index.tool(&policy.objects, here, name.as_str())).into_iter().collect()
        }
    }
}

impl<'a, 'm> Entries<'a, 'm> {
    fn of(model: &Model, policy: &'a Policy, grants: impl Iterator<Item = &'m Grant>) -> Self {
        let entry = |grant: &'m Grant| {
            // An entry that asks for a fact without a bit never lets anything through, which is an error elsewhere.
            let facts = *condition_of(&grant.requires, &policy.facts).minimal_sets().first()?;
            let objects = granted(model, policy, grant);
            (!objects.is_empty()).then_some(Entry { grant, objects, facts })
        };
        let all: Vec<Entry<'m>> = grants.filter_map(entry).collect();
        let mut of_tool: BTreeMap<ObjectIx, Vec<usize>> = BTreeMap::new();
        for (at, entry) in all.iter().enumerate() {
            entry.objects.iter().for_each(|object| of_tool.entry(*object).or_default().push(at));
        }
        let stays = vec![true; all.len()];
        Self { policy, all, of_tool, stays }
    }

    /// The minimal sets of facts with which a call of a tool comes under an entry: what the tool demands, and the entry.
    fn ways(&self, object: ObjectIx, facts: u64) -> impl Iterator<Item = u64> + '_ {
        let demand = self.policy.demand(object).map(Condition::minimal_sets).unwrap_or_default();
        // Where a tool's demand can never be met, that is not the entries' affair.
        let demand = if demand.is_empty() { &[0] } else { demand };
        demand.iter().map(move |set| set | facts)
    }

    /// The entries other than `at` that stay and grant a tool.
    fn others(&self, at: usize, object: ObjectIx) -> impl Iterator<Item = usize> + '_ {
        let of_tool = self.of_tool.get(&object).map(Vec::as_slice).unwrap_or_default();
        let stays = move |other: &usize| *other != at && self.stays.get(*other).copied().unwrap_or_default();
        of_tool.iter().copied().filter(stays).take(LOOKED_AT)
    }

    fn facts(&self, at: usize) -> u64 {
        self.all.get(at).map_or(u64::MAX, |entry| entry.facts)
    }

    /// Whether `by`, entries other than `at`, let through every call that the entry `at` does.
    fn is_covered(&self, at: usize, by: impl Fn(usize) -> bool) -> bool {
        self.all.get(at).is_some_and(|entry| {
            entry.objects.iter().all(|object| {
                self.ways(*object, entry.facts)
                    .all(|way| self.others(at, *object).any(|other| by(other) && self.facts(other) & !way == 0))
            })
        })
    }

    /// An entry that alone lets through every call that `at` does.
    fn covered_by_one(&self, at: usize) -> Option<usize> {
        let first = self.all.get(at)?.objects.first()?;
        self.others(at, *first).find(|other| self.is_covered(at, |by| by == *other))
    }

    /// Drops what one other entry makes superfluous, then what several do; the later one first.
    fn drop_superfluous(&mut self) {
        for together in [false, true] {
            for at in (0..self.all.len()).rev().filter(|at| self.stays.get(*at) == Some(&true)).collect::<Vec<_>>() {
                let covered = if together { self.is_covered(at, |_| true) } else { self.covered_by_one(at).is_some() };
                if covered && let Some(stays) = self.stays.get_mut(at) {
                    *stays = false;
                }
            }
        }
    }

    /// What was dropped, each with what covers it.
    fn superfluous(&self) -> Vec<Redundant<'m>> {
        let dropped = self.all.iter().zip(&self.stays).enumerate().filter(|(_, (_, stays))| !**stays);
        let redundant = dropped.map(|(at, (entry, _))| {
            let by = self.covered_by_one(at).map_or_else(|| self.smallest_cover(at), |one| vec![one]);
            let covered_by = by.iter().filter_map(|other| self.all.get(*other)).map(|other| other.grant).collect();
            Redundant { grant: entry.grant, covered_by, skipped: self.skipped(at, entry, &by) }
        });
        redundant.collect()
    }

    /// Entries that together let through every call that `at` does, none of which could be left out.
    fn smallest_cover(&self, at: usize) -> Vec<usize> {
        let objects = self.all.get(at).into_iter().flat_map(|entry| &entry.objects);
        let mut cover: Vec<usize> = objects.flat_map(|object| self.others(at, *object)).collect();
        cover.sort_unstable();
        cover.dedup();
        for candidate in cover.clone().into_iter().rev() {
            if self.is_covered(at, |by| by != candidate && cover.contains(&by)) {
                cover.retain(|other| *other != candidate);
            }
        }
        cover
    }

    /// The facts of an entry without which what covers it lets some of its calls through.
    fn skipped(&self, at: usize, entry: &Entry<'_>, by: &[usize]) -> u64 {
        let of_tool = |object: &ObjectIx| {
            let demands = self.ways(*object, 0);
            let covers = self.others(at, *object).filter(|other| by.contains(other));
            let covers: Vec<u64> = covers.map(|other| self.facts(other)).collect();
            demands.fold(0, |all, demand| {
                let ways = covers.iter().filter(|facts| *facts & !(demand | entry.facts) == 0);
                ways.fold(all, |all, facts| all | entry.facts & !(facts | demand))
            })
        };
        entry.objects.iter().fold(0, |all, object| all | of_tool(object))
    }
}
