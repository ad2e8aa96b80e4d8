//! New names of servers and tools in `mcpctl diff`: what is guessed, and what is not.

use serde_json::Value;

use super::{folder, mcpctl};

/// A workspace of servers, each with its URL and its tools as YAML, and one agent that may call these.
fn workspace(servers: &[(&str, &str, &[&str])], grants: &[&str]) -> String {
    let mut text = "mcp_registry:\n  servers:\n".to_owned();
    for (name, url, tools) in servers {
        let url = if url.is_empty() { String::new() } else { format!(", url: {url}") };
        text.push_str(&format!("    - {{name: {name}{url}, tools: [{}]}}\n", tools.join(", ")));
    }
    text.push_str(&format!("  agents:\n    - {{name: a, subject: a, may_call: [{}]}}\n", grants.join(", ")));
    text
}

fn diff(base: &str, head: &str) -> Value {
    let [base, head] = [base, head].map(|text| folder(&[("fleet.yaml", text)]));
    let ran = mcpctl(&["diff", "--format", "json", "--no-artifacts"]).arg(base.path()).arg(head.path()).run().code(0);
    ran.json()
}

/// The guesses: `kind before after pairs`.
fn guesses(json: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let renames = json["access"]["renames"].as_array().unwrap().iter();
    renames
        .map(|it| format!("{} {} {} {}", text(&it["kind"]), text(&it["before"]), text(&it["after"]), it["pairs"]))
        .collect()
}

/// How many groups no guess explains.
fn unexplained(json: &Value) -> usize {
    json["access"]["groups"].as_array().unwrap().iter().filter(|group| group["renamed"].is_null()).count()
}

const URL: &str = "https://crm.example:9443/mcp";
const TOOLS: &[&str] = &["{name: get}", "{name: put, annotations: {destructive: true}}"];

#[test]
fn a_server_is_known_by_its_url_or_by_all_that_it_consists_of() {
    let base = workspace(&[("crm", URL, TOOLS)], &["\"crm/*\""]);
    let by_url = diff(&base, &workspace(&[("customers", URL, TOOLS)], &["\"customers/*\""]));
    // Two tools, and the protocol of the server.
    assert_eq!(guesses(&by_url), ["server crm customers 3"]);
    assert_eq!(unexplained(&by_url), 0);
    let base = workspace(&[("crm", "", TOOLS)], &["\"crm/*\""]);
    assert_eq!(
        guesses(&diff(&base, &workspace(&[("customers", "", TOOLS)], &["\"customers/*\""]))),
        ["server crm customers 3"]
    );
    // Another tool among them, or another annotation: another server.
    for tools in [&["{name: get}", "{name: set, annotations: {destructive: true}}"], &["{name: get}", "{name: put}"]] {
        let json = diff(&base, &workspace(&[("customers", "", tools)], &["\"customers/*\""]));
        assert!(guesses(&json).is_empty() && unexplained(&json) > 0, "{json}");
    }
    // Two that it could be.
    let two = workspace(&[("customers", "", TOOLS), ("clients", "", TOOLS)], &["\"customers/*\""]);
    assert!(guesses(&diff(&base, &two)).is_empty());
}

#[test]
fn what_is_decided_otherwise_under_the_new_name_is_listed() {
    let base = workspace(&[("crm", URL, TOOLS)], &["crm/get"]);
    let json = diff(&base, &workspace(&[("customers", URL, TOOLS)], &["\"customers/*\""]));
    assert_eq!(guesses(&json), ["server crm customers 2"]);
    let listed: Vec<&Value> =
        json["access"]["groups"].as_array().unwrap().iter().filter(|group| group["renamed"].is_null()).collect();
    assert_eq!(listed.len(), 1, "{json}");
    assert_eq!((&listed[0]["change"], &listed[0]["tools"]), (&"added".into(), &serde_json::json!(["customers/put"])));
    assert_eq!(json["gate"]["opened"], 3);
}

#[test]
fn a_tool_is_known_by_its_schema_or_a_near_name() {
    let schema = |field: &str| format!("input_schema: {{type: object, properties: {{{field}: {{type: string}}}}}}");
    let with = |name: &str, field: &str| format!("{{name: {name}, {}}}", schema(field));
    let of = |tools: &[&str]| workspace(&[("crm", URL, tools)], &["\"crm/*\""]);
    let base = of(&[&with("lookup", "id")]);
    assert_eq!(guesses(&diff(&base, &of(&[&with("get_customer", "id")]))), ["tool crm/lookup crm/get_customer 1"]);
    assert!(guesses(&diff(&base, &of(&[&with("get_customer", "name")]))).is_empty());
    let base = of(&["{name: get_customer}"]);
    assert_eq!(guesses(&diff(&base, &of(&["{name: get_customers}"]))), ["tool crm/get_customer crm/get_customers 1"]);
    // Without a schema there is nothing else to know it by, and what destroys is not what reads.
    assert!(guesses(&diff(&base, &of(&["{name: delete_everything}"]))).is_empty());
    assert!(guesses(&diff(&base, &of(&["{name: get_customers, annotations: {destructive: true}}"]))).is_empty());
    // Granted to nobody before.
    let base = workspace(&[("crm", URL, &["{name: get}", "{name: put_it}"])], &["crm/get"]);
    let head = workspace(&[("crm", URL, &["{name: get}", "{name: put_its}"])], &["\"crm/*\""]);
    assert!(guesses(&diff(&base, &head)).is_empty());
}
