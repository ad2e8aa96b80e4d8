//! Small changes of a value.

use super::*;

/// A small change of a value.
pub(super) struct Change {
    /// Where it is, and what it does there.
    pub(super) path: String,
    /// A JSON pointer to what becomes another value.
    pub(super) pointer: String,
    pub(super) other: Value,
}

impl Change {
    pub(super) fn of(&self, value: &Value) -> Value {
        let mut changed = value.clone();
        *changed.pointer_mut(&self.pointer).unwrap() = self.other.clone();
        changed
    }

    /// Whether it leaves out that the caller's name, or the name of the user for whom it acts, is a text, where both are compared:
    /// the rule that recognised the caller has said so, and names that are not there cannot be compared.
    pub(super) fn drops_that_names_are_texts(&self, value: &Value) -> bool {
        let dropped =
            self.path.rsplit('/').next().unwrap().strip_prefix("(drop ").and_then(|rest| rest.strip_suffix(')'));
        let Some(at) = dropped.and_then(|at| at.parse::<usize>().ok()) else { return false };
        let beside = value.pointer(&self.pointer).unwrap();
        if !beside.to_string().contains("\"_!=_\"") {
            return false;
        }
        let dropped = &beside[at]["single_predicate"];
        let claim = &dropped["input"]["typed_config"]["path"];
        let names =
            [json!([{"key": "claims"}, {"key": "act"}, {"key": "sub"}]), json!([{"key": "claims"}, {"key": "sub"}])];
        let regex = &dropped["custom_match"]["typed_config"]["value"]["string_match"]["safe_regex"]["regex"];
        names.contains(claim) && regex == "(?s).+"
    }
}

/// Small changes of a value: each key and element left out, neighbours swapped, texts, numbers and truths made others.
pub(super) fn changes(value: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    let mut report = |path: &[String], pointer: &str, other: Value| {
        found.push(Change { path: path.join("/"), pointer: pointer.to_owned(), other });
    };
    walk(value, &mut Vec::new(), &mut report);
    found
}

/// Takes where a change is, the pointer to what changes, and what that becomes.
type Report<'r> = dyn FnMut(&[String], &str, Value) + 'r;

fn walk(value: &Value, path: &mut Vec<String>, report: &mut Report<'_>) {
    let pointer = path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect::<String>();
    let mut changed = |what: &str, other: Value| {
        let mut at = path.clone();
        at.push(format!("({what})"));
        report(&at, &pointer, other);
    };
    match value {
        Value::Object(map) => {
            for key in map.keys() {
                let mut less = map.clone();
                less.shift_remove(key);
                changed(&format!("drop {key}"), Value::Object(less));
            }
        }
        Value::Array(items) => {
            for index in 0..items.len() {
                let mut less = items.clone();
                less.remove(index);
                changed(&format!("drop {index}"), Value::Array(less));
                for (old, new) in [
                    ("\"spiffe://example.org/seller\"", "\"spiffe://example.org/evil\""),
                    ("\"put\"", "\"delete_all\""),
                ] {
                    let text = items[index].to_string();
                    if text.contains(old) {
                        let mut more = items.clone();
                        more.insert(index, serde_json::from_str(&text.replace(old, new)).unwrap());
                        changed("add", Value::Array(more));
                    }
                }
                if index > 0 && items[index] != items[index - 1] {
                    let mut swapped = items.clone();
                    swapped.swap(index, index - 1);
                    changed("swap", Value::Array(swapped));
                }
            }
        }
        Value::String(text) => {
            changed("change", json!(format!("{text}x")));
            let other = match text.as_str() {
                "ALLOW" => Some("DENY"),
                "DENY" => Some("ALLOW"),
                "spiffe://example.org/seller" => Some("spiffe://example.org/helper"),
                "spiffe://example.org/helper" => Some("spiffe://example.org/seller"),
                "https://idp.example" => Some("https://flows.example"),
                "crm/messages" => Some("faq/messages"),
                "get" => Some("put"),
                "put" => Some("get"),
                "envoy.filters.http.mcp" => Some("envoy.filters.http.jwt_authn"),
                _ => None,
            };
            if let Some(other) = other {
                changed("other", json!(other));
            }
        }
        Value::Bool(yes) => changed("change", json!(!yes)),
        Value::Number(number) => changed("change", json!(number.as_f64().unwrap() + 1.0)),
        Value::Null => {}
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                path.push(key.clone());
                walk(inner, path, report);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                path.push(index.to_string());
                walk(inner, path, report);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value with the text in one place replaced: that many places after the first.
pub(super) fn replaced(value: &Value, old: &str, new: &str, place: &mut usize) -> Value {
    match value {
        Value::String(text) if text == old => {
            *place = place.wrapping_sub(1);
            Value::String(if *place == usize::MAX { new } else { old }.to_owned())
        }
        Value::Array(list) => list.iter().map(|inner| replaced(inner, old, new, place)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, inner)| (key.clone(), replaced(inner, old, new, place))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
