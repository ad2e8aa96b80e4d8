//! The entities: principals with their grants, objects in their groups, and actions in theirs.

use std::collections::BTreeMap;

use super::layout::{Layout, object_uid, principal_uid};
use super::schema::{SERVER_ATTRIBUTE, member};
use super::{action, kind};
use crate::cedar::entities::{Entity, Value, print as print_entities};
use crate::cedar::policies::GRANTS;
use crate::cedar::{Error, Uid};
use crate::model::name::ServerName;
use crate::policy::{ObjectIx, ObjectKind, PrincipalIx};
use crate::source::Loc;

pub(super) fn print(layout: &Layout<'_>) -> Result<String, Error> {
    let principals = layout.policy.principals.iter().zip(0..).map(|(principal, index)| {
        let grants = layout.grants_of(PrincipalIx(index)).into_iter().map(|(rule, groups)| (rule, Value::Set(groups)));
        Entity {
            uid: principal_uid(&principal.id),
            attributes: [(GRANTS.to_owned(), Value::Record(grants.collect()))].into(),
            parents: Vec::new(),
        }
    });
    let mut shared: BTreeMap<&ServerName, Vec<Uid>> = BTreeMap::new();
    let objects = layout.policy.objects.iter().zip(0..).map(|(object, index)| {
        let protocol = object.kind == ObjectKind::Protocol;
        let of_server = shared.entry(&object.server).or_insert_with(|| server_parents(layout, &object.server));
        let mut parents = of_server.clone();
        parents.extend(layout.group_of(ObjectIx(index)).map(|group| member(kind::GROUP, group)));
        if !protocol {
            parents.extend(layout.level_of(ObjectIx(index)).map(|level| member(kind::LEVEL, level.to_string())));
        }
        parents.sort();
        let mut attributes = BTreeMap::new();
        if !protocol {
            let server = Uid::new(kind::SERVER, object.server.as_str());
            attributes.insert(SERVER_ATTRIBUTE.to_owned(), Value::Entity(server));
        }
        Entity { uid: object_uid(object), attributes, parents }
    });
    print_entities(principals.chain(objects).chain(actions()).collect())
}

/// The actions with their group, as the schema has them: an engine that is given no schema knows groups from here alone, and
/// would deny everything without them.
fn actions() -> impl Iterator<Item = Entity> {
    let entity = |id: &str, parents| Entity { uid: Uid::new("Action", id), attributes: BTreeMap::new(), parents };
    let of_group = |(id, _): (&'static str, &str)| entity(id, vec![Uid::new("Action", action::REQUEST)]);
    std::iter::once(entity(action::REQUEST, Vec::new())).chain(action::ALL.map(of_group))
}

/// The class, the unit and the backend of a server, which are those of everything on it.
fn server_parents(layout: &Layout<'_>, server: &ServerName) -> Vec<Uid> {
    let classes = layout.classes_of(server.as_str()).into_iter().map(|class| member(kind::CLASS, class));
    let unit = layout.model.servers.get(server).and_then(|server| server.unit.as_ref());
    let backend = layout.model.servers.get(server).map(|server| member(kind::BACKEND, server.name.value.as_str()));
    classes.chain(unit.map(|unit| member(kind::UNIT, unit.value.as_str()))).chain(backend).collect()
}

/// Where the entities are declared, and what they are granted.
pub(super) fn places(layout: &Layout<'_>) -> Vec<Loc> {
    let model = layout.model;
    let principals = layout.policy.principals.iter().map(|principal| principal.loc);
    let of_agents = model.agents.values().flat_map(|agent| &agent.may_call);
    let grants = of_agents.chain(model.any_agent.iter().flat_map(|any| &any.may_call)).map(|grant| grant.text.loc);
    let calls = model.flows.values().flat_map(|flow| flow.calls().map(|(_, call)| call.tool.loc));
    let servers = model.servers.values();
    let things = servers.flat_map(|server| {
        std::iter::once(server.name.loc)
            .chain(server.tools.values().map(|tool| tool.name.loc))
            .chain(server.resources.iter().map(|resource| resource.uri.loc))
            .chain(server.prompts.iter().map(|prompt| prompt.name.loc))
    });
    principals.chain(grants).chain(calls).chain(things).collect()
}
