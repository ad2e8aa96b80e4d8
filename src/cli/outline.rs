//! The keys of a JSON Schema as an indented list, for `mcpctl explain`.

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use super::prose;
use super::table::padded;

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

/// The text of a schema's `description`.
#[must_use]
pub fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or("")
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

/// What a map of free names holds.
fn values(node: &Value) -> impl Iterator<Item = &Value> {
    let by_pattern = node.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values);
    by_pattern.chain(node.get("additionalProperties").filter(|value| value.is_object()))
}

/// The shapes that a value may have, where there are several.
fn shapes(node: &Value) -> Vec<&Value> {
    let several = ["anyOf", "oneOf"].iter().filter_map(|word| node.get(word)).filter_map(Value::as_array).flatten();
    let chosen = ["then", "else"].iter().filter_map(|word| node.get(word));
    several.chain(chosen).collect()
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

/// What a key holds, in words.
fn holds(root: &Value, node: &Value, depth: usize) -> String {
    if depth > MOST_DEPTH {
        return "anything".to_owned();
    }
    let node = resolve(root, node);
    let mut words: Vec<String> = Vec::new();
    if let Some(values) = node.get("enum").and_then(Value::as_array) {
        words.extend(values.iter().map(constant));
    } else if let Some(value) = node.get("const") {
        words.push(constant(value));
    } else {
        let types: Vec<&str> = match node.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => vec![],
        };
        let items = node.get("items").map(|items| format!("list of {}", holds(root, items, depth + 1)));
        if types.is_empty() {
            words.extend(items.clone());
        }
        words.extend(types.into_iter().map(|name| match name {
            "array" => items.clone().unwrap_or_else(|| "list".to_owned()),
            "object" => "map".to_owned(),
            "string" => "text".to_owned(),
            "boolean" => "true | false".to_owned(),
            other => other.to_owned(),
        }));
        if words.is_empty() {
            words.extend(shapes(node).into_iter().map(|shape| holds(root, shape, depth + 1)));
        }
    }
    words.retain(|word| word != "null");
    words.dedup();
    if words.is_empty() { "anything".to_owned() } else { words.join(" | ") }
}

fn constant(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Follows `$ref` within the schema, and `allOf` of one.
fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let mut node = node;
    for _ in 0..MOST_DEPTH {
        let target = node.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        let only = node.get("allOf").and_then(Value::as_array).filter(|all| all.len() == 1).and_then(|all| all.first());
        match target.and_then(|pointer| root.pointer(pointer)).or(only) {
            Some(next) => node = next,
            None => return node,
        }
    }
    node
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
