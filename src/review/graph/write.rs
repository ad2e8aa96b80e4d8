//! A graph as text: for Mermaid (which GitHub, GitLab and many editors draw), for Graphviz, and as JSON. Nodes are numbered in the
//! text, so that no name can be taken for a part of the language.

use serde_json::{Value, json};

use super::{Graph, Kind, Node, NodeId};

/// A language that graphs are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Mermaid's flowcharts.
    Mermaid,
    /// Graphviz.
    Dot,
    /// Nodes and edges as data.
    Json,
}

/// The text of a graph, which ends with a line break.
#[must_use]
pub fn write(graph: &Graph, language: Language) -> String {
    match language {
        Language::Mermaid => mermaid(graph),
        Language::Dot => dot(graph),
        Language::Json => format!("{:#}\n", data(graph)),
    }
}

/// Version 1: `nodes`, each with `id`, `kind`, `lines` and `within`, and `edges`, each with `from`, `to` and `label`.
fn data(graph: &Graph) -> Value {
    let nodes = numbered(graph).map(
        |(at, kind, node)| json!({"id": at, "kind": kind.word(), "lines": shown(kind, node), "within": node.within}),
    );
    let edges = graph.edges.iter().map(|edge| json!({"from": edge.from.0, "to": edge.to.0, "label": edge.label}));
    json!({"version": 1, "nodes": nodes.collect::<Vec<_>>(), "edges": edges.collect::<Vec<_>>()})
}

fn numbered(graph: &Graph) -> impl Iterator<Item = Numbered<'_>> {
    graph.nodes.iter().enumerate().map(|(at, ((kind, _), node))| (at, *kind, node))
}

/// The lines of a node. What stands for the tools of a server shows their names alone: what they need is on the edge.
#[must_use]
pub fn shown(kind: Kind, node: &Node) -> &[String] {
    match kind {
        Kind::Objects => node.lines.get(1..).unwrap_or_default(),
        Kind::Gateway | Kind::Server | Kind::Principal | Kind::Flow | Kind::Step | Kind::Topic | Kind::Pool => {
            &node.lines
        }
    }
}

/// A node with its number.
pub type Numbered<'g> = (usize, Kind, &'g Node);

/// The boxes, in the order of their first node, each with its nodes; at last the nodes that stand in none.
#[must_use]
pub fn boxes(graph: &Graph) -> Vec<(Option<&str>, Vec<Numbered<'_>>)> {
    let mut found: indexmap::IndexMap<Option<&str>, Vec<Numbered<'_>>> = indexmap::IndexMap::new();
    for node in numbered(graph) {
        found.entry(node.2.within.as_deref()).or_default().push(node);
    }
    let (free, mut boxed): (Vec<_>, Vec<_>) = found.into_iter().partition(|(within, _)| within.is_none());
    boxed.extend(free);
    boxed
}

/// Mermaid's entity codes for what would end a text, or be read as HTML or as Markdown: an underscore within a word is neither.
fn quoted_for_mermaid(lines: &[String]) -> String {
    let escaped = |line: &String| {
        let mut text = String::new();
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            let after = line.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
            match c {
                '_' if before.is_alphanumeric() && after.is_alphanumeric() => text.push(c),
                // Mermaid breaks the line at these two, also where one is written as its code: a word joiner keeps them apart.
                '\\' if after == 'n' => text.push_str("#92;\u{2060}"),
                '"' | '#' | '<' | '>' | '&' | '`' | '\\' | '*' | '_' | ';' => {
                    text.push_str(&format!("#{};", u32::from(c)))
                }
                c if c.is_control() => text.push(' '),
                c => text.push(c),
            }
            before = c;
        }
        text
    };
    format!("\"{}\"", lines.iter().map(escaped).collect::<Vec<_>>().join("<br/>"))
}

fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, (within, nodes)) in boxes(graph).into_iter().enumerate() {
        let indent = if within.is_some() { "    " } else { "  " };
        if let Some(within) = within {
            text.push_str(&format!("  subgraph g{number}[{}]\n", quoted_for_mermaid(&[within.to_owned()])));
        }
        for (at, kind, node) in nodes {
            let (open, close) = match kind {
                Kind::Gateway => ("{{", "}}"),
                Kind::Server | Kind::Step => ("[", "]"),
                Kind::Objects => ("[/", "/]"),
                Kind::Principal => ("([", "])"),
                Kind::Flow => ("[[", "]]"),
                Kind::Topic => (">", "]"),
                Kind::Pool => ("[(", ")]"),
            };
            text.push_str(&format!("{indent}n{at}{open}{}{close}\n", quoted_for_mermaid(shown(kind, node))));
        }
        if within.is_some() {
            text.push_str("  end\n");
        }
    }
    for edge in &graph.edges {
        let (NodeId(from), NodeId(to)) = (edge.from, edge.to);
        match edge.label.as_str() {
            "" => text.push_str(&format!("  n{from} --> n{to}\n")),
            label => text.push_str(&format!("  n{from} -->|{}| n{to}\n", quoted_for_mermaid(&[label.to_owned()]))),
        }
    }
    text
}

/// A string of Graphviz. Source: "The DOT Language", where a quote is the only character that needs a backslash, and `escString`,
/// where a backslash begins a sequence.
fn quoted_for_dot(lines: &[String]) -> String {
    let escaped = |text: &String| {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.replace('\\', "\\\\").replace('"', "\\\"")
    };
    format!("\"{}\"", lines.iter().map(escaped).collect::<Vec<_>>().join("\\n"))
}

fn dot(graph: &Graph) -> String {
    let mut text = String::from("digraph {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for (number, (within, nodes)) in boxes(graph).into_iter().enumerate() {
        let indent = if within.is_some() { "    " } else { "  " };
        if let Some(within) = within {
            let label = quoted_for_dot(&[within.to_owned()]);
            text.push_str(&format!("  subgraph cluster_{number} {{\n    label={label};\n"));
        }
        for (at, kind, node) in nodes {
            let shape = match kind {
                Kind::Gateway => "hexagon",
                Kind::Server | Kind::Step => "box",
                Kind::Objects => "note",
                Kind::Principal => "oval",
                Kind::Flow => "component",
                Kind::Topic => "cds",
                Kind::Pool => "cylinder",
            };
            text.push_str(&format!("{indent}n{at} [shape={shape}, label={}];\n", quoted_for_dot(shown(kind, node))));
        }
        if within.is_some() {
            text.push_str("  }\n");
        }
    }
    for edge in &graph.edges {
        let label = if edge.label.is_empty() {
            String::new()
        } else {
            format!(" [label={}]", quoted_for_dot(std::slice::from_ref(&edge.label)))
        };
        text.push_str(&format!("  n{} -> n{}{label};\n", edge.from.0, edge.to.0));
    }
    text.push_str("}\n");
    text
}
