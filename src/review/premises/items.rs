//! The lines of configuration that each part is.

use super::super::naming::as_written;
use super::{At, Premise};
use crate::model::access::{AccessRules, Alternative, Grant, Granted};
use crate::model::name::{ClassName, FactName, ServerName, ToolName, UnitName};
use crate::model::server::{Server, ServerAccess};
use crate::model::{Model, Suspension};
use crate::policy::{Object, ObjectKind, PrincipalId};
use crate::source::{Loc, Spanned};

/// A text that stands for a piece of configuration, and where it is written. Equal texts mean the same.
pub type Item = (String, Loc);

/// The tool that a part speaks of.
pub(in crate::review) fn own_tool<'a>(tool: &'a Option<ToolName>, at: At<'a>) -> Option<&'a ToolName> {
    match (tool, &at.object.kind) {
        (Some(named), _) => Some(named),
        (None, ObjectKind::Tool(own)) => Some(own),
        (None, ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_)) => None,
    }
}

/// What a part consists of on one side.
#[must_use]
pub fn items(part: &Premise, model: &Model, at: At<'_>) -> Vec<Item> {
    let rules = &model.access;
    let server = model.servers.get(&at.object.server);
    let topology = &model.topology;
    let fact = |facts: &[Spanned<FactName>], wanted: &FactName| {
        facts.iter().find(|fact| fact.value == *wanted).map(|fact| (fact.value.to_string(), fact.loc))
    };
    let class = |name: &ClassName| rules.classes.iter().find(|class| class.name.value == *name);
    let found: Option<Item> = match part {
        Premise::Level(number) => rules.levels.get(number).map(|level| (number.to_string(), level.number.loc)),
        Premise::LevelRequirement(number, wanted) => {
            rules.levels.get(number).and_then(|level| fact(&level.requirements, wanted))
        }
        Premise::LevelAlternative(number, name) => rules
            .levels
            .get(number)
            .and_then(|level| level.alternatives.iter().find(|other| other.name.value == *name))
            .map(alternative),
        Premise::ClassOrder => {
            return rules
                .classes
                .iter()
                .enumerate()
                .map(|(rank, class)| (format!("{rank} {}", class.name), class.name.loc))
                .collect();
        }
        Premise::ClassLevel(name) => class(name).and_then(|class| number(&class.min_auth_level)),
        Premise::ClassRequires(name, wanted) => class(name).and_then(|class| fact(&class.requires, wanted)),
        Premise::ClassSuspended(name) => class(name).and_then(|class| suspension(&class.suspended)),
        Premise::Listing => return listing(rules, &at.object.server),
        Premise::MutualTls => rules.mutual_tls.as_ref().map(|mode| (as_written(&mode.value), mode.loc)),
        Premise::Encryption => topology.encryption_in_transit.as_ref().map(|it| (as_written(&it.value), it.loc)),
        Premise::Routing => topology.cross_unit_routing.as_ref().map(|it| (as_written(&it.value), it.loc)),
        Premise::Sharing => topology.data_sharing.as_ref().map(|it| (as_written(&it.value), it.loc)),
        Premise::MaxClass => topology.cross_unit_max_class.as_ref().map(|it| (it.value.clone(), it.loc)),
        Premise::Units => return units(model, at),
        Premise::UnitRules(unit) => {
            return model.overlays.get(unit).map(|rules| restated(rules, &at.object.server)).unwrap_or_default();
        }
        Premise::Server => {
            server.map(|server| (format!("{} {}", server.registered, server.lists_tools), server.name.loc))
        }
        Premise::ServerUnit => server.and_then(|server| unit(&server.unit)),
        Premise::ServerSuspended => server.and_then(|server| suspension(&server.suspended)),
        Premise::ServerLevel => server.and_then(|server| number(&server.access.auth_level)),
        Premise::ServerRequires(wanted) => server.and_then(|server| fact(&server.access.requires, wanted)),
        Premise::UnitEntry => {
            return server.and_then(|server| server.overlay.as_ref()).map(entry).unwrap_or_default();
        }
        Premise::Tool(tool) => own_tool(tool, at).zip(server).and_then(|(name, server)| {
            let tool = server.tools.get(name)?;
            let reads = tool.read_only.as_ref();
            let loc = reads.map_or(tool.name.loc, |flag| flag.loc);
            Some((format!("{} {}", tool.registered, reads.is_some_and(|flag| flag.value)), loc))
        }),
        Premise::ToolLevel(tool) => own(server, tool, at).and_then(|own| number(&own.auth_level)),
        Premise::ToolRequires(tool, wanted) => own(server, tool, at).and_then(|own| fact(&own.requires, wanted)),
        Premise::ToolSuspended(tool) => own(server, tool, at).and_then(|own| suspension(&own.suspended)),
        Premise::Entry => return server.map(|server| resource_or_prompt(server, at)).unwrap_or_default(),
        Premise::Principal => principal_loc(model, at.principal).map(|loc| (String::new(), loc)),
        Premise::PrincipalUnit => match at.principal {
            PrincipalId::Agent(name) => model.agents.get(name).and_then(|agent| unit(&agent.unit)),
            PrincipalId::AnyAgent(_) => None,
            PrincipalId::Flow(id) => model.flows.get(id).map(|flow| (flow.unit.value.to_string(), flow.unit.loc)),
        },
        Premise::PrincipalSuspended => match at.principal {
            PrincipalId::Agent(name) => model.agents.get(name).and_then(|agent| suspension(&agent.suspended)),
            PrincipalId::AnyAgent(_) => model.any_agent.as_ref().and_then(|any| suspension(&any.suspended)),
            PrincipalId::Flow(id) => model.flows.get(id).and_then(|flow| suspension(&flow.suspended)),
        },
        Premise::Grants => return grants(model, at),
    };
    found.into_iter().collect()
}

fn own<'m>(
    server: Option<&'m Server>,
    tool: &Option<ToolName>,
    at: At<'_>,
) -> Option<&'m crate::model::server::ToolAccess> {
    server?.access.tools.get(own_tool(tool, at)?)
}

fn alternative(other: &Alternative) -> Item {
    let facts: Vec<&str> = other.requirements.iter().map(|fact| fact.value.as_str()).collect();
    (format!("{}: {}", other.name, facts.join(" ")), other.name.loc)
}

fn number(level: &Option<Spanned<u32>>) -> Option<Item> {
    level.as_ref().map(|level| (level.value.to_string(), level.loc))
}

fn unit(unit: &Option<Spanned<UnitName>>) -> Option<Item> {
    unit.as_ref().map(|unit| (unit.value.to_string(), unit.loc))
}

/// The reason does not matter, only that there is one.
fn suspension(reason: &Suspension) -> Option<Item> {
    reason.as_ref().map(|reason| ("suspended".to_owned(), reason.loc))
}

fn listing(rules: &AccessRules, server: &ServerName) -> Vec<Item> {
    let listed = rules.classes_of(server.as_str());
    listed.map(|(_, class, loc)| (class.name.to_string(), loc)).collect()
}

fn units(model: &Model, at: At<'_>) -> Vec<Item> {
    let units = &model.topology.units;
    let of_server =
        model.servers.get(&at.object.server).and_then(|server| server.unit.as_ref()).map(|unit| &unit.value);
    let of_principal = match at.principal {
        PrincipalId::Agent(name) => {
            model.agents.get(name).and_then(|agent| agent.unit.as_ref()).map(|unit| &unit.value)
        }
        PrincipalId::AnyAgent(unit) => unit.as_ref(),
        PrincipalId::Flow(id) => model.flows.get(id).map(|flow| &flow.unit.value),
    };
    let mut found = Vec::new();
    if let Some(first) = units.values().next() {
        found.push(("units".to_owned(), first.name.loc));
    }
    let mut involved: Vec<&UnitName> = [of_server, of_principal].into_iter().flatten().collect();
    involved.dedup();
    for unit in involved.into_iter().filter_map(|name| units.get(name)) {
        found.push((unit.name.value.to_string(), unit.name.loc));
        found.extend(suspension(&unit.suspended).map(|(text, loc)| (format!("{} {text}", unit.name), loc)));
    }
    found
}

fn restated(rules: &AccessRules, server: &ServerName) -> Vec<Item> {
    let mut found = Vec::new();
    for (number, level) in &rules.levels {
        found.push((format!("level {number}"), level.number.loc));
        found.extend(level.requirements.iter().map(|fact| (format!("level {number} {fact}"), fact.loc)));
        found.extend(level.alternatives.iter().map(|other| {
            let (text, loc) = alternative(other);
            (format!("level {number} {text}"), loc)
        }));
    }
    for class in &rules.classes {
        found.push((format!("class {}", class.name), class.name.loc));
        let mut add = |what: &str, item: Option<Item>| {
            found.extend(item.map(|(text, loc)| (format!("class {} {what} {text}", class.name), loc)));
        };
        add("level", number(&class.min_auth_level));
        add("", suspension(&class.suspended));
        class.requires.iter().for_each(|fact| add("requires", Some((fact.to_string(), fact.loc))));
    }
    found.extend(listing(rules, server).into_iter().map(|(class, loc)| (format!("listed in {class}"), loc)));
    found.extend(rules.mutual_tls.as_ref().map(|mode| (as_written(&mode.value), mode.loc)));
    found
}

fn entry(access: &ServerAccess) -> Vec<Item> {
    // An entry that says nothing still takes the place of the central level.
    let mut found: Vec<Item> = vec![("entry".to_owned(), access.at.unwrap_or_default())];
    found.extend(number(&access.auth_level));
    found.extend(access.requires.iter().map(|fact| (fact.to_string(), fact.loc)));
    for (name, tool) in &access.tools {
        let at = access.at.unwrap_or_default();
        found.push((format!("{name}"), tool.auth_level.as_ref().map_or(at, |level| level.loc)));
        found.extend(number(&tool.auth_level).map(|(text, loc)| (format!("{name} level {text}"), loc)));
        found.extend(tool.requires.iter().map(|fact| (format!("{name} {fact}"), fact.loc)));
        found.extend(suspension(&tool.suspended).map(|(text, loc)| (format!("{name} {text}"), loc)));
    }
    found
}

fn resource_or_prompt(server: &Server, at: At<'_>) -> Vec<Item> {
    let mut found = Vec::new();
    let mut add = |name: Loc, level: &Option<Spanned<u32>>, requires: &[Spanned<FactName>]| {
        found.push(("declared".to_owned(), name));
        found.extend(number(level));
        found.extend(requires.iter().map(|fact| (fact.to_string(), fact.loc)));
    };
    match &at.object.kind {
        ObjectKind::Resource(uri) => {
            let own = server.resources.iter().filter(|resource| resource.uri.value == *uri);
            own.chain(server.patterns_around(uri)).for_each(|it| add(it.uri.loc, &it.auth_level, &it.requires));
        }
        ObjectKind::Prompt(name) => {
            let own = server.prompts.iter().filter(|prompt| prompt.name.value == *name);
            own.for_each(|it| add(it.name.loc, &it.auth_level, &it.requires));
        }
        ObjectKind::Protocol => {
            server.resources.iter().for_each(|it| add(it.uri.loc, &it.auth_level, &it.requires));
            server.prompts.iter().for_each(|it| add(it.name.loc, &it.auth_level, &it.requires));
            let uris = server.resources.iter().map(|it| (it.uri.value.clone(), it.uri.loc));
            found.extend(uris.chain(server.prompts.iter().map(|it| (it.name.value.clone(), it.name.loc))));
        }
        ObjectKind::Tool(_) => {}
    }
    found
}

fn principal_loc(model: &Model, principal: &PrincipalId) -> Option<Loc> {
    match principal {
        PrincipalId::Agent(name) => model.agents.get(name).map(|agent| agent.name.loc),
        PrincipalId::AnyAgent(unit) => {
            let declared = unit.as_ref().is_none_or(|unit| model.topology.units.contains_key(unit));
            model.any_agent.as_ref().filter(|_| declared).map(|any| any.loc)
        }
        PrincipalId::Flow(id) => model.flows.get(id).map(|flow| flow.id.loc),
    }
}

/// Whether a grant matters to an object.
fn covers(grant: &Grant, object: &Object) -> bool {
    grant.server == object.server && object.kind.is_granted_by(&grant.what)
}

fn grants(model: &Model, at: At<'_>) -> Vec<Item> {
    let of = |entries: &[Grant]| -> Vec<Item> {
        let mine = entries.iter().filter(|grant| covers(grant, at.object));
        mine.map(|grant| {
            let requires: Vec<&str> = grant.requires.iter().map(|fact| fact.value.as_str()).collect();
            // What is granted, not how it is spelled; the tool of the cell by no name.
            let what = match (&grant.what, &at.object.kind) {
                (Granted::All, _) => "*".to_owned(),
                (Granted::Tool(tool), ObjectKind::Protocol) => tool.to_string(),
                (Granted::Tool(_), _) => String::new(),
                (Granted::Readable(readable), _) => readable.to_string(),
            };
            (format!("{what} {} {}", grant.only_read_only, requires.join(" ")), grant.text.loc)
        })
        .collect()
    };
    match at.principal {
        PrincipalId::Agent(name) => model.agents.get(name).map(|agent| of(&agent.may_call)).unwrap_or_default(),
        PrincipalId::AnyAgent(_) => model.any_agent.as_ref().map(|any| of(&any.may_call)).unwrap_or_default(),
        PrincipalId::Flow(id) => {
            let flow = model.flows.get(id);
            let calls = flow.into_iter().flat_map(|flow| flow.calls().filter(|(_, call)| flow.makes(call)));
            let here = calls.filter(|(_, call)| call.server.as_ref() == Some(&at.object.server));
            let mut found: Vec<Item> = here
                .filter_map(|(_, call)| match &at.object.kind {
                    ObjectKind::Tool(tool) => (*tool == call.tool.value).then(|| (String::new(), call.tool.loc)),
                    ObjectKind::Protocol => Some((call.tool.value.to_string(), call.tool.loc)),
                    ObjectKind::Resource(_) | ObjectKind::Prompt(_) => None,
                })
                .collect();
            let reads = flow.into_iter().flat_map(|flow| &flow.steps).flat_map(|step| &step.reads);
            let reads = reads.filter(|read| read.server.as_ref() == Some(&at.object.server));
            let reads = reads.filter(|read| at.object.kind.is_granted_by(&Granted::Readable(read.what.value.clone())));
            found.extend(reads.map(|read| (read.what.value.to_string(), read.what.loc)));
            // A tool that several steps call is granted once.
            found.sort();
            found.dedup_by(|a, b| a.0 == b.0);
            found
        }
    }
}
