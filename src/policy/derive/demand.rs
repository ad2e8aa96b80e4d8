//! What a call to an object demands, whoever calls: its level, its further facts, its transport, its class and unit.
//! Objects that demand the same share one [`Demand`], so that ten thousand tools cost a few conditions.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};

use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::{AccessRules, AuthLevel, MutualTls};
use crate::model::name::{FactName, UnitName};
use crate::model::server::{Resource, Server, ServerAccess, ToolAccess};
use crate::model::topology::Encryption;
use crate::policy::ObjectKind;
use crate::policy::cell::Blocked;
use crate::policy::condition::Condition;
use crate::policy::fact::{Facts, MTLS, TLS};
use crate::policy::objects::own_access;
use crate::source::{Loc, Spanned};

/// A demand by number.
pub(super) type DemandId = u32;

/// What calls demand, by the central rules and by what a unit folder restates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Demand {
    /// By the central rules.
    pub(super) centre: Part,
    /// By the unit folder's, where it restates anything.
    pub(super) restated: Option<Part>,
    /// Where the unit folder restates what matters here.
    pub(super) restated_at: Option<Loc>,
    /// Rank of the class for data sharing between units (the more sensitive of both parts); `None` without classes.
    pub(super) rank: Option<usize>,
    /// The server's unit; `None` where units are not declared, or the entry lacks its own (an error).
    pub(super) unit: Option<UnitName>,
    /// Why no call is ever allowed.
    pub(super) blocked: Option<Blocked>,
}

/// One set of rules' share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// The level that applies; `None` for protocol methods, or where no levels are declared.
    pub(super) level: Option<u32>,
    /// Level and further facts.
    pub(super) facts: Condition,
    /// `tls` and `mtls`.
    pub(super) transport: u64,
    /// Further facts by name, sorted.
    pub(super) requires: Vec<FactName>,
    /// Where it comes from, the level first.
    pub(super) from: Vec<Loc>,
}

impl Part {
    /// The condition under which calls meet this share.
    pub(super) fn condition(&self) -> Condition {
        self.facts.and(&Condition::all_of(self.transport))
    }
}

impl Demand {
    /// The condition under which calls meet it, suspensions aside.
    pub(super) fn condition(&self) -> Condition {
        let centre = self.centre.condition();
        self.restated.as_ref().map(|part| centre.and(&part.condition())).unwrap_or(centre)
    }
}

/// Interns demands.
pub(super) struct Demands<'a> {
    model: &'a Model,
    facts: &'a Facts,
    centre: Classification<'a>,
    restated: BTreeMap<&'a UnitName, Classification<'a>>,
    ids: BTreeMap<Demand, DemandId>,
    plain: HashMap<Plain, DemandId>,
}

/// Protocol or tool, rank of the class, unit.
type Plain = (bool, Option<usize>, Option<UnitName>);

/// What the plain objects of a server have in common.
pub(super) struct Common {
    rank: Option<usize>,
    unit: Option<UnitName>,
    /// The demand of the protocol and of the tools, once known.
    ids: [Option<DemandId>; 2],
}

/// The condition that all these facts hold; never, where one has no bit.
#[must_use]
pub fn condition_of(requires: &[Spanned<FactName>], facts: &Facts) -> Condition {
    let mut mask = 0;
    for fact in requires {
        match facts.mask(fact.value.as_str()) {
            Some(bit) => mask |= bit,
            None => return Condition::never(),
        }
    }
    Condition::all_of(facts.closed(mask))
}

/// When a level is met: its own and every lower level's requirements, or one of its alternatives.
#[must_use]
pub fn level_condition(levels: &BTreeMap<u32, AuthLevel>, number: u32, facts: &Facts) -> Condition {
    let cumulative: Vec<_> =
        levels.range(..=number).flat_map(|(_, level)| level.requirements.iter().cloned()).collect();
    let mut condition = condition_of(&cumulative, facts);
    for alternative in levels.get(&number).into_iter().flat_map(|level| &level.alternatives) {
        condition = condition.or(&condition_of(&alternative.requirements, facts));
    }
    condition
}

/// The declared level that a wanted number stands for: itself, else the next higher one, else the highest.
#[must_use]
pub fn effective_level(levels: &BTreeMap<u32, AuthLevel>, wanted: u32) -> Option<u32> {
    levels.range(wanted..).next().or_else(|| levels.iter().next_back()).map(|(number, _)| *number)
}

/// The rules that hold in each unit that restates some.
pub(super) fn restated(model: &Model) -> BTreeMap<UnitName, AccessRules> {
    let units = model.topology.units.keys().chain(model.topology.unit_folders.keys());
    units.filter_map(|unit| model.restated_for(unit).map(|rules| (unit.clone(), rules))).collect()
}

/// Whether nothing is set for an object itself: most objects of most workspaces.
fn is_plain(server: &Server, kind: &ObjectKind, rules: &AccessRules) -> bool {
    match kind {
        ObjectKind::Protocol => true,
        ObjectKind::Tool(tool) => {
            let raised = rules.destructive_min_level.is_some() && server.is_destructive(tool.as_str());
            !raised && server.access.tools.get(tool).is_none_or(ToolAccess::is_plain)
        }
        ObjectKind::Resource(_) | ObjectKind::Prompt(_) => false,
    }
}

impl<'a> Demands<'a> {
    /// `restated` are the rules that hold in each unit, of [`restated`].
    pub(super) fn new(model: &'a Model, facts: &'a Facts, restated: &'a BTreeMap<UnitName, AccessRules>) -> Self {
        let centre = Classification::of(&model.access);
        let restated = restated.iter().map(|(unit, rules)| (unit, Classification::of(rules))).collect();
        Self { model, facts, centre, restated, ids: BTreeMap::new(), plain: HashMap::new() }
    }

    /// The demands in the order of their numbers.
    pub(super) fn finish(self) -> Vec<Demand> {
        let mut demands: Vec<_> = self.ids.into_iter().collect();
        demands.sort_by_key(|(_, id)| *id);
        demands.into_iter().map(|(demand, _)| demand).collect()
    }

    /// The demand of one object. `common` is that of its server, of [`Demands::common`].
    pub(super) fn of(&mut self, server: &Server, kind: &ObjectKind, common: Option<&mut Common>) -> DemandId {
        let Some(common) = common.filter(|_| is_plain(server, kind, self.centre.rules())) else {
            return self.number(server, kind);
        };
        let is_protocol = matches!(kind, ObjectKind::Protocol);
        let [protocol, tool] = &mut common.ids;
        let known = if is_protocol { protocol } else { tool };
        *known.get_or_insert_with(|| {
            let plain: Plain = (is_protocol, common.rank, common.unit.clone());
            if let Some(id) = self.plain.get(&plain) {
                return *id;
            }
            let id = self.number(server, kind);
            self.plain.insert(plain, id);
            id
        })
    }

    fn number(&mut self, server: &Server, kind: &ObjectKind) -> DemandId {
        let demand = self.make(server, kind);
        let next = self.ids.len() as DemandId;
        *self.ids.entry(demand).or_insert(next)
    }

    /// What the demands of a server's objects have in common, where neither the server nor a unit folder sets anything for
    /// it. `None` for the others.
    pub(super) fn common(&self, server: &Server) -> Option<Common> {
        let access = &server.access;
        let server_sets = access.auth_level.is_some() || !access.requires.is_empty() || server.suspended.is_some();
        if server_sets || server.overlay.is_some() || !self.restated.is_empty() {
            return None;
        }
        // Without a unit where units are declared the server is blocked, and the reason names it.
        let unit = server.unit.as_ref().map(|unit| unit.value.clone());
        if unit.is_none() && !self.model.topology.units.is_empty() {
            return None;
        }
        let rank = self.centre.governing(server.name.value.as_str()).map(|(rank, _)| rank);
        Some(Common { rank, unit, ids: [None; 2] })
    }

    fn make(&self, server: &Server, kind: &ObjectKind) -> Demand {
        let name = server.name.value.as_str();
        let unit = server.unit.as_ref().map(|unit| &unit.value);
        let unit_rules = unit.and_then(|unit| self.restated.get(unit));
        let centre_rules = &self.centre;
        let centre = self.part(server, kind, centre_rules, &server.access);
        let restated = (unit_rules.is_some() || server.overlay.is_some()).then(|| {
            let access = server.overlay.as_ref().unwrap_or(&server.access);
            self.part(server, kind, unit_rules.unwrap_or(centre_rules), access)
        });
        let rank_by = |classes: &Classification<'_>| classes.governing(name).map(|(rank, _)| rank);
        let restated_at = restated.as_ref().and_then(|part| {
            let class_of = |classes: &Classification<'_>| classes.governing(name).map(|(_, class)| class.name.loc);
            let mode_of = |classes: &Classification<'_>| classes.rules().mutual_tls.as_ref().map(|mode| mode.loc);
            let changed = |of: &dyn Fn(&Classification<'_>) -> Option<Loc>| {
                unit_rules.and_then(of).filter(|loc| of(centre_rules) != Some(*loc))
            };
            let of_centre = |loc: &Loc| centre_rules.rules().levels.values().any(|level| level.number.loc == *loc);
            let level = part.from.first().copied().filter(|loc| !of_centre(loc) && Some(*loc) != mode_of(centre_rules));
            let level = level.filter(|_| part.level.is_some());
            let entry = server.overlay.as_ref().and_then(|overlay| overlay.at);
            level.or_else(|| changed(&class_of)).or(entry).or_else(|| changed(&mode_of))
        });
        Demand {
            centre,
            restated,
            restated_at,
            rank: rank_by(centre_rules).max(unit_rules.and_then(rank_by)),
            unit: unit.filter(|_| !self.model.topology.units.is_empty()).cloned(),
            blocked: self.blocked(server, kind, unit_rules),
        }
    }

    fn part(&self, server: &Server, kind: &ObjectKind, classes: &Classification<'_>, access: &ServerAccess) -> Part {
        let rules = classes.rules();
        let name = server.name.value.as_str();
        let mut from = Vec::new();
        let mut transport = 0;
        let mutual = rules.mutual_tls.as_ref().filter(|mode| mode.value == MutualTls::Strict);
        let encrypted = self.model.topology.encryption_in_transit.as_ref().filter(|e| e.value == Encryption::Required);
        if let Some(mode) = mutual {
            transport |= self.facts.mask(MTLS).unwrap_or(0);
            from.push(mode.loc);
        }
        if let Some(mode) = encrypted {
            transport |= self.facts.mask(TLS).unwrap_or(0);
            from.push(mode.loc);
        }
        // Both words ask for it; at rest is a property of the server, which no request carries.
        let of_class = classes.governing(name).and_then(|(_, class)| class.encryption.as_ref());
        if let Some(word) = of_class {
            transport |= self.facts.mask(TLS).unwrap_or(0);
            if encrypted.is_none() {
                from.push(word.loc);
            }
        }
        let transport = self.facts.closed(transport);
        if *kind == ObjectKind::Protocol {
            return Part { level: None, facts: Condition::always(), transport, requires: Vec::new(), from };
        }
        let (own_level, own_requires) = own_access(server, access, kind);
        let level_of = |own: Option<&Spanned<u32>>| match own.or(access.auth_level.as_ref()) {
            Some(wanted) => effective_level(&rules.levels, wanted.value),
            None => classes.derived_level(name),
        };
        // A URI of several patterns needs what each of them needs.
        let wider: Vec<&Resource> = match kind {
            ObjectKind::Resource(uri) => server.patterns_around(uri).collect(),
            ObjectKind::Protocol | ObjectKind::Tool(_) | ObjectKind::Prompt(_) => Vec::new(),
        };
        let least = match kind {
            ObjectKind::Tool(tool) => classes.least(server, tool.as_str()),
            ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => None,
        };
        let floor = least.and_then(|least| effective_level(&rules.levels, least.value)).unwrap_or_default();
        let mut levels: Vec<u32> = level_of(own_level).map(|level| level.max(floor)).into_iter().collect();
        if let Some(least) = least.filter(|_| level_of(own_level) != levels.first().copied()) {
            from.push(least.loc);
        }
        levels.extend(wider.iter().filter_map(|resource| level_of(resource.auth_level.as_ref())));
        let level = levels.iter().max().copied();
        let class = classes.governing(name).map(|(_, class)| class);
        let mut requires: Vec<Spanned<FactName>> = Vec::new();
        requires.extend(class.into_iter().flat_map(|class| class.requires.iter().cloned()));
        requires.extend(access.requires.iter().chain(own_requires).cloned());
        requires.extend(wider.iter().flat_map(|resource| &resource.requires).cloned());
        requires.sort();
        requires.dedup();
        let token = || condition_of(&[Spanned::new(super::SERVICE_ACCOUNT_TOKEN.into(), Loc::default())], self.facts);
        let all = levels.iter().map(|level| level_condition(&rules.levels, *level, self.facts));
        let base = all.reduce(|one, other| one.and(&other)).unwrap_or_else(token);
        from.splice(0..0, level.and_then(|number| rules.levels.get(&number)).map(|level| level.number.loc));
        Part {
            level,
            facts: base.and(&condition_of(&requires, self.facts)),
            transport,
            requires: requires.into_iter().map(|fact| fact.value).collect(),
            from,
        }
    }

    /// Suspension of the unit, the class, the server or the tool; a tool that a unit folder leaves out of a list; a
    /// server without a unit where units are declared.
    fn blocked(&self, server: &Server, kind: &ObjectKind, unit_rules: Option<&Classification<'_>>) -> Option<Blocked> {
        let name = server.name.value.as_str();
        let suspended = |what: String, reason: &Option<Spanned<String>>| {
            reason.as_ref().map(|reason| Blocked {
                why: format!("{what} is suspended: {}", reason.value),
                loc: Some(reason.loc),
                suspension: true,
            })
        };
        let contradiction = |why: String, loc| Some(Blocked { why, loc, suspension: false });
        if let Some(found) = suspended(format!("server `{name}`"), &server.suspended) {
            return Some(found);
        }
        for classes in std::iter::once(&self.centre).chain(unit_rules) {
            if let Some((_, class)) = classes.governing(name)
                && let Some(found) = suspended(format!("class `{}`", class.name), &class.suspended)
            {
                return Some(found);
            }
        }
        let units = &self.model.topology.units;
        if !units.is_empty() {
            match &server.unit {
                None => return contradiction(format!("server `{name}` has no unit"), Some(server.name.loc)),
                Some(unit) => {
                    if let Some(entry) = units.get(&unit.value)
                        && let Some(found) = suspended(format!("unit `{unit}`"), &entry.suspended)
                    {
                        return Some(found);
                    }
                }
            }
        }
        let ObjectKind::Tool(tool) = kind else { return None };
        for access in std::iter::once(&server.access).chain(&server.overlay) {
            if let Some(found) =
                access.tools.get(tool).and_then(|own| suspended(format!("tool `{name}/{tool}`"), &own.suspended))
            {
                return Some(found);
            }
        }
        match &server.overlay {
            Some(overlay) if !overlay.tools.is_empty() && !overlay.tools.contains_key(tool) => contradiction(
                format!("the unit folder's entry of `{name}` does not list `{tool}`"),
                server.unit.as_ref().map(|unit| unit.loc),
            ),
            _ => None,
        }
    }
}
