//! The committed schemas, made from the families' types. `MCPCTL_BLESS=1 cargo test schemas_are_fresh` rewrites them.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Validator;
use crate::families::{FamilyId, generate_schema};
use crate::source::yaml::parse;
use crate::source::{SourceFile, Sources};

/// The schema of a file with one section of a family.
pub(crate) fn of<T: schemars::JsonSchema>(name: &str, key: &str) -> Value {
    let body = body_of::<T>();
    let description = body.get("description").cloned().unwrap_or_default();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:mcpctl:schema:{name}"),
        "title": key,
        "description": description,
        "type": "object",
        "properties": { key: body },
        "required": [key],
    })
}

/// The schema of a value of that type.
pub(crate) fn body_of<T: schemars::JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut body = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut body);
    if let Some(map) = body.as_object_mut() {
        map.remove("title");
    }
    body
}

/// An absent key is left out, never null; and a description is one paragraph.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(words)) = map.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            if let Some(Value::Array(options)) = map.get_mut("anyOf") {
                options.retain(|option| option.get("type") != Some(&json!("null")));
                if let [Value::Object(only)] = options.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
            }
            // A number that the decoder could not hold is out of range, not of another type.
            for (word, least, most) in [
                ("uint8", Some(0), Some(u64::from(u8::MAX))),
                ("uint16", Some(0), Some(u64::from(u16::MAX))),
                ("uint32", Some(0), Some(u64::from(u32::MAX))),
                ("uint64", Some(0), Some(i64::MAX as u64)),
                ("int64", None, None),
                ("double", None, None),
            ] {
                if map.get("format").is_some_and(|format| format == word) {
                    map.remove("format");
                    least.map(|least: u64| map.entry("minimum").or_insert(json!(least)));
                    most.map(|most| map.entry("maximum").or_insert(json!(most)));
                }
            }
            map.remove("default");
            map.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn combined() -> Value {
    let mut properties = Map::new();
    for family in FamilyId::ALL {
        let mut file = generate_schema(*family);
        properties.insert(family.key().to_owned(), file["properties"][family.key()].take());
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mcpctl:schema:workspace",
        "title": "mcpctl configuration file",
        "description": "A file of an mcpctl workspace: any number of sections, each under the key of its family.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
    })
}

fn settings() -> Value {
    let mut schema = body_of::<crate::settings::SettingsFile>();
    let map = schema.as_object_mut().unwrap();
    let mut head = Map::new();
    head.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    head.insert("$id".to_owned(), json!("urn:mcpctl:schema:settings"));
    head.insert("title".to_owned(), json!("mcpctl.yaml"));
    head.append(map);
    head.remove("title");
    Value::Object(head)
}

/// Schemas of files that a target writes: a test of the target makes them, with [`of_file`] and [`is_fresh`].
const OF_TARGETS: [&str; 3] = ["cache-plan", "scenarios", "temporal-plan"];

/// The schema of a whole file.
pub(crate) fn of_file<T: schemars::JsonSchema>(name: &str) -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:mcpctl:schema:{name}"),
    });
    if let (Some(head), Value::Object(mut body)) = (schema.as_object_mut(), body_of::<T>()) {
        head.append(&mut body);
    }
    schema
}

/// What a schema has against a file of JSON.
pub(crate) fn faults(schema: &Value, file: &Value) -> Vec<String> {
    let mut sources = Sources::new();
    // JSON is YAML.
    let id = sources.add(SourceFile::new("file.json", file.to_string()));
    let tree = parse(id, sources.file(id), &mut Vec::new());
    let body = tree.documents()[0];
    let validator = Validator::new(schema.clone()).unwrap();
    validator.check(&tree, body, body).into_iter().map(|found| found.message).collect()
}

/// Whether the committed schema of that name is this one. `MCPCTL_BLESS=1` commits it.
pub(crate) fn is_fresh(name: &str, schema: &Value) -> bool {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"));
    let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    let fresh = std::fs::read_to_string(&path).is_ok_and(|on_disk| on_disk == text);
    if !fresh && std::env::var_os("MCPCTL_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
        return true;
    }
    fresh
}

#[test]
fn schemas_are_fresh() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut files: Vec<(String, Value)> =
        FamilyId::ALL.iter().map(|family| (family.name().to_owned(), generate_schema(*family))).collect();
    files.push(("mcpctl".to_owned(), combined()));
    files.push(("settings".to_owned(), settings()));
    let stale: Vec<&String> =
        files.iter().filter(|(name, schema)| !is_fresh(name, schema)).map(|(name, _)| name).collect();
    assert!(stale.is_empty(), "stale: {stale:?}; rerun with MCPCTL_BLESS=1");
    let mut on_disk: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".schema.json", ""))
        .collect();
    on_disk.sort();
    let mut expected: Vec<String> = files.into_iter().map(|(name, _)| name).collect();
    expected.extend(OF_TARGETS.map(str::to_owned));
    expected.sort();
    assert_eq!(on_disk, expected, "files in schemas/");
}

/// The keys of a schema without a description.
pub(crate) fn undescribed(schema: &Value, path: &str) -> Vec<String> {
    fn walk(schema: &Value, path: &str, missing: &mut Vec<String>) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                if property.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
                    missing.push(format!("{path}.{key}"));
                }
                walk(property, &format!("{path}.{key}"), missing);
            }
        }
        for key in ["items", "then", "else", "additionalProperties"] {
            if let Some(inner) = schema.get(key) {
                walk(inner, path, missing);
            }
        }
    }
    let mut missing = Vec::new();
    walk(schema, path, &mut missing);
    missing
}

#[test]
fn every_key_is_described() {
    let missing = [undescribed(&combined(), ""), undescribed(&settings(), "settings")].concat();
    assert!(missing.is_empty(), "{missing:?}");
}
