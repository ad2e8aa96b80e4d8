//! Everything in a workspace that can be made laxer in one place: requirements, suspensions, borders and levels.

mod levels;

use super::MutationKind;
use crate::model::Model;
use crate::model::access::{AccessRules, Grant, MutualTls};
use crate::model::name::{FactName, ServerName, ToolName, UnitName};
use crate::model::server::{Server, ServerAccess, ToolAccess};
use crate::model::topology::{CrossUnitRouting, DataSharing, Encryption};
use crate::policy::Policy;
use crate::source::{Loc, Spanned};

/// One thing made laxer.
pub struct Edit {
    /// What kind.
    pub kind: MutationKind,
    /// What exactly, in words.
    pub what: String,
    /// Where it stands.
    pub loc: Loc,
    /// Does it.
    pub apply: Box<dyn Fn(&mut Model) + Send + Sync>,
}

/// The model with every fact of the policy in use, and nothing else changed: a server asks for them for a tool that it
/// does not have.
#[must_use]
pub fn with_facts_pinned(model: &Model, policy: &Policy) -> Model {
    let mut model = model.clone();
    if let Some(server) = model.servers.values_mut().next() {
        let requires = policy.facts.names().iter().map(|fact| Spanned::new(fact.clone(), Loc::default())).collect();
        let pinned = ToolAccess { requires, ..ToolAccess::default() };
        server.access.tools.insert(ToolName::from(String::new()), pinned);
    }
    model
}

/// Every edit, those of the same kind of thing together.
#[must_use]
pub fn edits(model: &Model) -> Vec<Edit> {
    let mut edits = Edits(Vec::new());
    edits.of_topology(model);
    edits.of_rules(&model.access, None);
    for (unit, rules) in &model.overlays {
        edits.of_rules(rules, Some(unit));
    }
    for server in model.servers.values() {
        edits.of_server(server);
    }
    edits.of_principals(model);
    edits.of_levels(model);
    edits.0
}

/// The rules of a scope, to change.
fn rules_in<'m>(model: &'m mut Model, unit: Option<&UnitName>) -> Option<&'m mut AccessRules> {
    match unit {
        None => Some(&mut model.access),
        Some(unit) => model.overlays.get_mut(unit),
    }
}

/// What a server asks for, by the central configuration or the unit folder.
fn access_in<'m>(model: &'m mut Model, server: &ServerName, overlay: bool) -> Option<&'m mut ServerAccess> {
    let server = model.servers.get_mut(server)?;
    if overlay { server.overlay.as_mut() } else { Some(&mut server.access) }
}

fn without(requires: &mut Vec<Spanned<FactName>>, fact: &FactName) {
    requires.retain(|required| required.value != *fact);
}

struct Edits(Vec<Edit>);

impl Edits {
    fn add(&mut self, kind: MutationKind, what: String, loc: Loc, apply: impl Fn(&mut Model) + Send + Sync + 'static) {
        self.0.push(Edit { kind, what, loc, apply: Box::new(apply) });
    }

    /// Drops each of these facts from the list that `of` finds in a model.
    fn drop_each(
        &mut self,
        requires: &[Spanned<FactName>],
        whose: &str,
        of: impl Fn(&mut Model) -> Option<&mut Vec<Spanned<FactName>>> + Clone + Send + Sync + 'static,
    ) {
        for fact in requires {
            let (of, name) = (of.clone(), fact.value.clone());
            self.add(MutationKind::Drop, format!("{whose} does not ask for `{fact}`"), fact.loc, move |model| {
                if let Some(requires) = of(model) {
                    without(requires, &name);
                }
            });
        }
    }

    fn of_topology(&mut self, model: &Model) {
        let topology = &model.topology;
        if let Some(encryption) = topology.encryption_in_transit.as_ref().filter(|e| e.value == Encryption::Required) {
            let what = "`encryption_in_transit` is not required".to_owned();
            self.add(MutationKind::Drop, what, encryption.loc, |model| model.topology.encryption_in_transit = None);
        }
        if let Some(routing) = topology.cross_unit_routing.as_ref().filter(|r| r.value != CrossUnitRouting::Allowed) {
            let what = "`cross_unit_routing` is `allowed`".to_owned();
            self.add(MutationKind::Drop, what, routing.loc, |model| {
                if let Some(routing) = &mut model.topology.cross_unit_routing {
                    routing.value = CrossUnitRouting::Allowed;
                }
            });
        }
        if let Some(sharing) = topology.data_sharing.as_ref().filter(|s| s.value != DataSharing::Allowed) {
            let what = "`cross_bu_data_sharing` is `allowed`".to_owned();
            self.add(MutationKind::Drop, what, sharing.loc, |model| {
                if let Some(sharing) = &mut model.topology.data_sharing {
                    sharing.value = DataSharing::Allowed;
                }
            });
        }
        for (name, unit) in &topology.units {
            if let Some(reason) = &unit.suspended {
                let own = name.clone();
                self.add(MutationKind::Drop, format!("unit `{name}` is not suspended"), reason.loc, move |model| {
                    if let Some(unit) = model.topology.units.get_mut(&own) {
                        unit.suspended = None;
                    }
                });
            }
        }
    }

    fn of_rules(&mut self, rules: &AccessRules, unit: Option<&UnitName>) {
        let scope = unit.cloned();
        let of_unit = unit.map(|unit| format!(" of unit `{unit}`")).unwrap_or_default();
        for (number, level) in &rules.levels {
            let (own, at) = (scope.clone(), *number);
            self.drop_each(&level.requirements, &format!("level {number}{of_unit}"), move |model| {
                Some(&mut rules_in(model, own.as_ref())?.levels.get_mut(&at)?.requirements)
            });
            for (index, other) in level.alternatives.iter().enumerate() {
                let (own, at) = (scope.clone(), *number);
                let whose = format!("alternative `{}` of level {number}{of_unit}", other.name);
                self.drop_each(&other.requirements, &whose, move |model| {
                    let level = rules_in(model, own.as_ref())?.levels.get_mut(&at)?;
                    Some(&mut level.alternatives.get_mut(index)?.requirements)
                });
            }
        }
        for (index, class) in rules.classes.iter().enumerate() {
            let own = scope.clone();
            self.drop_each(&class.requires, &format!("class `{}`{of_unit}", class.name), move |model| {
                Some(&mut rules_in(model, own.as_ref())?.classes.get_mut(index)?.requires)
            });
            if let Some(reason) = &class.suspended {
                let own = scope.clone();
                let what = format!("class `{}`{of_unit} is not suspended", class.name);
                self.add(MutationKind::Drop, what, reason.loc, move |model| {
                    if let Some(class) = rules_in(model, own.as_ref()).and_then(|rules| rules.classes.get_mut(index)) {
                        class.suspended = None;
                    }
                });
            }
        }
        if let Some(mode) = rules.mutual_tls.as_ref().filter(|mode| mode.value == MutualTls::Strict) {
            let own = scope.clone();
            self.add(MutationKind::Drop, format!("`mutual_tls`{of_unit} is not strict"), mode.loc, move |model| {
                if let Some(mode) = rules_in(model, own.as_ref()).and_then(|rules| rules.mutual_tls.as_mut()) {
                    mode.value = MutualTls::Permissive;
                }
            });
        }
    }

    fn of_server(&mut self, server: &Server) {
        let name = &server.name.value;
        if let Some(reason) = &server.suspended {
            let own = name.clone();
            self.add(MutationKind::Drop, format!("server `{name}` is not suspended"), reason.loc, move |model| {
                if let Some(server) = model.servers.get_mut(&own) {
                    server.suspended = None;
                }
            });
        }
        let accesses = std::iter::once((false, &server.access)).chain(server.overlay.iter().map(|it| (true, it)));
        for (overlay, access) in accesses {
            let folder = if overlay { " (in its unit's folder)" } else { "" };
            let own = name.clone();
            self.drop_each(&access.requires, &format!("server `{name}`{folder}"), move |model| {
                Some(&mut access_in(model, &own, overlay)?.requires)
            });
            for (tool, of_tool) in &access.tools {
                let (own, its) = (name.clone(), tool.clone());
                self.drop_each(&of_tool.requires, &format!("tool `{name}/{tool}`{folder}"), move |model| {
                    Some(&mut access_in(model, &own, overlay)?.tools.get_mut(&its)?.requires)
                });
                if let Some(reason) = &of_tool.suspended {
                    let (own, its) = (name.clone(), tool.clone());
                    let what = format!("tool `{name}/{tool}`{folder} is not suspended");
                    self.add(MutationKind::Drop, what, reason.loc, move |model| {
                        if let Some(tool) = access_in(model, &own, overlay).and_then(|it| it.tools.get_mut(&its)) {
                            tool.suspended = None;
                        }
                    });
                }
            }
        }
        for (index, resource) in server.resources.iter().enumerate() {
            let own = name.clone();
            self.drop_each(&resource.requires, &format!("resource `{}` of `{name}`", resource.uri), move |model| {
                Some(&mut model.servers.get_mut(&own)?.resources.get_mut(index)?.requires)
            });
        }
        for (index, prompt) in server.prompts.iter().enumerate() {
            let own = name.clone();
            self.drop_each(&prompt.requires, &format!("prompt `{}` of `{name}`", prompt.name), move |model| {
                Some(&mut model.servers.get_mut(&own)?.prompts.get_mut(index)?.requires)
            });
        }
    }

    fn of_principals(&mut self, model: &Model) {
        let whose = |grant: &Grant, who: &str| format!("the grant `{}` of `{who}`", grant.text);
        for (name, agent) in &model.agents {
            for (index, grant) in agent.may_call.iter().enumerate() {
                let own = name.clone();
                self.drop_each(&grant.requires, &whose(grant, name.as_str()), move |model| {
                    Some(&mut model.agents.get_mut(&own)?.may_call.get_mut(index)?.requires)
                });
            }
            if let Some(reason) = &agent.suspended {
                let own = name.clone();
                self.add(MutationKind::Drop, format!("`{name}` is not suspended"), reason.loc, move |model| {
                    if let Some(agent) = model.agents.get_mut(&own) {
                        agent.suspended = None;
                    }
                });
            }
        }
        if let Some(any) = &model.any_agent {
            for (index, grant) in any.may_call.iter().enumerate() {
                self.drop_each(&grant.requires, &whose(grant, "any_agent"), move |model| {
                    Some(&mut model.any_agent.as_mut()?.may_call.get_mut(index)?.requires)
                });
            }
            if let Some(reason) = &any.suspended {
                self.add(MutationKind::Drop, "`any_agent` is not suspended".to_owned(), reason.loc, |model| {
                    if let Some(any) = &mut model.any_agent {
                        any.suspended = None;
                    }
                });
            }
        }
        for (id, flow) in &model.flows {
            if let Some(reason) = &flow.suspended {
                let own = id.clone();
                self.add(MutationKind::Drop, format!("`{id}` is not suspended"), reason.loc, move |model| {
                    if let Some(flow) = model.flows.get_mut(&own) {
                        flow.suspended = None;
                    }
                });
            }
        }
    }
}
