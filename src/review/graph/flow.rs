//! The steps of one flow: what each calls and reads, what undoes it, and what it waits for.

use std::fmt::Display;

use super::{Graph, Kind};
use crate::model::flow::{Call, Flow};
use crate::model::name::ServerName;

/// The steps in the order that `depends_on` gives them; in the order written where no step waits for another, as sagas run.
#[must_use]
pub fn flow(flow: &Flow) -> Graph {
    let mut graph = Graph::default();
    let within = flow.id.value.to_string();
    let mut nodes = Vec::new();
    for step in &flow.steps {
        let calls = step.calls.iter().filter(|call| flow.makes(call)).map(line);
        let reads = step.reads.iter().map(|read| of_server(read.server.as_ref(), &read.what));
        nodes.push(graph.node(Kind::Step, &step.name.value, calls.chain(reads).collect(), Some(&within)));
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
    let undoes = if call.compensation { "undo: " } else { "" };
    format!("{undoes}{}", of_server(call.server.as_ref(), &call.tool))
}

/// What is used of a server; a question mark where several servers could be meant.
fn of_server(server: Option<&ServerName>, what: &impl Display) -> String {
    format!("{}/{what}", server.map_or("?", |server| server.as_str()))
}
