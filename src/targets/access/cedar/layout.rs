//! How the access relation is laid out in Cedar: which rules become policies, and which objects form a group.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::kind;
use crate::cedar::Uid;
use crate::model::Model;
use crate::model::name::FlowKind;
use crate::policy::cell::{AccessRule, RuleId};
use crate::policy::condition::CondId;
use crate::policy::{Object, ObjectIx, ObjectKind, Policy, PrincipalId, PrincipalIx};
use crate::source::Loc;

/// The layout of one workspace.
pub(super) struct Layout<'a> {
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    /// Rules that let something through, with the object that they apply to first.
    used: BTreeMap<RuleId, ObjectIx>,
    /// Names of the groups, in the order of their first members.
    groups: Vec<String>,
    /// For each object of the policy, its group.
    group_of: Vec<Option<usize>>,
    /// For each object of the policy, its level.
    level_of: Vec<Option<u32>>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(model: &'a Model, policy: &'a Policy) -> Self {
        let mut used = BTreeMap::new();
        let mut columns: Vec<Vec<(PrincipalIx, RuleId)>> = vec![Vec::new(); policy.objects.len()];
        let mut level_of = vec![None; policy.objects.len()];
        for (principal, object, cell) in policy.all_cells() {
            let at = object.0 as usize;
            if let Some(level) = level_of.get_mut(at) {
                *level = policy.rule_at(cell.rule).level;
            }
            if cell.condition == CondId::NEVER {
                continue;
            }
            used.entry(cell.rule).and_modify(|first: &mut ObjectIx| *first = (*first).min(object)).or_insert(object);
            if let Some(column) = columns.get_mut(at) {
                column.push((principal, cell.rule));
            }
        }
        let mut groups: Vec<String> = Vec::new();
        let mut taken = BTreeSet::new();
        let mut by_column: HashMap<Vec<(PrincipalIx, RuleId)>, usize> = HashMap::new();
        let group_of = columns
            .into_iter()
            .zip(&policy.objects)
            .map(|(column, object)| {
                if column.is_empty() {
                    return None;
                }
                Some(*by_column.entry(column).or_insert_with(|| {
                    groups.push(unique(object.to_string(), &mut taken));
                    groups.len() - 1
                }))
            })
            .collect();
        Self { model, policy, used, groups, group_of, level_of }
    }

    /// The rules that become policies, in their order.
    pub(super) fn rules(&self) -> impl Iterator<Item = (RuleId, &'a AccessRule)> + '_ {
        self.used.keys().map(|rule| (*rule, self.policy.rule_at(*rule)))
    }

    /// Where a rule comes from. One that follows from nothing written comes from the first server that it applies to.
    pub(super) fn places_of(&self, rule: RuleId) -> Vec<Loc> {
        let from = &self.policy.rule_at(rule).from;
        if !from.is_empty() {
            return from.clone();
        }
        let first = self.used.get(&rule).map(|object| self.policy.object_at(*object));
        let server = first.and_then(|object| self.model.servers.get(&object.server));
        server.map(|server| server.name.loc).into_iter().collect()
    }

    /// The names of all groups.
    pub(super) fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The group of an object; `None` where nobody may use it.
    pub(super) fn group_of(&self, object: ObjectIx) -> Option<&str> {
        let group = (*self.group_of.get(object.0 as usize)?)?;
        self.groups.get(group).map(String::as_str)
    }

    /// The level of an object, where somebody is granted it.
    pub(super) fn level_of(&self, object: ObjectIx) -> Option<u32> {
        self.level_of.get(object.0 as usize).copied().flatten()
    }

    /// The groups that a principal is granted, by rule; every rule is there.
    pub(super) fn grants_of(&self, principal: PrincipalIx) -> BTreeMap<String, Vec<Uid>> {
        let mut grants: BTreeMap<RuleId, BTreeSet<usize>> =
            self.used.keys().map(|rule| (*rule, BTreeSet::new())).collect();
        for (object, cell) in self.policy.cells.get(principal.0 as usize).into_iter().flatten() {
            if let Some(groups) = grants.get_mut(&cell.rule)
                && let Some(Some(group)) = self.group_of.get(object.0 as usize)
            {
                groups.insert(*group);
            }
        }
        let uids = |groups: BTreeSet<usize>| {
            groups
                .into_iter()
                .filter_map(|group| self.groups.get(group))
                .map(|name| Uid::new(kind::GROUP, name))
                .collect()
        };
        grants.into_iter().map(|(rule, groups)| (self.policy.rule_at(rule).name.clone(), uids(groups))).collect()
    }

    /// The ids of the enumeration `Level`.
    pub(super) fn levels(&self) -> BTreeSet<u32> {
        let scopes = std::iter::once(&self.model.access).chain(self.model.overlays.values());
        scopes.flat_map(|rules| rules.levels.keys().copied()).chain(self.level_of.iter().copied().flatten()).collect()
    }

    /// The ids of the enumeration `Class`, in the order of their sensitivity.
    pub(super) fn classes(&self) -> Vec<&str> {
        let mut classes: Vec<&str> = self.model.access.classes.iter().map(|class| class.name.value.as_str()).collect();
        let mut seen = BTreeSet::new();
        classes.retain(|class| seen.insert(*class));
        classes
    }

    /// The classes that govern a server: the central one, and its unit's where that differs.
    pub(super) fn classes_of(&self, server: &str) -> BTreeSet<String> {
        let unit = self.model.server(server).and_then(|server| server.unit.as_ref());
        let restated = unit.and_then(|unit| self.model.restated_for(&unit.value));
        std::iter::once(&self.model.access)
            .chain(&restated)
            .filter_map(|rules| rules.governing_class(server))
            .map(|(_, class)| class.name.value.to_string())
            .collect()
    }

    /// The ids of the enumeration `Unit`.
    pub(super) fn units(&self) -> BTreeSet<&str> {
        let of_servers = self.model.servers.values().filter_map(|server| server.unit.as_ref()).map(|unit| &unit.value);
        self.model.topology.units.keys().chain(of_servers).map(|unit| unit.as_str()).collect()
    }

    /// Where levels, classes, units and facts are declared.
    pub(super) fn declared_at(&self) -> Vec<Loc> {
        let rules = self.rules().flat_map(|(rule, _)| self.places_of(rule));
        let levels = self.model.access.levels.values().map(|level| level.number.loc);
        let classes = self.model.access.classes.iter().map(|class| class.name.loc);
        let units = self.model.topology.units.values().map(|unit| unit.name.loc);
        rules.chain(levels).chain(classes).chain(units).collect()
    }
}

/// The entity of a principal.
pub(super) fn principal_uid(id: &PrincipalId) -> Uid {
    match id {
        PrincipalId::Agent(name) => Uid::new(kind::AGENT, name.as_str()),
        PrincipalId::AnyAgent(None) => Uid::new(kind::ANY_AGENT, "any"),
        PrincipalId::AnyAgent(Some(unit)) => Uid::new(kind::ANY_AGENT, unit.as_str()),
        PrincipalId::Flow(flow) => {
            let kind = match flow.kind {
                FlowKind::Workflow => kind::WORKFLOW,
                FlowKind::Saga => kind::SAGA,
                FlowKind::Processor => kind::PROCESSOR,
            };
            Uid::new(kind, &*flow.name)
        }
    }
}

/// The entity of an object.
pub(super) fn object_uid(object: &Object) -> Uid {
    let server = &object.server;
    match &object.kind {
        ObjectKind::Protocol => Uid::new(kind::SERVER, server.as_str()),
        ObjectKind::Tool(tool) => Uid::new(kind::TOOL, format!("{server}/{tool}")),
        ObjectKind::Resource(uri) => Uid::new(kind::RESOURCE, format!("{server}/{uri}")),
        ObjectKind::Prompt(name) => Uid::new(kind::PROMPT, format!("{server}/{name}")),
    }
}

/// The name, or the name with the first free number behind it.
fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2_u64..).map(|n| format!("{name} #{n}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name);
    taken.insert(free.clone());
    free
}
