//! From the model to the relation. Total: every grant becomes a cell, whatever faults the model has; a fault makes a
//! cell stricter or never, not absent, and is reported by a check.

mod demand;
mod facts;
mod objects;
mod rules;

pub use self::demand::{condition_of, effective_level, level_condition};
pub use self::facts::facts_in_use;

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use self::facts::{evidence_of, facts_of};
use self::objects::{Grantable, Objects, objects_of};
use self::rules::Rules;
use super::cell::Cell;
use super::condition::{CondId, Condition, Conditions};
use super::fact::Facts;
use super::objects::ObjectIndex;
use super::{Object, ObjectIx, ObjectKind, Policy, Principal, PrincipalId, PrincipalIx};
use crate::model::Model;
use crate::model::access::{Agent, AnyAgent, Grant, Granted, Readable};
use crate::model::flow::Flow;
use crate::model::name::{FactName, ServerName, UnitName};
use crate::source::{Loc, Spanned};

/// The fact that a call needs where no levels are declared at all.
pub const SERVICE_ACCOUNT_TOKEN: &str = "service_account_token";

/// Most incomparable sets of further facts under which one principal may be granted one tool. Far above what people write;
/// combining conditions takes time with the square of it.
pub const MOST_WAYS: usize = 64;

/// A fault found while deriving, which a check reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// More facts are in use than a mask has bits; this one and later ones could not be represented, so every
    /// condition that asks for one never holds.
    TooManyFacts(Spanned<FactName>),
    /// A tool is granted to a principal in more ways than [`MOST_WAYS`]; its condition never holds.
    TooManyWays(PrincipalIx, ObjectIx),
    /// A unit folder lets something through that the central rules deny.
    UnitWidens {
        /// The unit.
        unit: UnitName,
        /// A cell that shows it.
        principal: PrincipalIx,
        /// The cell's object.
        object: ObjectIx,
        /// A minimal set of facts that the unit's rules let through and the central ones deny.
        facts: u64,
        /// Where the unit restates it.
        loc: Loc,
        /// Where the central rule stands.
        centre: Loc,
    },
}

/// Derives the relation.
#[must_use]
pub fn derive(model: &Model) -> Policy {
    let (facts, mut faults) = facts_of(model);
    let (principals, objects) = rayon::join(|| principals_of(model), || objects_of(model, &facts));
    let Objects { objects, index, demand_of, demands, grantable } = objects;
    let mut rules = Rules::new(model, &facts, &demands);
    let mut conditions = Conditions::default();
    let mut grants = GrantPool::default();
    let world = World { objects: &objects, index: &index, grantable: &grantable, facts: &facts };
    // What is granted to whom is found in parallel; numbers are given out in order, so that they are always the same.
    let granted: Vec<Found> = principals.par_iter().with_min_len(64).map(|(_, who)| world.granted_to(*who)).collect();
    let mut cells = Vec::with_capacity(principals.len());
    let mut calls = Vec::with_capacity(principals.len());
    for (((principal, who), p), granted) in principals.iter().zip(0..).zip(granted) {
        faults.extend(granted.pool.crowded.iter().map(|object| Fault::TooManyWays(PrincipalIx(p), *object)));
        let side = rules.side(principal, *who);
        let row = granted
            .row
            .into_iter()
            .filter_map(|(object, grant)| {
                let condition = granted.pool.get(grant);
                let grant = condition.map_or(GrantPool::FREE, |condition| grants.intern(condition.clone()));
                let demand = *demand_of.get(object.0 as usize)?;
                let cell = rules.cell(&side, demand, grant, &grants, &mut conditions, (PrincipalIx(p), object));
                Some((object, cell))
            })
            .collect();
        cells.push(world.with_protocol(row, |object| {
            let demand = *demand_of.get(object.0 as usize)?;
            Some(rules.cell(&side, demand, GrantPool::FREE, &grants, &mut conditions, (PrincipalIx(p), object)))
        }));
        calls.push(granted.calls);
    }
    let (rules, widenings) = rules.finish();
    faults.extend(widenings);
    let principals = principals.into_iter().map(|(principal, _)| principal).collect();
    let demands = demands.iter().map(demand::Demand::condition).collect();
    let evidence = evidence_of(model, &facts);
    Policy { facts, evidence, principals, objects, index, conditions, rules, cells, calls, demands, demand_of, faults }
}

/// The things granted to a principal, sorted, each with the number of what its grants add.
type Row = Vec<(ObjectIx, u32)>;

/// What is granted to a principal.
struct Found {
    row: Row,
    pool: GrantPool,
    /// What the calls of a flow reach.
    calls: Vec<Option<ObjectIx>>,
}

/// What a principal is declared as.
#[derive(Clone, Copy)]
enum Who<'a> {
    Agent(&'a Agent),
    AnyAgent(&'a AnyAgent),
    Flow(&'a Flow),
}

/// What every row is derived from.
struct World<'a> {
    objects: &'a [Object],
    index: &'a ObjectIndex,
    grantable: &'a [Grantable],
    facts: &'a Facts,
}

/// Every principal, sorted by id: agents, callers that are no declared agent, flows.
fn principals_of(model: &Model) -> Vec<(Principal, Who<'_>)> {
    let declared = !model.topology.units.is_empty();
    let mut principals: Vec<(Principal, Who<'_>)> = Vec::with_capacity(model.agents.len() + model.flows.len());
    principals.extend(model.agents.values().map(|agent| {
        let principal = Principal {
            id: PrincipalId::Agent(agent.name.value.clone()),
            unit: agent.unit.as_ref().map(|unit| unit.value.clone()).filter(|_| declared),
            subject: agent.subject.as_ref().map(|subject| subject.value.clone()),
            issuer: agent.issuer.as_ref().map(|issuer| issuer.value.clone()),
            loc: agent.name.loc,
        };
        (principal, Who::Agent(agent))
    }));
    if let Some(any) = &model.any_agent {
        let units: Vec<Option<UnitName>> =
            if declared { model.topology.units.keys().cloned().map(Some).collect() } else { vec![None] };
        principals.extend(units.into_iter().map(|unit| {
            let principal =
                Principal { id: PrincipalId::AnyAgent(unit.clone()), unit, subject: None, issuer: None, loc: any.loc };
            (principal, Who::AnyAgent(any))
        }));
    }
    let trust_domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
    principals.extend(model.flows.values().map(|flow| {
        let id = &flow.id.value;
        let derived =
            || trust_domain.map(|domain| format!("spiffe://{}/mcp/{}/{}", domain.value, id.kind.word(), id.name));
        let principal = Principal {
            id: PrincipalId::Flow(id.clone()),
            unit: declared.then(|| flow.unit.value.clone()),
            subject: flow.subject.as_ref().map(|subject| subject.value.clone()).or_else(derived),
            issuer: None,
            loc: flow.id.loc,
        };
        (principal, Who::Flow(flow))
    }));
    debug_assert!(principals.is_sorted_by(|(a, _), (b, _)| a.id <= b.id), "the model is sorted");
    principals
}

/// The distinct conditions that grants add, by number.
#[derive(Default)]
struct GrantPool {
    pool: Vec<Condition>,
    ids: HashMap<Condition, u32>,
    /// Tools that are granted in too many ways.
    crowded: Vec<ObjectIx>,
}

impl GrantPool {
    /// A grant that asks for nothing more.
    const FREE: u32 = u32::MAX;

    fn intern(&mut self, condition: Condition) -> u32 {
        if condition == Condition::always() {
            return Self::FREE;
        }
        let next = self.pool.len() as u32;
        *self.ids.entry(condition).or_insert_with_key(|condition| {
            self.pool.push(condition.clone());
            next
        })
    }

    fn get(&self, id: u32) -> Option<&Condition> {
        self.pool.get(id as usize)
    }
}

impl World<'_> {
    /// The things granted to a principal, with the conditions that the grants add.
    fn granted_to(&self, who: Who<'_>) -> Found {
        let mut pool = GrantPool::default();
        let mut row = Row::new();
        let mut calls = Vec::new();
        match who {
            Who::Flow(flow) => {
                calls = self.calls_of(flow);
                let reads = flow.steps.iter().flat_map(|step| &step.reads);
                let read = reads.filter_map(|read| Some((read.server.as_ref()?, &read.what.value)));
                let read = read.flat_map(|(server, what)| self.readable(server.as_str(), what));
                row.extend(calls.iter().flatten().copied().chain(read).map(|object| (object, GrantPool::FREE)));
            }
            Who::Agent(agent) => self.add_grants(&agent.may_call, &mut pool, &mut row),
            Who::AnyAgent(any) => self.add_grants(&any.may_call, &mut pool, &mut row),
        }
        row.sort_unstable();
        // Two grants of one thing are alternatives: either one's further facts will do.
        let mut merged = Row::with_capacity(row.len());
        for (object, grant) in row {
            match merged.last_mut() {
                Some((last, before)) if *last == object => {
                    let either = match (pool.get(*before), pool.get(grant)) {
                        (Some(one), Some(other)) => one.or(other),
                        _ => Condition::always(),
                    };
                    if pool.crowded.last() == Some(&object) {
                        continue;
                    }
                    *before = if either.minimal_sets().len() > MOST_WAYS {
                        pool.crowded.push(object);
                        pool.intern(Condition::never())
                    } else {
                        pool.intern(either)
                    };
                }
                _ => merged.push((object, grant)),
            }
        }
        Found { row: merged, pool, calls }
    }

    /// What every call of a flow reaches.
    fn calls_of(&self, flow: &Flow) -> Vec<Option<ObjectIx>> {
        let mut calls = Vec::new();
        // The calls of a step mostly go to one server.
        let mut last: Option<(&ServerName, Range<u32>)> = None;
        for (_, call) in flow.calls() {
            if !flow.makes(call) {
                calls.push(None);
                continue;
            }
            let here = call.server.as_ref().map(|server| match &last {
                Some((same, here)) if *same == server => here.clone(),
                _ => last.insert((server, self.index.on(server.as_str()))).1.clone(),
            });
            calls.push(here.and_then(|here| self.index.tool(self.objects, here, call.tool.value.as_str())));
        }
        calls
    }

    fn add_grants(&self, entries: &[Grant], pool: &mut GrantPool, row: &mut Row) {
        for grant in entries {
            let id = pool.intern(demand::condition_of(&grant.requires, self.facts));
            let here = self.index.on(grant.server.as_str());
            let named = match &grant.what {
                Granted::All => here,
                Granted::Tool(name) => {
                    let found = self.index.tool(self.objects, here, name.as_str());
                    found.map_or(0..0, |object| object.0..object.0 + 1)
                }
                Granted::Readable(readable) => {
                    row.extend(self.readable(grant.server.as_str(), readable).map(|object| (object, id)));
                    continue;
                }
            };
            let is_granted = |object: &u32| match self.grantable.get(*object as usize) {
                Some(Grantable::Reading) => true,
                Some(Grantable::Writing) => !grant.only_read_only,
                Some(Grantable::No) | None => false,
            };
            row.extend(named.filter(is_granted).map(|object| (ObjectIx(object), id)));
        }
    }

    /// The objects that a URI, a pattern or the name of a prompt stands for: of resources all that lie within.
    fn readable(&self, server: &str, readable: &Readable) -> impl Iterator<Item = ObjectIx> {
        let here = self.index.objects_on(self.objects, server);
        here.filter(|(object, _)| object.kind.is_of(readable)).map(|(_, index)| ObjectIx(index))
    }

    /// Adds the cells of the protocol: who may use anything of a server may use the protocol's own methods there, under their
    /// own condition. What is blocked opens nothing.
    fn with_protocol(
        &self,
        granted: Vec<(ObjectIx, Cell)>,
        mut cell: impl FnMut(ObjectIx) -> Option<Cell>,
    ) -> Vec<(ObjectIx, Cell)> {
        let mut row = granted;
        let mut seen = 0..0;
        let mut protocols = Vec::new();
        for (object, granted) in &row {
            if granted.condition == CondId::NEVER || seen.contains(&object.0) {
                continue;
            }
            seen = self.index.beside(*object);
            let is_protocol =
                |at: &u32| self.objects.get(*at as usize).is_some_and(|object| object.kind == ObjectKind::Protocol);
            let protocol = seen.clone().find(is_protocol).map(ObjectIx);
            protocols.extend(protocol.and_then(|at| Some((at, cell(at)?))));
        }
        row.append(&mut protocols);
        row.sort_unstable_by_key(|(object, _)| *object);
        row
    }
}

#[cfg(test)]
mod tests;
