//! Headers that repeat arguments (MCP 2026-07-28, `Mcp-Param-NAME`): what the program that reads messages is told of them.

use serde_json::{Map, Value, json};

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::protocol::STATELESS;
use crate::model::server::Server;
use crate::targets::TARGET_LIMIT;

/// Which header of a call repeats which argument, by the tool. A tool whose schema is not known is left out: nothing can be said of its
/// headers. `None` where no schema is known.
pub(super) fn table(server: &Server) -> Option<Value> {
    let known = server.tools.iter().filter(|(_, tool)| tool.input_schema.is_some());
    let table: Map<String, Value> = known
        .map(|(name, tool)| {
            let headers = tool.mirrored.iter().map(|(name, path)| (format!("mcp-param-{name}"), json!(path)));
            (name.to_string(), Value::Object(headers.collect()))
        })
        .collect();
    (!table.is_empty()).then_some(Value::Object(table))
}

/// Names that Envoy lets no header have: to many servers `_` and `-` in one are the same, so the gateways refuse such requests.
pub(super) fn refused(model: &Model) -> Vec<Diagnostic> {
    if !model.deployment.accepted_revisions().contains(&STATELESS) {
        return Vec::new();
    }
    let tools = model.servers.values().flat_map(|server| server.tools.values());
    let marks = tools.flat_map(|tool| tool.mirrored.keys().map(move |name| (tool, name)));
    let refused = marks.filter(|(_, name)| name.contains('_')).filter_map(|(tool, name)| {
        let message = format!(
            "the gateways refuse every request with the header `Mcp-Param-{name}`, which `{}` has for an argument: the name holds `_`",
            tool.name
        );
        let help = format!("write `x-mcp-header: {}` at the server and here", name.replace('_', "-"));
        Some(Diagnostic::new(&TARGET_LIMIT, tool.input_schema?, message).help(help))
    });
    refused.collect()
}
