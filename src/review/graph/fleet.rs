//! Units, gateways and servers: how a call reaches a server.

use super::{Graph, Kind};
use crate::model::Model;
use crate::model::server::Location;
use crate::policy::Policy;
use crate::targets::gateways::{Hop, gateways};

/// The box of what belongs to no unit.
const CENTRAL: &str = "central";

/// Each gateway with the servers behind it, in the box of its unit. A server says its class and where it stands. Servers that no
/// gateway leads to, because nobody may use them or they have no URL, stand alone.
#[must_use]
pub fn fleet(model: &Model, policy: &Policy) -> Graph {
    let mut graph = Graph::default();
    let all = gateways(model, policy);
    for gateway in &all {
        graph.node(Kind::Gateway, gateway.name, Vec::new(), Some(gateway.name));
    }
    for server in model.servers.values() {
        let name = server.name.value.as_str();
        let class = model.access.governing_class(name).map(|(_, class)| format!("class {}", class.name));
        let location = server.location.as_ref().map(|location| in_words(location.value).to_owned());
        let suspended = server.suspended.as_ref().map(|_| "suspended".to_owned());
        let unit = server.unit.as_ref().map_or(CENTRAL, |unit| unit.value.as_str());
        graph.node(Kind::Server, name, class.into_iter().chain(location).chain(suspended).collect(), Some(unit));
    }
    for gateway in &all {
        let from = graph.node(Kind::Gateway, gateway.name, Vec::new(), None);
        for route in &gateway.routes {
            let to = match route.to {
                Hop::Gateway(name, _) => graph.node(Kind::Gateway, name.as_str(), Vec::new(), None),
                Hop::Server(_) => graph.node(Kind::Server, route.server.name.value.as_str(), Vec::new(), None),
            };
            graph.edge(from, to, "");
        }
    }
    graph
}

/// Where a server stands, in words.
pub(super) fn in_words(location: Location) -> &'static str {
    match location {
        Location::Cloud => "in a cloud",
        Location::OnPremises => "on premises",
        Location::SecureEnclave => "in an enclave",
    }
}
