//! The arguments of a composite tool's steps: the composite tool takes, under the name of each step, what the step's tool
//! requires, and hands it on.
//!
//! ToolHive puts arguments together from texts, and makes of each text what the schema of the tool asks for: a text, a whole
//! number, a number or a truth value. A list or an object it would hand on as a text, so none is.

use serde_json::{Map, Value, json};

use crate::model::Model;
use crate::model::server::Tool;

/// What one tool requires: arguments with their schemas, in the order of their names.
pub(super) fn required(model: &Model, tool: &Tool) -> Map<String, Value> {
    let schema = tool.input_schema.and_then(|at| serde_json::from_str::<Value>(model.input_schemas.get(&at)?).ok());
    let Some(schema) = schema else { return Map::new() };
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut found: Vec<(String, Value)> = names
        .filter(|name| is_plain(name))
        .filter_map(|name| {
            let property = schema.get("properties")?.get(name)?;
            kind(property)?;
            Some((name.to_owned(), property.clone()))
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found.into_iter().collect()
}

/// What the composite tool takes for one step.
pub(super) fn parameter(required: &Map<String, Value>) -> Value {
    let names: Vec<&String> = required.keys().collect();
    json!({"type": "object", "properties": required, "required": names})
}

/// What a step hands on: each argument as a template.
pub(super) fn handed_on(step: &str, required: &Map<String, Value>) -> Map<String, Value> {
    let template = |(name, property): (&String, &Value)| {
        let value = format!("index .params \"{step}\" \"{name}\"");
        // Go writes a large number with an exponent, which is not a whole number to ToolHive; JSON does not.
        let text = if kind(property) == Some("string") {
            format!("{{{{{value}}}}}")
        } else {
            format!("{{{{json ({value})}}}}")
        };
        (name.clone(), Value::from(text))
    };
    required.iter().map(template).collect()
}

/// The type of an argument, where ToolHive can hand on one of that type.
fn kind(property: &Value) -> Option<&'static str> {
    let written = property.get("type")?.as_str()?;
    ["string", "integer", "number", "boolean"].into_iter().find(|kind| *kind == written)
}

/// Whether a name stands in a template as it is.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter))
}
