//! What is emitted conforms to the schemas that its products publish: unknown keys are refused, and so is what is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::published::{from_module, without_registry};

/// The documents of a YAML file; lines of templates are left out.
fn documents(text: &str) -> Vec<Value> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("{{")).collect();
    let text = lines.join("\n");
    let read = serde_yaml::Deserializer::from_str(&text);
    read.map(|document| serde::Deserialize::deserialize(document).unwrap())
        .filter(|value: &Value| !value.is_null())
        .collect()
}

/// An OpenAPI schema of Kubernetes as a JSON Schema that refuses unknown keys.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties")
                && !map.contains_key("additionalProperties")
                && map.get("x-kubernetes-preserve-unknown-fields") != Some(&json!(true))
            {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            // Formats of OpenAPI are no JSON Schema.
            map.remove("format");
            map.values_mut().for_each(strict);
        }
        Value::Array(list) => list.iter_mut().for_each(strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The validator of each kind and version in a file of custom resource definitions.
fn validators(file: &Path) -> BTreeMap<(String, String), jsonschema::Validator> {
    let mut found = BTreeMap::new();
    for definition in documents(&std::fs::read_to_string(file).unwrap()) {
        let spec = &definition["spec"];
        for version in spec["versions"].as_array().unwrap() {
            let mut schema = version["schema"]["openAPIV3Schema"].clone();
            // `metadata` is what every object of Kubernetes has.
            schema["properties"]["metadata"] = json!({});
            strict(&mut schema);
            let api = format!("{}/{}", spec["group"].as_str().unwrap(), version["name"].as_str().unwrap());
            let kind = spec["names"]["kind"].as_str().unwrap().to_owned();
            found.insert((api, kind), jsonschema::validator_for(&schema).unwrap());
        }
    }
    found
}

fn check(validators: &BTreeMap<(String, String), jsonschema::Validator>, object: &Value) -> Result<(), String> {
    let key = (object["apiVersion"].as_str().unwrap().to_owned(), object["kind"].as_str().unwrap().to_owned());
    let validator = validators.get(&key).ok_or_else(|| format!("no schema of {key:?}"))?;
    validator.validate(object).map_err(|error| format!("{}: {error}", error.instance_path()))
}

/// The files of a target, by path below its folder.
fn compiled(workspace: &Path, target: &str) -> BTreeMap<String, String> {
    let out = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_mcpctl"))
        .args(["compile", "--target", target, "--out"])
        .arg(out.path())
        .arg(workspace)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut files = BTreeMap::new();
    let mut folders = vec![out.path().join(target)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(out.path().join(target)).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

fn enterprise() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/enterprise")
}

#[test]
fn configurations_of_agentgateway_conform() {
    let Some(schema) = without_registry("agentgateway-config.schema.json") else { return };
    let Some(policies) = without_registry("agentgateway_policies.yaml") else { return };
    let schema = std::fs::read_to_string(schema).unwrap();
    let config = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let policies = validators(&policies);
    let (mut configs, mut objects) = (0, 0);
    for (name, text) in compiled(&enterprise(), "agentgateway") {
        for document in documents(&text) {
            if name.ends_with("/config.yaml") {
                let errors: Vec<String> = config.iter_errors(&document).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{name}: {errors:#?}");
                configs += 1;
                for (pointer, value) in [
                    ("/gateways/mcp/jwtAuth/mode", json!("lenient")),
                    ("/gateways/mcp/unknown", json!(1)),
                    ("/routes/0/policies/authorization/rules/0", json!({"permit": "true"})),
                    ("/routes/0/backends/0/mcp/statefulMode", json!("sometimes")),
                ] {
                    let mut bad = document.clone();
                    let (parent, key) = pointer.rsplit_once('/').unwrap();
                    let parent = bad.pointer_mut(parent).unwrap();
                    if let Value::Array(list) = parent {
                        list[key.parse::<usize>().unwrap()] = value;
                    } else {
                        parent[key] = value;
                    }
                    assert!(!config.is_valid(&bad), "{pointer} is accepted");
                }
            } else if !name.ends_with("/kustomization.yaml") {
                assert_eq!(check(&policies, &document), Ok(()), "{name}");
                objects += 1;
                let mut bad = document.clone();
                bad["spec"]["unknown"] = json!(1);
                assert!(check(&policies, &bad).is_err());
            }
        }
    }
    assert!(configs == 4 && objects > 50, "{configs} {objects}");
}

#[test]
fn access_policies_of_agentic_networking_conform() {
    let Some(policies) = from_module("agentic-networking_xaccesspolicies.yaml") else { return };
    let known = validators(&policies);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/targets/agentic-networking");
    let files = compiled(&workspace, "agentic-networking");
    let objects: Vec<Value> = files.values().flat_map(|text| documents(text)).collect();
    let objects: Vec<Value> = objects.into_iter().filter(|object| object["kind"] != "Kustomization").collect();
    assert_eq!(objects.len(), 3);
    for object in &objects {
        assert_eq!(check(&known, object), Ok(()), "{object:#}");
        let mut bad = object.clone();
        bad["spec"]["unknown"] = json!(1);
        assert!(check(&known, &bad).is_err());
    }
    let crm = objects.iter().find(|object| object["metadata"]["name"] == "crm-server").unwrap();
    let rules = crm["spec"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 5);
    for (pointer, value) in [
        ("/spec/rules", json!([&rules[..], &rules[..], &rules[..]].concat())),
        ("/spec/rules/0/name", json!("A_rule")),
        ("/spec/rules/0/source/spiffe", json!("spiffe://EXAMPLE/x")),
        ("/spec/rules/0/authorization/type", json!("Regex")),
        ("/spec/action", json!("Deny")),
    ] {
        let mut bad = crm.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(check(&known, &bad).is_err(), "{pointer} is accepted");
    }
}

/// A workspace with one issuer and without gateways of units.
const PLAIN: &str = r#"
progressive_auth:
  levels: [{level: 1, requirements: [service_account_token, mfa]}]
identity:
  issuer: https://idp.example
  audiences: [mcp]
  jwks: https://idp.example/jwks
  requirements: {mfa: {claim: amr, contains: mfa, scope: mcp.mfa}}
mcp_registry:
  central_gateway: https://mcp.example
  servers:
    - {name: crm_server, url: "https://crm.example:8443/mcp", tools: [{name: get}, {name: put}]}
    - {name: plain, url: "http://10.0.0.7/mcp", tools: [{name: get}]}
  agents:
    - {name: clerk, subject: sub-clerk, may_call: ["crm_server/*", plain/get]}
"#;

#[test]
fn objects_of_the_ai_gateway_conform() {
    let Some(backends) = from_module("envoy-gateway_backends.yaml") else { return };
    let Some(routes) = without_registry("ai-gateway_mcproutes.yaml") else { return };
    let mut known = validators(&routes);
    known.extend(validators(&backends));
    let workspace = tempfile::tempdir().unwrap();
    std::fs::write(workspace.path().join("all.yaml"), PLAIN).unwrap();
    let files = compiled(workspace.path(), "ai-gateway");
    let objects: Vec<Value> = files.values().flat_map(|text| documents(text)).collect();
    let objects: Vec<Value> = objects.into_iter().filter(|object| object["kind"] != "Kustomization").collect();
    assert_eq!(objects.len(), 4);
    for object in &objects {
        assert_eq!(check(&known, object), Ok(()), "{object:#}");
        let mut bad = object.clone();
        bad["spec"]["unknown"] = json!(1);
        assert!(check(&known, &bad).is_err());
    }
    let route = objects.iter().find(|object| object["kind"] == "MCPRoute").unwrap();
    let rules = "/spec/securityPolicy/authorization/rules";
    let rule = route.pointer(rules).unwrap()[0].clone();
    for (pointer, value) in [
        (rules, json!(vec![rule; 33])),
        ("/spec/securityPolicy/authorization/rules/0/cel", json!("x".repeat(4097))),
        ("/spec/securityPolicy/authorization/defaultAction", json!("Maybe")),
    ] {
        let mut bad = route.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(check(&known, &bad).is_err(), "{pointer} is accepted");
    }
}
