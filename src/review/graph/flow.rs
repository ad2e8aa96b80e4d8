//! The steps of one flow: what each calls, what undoes it, and what it waits for.

use super::{Graph, Kind};
use crate::model::flow::{Call, Flow};

/// The steps in the order that `depends_on` gives them; in the order written where no step waits for another, as sagas run.
#[must_use]
pub fn flow(flow: &Flow) -> Graph {
    let mut graph = Graph::default();
    let within = flow.id.value.to_string();
    let mut nodes = Vec::new();
    for step in &flow.steps {
        let calls = step.calls.iter().filter(|call| flow.makes(call)).map(line).collect();
        nodes.push(graph.node(Kind::Step, &step.name.value, calls, Some(&within)));
    }
    for topic in &flow.subscribes_to {
        let from = graph.node(Kind::Topic, &topic.value, Vec::new(), None);
        for to in &nodes {
            graph.edge(from, *to, "starts");
        }
    }
    if flow.has_dependencies() {
        let order = flow.graph();
        for (at, to) in nodes.iter().enumerate() {
            for from in order.needs(at).filter_map(|before| nodes.get(before)) {
                graph.edge(*from, *to, "");
            }
        }
    } else {
        for (from, to) in nodes.iter().zip(nodes.iter().skip(1)) {
            graph.edge(*from, *to, "");
        }
    }
    graph
}

fn line(call: &Call) -> String {
    let server = call.server.as_ref().map_or("?", |server| server.as_str());
    let undoes = if call.compensation { "undo: " } else { "" };
    format!("{undoes}{server}/{}", call.tool)
}
