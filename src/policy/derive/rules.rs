//! From a caller's side and an object's demand to a cell, each distinct combination computed once.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt};

use super::demand::{Demand, DemandId};
use super::{Fault, GrantPool, Who};
use crate::model::Model;
use crate::model::name::{FactName, UnitName};
use crate::model::topology::{CrossUnitRouting, DataSharing};
use crate::policy::cell::{AccessRule, Blocked, Cell, RuleId};
use crate::policy::condition::{CondId, Condition, Conditions};
use crate::policy::fact::{CROSS_UNIT_APPROVAL, Facts};
use crate::policy::{ObjectIx, Principal, PrincipalIx};
use crate::source::Loc;

/// What matters of a principal: its unit, and whether it is switched off.
pub(super) struct Side {
    unit: Option<UnitName>,
    blocked: Option<Blocked>,
    /// The same number for the same unit and block.
    key: u32,
}

impl Side {
    fn of(model: &Model, principal: &Principal, who: Who<'_>) -> Self {
        let units = &model.topology.units;
        let own = match who {
            Who::Agent(agent) => agent.suspended.as_ref(),
            Who::AnyAgent(any) => any.suspended.as_ref(),
            Who::Flow(flow) => flow.suspended.as_ref(),
        };
        let unit = principal.unit.clone();
        let of_unit = unit.as_ref().and_then(|unit| units.get(unit)).and_then(|unit| unit.suspended.as_ref());
        let blocked = match (own, of_unit) {
            (Some(reason), _) => Some(Blocked {
                why: format!("`{}` is suspended: {}", principal.id, reason.value),
                loc: Some(reason.loc),
                suspension: true,
            }),
            (None, Some(reason)) => Some(Blocked {
                why: format!(
                    "unit `{}` is suspended: {}",
                    unit.as_ref().map_or("", |unit| unit.as_str()),
                    reason.value
                ),
                loc: Some(reason.loc),
                suspension: true,
            }),
            (None, None) if unit.is_none() && !units.is_empty() => Some(Blocked {
                why: format!("`{}` has no unit", principal.id),
                loc: Some(principal.loc),
                suspension: false,
            }),
            (None, None) => None,
        };
        Self { unit, blocked, key: 0 }
    }
}

type Key = (u32, DemandId, u32);

/// All rules found so far.
pub(super) struct Rules<'a> {
    model: &'a Model,
    facts: &'a Facts,
    demands: &'a [Demand],
    sharing_rank: Option<usize>,
    sides: BTreeMap<(Option<UnitName>, Option<Blocked>), u32>,
    made: HashMap<Key, Cell>,
    last: Option<(Key, Cell)>,
    rules: Vec<AccessRule>,
    ids: BTreeMap<AccessRule, RuleId>,
    widenings: Vec<Fault>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(model: &'a Model, facts: &'a Facts, demands: &'a [Demand]) -> Self {
        Self {
            model,
            facts,
            demands,
            sharing_rank: sharing_rank(model),
            sides: BTreeMap::new(),
            made: HashMap::new(),
            last: None,
            rules: Vec::new(),
            ids: BTreeMap::new(),
            widenings: Vec::new(),
        }
    }

    /// What matters of a principal.
    pub(super) fn side(&mut self, principal: &Principal, who: Who<'_>) -> Side {
        let side = Side::of(self.model, principal, who);
        let next = self.sides.len() as u32;
        let key = *self.sides.entry((side.unit.clone(), side.blocked.clone())).or_insert(next);
        Side { key, ..side }
    }

    /// The rules, their names made unique, and one widening for each rule that has any.
    pub(super) fn finish(mut self) -> (Vec<AccessRule>, Vec<Fault>) {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for rule in &mut self.rules {
            let base = std::mem::take(&mut rule.name);
            let numbered = std::iter::successors(Some(2_u64), |n| Some(n + 1)).map(|n| format!("{base}.{n}"));
            rule.name =
                std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(base);
            taken.insert(rule.name.clone());
        }
        (self.rules, self.widenings)
    }

    /// The cell of a caller's side, a demand and what the grants add. `at` is the pair it is asked for first.
    pub(super) fn cell(
        &mut self,
        side: &Side,
        demand: DemandId,
        grant: u32,
        grants: &GrantPool,
        conditions: &mut Conditions,
        at: (PrincipalIx, ObjectIx),
    ) -> Cell {
        let key = (side.key, demand, grant);
        if let Some((last, cell)) = self.last
            && last == key
        {
            return cell;
        }
        let cell = match self.made.get(&key) {
            Some(cell) => *cell,
            None => {
                let cell = self.make(side, demand, grants.get(grant), conditions, at);
                self.made.insert(key, cell);
                cell
            }
        };
        self.last = Some((key, cell));
        cell
    }

    fn make(
        &mut self,
        side: &Side,
        demand: DemandId,
        grant: Option<&Condition>,
        conditions: &mut Conditions,
        at: (PrincipalIx, ObjectIx),
    ) -> Cell {
        let Some(demand) = self.demands.get(demand as usize) else {
            return Cell { condition: CondId::NEVER, rule: RuleId(0) };
        };
        let free = Condition::always();
        let grant = grant.unwrap_or(&free);
        let mut from = demand.centre.from.clone();
        from.extend(demand.restated.iter().flat_map(|part| &part.from));
        let central = side.unit.as_ref().is_some_and(UnitName::is_central);
        let cross_unit = !self.model.topology.units.is_empty() && side.unit != demand.unit && !central;
        let (between, crossing) =
            if cross_unit { self.crossing(demand, &mut from) } else { (Condition::always(), None) };
        let blocked = side.blocked.clone().or_else(|| demand.blocked.clone()).or(crossing);
        let whole = |part: &super::demand::Part| part.condition().and(grant).and(&between);
        let centre = whole(&demand.centre);
        let mut condition = centre.clone();
        if let Some(part) = &demand.restated {
            let restated = whole(part);
            condition = condition.and(&restated);
            if blocked.is_none()
                && let Some(facts) = restated.beyond(&centre).first()
                && let Some(unit) = &demand.unit
            {
                self.widenings.push(Fault::UnitWidens {
                    unit: unit.clone(),
                    principal: at.0,
                    object: at.1,
                    facts: *facts,
                    loc: demand.restated_at.or(part.from.first().copied()).unwrap_or_default(),
                    centre: demand.centre.from.first().copied().unwrap_or_default(),
                });
            }
        }
        if blocked.is_some() {
            condition = Condition::never();
        }
        dedup_in_order(&mut from);
        let requires = self.requires_beyond_level(demand, grant);
        let id = conditions.intern(condition);
        let level = demand.restated.as_ref().and_then(|part| part.level).max(demand.centre.level);
        let protocol = demand.centre.level.is_none() && demand.centre.facts == Condition::always();
        let restated_by = demand.restated.as_ref().and(demand.unit.clone());
        let rule = AccessRule {
            name: rule_name(level, protocol, &requires, cross_unit, restated_by.as_ref(), blocked.is_some()),
            level,
            requires,
            cross_unit,
            restated_by,
            condition: id,
            blocked,
            from,
        };
        let next = RuleId(self.rules.len() as u32);
        let rule = *self.ids.entry(rule).or_insert_with_key(|rule| {
            self.rules.push(rule.clone());
            next
        });
        Cell { condition: id, rule }
    }

    /// What the rules between units ask for, and whether they forbid it.
    fn crossing(&self, demand: &Demand, from: &mut Vec<Loc>) -> (Condition, Option<Blocked>) {
        let topology = &self.model.topology;
        let blocked = |why: &str, loc| Some(Blocked { why: why.to_owned(), loc, suspension: false });
        let routing = topology.cross_unit_routing.as_ref();
        from.extend(routing.map(|routing| routing.loc));
        let condition = match routing.map(|routing| routing.value) {
            Some(CrossUnitRouting::Allowed) => Condition::always(),
            Some(CrossUnitRouting::ExplicitApproval) => {
                Condition::all_of(self.facts.mask(CROSS_UNIT_APPROVAL).unwrap_or(0))
            }
            Some(CrossUnitRouting::Denied) => {
                return (Condition::never(), blocked("cross-unit routing is denied", routing.map(|r| r.loc)));
            }
            None => return (Condition::never(), blocked("no `cross_unit_routing` is set, so it is denied", None)),
        };
        let sharing = topology.data_sharing.as_ref();
        from.extend(sharing.map(|sharing| sharing.loc));
        let refused = match sharing.map(|sharing| sharing.value) {
            Some(DataSharing::Allowed) => None,
            Some(DataSharing::Restricted) => {
                let within = matches!((demand.rank, self.sharing_rank), (Some(rank), Some(most)) if rank <= most);
                if within {
                    None
                } else {
                    blocked(
                        "this data class may not cross units (`cross_bu_data_sharing` is restricted)",
                        sharing.map(|s| s.loc),
                    )
                }
            }
            Some(DataSharing::Prohibited) => {
                blocked("data sharing between units is prohibited", sharing.map(|s| s.loc))
            }
            None => blocked("no `cross_bu_data_sharing` is set, so it is prohibited", None),
        };
        (condition, refused)
    }

    fn requires_beyond_level(&self, demand: &Demand, grant: &Condition) -> Vec<FactName> {
        let mut requires = demand.centre.requires.clone();
        requires.extend(demand.restated.iter().flat_map(|part| part.requires.iter().cloned()));
        let of_grant = grant.minimal_sets().iter().fold(0, |all, set| all | set);
        requires.extend(self.facts.named(of_grant).cloned());
        requires.sort();
        requires.dedup();
        requires
    }
}

/// The highest rank that restricted sharing permits: `cross_unit_max_class`, else the class named `internal`.
fn sharing_rank(model: &Model) -> Option<usize> {
    let most = model.topology.cross_unit_max_class.as_ref().map_or("internal", |class| class.value.as_str());
    model.access.classes.iter().position(|class| class.name.value.as_str() == most)
}

fn rule_name(
    level: Option<u32>,
    protocol: bool,
    requires: &[FactName],
    cross_unit: bool,
    restated_by: Option<&UnitName>,
    blocked: bool,
) -> String {
    let mut name = match level {
        Some(level) => format!("level-{level}"),
        None if protocol => "protocol".to_owned(),
        None => "authenticated".to_owned(),
    };
    if !requires.is_empty() {
        let facts: Vec<_> = requires.iter().map(FactName::as_str).collect();
        name.push_str(&format!(".requires-{}", facts.join("-")));
    }
    if cross_unit {
        name.push_str(".cross-unit");
    }
    if let Some(unit) = restated_by {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
        name.push_str(&format!(".unit-{}", unit.as_str().chars().map(plain).collect::<String>()));
    }
    if blocked {
        name.push_str(".blocked");
    }
    name
}

fn dedup_in_order(locs: &mut Vec<Loc>) {
    let mut seen = BTreeSet::new();
    locs.retain(|loc| seen.insert(*loc));
}
