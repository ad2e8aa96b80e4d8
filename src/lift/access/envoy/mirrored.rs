//! What the program that reads messages is told of headers that repeat arguments: for each tool with a schema, which ones.

use serde_json::{Map, Value, json};

use super::fields::{METADATA, fields, short};
use super::unexpected;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::model::server::Server;

/// The key of a route's metadata that the program reads.
const TABLE: &str = "mcpctl.message";

/// The table must say of every tool with a schema which of its arguments are repeated, and of no other tool anything: of those the
/// program leaves the headers as they are. Event streams carry no calls.
pub(super) fn check(metadata: &Value, server: Option<&Server>, stream: bool) -> Result<(), LiftError> {
    let found = fields(metadata, &["mcpctl", TABLE])?.get(TABLE);
    let expected = server.filter(|_| !stream).and_then(expected);
    if found == expected.as_ref() {
        return Ok(());
    }
    let found = found.map_or("nothing".to_owned(), short);
    Err(unexpected(format!(
        "the headers that repeat arguments are {found}, and not those that the schemas of tools mark"
    )))
}

fn expected(server: &Server) -> Option<Value> {
    let mut tools = Map::new();
    for (name, tool) in &server.tools {
        if tool.input_schema.is_none() {
            continue;
        }
        let mut headers = Map::new();
        for (mark, path) in &tool.mirrored {
            headers.insert(format!("mcp-param-{mark}"), json!(path));
        }
        tools.insert(name.to_string(), Value::Object(headers));
    }
    if tools.is_empty() { None } else { Some(Value::Object(tools)) }
}

/// Puts what the model's schemas mark into the place of what the bundle in force compares, which was compared with its files.
pub(super) fn of_model(route: &mut Value, model: &Model) {
    let path = route.pointer("/match/path").and_then(Value::as_str).unwrap_or_default();
    let posts = route.pointer("/match/headers").is_some_and(|headers| headers.to_string().contains("\"POST\""));
    let server = path.strip_prefix('/').and_then(|path| path.strip_suffix("/mcp")).filter(|_| posts);
    let server = server.filter(|_| !path.starts_with(METADATA)).map(ServerName::from);
    let expected = server.and_then(|server| expected(model.servers.get(&server)?));
    let metadata = route.pointer_mut("/metadata/filter_metadata").and_then(Value::as_object_mut);
    let Some(metadata) = metadata.filter(|_| posts) else { return };
    metadata.shift_remove(TABLE);
    metadata.extend(expected.map(|table| (TABLE.to_owned(), table)));
}
