//! Calls that go to one of several servers.

use super::*;

const WORLD: &str = "
# file: all.yaml
identity: {issuer: 'https://a.example.org', audience: per_server, jwks: 'https://a.example.org/keys'}
data_routing:
  classifications:
    - {level: public, mcp_servers: [open]}
    - {level: internal}
    - {level: secret, mcp_servers: [vault], location: secure_enclave}
mcp_registry:
  servers:
    - {name: open, class_from: {argument: [about, class]}, tools: [{name: keep}, {name: drop}]}
    - name: vault
      location: secure_enclave
      tools:
        - {name: keep, class_from: {argument: [about, class]}, annotations: {idempotent: false}}
        - {name: drop, class_from: {argument: [about, class]}}
    - {name: mail, tools: [{name: send}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
orchestration: {engine: temporal}
workflow_definition:
  name: store
  steps:
    - {name: keep, mcp_server: [open, vault], tools: [keep], compensation: [drop]}
    - {name: tell, mcp_server: mail, tools: [send], depends_on: [keep], arguments: [{argument: at, step: keep, field: place}]}
";

#[test]
fn a_call_goes_to_the_server_whose_class_fits_the_data() {
    let plan = plan(WORLD, "workflow-store");
    let routes = serde_json::json!({
        "argument": ["about", "class"],
        "servers": {"public": "open", "internal": "vault", "secret": "vault"},
    });
    let step = &plan["steps"][0];
    for (kind, tool, key, doubt) in
        [("calls", "keep", "keep/1", "fail"), ("compensations", "drop", "keep/undo-1", "repeat")]
    {
        let calls = step[kind].as_array().unwrap();
        assert_eq!(calls.len(), 1, "{kind}");
        let call = &calls[0];
        assert_eq!((&call["routes"], call.get("server")), (&routes, None), "{kind}");
        assert_eq!((&call["tool"], &call["key"], &call["inDoubt"]), (&tool.into(), &key.into(), &doubt.into()));
    }
    assert_eq!(step["compensations"][0]["argumentsOf"], serde_json::json!(["drop", "keep"]));
    // There is one call whose result is meant, wherever it goes.
    assert_eq!(plan["steps"][1]["calls"][0]["takes"][0]["call"], "keep/1");
    assert_eq!(step["calls"][0]["results"], serde_json::json!(["place"]));
    let servers: Vec<&String> = plan["servers"].as_object().unwrap().keys().collect();
    assert_eq!(servers, ["mail", "open", "vault"]);
}

#[test]
fn another_way_of_data_is_not_the_plan_of_the_model() {
    let (files, path) = (Files::of(&TARGET, WORLD), "temporal/plans/workflow-store.json");
    let text = lines::text(&TARGET, WORLD, path);
    for (old, new) in [
        ("\"internal\": \"vault\"", "\"internal\": \"open\""),
        ("\"class\"", "\"klass\""),
        ("\"public\": \"open\",", ""),
        ("\"inDoubt\": \"fail\"", "\"inDoubt\": \"repeat\""),
        ("\"secret\": \"vault\"", "\"secret\": \"vault\", \"other\": \"open\""),
    ] {
        assert!(text.contains(old) && files.refused(path, Some(&text.replacen(old, new, 1))), "{old}");
    }
}

#[test]
fn gateways_let_through_what_is_routed() {
    let world = ["open", "vault", "mail"].iter().fold(
        WORLD.replace("mcp_registry:\n", "mcp_registry:\n  central_gateway: https://mcp.example.org\n"),
        |world, name| {
            let url = format!("url: 'https://{name}.example.org/mcp'");
            world
                .replace(&format!("{{name: {name},"), &format!("{{name: {name}, {url},"))
                .replace(&format!("name: {name}\n"), &format!("name: {name}\n      {url}\n"))
        },
    );
    for target in [&crate::targets::access::envoy::TARGET, &crate::targets::access::toolhive::TARGET] {
        let files = built(target, &world).unwrap_or_else(|fault| panic!("{}: {fault:?}", target.id));
        assert!(!files.bundle.artifacts.is_empty());
    }
}
