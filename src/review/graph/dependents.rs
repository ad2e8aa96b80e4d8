//! What stops where a server stops: the resource pools that it shares, the flows whose steps call or read it, the topics that start them,
//! and the agents that may call it.

use super::{Graph, Kind};
use crate::model::Model;
use crate::model::name::FlowKind;
use crate::model::vocabulary::DependencyMapping;
use crate::policy::{Policy, PrincipalId};

/// From each pool to its servers, from each server to the flows that call or read it (with the steps that do) and to the agents that may,
/// and from each topic to its processors. This is the graph that `dependency_mapping: automatic_discovery` speaks of; with `declared` it has
/// neither processors nor agents.
#[must_use]
pub fn dependents(model: &Model, policy: &Policy) -> Graph {
    let mapping = model.breaker.get(&None).and_then(|breaker| breaker.dependency_mapping.as_ref());
    let declared = mapping.is_some_and(|mapping| mapping.value == DependencyMapping::Declared);
    let mut graph = Graph::default();
    let server = |graph: &mut Graph, name: &str| graph.node(Kind::Server, name, Vec::new(), None);
    for pool in model.bulkheads.values().flatten() {
        let from = graph.node(Kind::Pool, &pool.name.value, Vec::new(), None);
        for name in &pool.servers {
            let to = server(&mut graph, name.value.as_str());
            graph.edge(from, to, "");
        }
    }
    for flow in model.flows.values().filter(|flow| !declared || flow.id.value.kind != FlowKind::Processor) {
        let to = graph.node(Kind::Flow, &flow.id.value.to_string(), Vec::new(), None);
        for topic in &flow.subscribes_to {
            let from = graph.node(Kind::Topic, &topic.value, Vec::new(), None);
            graph.edge(from, to, "");
        }
        for step in &flow.steps {
            let called = step.calls.iter().filter(|call| flow.makes(call)).filter_map(|call| call.server.as_ref());
            let read = step.reads.iter().filter_map(|read| read.server.as_ref());
            for name in called.chain(read) {
                let from = server(&mut graph, name.as_str());
                graph.edge(from, to, step.name.value.as_str());
            }
        }
    }
    for (principal, object, cell) in policy.all_cells().filter(|_| !declared) {
        let principal = policy.principal_at(principal);
        if matches!(principal.id, PrincipalId::Agent(_)) && !policy.is_never(cell.condition) {
            let from = server(&mut graph, policy.object_at(object).server.as_str());
            let to = graph.node(Kind::Principal, &principal.id.to_string(), Vec::new(), None);
            graph.edge(from, to, "");
        }
    }
    graph
}
