//! The files for a cluster, against the schemas that the products publish: structural schemas made strict, so that a field
//! which the product would drop in silence is refused here. Their CEL rules are for `tests/engines/kubernetes`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::published::from_module;

fn documents(text: &str) -> Vec<Value> {
    let all = serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).expect("YAML"));
    all.filter(|document| !document.is_null()).collect()
}

/// A structural schema with `additionalProperties: false` wherever it lists properties; branches only constrain.
fn strict(schema: &Value, closes: bool) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut made = Map::new();
    for (key, value) in schema {
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.iter().map(|(name, of)| (name.clone(), strict(of, closes))).collect::<Map<_, _>>().into()
            }
            ("items" | "additionalProperties", of) => strict(of, closes),
            ("not", of) => strict(of, false),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => all.iter().map(|of| strict(of, false)).collect(),
            ("description" | "format", _) => continue,
            (key, _) if key.starts_with("x-kubernetes-") => continue,
            (_, value) => value.clone(),
        };
        made.insert(key.clone(), value);
    }
    if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        made.remove("type");
        made.insert("anyOf".to_owned(), json!([{"type": "integer"}, {"type": "string"}]));
    }
    let open =
        schema.contains_key("additionalProperties") || schema.contains_key("x-kubernetes-preserve-unknown-fields");
    if closes && schema.contains_key("properties") && !open {
        made.insert("additionalProperties".to_owned(), false.into());
    }
    made.into()
}

/// The validators, by API version and kind; `None` where the schemas are not installed.
fn validators() -> Option<BTreeMap<(String, String), jsonschema::Validator>> {
    let mut found = BTreeMap::new();
    for name in ["istio.yaml", "spire_clusterspiffeids.yaml"] {
        let text = std::fs::read_to_string(from_module(name)?).expect("a schema");
        for definition in documents(&text) {
            let spec = &definition["spec"];
            for version in spec["versions"].as_array().into_iter().flatten() {
                let mut schema = strict(&version["schema"]["openAPIV3Schema"], true);
                let metadata = json!({
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": false,
                    "properties": {
                        "name": {"type": "string"},
                        "namespace": {"type": "string"},
                        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                });
                for (key, of) in [("apiVersion", json!({})), ("kind", json!({})), ("metadata", metadata)] {
                    schema["properties"][key] = of;
                }
                let text = |value: &Value| value.as_str().expect("a text").to_owned();
                let api = format!("{}/{}", text(&spec["group"]), text(&version["name"]));
                let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
                found.insert((api, text(&spec["names"]["kind"])), validator);
            }
        }
    }
    Some(found)
}

/// The custom resources of the enterprise.
fn resources() -> Vec<Value> {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let out = scratch.path().join("bundle");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/enterprise");
    let mut command = assert_cmd::Command::cargo_bin("mcpctl").expect("the program");
    command.args(["compile", "--target", "istio", "--out"]).arg(&out).arg(project).assert().success();
    let clusters = std::fs::read_dir(out.join("istio")).expect("a folder");
    let clusters: Vec<_> = clusters.map(|cluster| cluster.expect("an entry").path()).collect();
    assert!(clusters.len() > 1, "{clusters:?}");
    let folders = clusters.iter().flat_map(|cluster| [cluster.clone(), cluster.join("servers")]);
    let entries = folders.flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let files = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    let texts = files.map(|path| std::fs::read_to_string(path).expect("a file"));
    texts.flat_map(|text| documents(&text)).filter(|document| document["kind"] != "Kustomization").collect()
}

#[test]
fn custom_resources_conform_to_the_published_schemas() {
    let Some(validators) = validators() else { return };
    let resources = resources();
    let of = |resource: &Value| {
        let text = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
        &validators[&(text("apiVersion"), text("kind"))]
    };
    let mut kinds: BTreeMap<String, Value> = BTreeMap::new();
    for resource in &resources {
        let faults: Vec<String> = of(resource).iter_errors(resource).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?} in {resource:#}");
        kinds.insert(resource["kind"].to_string(), resource.clone());
    }
    assert!(kinds.len() >= 6, "{:?}", kinds.keys());
    // The schemas are strict enough to see a field that is not there, and one of another type.
    for resource in kinds.values() {
        let mut more = resource.clone();
        more["spec"]["selectr"] = json!({});
        assert!(!of(&more).is_valid(&more), "{more:#}");
        let mut other = resource.clone();
        other["spec"] = json!([]);
        assert!(!of(&other).is_valid(&other), "{other:#}");
    }
    let mut lower = kinds["\"PeerAuthentication\""].clone();
    lower["spec"]["mtls"]["mode"] = json!("strict");
    assert!(!of(&lower).is_valid(&lower));
}
