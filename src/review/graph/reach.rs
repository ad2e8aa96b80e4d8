//! What one principal may use, server by server, and what each call needs.

use std::collections::BTreeMap;

use super::{Graph, Kind, some};
use crate::policy::PrincipalIx;
use crate::policy::whole::Whole;
use crate::review::decide::what_can;
use crate::review::naming::sets_in_words;

/// Most names that one node shows.
const MOST_NAMES: usize = 12;

/// From the principal to each server that it may use, and from there to what it may use, with the facts that such a call needs on
/// the edge. What is granted and never allowed is not drawn; what hand-written Cedar leaves open says so.
#[must_use]
pub fn reach(whole: Whole<'_>, principal: PrincipalIx) -> Graph {
    let policy = whole.policy;
    let mut graph = Graph::default();
    let name = policy.principal_at(principal).id.to_string();
    let from = graph.node(Kind::Principal, &name, Vec::new(), None);
    let groups = what_can(whole, principal, 0);
    let known = groups.known.iter().filter(|(missing, _)| !missing.is_empty());
    let known = known.map(|(missing, objects)| (format!("needs {}", sets_in_words(policy, missing)), objects));
    let unknown = groups.unknown.iter().map(|(why, objects)| (format!("unknown: {why}"), objects));
    let mut by_server: BTreeMap<&str, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (needs, objects) in known.chain(unknown) {
        for object in objects.iter().map(|object| policy.object_at(*object)) {
            let of_server = by_server.entry(object.server.as_str()).or_default();
            let spelled = object.to_string();
            let short = spelled.strip_prefix(object.server.as_str()).and_then(|rest| rest.strip_prefix('/'));
            of_server.entry(needs.clone()).or_default().push(short.unwrap_or("the protocol").to_owned());
        }
    }
    for (server, groups) in by_server {
        let at = graph.node(Kind::Server, server, Vec::new(), Some(server));
        graph.edge(from, at, "");
        for (needs, mut names) in groups {
            names.sort();
            let to = graph.node(Kind::Objects, &format!("{server}: {needs}"), some(&names, MOST_NAMES), Some(server));
            graph.edge(at, to, needs);
        }
    }
    graph
}
