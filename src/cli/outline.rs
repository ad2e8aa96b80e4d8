//! The keys of a JSON Schema as an indented list, for `mcpctl explain`.

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use super::prose;
use super::table::padded;
pub use crate::schema::shape::description;
use crate::schema::shape::{holds, resolve, shapes, values};

/// Deepest nesting shown; the schema itself holds the rest.
const MOST_DEPTH: usize = 6;

/// One line a key: its name, what it holds, whether it must be there, and what it means.
#[must_use]
pub fn outline(schema: &Value) -> String {
    let mut lines = Vec::new();
    keys(schema, schema, &mut Vec::new(), &mut lines);
    let width = lines.iter().map(|line| line.name.width()).max().unwrap_or(0);
    lines
        .iter()
        .map(|Line { name, text }| format!("{}  {text}", padded(name, width)).trim_end().to_owned() + "\n")
        .collect()
}

struct Line {
    name: String,
    text: String,
}

/// `above` holds the schemas that this one stands in: one that holds itself is not shown again.
fn keys<'a>(root: &'a Value, node: &'a Value, above: &mut Vec<&'a Value>, lines: &mut Vec<Line>) {
    let Some(node) = map_in(root, node, 0) else { return };
    if above.len() >= MOST_DEPTH || above.iter().any(|outer| std::ptr::eq(*outer, node)) {
        return;
    }
    let required: Vec<&str> =
        node.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let named = node.get("properties").and_then(Value::as_object).into_iter().flatten();
    let named = named.map(|(key, value)| (key.as_str(), value));
    let any = values(node).filter(|value| map_in(root, value, 0).is_some()).map(|value| ("<name>", value));
    above.push(node);
    for (key, value) in named.chain(any) {
        let mut text = holds(root, value, 0);
        if required.contains(&key) {
            text.push_str(", required");
        }
        let about = [description(value), description(resolve(root, value))];
        if let Some(about) = about.into_iter().find(|text| !text.is_empty()) {
            text.push_str(": ");
            text.push_str(&prose::first_sentence(about).split_whitespace().collect::<Vec<_>>().join(" "));
        }
        lines.push(Line { name: format!("{}{key}", "  ".repeat(above.len())), text });
        keys(root, value, above, lines);
    }
    above.pop();
}

/// The schema with keys at this place: of a list its items, of several shapes the first with keys.
fn map_in<'a>(root: &'a Value, node: &'a Value, depth: usize) -> Option<&'a Value> {
    if depth > MOST_DEPTH {
        return None;
    }
    let node = resolve(root, node);
    if node.get("properties").is_some() || values(node).next().is_some() {
        return Some(node);
    }
    node.get("items").into_iter().chain(shapes(node)).find_map(|inside| map_in(root, inside, depth + 1))
}

/// Reads a schema that is part of this binary.
///
/// # Errors
/// Never for a schema that the tests have seen.
pub fn parse(schema: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Map<String, Value>>(schema).map(Value::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_with_what_they_hold() {
        let schema = serde_json::json!({
            "type": "object",
            "properties": {
                "pools": {"description": "Pools. More.", "type": "array", "items": {"$ref": "#/$defs/Pool"}},
                "mode": {"enum": ["strict", "off"]},
                "names": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
            },
            "required": ["pools"],
            "$defs": {"Pool": {"type": "object", "properties": {"size": {"type": ["integer", "null"]}, "pool": {"$ref": "#/$defs/Pool"}}}}
        });
        let expected = "  pools   list of map, required: Pools\n    size  integer\n    pool  map\n  mode    strict | off\n  \
                        names   text | list of text\n";
        assert_eq!(outline(&schema), expected);
    }
}
