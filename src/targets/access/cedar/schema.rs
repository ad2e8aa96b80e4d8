//! The schema.

use std::collections::BTreeMap;

use super::layout::Layout;
use super::{action, kind};
use crate::cedar::policies::GRANTS;
use crate::cedar::schema::{Action, Entity, Namespace, Type, print as print_namespace};
use crate::cedar::{Error, Uid};

/// Name of the type of every request's context.
const FACTS: &str = "Facts";
/// Name of the type of every principal's grants.
const GRANTS_TYPE: &str = "Grants";

pub(super) fn print(layout: &Layout<'_>) -> Result<String, Error> {
    let facts = layout.policy.facts.names().iter().map(|fact| (fact.to_string(), Type::Bool)).collect();
    let grants = layout.rules().map(|(_, rule)| (rule.name.clone(), Type::SetOf(kind::GROUP.to_owned()))).collect();
    let types = [(FACTS, Type::Record(facts)), (GRANTS_TYPE, Type::Record(grants))];
    print_namespace(&Namespace {
        types: types.map(|(name, of)| (name.to_owned(), of)).into(),
        entities: entities(layout),
        actions: actions(),
    })
}

/// Most ids of an enumeration. Cedar checks an id against an enumeration by looking at one choice after another, for every
/// grant and object, so beyond this the time to load the entities would grow with the square of their number. A wrong group
/// is then caught by the lifter, since the entities alone name them, and a wrong backend by [`crate::handwritten`].
pub(super) const MOST_ENUMERATED: usize = 1_000;

/// The types of which there are entities that others are in: enumerations, so that a misspelt id does not validate.
fn enclosing(layout: &Layout<'_>) -> BTreeMap<String, Entity> {
    let lists: [(&str, Vec<String>); 5] = [
        (kind::BACKEND, layout.model.servers.keys().map(ToString::to_string).collect()),
        (kind::GROUP, layout.groups().to_vec()),
        (kind::LEVEL, layout.levels().iter().map(u32::to_string).collect()),
        (kind::CLASS, layout.classes().into_iter().map(str::to_owned).collect()),
        (kind::UNIT, layout.units().into_iter().map(str::to_owned).collect()),
    ];
    let of = |ids: Vec<String>| {
        if ids.len() > MOST_ENUMERATED {
            Entity::Open { parents: Vec::new(), attributes: BTreeMap::new() }
        } else {
            Entity::Enum(ids)
        }
    };
    // Cedar knows no empty enumeration, and nothing could be in it.
    let lists = lists.into_iter().filter(|(_, ids)| !ids.is_empty());
    lists.map(|(name, ids)| (name.to_owned(), of(ids))).collect()
}

fn entities(layout: &Layout<'_>) -> BTreeMap<String, Entity> {
    let mut entities = enclosing(layout);
    let parents: Vec<String> = entities.keys().cloned().collect();
    for principal in kind::PRINCIPALS {
        let attributes = [(GRANTS.to_owned(), Type::Named(GRANTS_TYPE.to_owned()))].into();
        entities.insert(principal.to_owned(), Entity::Open { parents: Vec::new(), attributes });
    }
    for (_, resource) in action::ALL {
        let mut attributes = BTreeMap::new();
        // The level is the tool's, not the server's: a server's own methods have none.
        let parents = parents.iter().filter(|parent| resource != kind::SERVER || *parent != kind::LEVEL).cloned();
        if resource != kind::SERVER {
            attributes.insert(SERVER_ATTRIBUTE.to_owned(), Type::Entity(kind::SERVER.to_owned()));
        }
        entities.insert(resource.to_owned(), Entity::Open { parents: parents.collect(), attributes });
    }
    entities
}

/// The attribute of an object that names its server.
pub(super) const SERVER_ATTRIBUTE: &str = "server";

fn actions() -> BTreeMap<String, Action> {
    let principals = kind::PRINCIPALS.map(str::to_owned);
    let group = Action { groups: Vec::new(), principals: Vec::new(), resources: Vec::new(), context: None };
    let members = action::ALL.map(|(id, resource)| {
        let member = Action {
            groups: vec![action::REQUEST.to_owned()],
            principals: principals.to_vec(),
            resources: vec![resource.to_owned()],
            context: Some(FACTS.to_owned()),
        };
        (id.to_owned(), member)
    });
    members.into_iter().chain([(action::REQUEST.to_owned(), group)]).collect()
}

/// The entity of an enumeration's id.
pub(super) fn member(of: &str, id: impl Into<String>) -> Uid {
    Uid::new(of, id)
}
