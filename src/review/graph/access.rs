//! Who may reach what, whole: as a graph from principals to servers, and as data for a page that searches it.

use indexmap::IndexSet;
use serde::Serialize;

use super::{Graph, Kind};
use crate::model::Model;
use crate::policy::whole::Whole;
use crate::policy::{PrincipalId, PrincipalIx};
use crate::review::decide::what_can;
use crate::review::naming::sets_in_words;
use crate::targets::gateways::{Hop, gateways};

/// Who may reach what, and by which way. Lists refer to each other by place.
#[derive(Debug, Serialize)]
pub struct Access {
    /// Who calls.
    pub principals: Vec<Principal>,
    /// Who is called.
    pub servers: Vec<Server>,
    /// What calls need, in words.
    pub needs: Vec<String>,
    /// Names of tools, resources and prompts, each list of one server.
    pub names: Vec<Vec<String>>,
    /// Who may use what: a principal, a server, a list of names of it, and what each such call needs.
    pub rules: Vec<[usize; 4]>,
}

/// Who calls.
#[derive(Debug, Serialize)]
pub struct Principal {
    /// Its name.
    pub name: String,
    /// `agent`, `flow`, or `anyone`.
    pub kind: &'static str,
    /// Its unit, where there are some.
    pub unit: Option<String>,
}

/// Who is called.
#[derive(Debug, Serialize)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: Option<String>,
    /// The class of its data.
    pub class: Option<String>,
    /// Where it stands.
    pub location: Option<&'static str>,
    /// The gateways that a call from outside passes, the outermost first; none where no gateway leads to it.
    pub by: Vec<String>,
}

/// All of it. What is granted and never allowed is left out; what hand-written Cedar leaves open says so.
#[must_use]
pub fn access(model: &Model, whole: Whole<'_>) -> Access {
    let policy = whole.policy;
    let all = gateways(model, policy);
    let servers = model.servers.values().map(|server| {
        let name = server.name.value.as_str();
        let way = all.first().and_then(|central| {
            Some((central, central.routes.iter().find(|route| route.server.name.value == server.name.value)?))
        });
        let by = way.map(|(central, route)| match route.to {
            Hop::Gateway(unit, _) => vec![central.name.to_owned(), unit.to_string()],
            Hop::Server(_) => vec![central.name.to_owned()],
        });
        Server {
            name: name.to_owned(),
            unit: server.unit.as_ref().map(|unit| unit.value.to_string()),
            class: model.access.governing_class(name).map(|(_, class)| class.name.to_string()),
            location: server.location.as_ref().map(|location| super::fleet::in_words(location.value)),
            by: by.unwrap_or_default(),
        }
    });
    let servers: Vec<Server> = servers.collect();
    let place: std::collections::BTreeMap<&str, usize> =
        servers.iter().enumerate().map(|(at, server)| (server.name.as_str(), at)).collect();
    let (mut needs, mut names, mut rules) = (IndexSet::new(), IndexSet::new(), Vec::new());
    for (at, _) in policy.principals.iter().enumerate() {
        let groups = what_can(whole, PrincipalIx(at as u32), 0);
        let known = groups.known.iter().filter(|(missing, _)| !missing.is_empty());
        let known = known.map(|(missing, objects)| (sets_in_words(policy, missing), objects));
        let unknown = groups.unknown.iter().map(|(why, objects)| (format!("unknown: {why}"), objects));
        for (needed, objects) in known.chain(unknown) {
            let mut of_server: std::collections::BTreeMap<usize, Vec<String>> = std::collections::BTreeMap::new();
            for object in objects.iter().map(|object| policy.object_at(*object)) {
                let spelled = object.to_string();
                let short = spelled.strip_prefix(object.server.as_str()).and_then(|rest| rest.strip_prefix('/'));
                // That the protocol may be spoken follows from what may be used.
                let (Some(server), Some(short)) = (place.get(object.server.as_str()), short) else { continue };
                of_server.entry(*server).or_default().push(short.to_owned());
            }
            for (server, mut list) in of_server {
                let need = needs.insert_full(needed.clone()).0;
                list.sort();
                rules.push([at, server, names.insert_full(list).0, need]);
            }
        }
    }
    let principals = policy.principals.iter().map(|principal| Principal {
        name: principal.id.to_string(),
        kind: match principal.id {
            PrincipalId::Agent(_) => "agent",
            PrincipalId::Flow(_) => "flow",
            PrincipalId::AnyAgent(_) => "anyone",
        },
        unit: principal.unit.as_ref().map(ToString::to_string),
    });
    Access {
        principals: principals.collect(),
        servers,
        needs: needs.into_iter().collect(),
        names: names.into_iter().collect(),
        rules,
    }
}

impl Access {
    /// From each principal to each server that it may use, with what the calls need.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        let mut labels: indexmap::IndexMap<(usize, usize), IndexSet<&str>> = indexmap::IndexMap::new();
        for [principal, server, _, need] in &self.rules {
            let label = self.needs.get(*need).map_or("", String::as_str);
            labels.entry((*principal, *server)).or_default().insert(label);
        }
        for ((principal, server), needs) in labels {
            let (Some(who), Some(whom)) = (self.principals.get(principal), self.servers.get(server)) else { continue };
            let kind = if who.kind == "flow" { Kind::Flow } else { Kind::Principal };
            let from = graph.node(kind, &who.name, Vec::new(), None);
            let class = whom.class.iter().map(|class| format!("class {class}"));
            let to = graph.node(Kind::Server, &whom.name, class.collect(), None);
            let mut needs: Vec<&str> = needs.into_iter().collect();
            needs.sort_unstable();
            graph.edge(from, to, format!("needs {}", needs.join("; ")));
        }
        graph
    }
}
