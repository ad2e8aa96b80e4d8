//! `mcpctl graph`.

use serde_json::Value;

use super::{Ran, folder, mcpctl};

const ENTERPRISE: &str = "fixtures/projects/enterprise";

fn graph(args: &[&str]) -> Ran {
    mcpctl(&["graph"]).args(args).arg(ENTERPRISE).run()
}

fn data(args: &[&str]) -> Value {
    serde_json::from_str(&graph(&[args, &["--format", "json"]].concat()).code(0).out).unwrap()
}

/// The first lines of a node's ends, for each edge.
fn edges(data: &Value) -> Vec<(String, String, String)> {
    let name = |at: &Value| data["nodes"][at.as_u64().unwrap() as usize]["lines"][0].as_str().unwrap().to_owned();
    let edges = data["edges"].as_array().unwrap().iter();
    edges.map(|edge| (name(&edge["from"]), edge["label"].as_str().unwrap().to_owned(), name(&edge["to"]))).collect()
}

fn edge(from: &str, label: &str, to: &str) -> (String, String, String) {
    (from.to_owned(), label.to_owned(), to.to_owned())
}

#[test]
fn a_call_reaches_a_server_through_the_gateway_of_its_unit() {
    let found = edges(&data(&["fleet"]));
    assert!(found.contains(&edge("central", "", "retail")), "{found:#?}");
    assert!(found.contains(&edge("retail", "", "crm_server")));
    assert!(found.contains(&edge("central", "", "audit_server")));
    assert!(!found.contains(&edge("central", "", "crm_server")));
}

#[test]
fn what_stops_where_a_server_stops() {
    let found = edges(&data(&["dependents"]));
    assert!(found.contains(&edge("payment_server", "charge_card", "saga:order_fulfilment")), "{found:#?}");
    assert!(found.contains(&edge("payment", "", "payment_server")));
    assert!(found.contains(&edge("order_events", "", "processor:picking_processor")));
    assert!(found.contains(&edge("warehouse_server", "", "dispatch_agent")));
}

#[test]
fn steps_wait_for_each_other_as_they_say_and_those_of_a_saga_in_order() {
    let found = edges(&data(&["flow", "--of", "workflow:product_return"]));
    assert!(found.contains(&edge("receive_parcel", "", "restock")) && found.contains(&edge("restock", "", "refund")));
    assert_eq!(found.len(), 4, "{found:#?}");
    let text = graph(&["flow", "--of", "saga:order_fulfilment"]).code(0).out;
    insta::assert_snapshot!("saga", text);
}

#[test]
fn what_a_step_reads_is_drawn() {
    let world = "\
mcp_registry:
  servers:
    - {name: crm_server, tools: [{name: note}], resources: [{uri: 'crm://notes/*'}]}
workflow_definition:
  name: reading
  steps:
    - {name: look, mcp_server: crm_server, tools: [note], resources: ['crm://notes/*']}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
";
    let scratch = folder(&[("a.yaml", world)]);
    let drawn = mcpctl(&["graph", "flow", "--of", "workflow:reading"]).arg(scratch.path()).run().code(0).out;
    assert!(drawn.contains("crm_server/note<br/>crm_server/resource:crm://notes/"), "{drawn}");
}

#[test]
fn declared_dependencies_are_those_of_workflows_and_sagas() {
    let world = "\
mcp_registry:
  servers: [{name: crm_server, tools: [{name: note}]}]
  agents: [{name: clerk, may_call: [crm_server/note]}]
workflow_definition: {name: noting, steps: [{name: note, mcp_server: crm_server, tools: [note]}]}
circuit_breaker_config: {cascading_protection: {dependency_mapping: automatic_discovery}}
";
    for (mapping, agents) in [("automatic_discovery", 1), ("declared", 0)] {
        let scratch = folder(&[("a.yaml", &world.replace("automatic_discovery", mapping))]);
        let drawn = mcpctl(&["graph", "dependents"]).arg(scratch.path()).run().code(0).out;
        assert!(drawn.contains("noting"), "{drawn}");
        assert_eq!(drawn.matches("clerk").count(), agents, "{mapping}: {drawn}");
    }
}

#[test]
fn what_a_principal_may_use_says_what_each_call_needs() {
    let data = data(&["reach", "--of", "treasury_agent"]);
    let servers: Vec<_> = edges(&data).into_iter().filter(|(from, ..)| from == "treasury_agent").map(|e| e.2).collect();
    assert_eq!(servers, ["fraud_server", "payment_server", "treasury_server"]);
    let text = graph(&["reach", "--of", "treasury_agent", "--as", "dot"]).code(0).out;
    assert!(text.contains("treasury_dealer") && text.contains("transfer_funds"), "{text}");
}

/// Everything that a workspace has can be drawn, and each picture is a graph without loose ends.
#[test]
fn every_principal_and_every_flow_can_be_drawn() {
    let listed = mcpctl(&["list", "principals", "--format", "json", ENTERPRISE]).run().code(0).out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.len() > 10);
    for name in names {
        let found = data(&["reach", "--of", name]);
        assert!(!edges(&found).is_empty(), "{name}");
        if name.contains(':') {
            assert!(!data(&["flow", "--of", name])["nodes"].as_array().unwrap().is_empty(), "{name}");
        }
    }
}

#[test]
fn a_wrong_name_and_a_name_too_many_are_refused() {
    let ran = graph(&["flow", "--of", "saga:order_fulfillment"]).code(2);
    assert!(ran.err.contains("saga:order_fulfilment"), "{}", ran.err);
    graph(&["reach"]).code(2);
    assert!(graph(&["fleet", "--of", "retail"]).code(2).err.contains("--of"));
    let empty = folder(&[("a.yaml", "identity: {issuer: 'https://idp.example.com', audiences: [a]}\n")]);
    mcpctl(&["graph", "flow", "--of", "saga:a"]).arg(empty.path()).run().code(2);
}

/// A grant that no request can use is no way to a tool.
#[test]
fn what_is_never_allowed_is_not_drawn() {
    let world = "\
mcp_registry:
  business_units: [{name: sales}, {name: finance}]
  servers:
    - {name: crm_server, business_unit: sales, tools: [{name: note}]}
    - {name: pay_server, business_unit: finance, tools: [{name: charge}]}
  agents: [{name: clerk, business_unit: sales, may_call: ['crm_server/*', 'pay_server/*']}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
";
    let scratch = folder(&[("a.yaml", world)]);
    let drawn = mcpctl(&["graph", "reach", "--of", "clerk"]).arg(scratch.path()).run().code(0).out;
    assert!(drawn.contains("note") && !drawn.contains("charge"), "{drawn}");
}

/// The page and the picture say what the other forms say, and no name is taken for markup.
#[test]
fn a_page_holds_its_data_and_takes_no_name_for_markup() {
    let world = "\
mcp_registry:
  servers: [{name: crm_server, tools: [{name: note}]}]
  agents: [{name: clerk, may_call: ['crm_server/*']}]
workflow_definition: {name: '</script><b>&', steps: [{name: '<i>', mcp_server: crm_server, tools: [note]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
";
    let scratch = folder(&[("a.yaml", world)]);
    let page = mcpctl(&["graph", "access", "--as", "html"]).arg(scratch.path()).run().code(0).out;
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["principals"][1]["name"], "workflow:</script><b>&");
    assert_eq!(data["rules"].as_array().unwrap().len(), 2, "{data}");
    assert_eq!(data["needs"], serde_json::json!(["service_account_token"]));
    assert!(!page.contains("<b>&") && page.matches("<script").count() == 2, "{page}");
    let flow = "workflow:</script><b>&";
    let picture = mcpctl(&["graph", "flow", "--as", "svg", "--of", flow]).arg(scratch.path()).run().code(0).out;
    assert!(
        picture.starts_with("<svg ") && picture.ends_with("</svg>\n") && picture.contains("&lt;i&gt;"),
        "{picture}"
    );
    assert!(!picture.contains("<i>"));
}
