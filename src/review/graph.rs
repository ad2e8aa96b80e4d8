//! Pictures of a workspace, as nodes and edges: what stands where, what hangs on what, the steps of a flow, and what a principal may
//! reach. What is drawn is decided here; [`write`] turns it into text for Mermaid, Graphviz and programs.

pub mod access;
pub mod dependents;
pub mod fleet;
pub mod flow;
pub mod reach;
pub mod write;

use indexmap::{IndexMap, IndexSet};

/// What a node stands for, which decides its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A gateway.
    Gateway,
    /// An MCP server.
    Server,
    /// Tools, resources and prompts of a server.
    Objects,
    /// An agent, or anybody.
    Principal,
    /// A workflow, a saga or an event processor.
    Flow,
    /// A step of a flow.
    Step,
    /// A topic of the event bus.
    Topic,
    /// A resource pool.
    Pool,
}

impl Kind {
    /// Its name, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Server => "server",
            Self::Objects => "objects",
            Self::Principal => "principal",
            Self::Flow => "flow",
            Self::Step => "step",
            Self::Topic => "topic",
            Self::Pool => "pool",
        }
    }
}

/// A node by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The lines that it shows, its name first.
    pub lines: Vec<String>,
    /// The box that it stands in, such as a business unit.
    pub within: Option<String>,
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Where it begins.
    pub from: NodeId,
    /// Where it ends.
    pub to: NodeId,
    /// What it says; may be empty.
    pub label: String,
}

/// Nodes by kind and name, in the order in which they were added, and the edges between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// Nodes by kind and name; the number of one is its place here.
    pub nodes: IndexMap<(Kind, String), Node>,
    /// The edges between them.
    pub edges: IndexSet<Edge>,
}

impl Graph {
    /// A node of that name, with more lines below the name. A node that is there already stays as it is.
    pub fn node(&mut self, kind: Kind, name: &str, more: Vec<String>, within: Option<&str>) -> NodeId {
        let entry = self.nodes.entry((kind, name.to_owned()));
        let at = entry.index();
        entry.or_insert_with(|| Node {
            lines: std::iter::once(name.to_owned()).chain(more).collect(),
            within: within.map(str::to_owned),
        });
        NodeId(at)
    }

    /// An edge, unless the same one is there.
    pub fn edge(&mut self, from: NodeId, to: NodeId, label: impl Into<String>) {
        self.edges.insert(Edge { from, to, label: label.into() });
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// At most so many names, and how many more there are.
fn some(names: &[String], most: usize) -> Vec<String> {
    let mut lines: Vec<String> = names.iter().take(most).cloned().collect();
    if names.len() > most {
        lines.push(format!("and {} more", names.len() - most));
    }
    lines
}

#[cfg(test)]
mod tests;
