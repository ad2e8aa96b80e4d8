//! Why a cell can never be allowed: the places that conflict, as a set that cannot be made smaller.
//!
//! The places of a [`Conflict`] forbid the call together, whatever else is written; were any one of them otherwise, they
//! would not.

use super::cell::Cell;
use super::condition::CondId;
use super::origin::fact_place;
use super::{ObjectIx, ObjectKind, Policy, PrincipalId, PrincipalIx};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::access::{ArgumentEvidence, ArgumentTest};
use crate::model::name::UnitName;
use crate::model::server::Server;
use crate::model::topology::{CrossUnitRouting, DataSharing};
use crate::source::Loc;

/// What makes a cell impossible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// In words.
    pub why: String,
    /// The conflicting places beside the grant itself, each with what is there. What follows from an absence (no
    /// `cross_unit_routing`) has no place.
    pub places: Vec<(Loc, String)>,
    /// Whether it is a suspension, which somebody chose, and not a contradiction.
    pub suspension: bool,
}

/// Finds conflicts of one model and its policy.
#[derive(Debug)]
pub struct Conflicts<'a> {
    model: &'a Model,
    policy: &'a Policy,
    classes: &'a Classification<'a>,
    /// Facts that are proved by an argument of the call, each with its bit and evidence.
    arguments: Vec<(u64, &'a ArgumentEvidence, Loc)>,
    /// For each condition whether arguments make it impossible; empty where they cannot.
    never: Vec<bool>,
}

impl<'a> Conflicts<'a> {
    /// For the policy that was derived from the model; `classes` are those of the central configuration.
    #[must_use]
    pub fn new(model: &'a Model, policy: &'a Policy, classes: &'a Classification<'a>) -> Self {
        let evidence = model.identity.iter().flat_map(|identity| &identity.evidence);
        let arguments = evidence.filter_map(|(fact, evidence)| Some((policy.facts.mask(fact.as_str())?, evidence)));
        let arguments = arguments
            .flat_map(|(bit, evidence)| evidence.value.arguments().map(move |argument| (bit, argument, evidence.loc)));
        let mut conflicts = Self { model, policy, classes, arguments: arguments.collect(), never: Vec::new() };
        if conflicts.arguments.len() > 1 {
            let ids = (0..policy.conditions.len() as u32).map(CondId);
            conflicts.never = ids.map(|id| conflicts.cores(id).is_some()).collect();
        }
        conflicts
    }

    /// Whether no request is ever allowed under a condition: it never holds, or only with facts that exclude each other.
    #[must_use]
    pub fn is_never(&self, condition: CondId) -> bool {
        self.policy.is_never(condition) || self.never.get(condition.0 as usize).copied().unwrap_or_default()
    }

    /// Why a cell can never be allowed; `None` where it can, where what blocks it has an error of its own (a missing or
    /// unknown unit, too many facts), or where the grant and the rule that forbids it are not both known.
    #[must_use]
    pub fn of(&self, principal: PrincipalIx, object: ObjectIx, cell: Cell) -> Option<Conflict> {
        if !self.policy.is_never(cell.condition) {
            return self.of_evidence(principal, object, cell);
        }
        let rule = self.policy.rule_at(cell.rule);
        let blocked = rule.blocked.as_ref()?;
        if blocked.suspension {
            let places = blocked.loc.map(|loc| (loc, "this switches it off".to_owned()));
            return Some(Conflict { why: blocked.why.clone(), places: places.into_iter().collect(), suspension: true });
        }
        let units = &self.model.topology.units;
        let who = self.policy.principal_at(principal);
        let server = self.model.server(self.policy.object_at(object).server.as_str())?;
        let known = |unit: &UnitName| units.contains_key(unit) || unit.is_central();
        let placed =
            who.unit.as_ref().is_some_and(known) && server.unit.as_ref().is_some_and(|unit| known(&unit.value));
        if !units.is_empty() && !placed {
            return None;
        }
        let places = self.left_out(server, object).unwrap_or_else(|| self.of_crossing(&who.id, server));
        Some(Conflict { why: blocked.why.clone(), places, suspension: false })
    }

    /// A unit folder's entry of the server that does not list the tool.
    fn left_out(&self, server: &Server, object: ObjectIx) -> Option<Vec<(Loc, String)>> {
        let ObjectKind::Tool(tool) = &self.policy.object_at(object).kind else { return None };
        let overlay = server.overlay.as_ref()?;
        let left_out = !overlay.tools.is_empty() && !overlay.tools.contains_key(tool);
        left_out.then(|| overlay.at.map(|at| (at, format!("this entry does not list `{tool}`"))).into_iter().collect())
    }

    /// Two units and the rule between them.
    fn of_crossing(&self, who: &PrincipalId, server: &Server) -> Vec<(Loc, String)> {
        let topology = &self.model.topology;
        let mut places = Vec::new();
        let own = match who {
            PrincipalId::Agent(name) => self.model.agents.get(name).and_then(|agent| agent.unit.as_ref()),
            PrincipalId::Flow(id) => self.model.flows.get(id).filter(|flow| flow.unit_written).map(|flow| &flow.unit),
            PrincipalId::AnyAgent(_) => None,
        };
        places.extend(own.map(|unit| (unit.loc, format!("`{who}` is of `{unit}`"))));
        places.extend(server.unit.as_ref().map(|unit| (unit.loc, format!("`{}` is of `{unit}`", server.name))));
        match topology.cross_unit_routing.as_ref().map(|routing| (routing.value, routing.loc)) {
            Some((CrossUnitRouting::Denied, loc)) => {
                places.push((loc, "this forbids calls between units".to_owned()));
                return places;
            }
            None => return places,
            Some((CrossUnitRouting::Allowed | CrossUnitRouting::ExplicitApproval, _)) => {}
        }
        match topology.data_sharing.as_ref().map(|sharing| (sharing.value, sharing.loc)) {
            Some((DataSharing::Prohibited, loc)) => places.push((loc, "this forbids sharing data".to_owned())),
            Some((DataSharing::Restricted, loc)) => {
                places.push((loc, "this lets only some classes cross units".to_owned()));
                places.extend(self.of_class(server));
            }
            Some((DataSharing::Allowed, _)) | None => {}
        }
        places
    }

    /// The class of a server and the highest one that may cross units. Without a highest one no class may, so that the
    /// server's does not matter.
    fn of_class(&self, server: &Server) -> Vec<(Loc, String)> {
        let most = self.model.topology.cross_unit_max_class.as_ref();
        let name = most.map_or("internal", |class| class.value.as_str());
        let limit = self.model.access.classes.iter().position(|class| class.name.value.as_str() == name);
        let Some(limit) = limit else {
            return most.map(|most| (most.loc, "no such class is declared".to_owned())).into_iter().collect();
        };
        let mut places: Vec<_> =
            most.map(|most| (most.loc, format!("nothing above `{most}` may"))).into_iter().collect();
        let restated = server.unit.as_ref().and_then(|unit| self.model.restated_for(&unit.value));
        let above = |classes: &Classification<'_>| {
            let (rank, class) = classes.governing(server.name.value.as_str())?;
            let listed = classes.listed(server.name.value.as_str()).map(|listing| listing.loc);
            (rank > limit).then(|| match listed {
                Some(loc) => (loc, format!("`{}` is of class `{}`", server.name, class.name)),
                None => {
                    (class.name.loc, format!("no class lists `{}`, so it is treated as `{}`", server.name, class.name))
                }
            })
        };
        places.extend(above(self.classes).or_else(|| restated.and_then(|rules| above(&Classification::of(&rules)))));
        places
    }

    /// Facts that an argument proves, which no argument can prove together, in every way that a cell can be allowed.
    fn of_evidence(&self, principal: PrincipalIx, object: ObjectIx, cell: Cell) -> Option<Conflict> {
        let cores = self.cores(cell.condition)?;
        let facts = cores.iter().fold(0, |all, core| all | core);
        let first = cores.first().copied()?;
        let named = |mask| {
            let names: Vec<String> = self.policy.facts.named(mask).map(|fact| format!("`{fact}`")).collect();
            names.join(" and ")
        };
        let evidence = self.arguments.iter().filter(|(bit, ..)| facts & bit != 0);
        let mut places: Vec<(Loc, String)> = evidence
            .map(|(bit, argument, loc)| (*loc, format!("{} takes `{}` so", named(*bit), argument.path.join("."))))
            .collect();
        let who = Some(&self.policy.principal_at(principal).id);
        for fact in self.policy.facts.named(facts) {
            let asked = fact_place(self.model, self.classes, who, self.policy.object_at(object), fact.as_str());
            places.extend(asked.map(|loc| (loc, format!("`{fact}` is asked for here"))));
        }
        let why = format!("no call can have {} at once, and it needs them", named(first));
        Some(Conflict { why, places, suspension: false })
    }

    /// For each way to meet a condition the facts in it that no call can have together; `None` where some way is possible.
    fn cores(&self, condition: CondId) -> Option<Vec<u64>> {
        self.policy.conditions.get(condition).minimal_sets().iter().map(|set| self.impossible(*set)).collect()
    }

    /// A smallest part of these facts that no call can have together, where there is one.
    fn impossible(&self, facts: u64) -> Option<u64> {
        let of_arguments = self.arguments.iter().map(|(bit, ..)| *bit).filter(|bit| facts & bit != 0);
        let mut core = of_arguments.clone().fold(0, |all, bit| all | bit);
        if self.can_hold(core) {
            return None;
        }
        for bit in of_arguments {
            if !self.can_hold(core & !bit) {
                core &= !bit;
            }
        }
        Some(core)
    }

    /// Whether some values of the arguments prove all of these facts.
    fn can_hold(&self, facts: u64) -> bool {
        let asked = || self.arguments.iter().filter(|(bit, ..)| facts & bit != 0).map(|(_, argument, _)| *argument);
        asked().all(|argument| {
            let of_same = || asked().filter(|other| other.path == argument.path).map(|other| &other.test);
            // What a claim says is not known, so it excludes nothing.
            let told = || of_same().filter(|test| !matches!(test, ArgumentTest::EqualsClaim(_)));
            let listed =
                told().find_map(|test| if let ArgumentTest::OneOf(values) = test { Some(values) } else { None });
            if let Some(values) = listed {
                return values.iter().any(|value| told().all(|test| test.accepts(value)));
            }
            let bounds = || {
                told().filter_map(|test| match test {
                    ArgumentTest::Within { at_least, at_most } => Some((*at_least, *at_most)),
                    ArgumentTest::OneOf(_) | ArgumentTest::Matches(_) | ArgumentTest::EqualsClaim(_) => None,
                })
            };
            let least = bounds().filter_map(|(least, _)| least).max();
            let most = bounds().filter_map(|(_, most)| most).min();
            let texts = told().any(|test| matches!(test, ArgumentTest::Matches(_)));
            least.zip(most).is_none_or(|(least, most)| least <= most) && !(texts && bounds().next().is_some())
        })
    }
}
