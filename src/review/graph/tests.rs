//! Small graphs, as text.

use super::write::{Language, write};
use super::*;

fn awkward() -> Graph {
    let mut graph = Graph::default();
    let one = graph.node(Kind::Gateway, "a \"quoted\" one", vec!["<b>#1; `x`\n".to_owned()], Some("unit \\n"));
    let two = graph.node(Kind::Server, "crm_server", vec!["_one_".to_owned()], None);
    assert_eq!(graph.node(Kind::Server, "crm_server", vec!["more".to_owned()], None), two);
    graph.edge(one, two, "needs \"mfa\"");
    graph.edge(one, two, "needs \"mfa\"");
    graph
}

#[test]
fn no_name_is_a_part_of_mermaid() {
    let text = "flowchart LR
  subgraph g0[\"unit #92;\u{2060}n\"]
    n0{{\"a #34;quoted#34; one<br/>#60;b#62;#35;1#59; #96;x#96; \"}}
  end
  n1[\"crm_server<br/>#95;one#95;\"]
  n0 -->|\"needs #34;mfa#34;\"| n1
";
    assert_eq!(write(&awkward(), Language::Mermaid), text);
}

#[test]
fn no_name_is_a_part_of_graphviz() {
    let text = r#"digraph {
  rankdir=LR;
  node [fontname="sans-serif"];
  subgraph cluster_0 {
    label="unit \\n";
    n0 [shape=hexagon, label="a \"quoted\" one\n<b>#1; `x` "];
  }
  n1 [shape=box, label="crm_server\n_one_"];
  n0 -> n1 [label="needs \"mfa\""];
}
"#;
    assert_eq!(write(&awkward(), Language::Dot), text);
}

#[test]
fn programs_read_nodes_and_edges() {
    let data: serde_json::Value = serde_json::from_str(&write(&awkward(), Language::Json)).unwrap();
    assert_eq!(data["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(
        data["nodes"][1],
        serde_json::json!({"id": 1, "kind": "server", "lines": ["crm_server", "_one_"], "within": null})
    );
    assert_eq!(data["edges"], serde_json::json!([{"from": 0, "to": 1, "label": "needs \"mfa\""}]));
}

#[test]
fn long_lists_are_cut() {
    let names: Vec<String> = (0..5).map(|at| format!("t{at}")).collect();
    assert_eq!(some(&names, 3), ["t0", "t1", "t2", "and 2 more"]);
    assert_eq!(some(&names, 5).len(), 5);
}
