//! The schema that AgentCore makes from the tools of a gateway, after its documentation: an action for each tool, in
//! `CallTool`, in `Mcp`; the arguments in `context.input`, typed by the tool's own schema.

use serde_json::{Map, Value, json};

use crate::lift::names::label;
use crate::model::Model;
use crate::model::server::Tool;

pub(crate) fn of(model: &Model) -> Value {
    let mut actions = Map::new();
    actions.insert("Mcp".to_owned(), json!({}));
    actions.insert("CallTool".to_owned(), json!({"memberOf": [{"id": "Mcp"}]}));
    for server in model.servers.values() {
        let target = label(server.name.value.as_str());
        for (name, tool) in &server.tools {
            let input = json!({"type": "Record", "attributes": arguments(tool, model)});
            let action = json!({
                "memberOf": [{"id": "CallTool"}],
                "appliesTo": {
                    "principalTypes": ["OAuthUser"],
                    "resourceTypes": ["Gateway"],
                    "context": {"type": "Record", "attributes": {"input": input}},
                },
            });
            actions.insert(format!("{target}___{name}"), action);
        }
    }
    let user = json!({
        "shape": {"type": "Record", "attributes": {"id": {"type": "String"}}},
        "tags": {"type": "String"},
    });
    json!({"AgentCore": {"entityTypes": {"OAuthUser": user, "Gateway": {}}, "actions": actions}})
}

/// The arguments whose type in AgentCore is certain. A policy that asks for another one does not validate.
fn arguments(tool: &Tool, model: &Model) -> Map<String, Value> {
    let schema = tool.input_schema.and_then(|at| serde_json::from_str::<Value>(model.input_schemas.get(&at)?).ok());
    let Some(schema) = schema else { return Map::new() };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    let typed = properties.into_iter().flatten().filter(|(_, property)| property.get("enum").is_none());
    typed
        .filter_map(|(name, property)| {
            let kind = match property.get("type")?.as_str()? {
                "integer" => "Long",
                "string" => "String",
                "boolean" => "Boolean",
                _ => return None,
            };
            Some((name.clone(), json!({"type": kind, "required": required.contains(&name.as_str())})))
        })
        .collect()
}
