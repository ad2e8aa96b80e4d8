//! What the targets `agentcore` and `toolhive` make of the enterprise fixture, and ToolHive's published schemas.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::published::from_module;

const SETTINGS: &str = "
targets:
  agentcore:
    gateway_arn: arn:aws:bedrock-agentcore:eu-central-1:123456789012:gateway/harbourline-a1b2c3
    assume: [tls, mtls]
    assume_reason: only the mesh's egress gateway, which takes mutual TLS alone, reaches the private endpoint
  toolhive:
    assume: [tls, mtls]
    assume_reason: the mesh in front of every proxy takes mutual TLS alone
";

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The files of both targets for the enterprise, by path.
fn enterprise() -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("enterprise");
    copied(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/enterprise"), &root);
    let settings = root.join("mcpctl.yaml");
    let own = fs::read_to_string(&settings).unwrap();
    let own: String = own.split("targets:").next().unwrap().to_owned();
    fs::write(&settings, format!("{own}{SETTINGS}")).unwrap();
    let out = folder.path().join("out");
    let run = Command::new(env!("CARGO_BIN_EXE_mcpctl"))
        .args(["compile", "--today", "2026-11-22", "--target", "agentcore", "--target", "toolhive", "--out"])
        .arg(&out)
        .arg(&root)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut files = BTreeMap::new();
    let mut open: Vec<PathBuf> = vec![out.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let name = path.strip_prefix(&out).unwrap().to_str().unwrap().replace('\\', "/");
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    files
}

#[test]
fn the_enterprise_has_policies_for_both() {
    let files = enterprise();
    let under = |start: &str| files.keys().filter(|path| path.starts_with(start)).count();
    assert_eq!(files.keys().filter(|path| path.starts_with("toolhive/") && path.contains("/authz/")).count(), 14);
    assert_eq!(under("agentcore/authorizers/"), 2);
    assert!(under("agentcore/policies/") > 10 && under("agentcore/temporal/") > 0);
    let composites = files.iter().filter(|(path, _)| path.ends_with("/composite-tools.yaml"));
    let composite: String = composites.map(|(_, text)| text.as_str()).collect();
    assert!(composite.contains("tool: warehouse-server.book_slot"), "{composite}");
}

/// The schema of the served version of a resource, as a validator that refuses unknown keys.
fn validator(file: &str) -> Option<jsonschema::Validator> {
    let text = fs::read_to_string(from_module(file)?).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text)
        .map(|document| <Option<Value> as serde::Deserialize>::deserialize(document).unwrap());
    let definition = documents.flatten().next().unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let version = versions.iter().find(|version| version["name"] == "v1beta1").unwrap();
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    close(&mut schema);
    // Kubernetes prunes and checks these itself.
    schema["properties"]["metadata"] = json!({"type": "object"});
    Some(jsonschema::validator_for(&schema).unwrap())
}

/// Objects with listed properties take no others, as in Kubernetes' strict validation.
fn close(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if map.contains_key("properties") && !open && !map.contains_key("additionalProperties") {
        map.insert("additionalProperties".to_owned(), json!(false));
    }
    // Kubernetes' formats are not all JSON Schema's.
    map.remove("format");
    for (key, inner) in map.iter_mut() {
        if key == "properties" {
            inner.as_object_mut().into_iter().flatten().for_each(|(_, property)| close(property));
        } else if matches!(key.as_str(), "items" | "additionalProperties") && inner.is_object() {
            close(inner);
        }
    }
}

#[test]
fn resources_conform_to_toolhives_schemas() {
    let pairs = [("/authz/", "toolhive_mcpauthzconfigs.yaml"), ("/composite-tools", "toolhive_compositetools.yaml")];
    let files = enterprise();
    for (part, schema) in pairs {
        let Some(validator) = validator(schema) else { continue };
        let mut count = 0;
        let of = |path: &str| path.starts_with("toolhive/") && path.contains(part);
        for (path, text) in files.iter().filter(|(path, _)| of(path)) {
            for document in serde_yaml::Deserializer::from_str(text) {
                let document: Value = serde::Deserialize::deserialize(document).unwrap();
                let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
                assert!(faults.is_empty(), "{path}: {faults:#?}");
                count += 1;
                for change in [
                    |d: &mut Value| d["spec"]["unheardOf"] = json!(1),
                    |d: &mut Value| drop(d.as_object_mut().unwrap().insert("spec".to_owned(), json!({}))),
                    |d: &mut Value| d["spec"]["type"] = json!(5),
                    |d: &mut Value| d["spec"]["steps"] = json!([{"tool": "a.b"}]),
                ] {
                    let mut bad = document.clone();
                    change(&mut bad);
                    assert!(!validator.is_valid(&bad), "{path}: {bad}");
                }
            }
        }
        assert!(count > 0, "{schema}");
    }
}
