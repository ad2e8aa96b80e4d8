//! What the gateway answers to a request that lacks something, and what it asks of tokens that are for one server.

use super::*;

/// A tool that two scopes open together, or an approval and another scope.
const WORLD: &str = "
targets: {envoy: {}}
# file: all.yaml
identity:
  issuer: https://idp.example
  audience: per_server
  jwks: https://idp.example/keys
  trust_domain: example.org
  requirements:
    can_read: {claim: scope, contains: 'notes:read'}
    can_write: {claim: scope, contains: 'notes:write'}
data_routing: {classifications: [{level: public, mcp_servers: [notes]}]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - level: 2
      requirements: [mfa, can_write]
      alternatives: [{name: approved, requirements: [approval_workflow, can_read]}]
mcp_registry:
  central_gateway: https://mcp.example
  servers:
    - name: notes
      url: https://notes.example/mcp
      tools: [{name: edit, auth_level: 2}, {name: sign, auth_level: 1, requires: [mfa, approval_workflow]}, {name: look, auth_level: 1}]
  agents: [{name: x, subject: x, may_call: ['notes/*']}]
";

fn file(text: &str, name: &str) -> Value {
    let artifacts = built(&TARGET, text).unwrap().bundle.artifacts;
    serde_yaml::from_slice(&artifacts[&format!("envoy/central/{name}")].bytes).unwrap()
}

/// The challenges, by the end of the denial that they answer, or by the status 401.
fn challenges(text: &str) -> Vec<(String, String)> {
    let whole = file(text, "envoy.static.yaml");
    let listener = &whole["static_resources"]["listeners"][0];
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    let mappers = manager["local_reply_config"]["mappers"].as_array().unwrap();
    let challenged = mappers.iter().filter_map(|mapper| {
        let value = mapper["headers_to_add"][0]["header"]["value"].as_str()?;
        let when = mapper["filter"]["extension_filter"]["typed_config"]["expression"].as_str().unwrap();
        let end = when.split_once("/deny:").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(end, _)| end);
        Some((end.to_owned(), value.to_owned()))
    });
    challenged.collect()
}

/// The names of the denials of a tool's rules, in order.
fn denials(text: &str, tool: &str) -> Vec<String> {
    fn names(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(name) = fields.get("action").and_then(|action| action["name"].as_str()) {
                    found.push(name.rsplit('/').next().unwrap().to_owned());
                    return;
                }
                fields.values().for_each(|value| names(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| names(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    fn rules<'v>(value: &'v Value, tool: &str) -> Option<&'v Value> {
        match value {
            Value::Object(fields) => {
                let of_tool = |predicate: &Value| predicate.to_string().contains(&format!("\"exact\":\"{tool}\""));
                if fields.get("predicate").is_some_and(of_tool) && fields.contains_key("on_match") {
                    return fields.get("on_match");
                }
                fields.values().find_map(|value| rules(value, tool))
            }
            Value::Array(all) => all.iter().find_map(|value| rules(value, tool)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
    let routes = file(text, "xds/rds.yaml");
    let mut found = Vec::new();
    names(rules(&routes, tool).unwrap(), &mut found);
    found
}

/// One challenge names all that the nearest alternative needs, and none is sent where an approval is missing as well.
#[test]
fn a_challenge_names_every_scope_of_the_nearest_alternative() {
    let scopes: Vec<(String, String)> = challenges(WORLD)
        .into_iter()
        .filter_map(|(end, value)| {
            let scope = value.split_once("insufficient_scope\", scope=\"")?.1.split_once('"')?.0.to_owned();
            Some((end, scope))
        })
        .collect();
    let both = "mcp.mfa notes:write";
    let expected = [
        ("missing_can_read", "notes:read"),
        ("missing_can_write_and_mfa", both),
        ("missing_can_write_of_can_write_and_mfa", both),
        ("missing_mfa", "mcp.mfa"),
        ("missing_mfa_of_can_write_and_mfa", both),
    ];
    assert_eq!(scopes, expected.map(|(end, scope)| (end.to_owned(), scope.to_owned())));
    assert_eq!(
        denials(WORLD, "edit"),
        [
            "deny:missing_can_read",
            "deny:missing_can_write_of_can_write_and_mfa",
            "deny:missing_mfa_of_can_write_and_mfa",
            "deny:missing_can_write_and_mfa",
            "allow"
        ]
    );
    assert_eq!(denials(WORLD, "sign"), ["deny:missing_approval_workflow", "deny:missing_mfa", "allow"]);
}

#[test]
fn a_token_is_asked_for_with_the_scopes_that_every_call_needs() {
    let unauthorized: Vec<String> =
        challenges(WORLD).into_iter().filter(|(end, _)| end.is_empty()).map(|(_, value)| value).collect();
    let metadata = "resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource%PATH(NQ)%\"";
    let scope = "%METADATA(ROUTE:mcpctl:scope)%";
    assert_eq!(
        unauthorized,
        [
            format!("Bearer {metadata}{scope}"),
            format!("Bearer error=\"invalid_token\", {metadata}{scope}"),
            format!("Bearer {metadata}")
        ]
    );
    let scope_of = |text: &str| {
        let routes = file(text, "xds/rds.yaml");
        let all = routes["resources"][0]["virtual_hosts"][0]["routes"].as_array().unwrap().clone();
        let route = all.into_iter().find(|route| route["name"] == "notes/messages").unwrap();
        route["metadata"]["filter_metadata"]["mcpctl"]["scope"].as_str().unwrap().to_owned()
    };
    assert_eq!(scope_of(WORLD), "");
    let all = WORLD.replace("- name: notes\n", "- name: notes\n      requires: [can_read]\n");
    assert_eq!(scope_of(&all), ", scope=\"notes:read\"");
}

/// Each route names what is asked of tokens at its server, and no server takes those of another one.
#[test]
fn a_route_takes_tokens_for_its_server_alone() {
    let whole = file(WORLD, "envoy.static.yaml");
    let manager = &whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let tokens = &manager["http_filters"][0]["typed_config"];
    assert_eq!(tokens["providers"]["issuer_0"]["audiences"], json!(["https://mcp.example"]));
    let audiences = json!(["https://mcp.example/notes/mcp", "https://notes.example/mcp"]);
    let asked = json!({"notes": {"provider_and_audiences": {"provider_name": "issuer_0", "audiences": audiences}}});
    assert_eq!(tokens["requirement_map"], asked);
    for route in ["notes/messages", "notes/stream"] {
        let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array().unwrap();
        let route = routes.iter().find(|found| found["name"] == route).unwrap();
        assert_eq!(route["typed_per_filter_config"]["envoy.filters.http.jwt_authn"]["requirement_name"], "notes");
    }
}

/// A token that is not valid does not reach the lowest level that asks for a known caller. Whoever shows none is told of no error.
#[test]
fn a_challenge_to_an_invalid_token_says_what_the_level_is_for() {
    let world = WORLD.replace("- {level: 1, ", "- {level: 1, description: Basic operations, ");
    let said: Vec<String> =
        challenges(&world).into_iter().filter(|(end, _)| end.is_empty()).map(|(_, value)| value).collect();
    let told = |value: &String| value.contains("error_description=\"level 1: Basic operations\", resource_metadata=");
    assert_eq!(said.iter().map(told).collect::<Vec<_>>(), [false, true, false], "{said:?}");
}

/// A level's description is told with what it asks for, as far as the parts of a challenge can hold it.
#[test]
fn a_denial_says_what_the_level_is_for() {
    let described = |text: &str| {
        let world = WORLD.replace("- level: 2\n", &format!("- level: 2\n      description: {text}\n"));
        assert_ne!(world, WORLD);
        world
    };
    let said = |world: &str| {
        let found = challenges(world).into_iter().find(|(end, _)| end == "missing_mfa_of_can_write_and_mfa");
        found.expect("it is challenged").1
    };
    assert!(!said(WORLD).contains("error_description"));
    let written = said(&described("'Changes, 100% final'"));
    assert!(written.contains("error_description=\"level 2: Changes, 100%% final\", scope="), "{written}");
    // Neither a quote nor a letter beyond ASCII may be there. Source: RFC 6750, section 3.
    for text in ["'a \"quote\"'", "Änderungen"] {
        assert!(!said(&described(text)).contains("error_description"));
        let whole = file(&described(text), "envoy.static.yaml").to_string();
        let description = serde_json::to_string(text.trim_matches('\'')).unwrap();
        assert!(whole.contains(&format!("\"level\":{{\"number\":2,\"description\":{description}}}")), "{whole}");
    }
}
