//! What a gateway itself answers: why a request was denied, and how to get a better token.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::codes::{DENIED, HEADER_MISMATCH, INVALID_MESSAGE, UNAVAILABLE, UNKNOWN_METHOD, UNSUPPORTED_REVISION};
use super::levels::{Level, Levels};
use super::listener::Listener;
use super::predicate::{MCP, of_type};
use super::protocol::{MESSAGE, MISMATCH};
use super::routes::{METADATA, SCOPE};
use super::scope::of_gateway;

impl Listener<'_> {
    /// What the gateway itself answers: a denial as a JSON-RPC error with its reason, and how to get a better token.
    pub(super) fn replies(&self) -> Value {
        let when = |expression: String| {
            json!({"extension_filter": {
                "name": "envoy.access_loggers.extension_filters.cel",
                "typed_config": {
                    "@type": of_type("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"),
                    "expression": expression,
                },
            }})
        };
        let ends = |end: &str| when(format!("response.code_details.endsWith({})", quoted(&format!("/deny:{end}]"))));
        let header = |key: &str, value: String| {
            json!([{
                "header": {"key": key, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }])
        };
        let challenge = |value: String| header("www-authenticate", value);
        let resource = format!("resource_metadata=\"{}{METADATA}%PATH(NQ)%\"", self.url.replace('%', "%%"));
        let status = self.setting.deny_status;
        let denied = error(DENIED, "denied by policy", reason());
        // Clients that end their session at any other status are told 200 of these, too.
        let or_200 = |other: u32| if status == 403 { other } else { status };
        let supported = json!({
            "supported": self.model.deployment.accepted_revisions(),
            "requested": "%REQ(MCP-PROTOCOL-VERSION)%",
        });
        let mut differing = reason();
        if let Some(fields) = differing.as_object_mut() {
            fields.insert("header".to_owned(), json!(format!("%DYNAMIC_METADATA({MESSAGE}:header)%")));
        }
        let mut mappers = vec![
            json!({
                "filter": ends("method"),
                "status_code": or_200(404),
                "body_format_override": error(UNKNOWN_METHOD, "method not found", reason()),
            }),
            json!({
                "filter": ends("revision"),
                "status_code": 400,
                "body_format_override": error(UNSUPPORTED_REVISION, "unsupported protocol version", supported),
            }),
            json!({
                "filter": ends(MISMATCH),
                "status_code": 400,
                "body_format_override": error(HEADER_MISMATCH, "header mismatch", differing),
            }),
            json!({
                "filter": ends("message"),
                "status_code": 400,
                "body_format_override": error(INVALID_MESSAGE, "not a single request, notification or response", reason()),
            }),
            json!({"filter": ends("origin"), "status_code": 403, "body_format_override": denied}),
        ];
        let levels = Levels::of(self.model);
        let offers = if status == 403 { self.evidence.offers() } else { BTreeMap::new() };
        for (leaf, (scopes, missing)) in &offers {
            let scope = scopes.replace('%', "%%");
            let level = levels.of_facts(missing.iter().map(String::as_str));
            let said = level.map(Level::parameter).unwrap_or_default();
            let value = format!("Bearer error=\"insufficient_scope\", {said}scope=\"{scope}\", {resource}");
            mappers.push(json!({
                "filter": ends(leaf),
                "status_code": status,
                "headers_to_add": challenge(value),
                "body_format_override": below_level(level),
            }));
        }
        // Facts that no scope shows are missing by themselves.
        for fact in levels.facts() {
            let leaf = format!("missing_{fact}");
            if !offers.contains_key(&leaf) {
                let level = levels.of_facts([fact]);
                mappers.push(json!({
                    "filter": ends(&leaf),
                    "status_code": status,
                    "body_format_override": below_level(level),
                }));
            }
        }
        mappers.push(json!({
            "filter": when("response.code_details.startsWith('rbac_access_denied')".to_owned()),
            "status_code": status,
            "body_format_override": denied,
        }));
        // A request without any token is told of no error. Source: RFC 6750, section 3.1.
        let details = "response.code_details.startsWith('jwt_authn_access_denied";
        let not_reached = levels.of_known_callers().map(Level::parameter).unwrap_or_default();
        let scope = format!("%METADATA(ROUTE:mcpctl:{SCOPE})%");
        for (details, error) in [
            (format!("{details}{{Jwt_is_missing}}') && xds.route_name != ''"), String::new()),
            (format!("{details}') && xds.route_name != ''"), format!("error=\"invalid_token\", {not_reached}")),
        ] {
            mappers.push(json!({
                "filter": when(details),
                "status_code": 401,
                "headers_to_add": challenge(format!("Bearer {error}{resource}{scope}")),
            }));
        }
        mappers.push(json!({
            "filter": when(format!("{details}')")),
            "status_code": 401,
            "headers_to_add": challenge(format!("Bearer {resource}")),
        }));
        // A caller who knows when to come back need not try meanwhile.
        let breaker = of_gateway(&self.model.breaker, self.setting).filter(|breaker| breaker.degrades());
        if let Some(breaker) = breaker.filter(|breaker| breaker.opens_after().is_some()) {
            let seconds = breaker.open_for().0.div_ceil(1_000);
            let mut data = reason();
            if let Some(fields) = data.as_object_mut() {
                fields.insert("retryAfter".to_owned(), json!(seconds));
            }
            mappers.push(json!({
                "filter": when("response.code_details == 'no_healthy_upstream'".to_owned()),
                "status_code": 503,
                "headers_to_add": header("retry-after", seconds.to_string()),
                "body_format_override": error(UNAVAILABLE, "the server is not available", data),
            }));
        }
        json!({"mappers": mappers})
    }
}

/// A JSON-RPC error of the gateway's own.
fn error(code: i32, message: &str, data: Value) -> Value {
    json!({"json_format": {
        "jsonrpc": "2.0",
        "id": format!("%DYNAMIC_METADATA({MCP}:id)%"),
        "error": {"code": code, "message": message, "data": data},
    }})
}

/// A denial for want of what a level asks for.
fn below_level(level: Option<Level<'_>>) -> Value {
    let mut data = reason();
    if let (Some(fields), Some(level)) = (data.as_object_mut(), level) {
        fields.insert("level".to_owned(), level.data());
    }
    error(DENIED, "denied by policy", data)
}

/// Why a request was denied.
fn reason() -> Value {
    json!({
        "reason": "%RESPONSE_CODE_DETAILS%",
        "server": "%METADATA(ROUTE:mcpctl:server)%",
        "tool": format!("%DYNAMIC_METADATA({MCP}:params:name)%"),
    })
}

/// A text as a CEL string literal.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
    format!("'{escaped}'")
}
