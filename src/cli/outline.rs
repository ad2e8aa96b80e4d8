//! The keys of a JSON Schema as an indented list, for `mcpctl explain`.

use serde_json::{Map, Value};

use super::prose;

/// Deepest nesting shown; the schema itself holds the rest.
const MOST_DEPTH: usize = 6;

/// One line a key: its name, what it holds, whether it must be there, and what it means.
#[must_use]
pub fn outline(schema: &Value) -> String {
    let mut lines = Vec::new();
    keys(schema, schema, &mut Vec::new(), &mut lines);
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    lines.iter().map(|Line { name, text }| format!("{name:<width$}  {text}").trim_end().to_owned() + "\n").collect()
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
    let node = inner(root, node, 0);
    if above.len() >= MOST_DEPTH || above.iter().any(|outer| std::ptr::eq(*outer, node)) {
        return;
    }
    let required: Vec<&str> =
        node.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = node.get("properties").and_then(Value::as_object) else { return };
    above.push(node);
    for (key, value) in properties {
        let mut text = holds(root, value, 0);
        if required.contains(&key.as_str()) {
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

/// The schema of the objects inside: of a list its items, of a map of anything its values, of several shapes the one
/// with keys.
fn inner<'a>(root: &'a Value, node: &'a Value, depth: usize) -> &'a Value {
    let mut node = resolve(root, node);
    for _ in depth..MOST_DEPTH {
        if node.get("properties").is_some() {
            return node;
        }
        let shapes = ["anyOf", "oneOf"].iter().find_map(|word| node.get(word)).and_then(Value::as_array);
        let next = node
            .get("items")
            .or_else(|| node.get("additionalProperties").filter(|more| more.is_object()))
            .or_else(|| {
                shapes.and_then(|shapes| {
                    shapes.iter().find(|shape| inner(root, shape, depth + 1).get("properties").is_some())
                })
            });
        match next {
            Some(next) => node = resolve(root, next),
            None => return node,
        }
    }
    node
}

/// What a key holds, in words.
fn holds(root: &Value, node: &Value, depth: usize) -> String {
    if depth > MOST_DEPTH {
        return "anything".to_owned();
    }
    let node = resolve(root, node);
    let shapes = ["anyOf", "oneOf"].iter().find_map(|word| node.get(word)).and_then(Value::as_array);
    let mut words: Vec<String> = Vec::new();
    if let Some(values) = node.get("enum").and_then(Value::as_array) {
        words.extend(values.iter().map(constant));
    } else if let Some(value) = node.get("const") {
        words.push(constant(value));
    } else if let Some(shapes) = shapes {
        words.extend(shapes.iter().map(|shape| holds(root, shape, depth + 1)));
    } else {
        let types: Vec<&str> = match node.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => vec![],
        };
        words.extend(types.into_iter().map(|name| match (name, node.get("items")) {
            ("array", Some(items)) => format!("list of {}", holds(root, items, depth + 1)),
            ("array", None) => "list".to_owned(),
            ("object", _) => "map".to_owned(),
            ("string", _) => "text".to_owned(),
            ("boolean", _) => "true | false".to_owned(),
            (other, _) => other.to_owned(),
        }));
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
