//! The labels of metrics, with what a gateway tells of a request under each.

use serde_json::{Map, Value, json};

use super::codes::{DENIED, HEADER_MISMATCH, INVALID_MESSAGE, UNKNOWN_METHOD, UNSUPPORTED_REVISION};
use super::predicate::{CLAIMS, JWT, MCP, of_type};
use super::protocol::MISMATCH;
use crate::model::Model;
use crate::model::protocol::{self, Sent};
use crate::model::telemetry::opentelemetry::{ERROR_LABEL, METHOD_LABEL, TOOL_LABEL};
use crate::policy::Policy;
use crate::targets::gateways::Gateway;
use crate::targets::object;

/// The notifications that clients send; the table of the protocol has them all in one row.
const NOTIFICATIONS: [&str; 5] = [
    "notifications/cancelled",
    "notifications/initialized",
    "notifications/progress",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
];

/// The methods that clients send, of every revision of the protocol.
pub(super) fn methods() -> impl Iterator<Item = &'static str> {
    let requests = protocol::TABLE.iter().filter(|row| row.sent == Sent::Method).map(|row| row.name);
    requests.chain(NOTIFICATIONS)
}

/// Statuses of an answer that nothing is wrong with: those that servers of MCP send, and redirections.
const SUCCESSES: [&str; 11] = ["101", "200", "201", "202", "204", "206", "301", "302", "304", "307", "308"];

/// The errors of JSON-RPC that a gateway gives instead of [`DENIED`], by what a message is denied for.
const ERRORS: [(&str, i32); 4] = [
    ("method", UNKNOWN_METHOD),
    ("revision", UNSUPPORTED_REVISION),
    (MISMATCH, HEADER_MISMATCH),
    ("message", INVALID_MESSAGE),
];

/// The labels of the metrics of one gateway.
pub(super) struct Labels<'a> {
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    pub(super) gateway: &'a Gateway<'a>,
}

impl Labels<'_> {
    /// Those of these names.
    pub(super) fn of<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<Value> {
        names.filter_map(|name| self.label(name)).collect()
    }

    /// What callers send in a request is compared with what is declared, so that they cannot make Envoy keep new names.
    fn label(&self, name: &str) -> Option<Value> {
        let plain = |format: &str| Some(json!({"name": name, "value_format": format}));
        let mapped = |format: String, known: Vec<(String, Label<'_>)>, otherwise: Label<'_>| {
            if !known.is_empty() {
                return Some(json!({"name": name, "value_format": format, "rules": one_of(known, otherwise)}));
            }
            // Envoy takes no empty table.
            match otherwise {
                Label::Is(value) => plain(value),
                Label::Absent => None,
                Label::Kept => plain(&format),
            }
        };
        match name {
            "mcp_server" | "server" => plain("%METADATA(ROUTE:mcpctl:server)%"),
            "gateway" => plain(&self.gateway.name.replace('%', "%%")),
            "status_code" => plain("%RESPONSE_CODE%"),
            "principal" => {
                let subjects = self.policy.principals.iter();
                let known = subjects.filter_map(|one| Some((one.subject.clone()?, one.id.to_string())));
                let known: Vec<(String, String)> = known.collect();
                let known = known.iter().map(|(subject, id)| (subject.clone(), Label::Is(id))).collect();
                mapped(format!("%CEL({})%", caller(self.model)), known, Label::Is("other"))
            }
            "method" | METHOD_LABEL => {
                let known = methods().map(|method| (method.to_owned(), Label::Is(method)));
                let known = known.chain([("-".to_owned(), Label::Is("none"))]).collect();
                mapped(format!("%DYNAMIC_METADATA({MCP}:method)%"), known, Label::Is("other"))
            }
            "tool" | "tool_name" => {
                let servers = self.gateway.routes.iter().map(|route| route.server.name.value.as_str());
                let none = servers.map(|server| (format!("{server}/-"), Label::Is("none")));
                let known =
                    none.chain(self.tools().map(|(server, tool)| (format!("{server}/{tool}"), Label::Is(tool))));
                let format = format!("%METADATA(ROUTE:mcpctl:server)%/%DYNAMIC_METADATA({MCP}:params:name)%");
                mapped(format, known.collect(), Label::Is("other"))
            }
            // The conventions have a word for neither another tool nor what is not a tool.
            TOOL_LABEL => {
                let known = self.tools().map(|(server, tool)| (format!("tools/call {server}/{tool}"), Label::Is(tool)));
                let format = format!(
                    "%DYNAMIC_METADATA({MCP}:method)% %METADATA(ROUTE:mcpctl:server)%/%DYNAMIC_METADATA({MCP}:params:name)%"
                );
                mapped(format, known.collect(), Label::Absent)
            }
            // Of the gateway's own answers the error of JSON-RPC is known, of all others the status of HTTP.
            ERROR_LABEL => {
                let details = "response.code_details";
                let by_end = ERRORS.map(|(end, error)| format!("{details}.endsWith('/deny:{end}]') ? '{error} ' : "));
                let denied = format!("{details}.startsWith('rbac_access_denied') ? '{DENIED} ' : ''");
                let format = format!("%CEL({}{denied})%%RESPONSE_CODE%", by_end.concat());
                let errors: Vec<String> =
                    ERRORS.iter().map(|(_, error)| *error).chain([DENIED]).map(|error| error.to_string()).collect();
                let own = errors.iter().flat_map(|error| {
                    ["200", "400", "403", "404"].map(|status| (format!("{error} {status}"), Label::Is(error)))
                });
                let well = SUCCESSES.map(|status| (status.to_owned(), Label::Absent));
                // Any other status stays as it is.
                let rules = one_of(own.chain(well).collect(), Label::Kept);
                Some(json!({"name": name, "value_format": format, "rules": rules}))
            }
            _ => None,
        }
    }

    /// The tools of the gateway's servers, with their servers.
    fn tools(&self) -> impl Iterator<Item = (&str, &str)> {
        self.gateway.routes.iter().flat_map(|route| {
            let server = route.server.name.value.as_str();
            let tools = self.model.server(server).into_iter().flat_map(|server| server.tools.keys());
            tools.map(move |tool| (server, tool.as_str()))
        })
    }
}

/// The subject of the caller, in CEL: that of `act` in a token with one, else the claim by which its issuer names callers.
fn caller(model: &Model) -> String {
    let claims = format!("metadata.filter_metadata['{JWT}']['{CLAIMS}']");
    let at = |path: &[String]| path.iter().fold(claims.clone(), |at, key| format!("{at}['{}']", in_cel(key)));
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let named = issuers.filter_map(|issuer| {
        let by = at(&issuer.caller.as_ref()?.value);
        Some(format!("{claims}['iss'] == '{}' ? {by} : ", in_cel(&issuer.issuer.value)))
    });
    let named: String = named.collect();
    format!("'act' in {claims} && {claims}['act'] != null ? {claims}['act']['sub'] : {named}{claims}['sub']")
}

/// A text inside of a literal of CEL, inside of a format of Envoy, which ends at `)%`: letters, digits and a few signs as they are, all
/// else by its number.
fn in_cel(text: &str) -> String {
    let sign = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ':' | '/' | '.' | '_' | '-' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    text.chars().map(sign).collect()
}

/// What becomes of a label.
#[derive(Clone, Copy)]
enum Label<'a> {
    Is(&'a str),
    Absent,
    /// It stays as it is.
    Kept,
}

/// A value that is one of these becomes what stands beside it, any other the last.
fn one_of(known: Vec<(String, Label<'_>)>, otherwise: Label<'_>) -> Value {
    let becomes = |label: Label<'_>| {
        let what = match label {
            Label::Is(value) => json!({"update_tag": {"new_tag_value": value}}),
            Label::Absent => json!({"drop_tag": {}}),
            Label::Kept => return None,
        };
        let mut config =
            object([("@type", json!(of_type("envoy.extensions.matching.actions.transform_stat.v3.TransformStat")))]);
        if let (Some(config), Value::Object(what)) = (config.as_object_mut(), what) {
            config.extend(what);
        }
        Some(json!({"action": {"name": "label", "typed_config": config}}))
    };
    let map: Map<String, Value> =
        known.into_iter().filter_map(|(value, label)| Some((value, becomes(label)?))).collect();
    let mut rules = object([(
        "matcher_tree",
        json!({
            "input": {
                "name": "value",
                "typed_config": {"@type": of_type("envoy.extensions.matching.common_inputs.stats.v3.StatTagValueInput")},
            },
            "exact_match_map": {"map": map},
        }),
    )]);
    if let (Some(rules), Some(otherwise)) = (rules.as_object_mut(), becomes(otherwise)) {
        rules.insert("on_no_match".to_owned(), otherwise);
    }
    rules
}
