//! Workspaces between two sides: the base's, with some parts of the head's. Cut down to what one cell follows from, so that
//! hundreds of them can be derived.

use std::collections::BTreeSet;

use super::access::Side;
use super::premises::{At, Premise, own_tool};
use crate::model::Model;
use crate::model::access::{AccessRules, DataClass};
use crate::model::name::{FactName, ToolName};
use crate::model::server::{Server, ToolAccess};
use crate::model::uri::holds;
use crate::policy::{ObjectKind, PrincipalId};
use crate::source::Spanned;

/// A workspace that holds what matters to one cell, and decides it as the whole one does.
#[must_use]
pub fn cut(side: Side<'_>, at: At<'_>) -> Model {
    let model = side.model;
    let rules = |rules: &AccessRules| AccessRules {
        levels: rules.levels.clone(),
        destructive_min_level: rules.destructive_min_level.clone(),
        progressive_auth: rules.progressive_auth,
        classes: rules
            .classes
            .iter()
            .map(|class| DataClass {
                name: class.name.clone(),
                servers: class.servers.iter().filter(|listed| listed.value == at.object.server).cloned().collect(),
                encryption: class.encryption.clone(),
                location: class.location.clone(),
                additional_controls: Vec::new(),
                min_auth_level: class.min_auth_level.clone(),
                requires: class.requires.clone(),
                suspended: class.suspended.clone(),
            })
            .collect(),
        data_routing: rules.data_routing,
        mutual_tls: rules.mutual_tls.clone(),
    };
    let mut cut = Model {
        topology: model.topology.clone(),
        access: rules(&model.access),
        overlays: model.overlays.iter().map(|(unit, overlay)| (unit.clone(), rules(overlay))).collect(),
        registry: model.registry,
        ..Model::default()
    };
    cut.servers.extend(model.servers.get(&at.object.server).map(|server| (server.name.value.clone(), server.clone())));
    match at.principal {
        PrincipalId::Agent(name) => cut.agents.extend(model.agents.get(name).map(|agent| {
            let mut agent = agent.clone();
            agent.may_call.retain(|grant| grant.server == at.object.server);
            (name.clone(), agent)
        })),
        PrincipalId::AnyAgent(_) => {
            cut.any_agent = model.any_agent.clone();
            cut.any_agent.iter_mut().for_each(|any| any.may_call.retain(|grant| grant.server == at.object.server));
        }
        PrincipalId::Flow(id) => cut.flows.extend(model.flows.get(id).map(|flow| {
            let mut flow = flow.clone();
            for step in &mut flow.steps {
                step.calls.retain(|call| call.server.as_ref() == Some(&at.object.server));
            }
            (id.clone(), flow)
        })),
    }
    cut
}

/// Sets the element of a list that `is` finds to what `from` has there: nothing, or that element.
fn copy_element<T: Clone>(into: &mut Vec<T>, from: &[T], is: impl Fn(&T) -> bool) {
    match (into.iter().position(&is), from.iter().find(|one| is(one))) {
        (Some(at), None) => drop(into.remove(at)),
        (Some(at), Some(one)) => {
            if let Some(slot) = into.get_mut(at) {
                slot.clone_from(one);
            }
        }
        (None, Some(one)) => into.push(one.clone()),
        (None, None) => {}
    }
}

fn copy_fact(into: &mut Vec<Spanned<FactName>>, from: &[Spanned<FactName>], fact: &FactName) {
    copy_element(into, from, |one| one.value == *fact);
}

/// Sets one part of a workspace to what the other says there. Both are of [`cut`].
pub fn copy(part: &Premise, into: &mut Model, from: &Model, at: At<'_>) {
    let server = &at.object.server;
    let (rules, other) = (&mut into.access, &from.access);
    match part {
        Premise::Level(number) => match (rules.levels.contains_key(number), other.levels.get(number)) {
            (_, None) => drop(rules.levels.remove(number)),
            (false, Some(level)) => {
                let mut level = level.clone();
                level.requirements.clear();
                level.alternatives.clear();
                rules.levels.insert(*number, level);
            }
            (true, Some(_)) => {}
        },
        Premise::LevelRequirement(number, fact) => {
            if let Some(level) = rules.levels.get_mut(number) {
                let from = other.levels.get(number).map(|level| level.requirements.as_slice()).unwrap_or_default();
                copy_fact(&mut level.requirements, from, fact);
            }
        }
        Premise::LevelAlternative(number, name) => {
            if let Some(level) = rules.levels.get_mut(number) {
                let from = other.levels.get(number).map(|level| level.alternatives.as_slice()).unwrap_or_default();
                copy_element(&mut level.alternatives, from, |one| one.name.value == *name);
            }
        }
        Premise::ClassOrder => copy_order(rules, other),
        Premise::ClassLevel(name) => on_class(rules, other, name, |class, other| {
            class.min_auth_level = other.and_then(|other| other.min_auth_level.clone());
        }),
        Premise::ClassRequires(name, fact) => on_class(rules, other, name, |class, other| {
            let from = other.map(|other| other.requires.as_slice()).unwrap_or_default();
            copy_fact(&mut class.requires, from, fact);
        }),
        Premise::ClassSuspended(name) => on_class(rules, other, name, |class, other| {
            class.suspended = other.and_then(|other| other.suspended.clone());
        }),
        Premise::Listing => {
            for class in &mut rules.classes {
                let from = other.classes.iter().find(|same| same.name == class.name);
                class.servers = from.map(|from| from.servers.clone()).unwrap_or_default();
            }
        }
        Premise::MutualTls => rules.mutual_tls.clone_from(&other.mutual_tls),
        Premise::Encryption => into.topology.encryption_in_transit.clone_from(&from.topology.encryption_in_transit),
        Premise::Routing => into.topology.cross_unit_routing.clone_from(&from.topology.cross_unit_routing),
        Premise::Sharing => into.topology.data_sharing.clone_from(&from.topology.data_sharing),
        Premise::MaxClass => into.topology.cross_unit_max_class.clone_from(&from.topology.cross_unit_max_class),
        Premise::Units => {
            into.topology.units.clone_from(&from.topology.units);
            into.topology.unit_folders.clone_from(&from.topology.unit_folders);
        }
        Premise::UnitRules(unit) => match from.overlays.get(unit) {
            Some(rules) => drop(into.overlays.insert(unit.clone(), rules.clone())),
            None => drop(into.overlays.remove(unit)),
        },
        Premise::Server => match (into.servers.get_mut(server), from.servers.get(server)) {
            (_, None) => drop(into.servers.shift_remove(server)),
            (Some(mine), Some(other)) => {
                mine.registered = other.registered;
                mine.lists_tools = other.lists_tools;
            }
            (None, Some(other)) => {
                into.servers.insert(server.clone(), bare(other));
            }
        },
        Premise::ServerUnit => on_server(into, from, at, |mine, other| mine.unit.clone_from(&other.unit)),
        Premise::ServerSuspended => {
            on_server(into, from, at, |mine, other| mine.suspended.clone_from(&other.suspended));
        }
        Premise::ServerLevel => on_server(into, from, at, |mine, other| {
            mine.access.auth_level.clone_from(&other.access.auth_level);
        }),
        Premise::ServerRequires(fact) => on_server(into, from, at, |mine, other| {
            copy_fact(&mut mine.access.requires, &other.access.requires, fact);
        }),
        Premise::UnitEntry => on_server(into, from, at, |mine, other| mine.overlay.clone_from(&other.overlay)),
        Premise::Tool(tool) => on_server(into, from, at, |mine, other| {
            let Some(name) = own_tool(tool, at).cloned() else { return };
            match other.tools.get(&name) {
                Some(tool) => drop(mine.tools.insert(name, tool.clone())),
                None => drop(mine.tools.remove(&name)),
            }
        }),
        Premise::ToolLevel(tool) => on_tool(into, from, at, tool, |mine, other| {
            mine.auth_level = other.and_then(|other| other.auth_level.clone());
        }),
        Premise::ToolRequires(tool, fact) => on_tool(into, from, at, tool, |mine, other| {
            let from = other.map(|other| other.requires.as_slice()).unwrap_or_default();
            copy_fact(&mut mine.requires, from, fact);
        }),
        Premise::ToolSuspended(tool) => on_tool(into, from, at, tool, |mine, other| {
            mine.suspended = other.and_then(|other| other.suspended.clone());
        }),
        Premise::Entry => on_server(into, from, at, |mine, other| match &at.object.kind {
            ObjectKind::Resource(uri) => {
                // A URI needs what the patterns around it ask for, too.
                let around = mine.resources.iter().chain(&other.resources).filter(|one| holds(&one.uri.value, uri));
                let around: BTreeSet<String> = around.map(|one| one.uri.value.clone()).collect();
                for known in around {
                    copy_element(&mut mine.resources, &other.resources, |one| one.uri.value == known);
                }
            }
            ObjectKind::Prompt(name) => copy_element(&mut mine.prompts, &other.prompts, |one| one.name.value == *name),
            ObjectKind::Protocol => {
                mine.resources.clone_from(&other.resources);
                mine.prompts.clone_from(&other.prompts);
            }
            ObjectKind::Tool(_) => {}
        }),
        Premise::Principal | Premise::PrincipalUnit | Premise::PrincipalSuspended | Premise::Grants => {
            copy_of_principal(part, into, from, at.principal);
        }
    }
}

/// A server of which nothing is known but that it is there.
fn bare(server: &Server) -> Server {
    let (registered, lists_tools) = (server.registered, server.lists_tools);
    Server { registered, lists_tools, ..Server::bare(server.name.clone()) }
}

fn on_class(
    rules: &mut AccessRules,
    other: &AccessRules,
    name: &crate::model::name::ClassName,
    set: impl FnOnce(&mut DataClass, Option<&DataClass>),
) {
    let from = other.classes.iter().find(|class| class.name.value == *name);
    if let Some(class) = rules.classes.iter_mut().find(|class| class.name.value == *name) {
        set(class, from);
    }
}

/// The other's classes in the other's order. A class that was there keeps what it says; a new one says nothing yet.
fn copy_order(rules: &mut AccessRules, other: &AccessRules) {
    let mut mine = std::mem::take(&mut rules.classes);
    for class in &other.classes {
        let kept = mine.iter().position(|same| same.name == class.name).map(|at| mine.remove(at));
        rules.classes.push(kept.unwrap_or_else(|| DataClass {
            servers: Vec::new(),
            min_auth_level: None,
            requires: Vec::new(),
            suspended: None,
            ..class.clone()
        }));
    }
}

/// Sets something of the server, where it is on both sides.
fn on_server(into: &mut Model, from: &Model, at: At<'_>, set: impl FnOnce(&mut Server, &Server)) {
    let server = &at.object.server;
    if let (Some(mine), Some(other)) = (into.servers.get_mut(server), from.servers.get(server)) {
        set(mine, other);
    }
}

/// Sets something that one of its tools asks for.
fn on_tool(
    into: &mut Model,
    from: &Model,
    at: At<'_>,
    tool: &Option<ToolName>,
    set: impl FnOnce(&mut ToolAccess, Option<&ToolAccess>),
) {
    on_server(into, from, at, |mine, other| {
        if let Some(name) = own_tool(tool, at) {
            set(mine.access.tools.entry(name.clone()).or_default(), other.access.tools.get(name));
        }
    });
}

fn copy_of_principal(part: &Premise, into: &mut Model, from: &Model, principal: &PrincipalId) {
    match principal {
        PrincipalId::Agent(name) => match (into.agents.get_mut(name), from.agents.get(name), part) {
            (Some(_), None, Premise::Principal) => drop(into.agents.remove(name)),
            (None, Some(other), Premise::Principal) => {
                let mut agent = other.clone();
                agent.may_call.clear();
                agent.unit = None;
                agent.suspended = None;
                into.agents.insert(name.clone(), agent);
            }
            (Some(mine), other, Premise::PrincipalUnit) => mine.unit = other.and_then(|other| other.unit.clone()),
            (Some(mine), other, Premise::PrincipalSuspended) => {
                mine.suspended = other.and_then(|other| other.suspended.clone());
            }
            (Some(mine), other, Premise::Grants) => {
                mine.may_call = other.map(|other| other.may_call.clone()).unwrap_or_default();
            }
            _ => {}
        },
        PrincipalId::AnyAgent(_) => match (into.any_agent.as_mut(), from.any_agent.as_ref(), part) {
            (Some(_), None, Premise::Principal) => into.any_agent = None,
            (None, Some(other), Premise::Principal) => {
                let mut any = other.clone();
                any.may_call.clear();
                any.suspended = None;
                into.any_agent = Some(any);
            }
            (Some(mine), other, Premise::PrincipalSuspended) => {
                mine.suspended = other.and_then(|other| other.suspended.clone());
            }
            (Some(mine), other, Premise::Grants) => {
                mine.may_call = other.map(|other| other.may_call.clone()).unwrap_or_default();
            }
            _ => {}
        },
        PrincipalId::Flow(id) => match (into.flows.get_mut(id), from.flows.get(id), part) {
            (Some(_), None, Premise::Principal) => drop(into.flows.remove(id)),
            (None, Some(other), Premise::Principal) => {
                let mut flow = other.clone();
                flow.steps.clear();
                flow.suspended = None;
                into.flows.insert(id.clone(), flow);
            }
            (Some(mine), Some(other), Premise::PrincipalUnit) => mine.unit.clone_from(&other.unit),
            (Some(mine), other, Premise::PrincipalSuspended) => {
                mine.suspended = other.and_then(|other| other.suspended.clone());
            }
            (Some(mine), other, Premise::Grants) => {
                mine.steps = other.map(|other| other.steps.clone()).unwrap_or_default();
            }
            _ => {}
        },
    }
}
