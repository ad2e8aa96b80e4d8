//! The routes of a gateway: one for the messages of each server, one for its event streams, and what clients read to find
//! the authorization server.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::clusters::{by_session, server_cluster};
use super::evidence::Evidences;
use super::matchers::{BINDING, RBAC};

use super::predicate::{JWT, MCP, of_type};
use super::protocol::{MESSAGE, PROTOCOL};
use super::rules::{Row, Rules, Suspended};
use super::upstream::Upstream;
use super::{Setting, correlation, mirrored, version};
use crate::model::Model;
use crate::model::quantity::Duration;
use crate::policy::{ObjectKind, Policy, PrincipalIx};
use crate::targets::gateways::{Gateway, Hop};
use crate::targets::object;
use crate::targets::traffic::Traffic;

/// The path below which clients find what protects a resource (RFC 9728).
pub(super) const METADATA: &str = "/.well-known/oauth-protected-resource";

/// The key of a route's metadata with the scopes that every call needs.
pub(super) const SCOPE: &str = "scope";

/// Headers that never leave a gateway towards a server: they speak for the caller, or of a page that the gateway has judged.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "origin"];
/// Headers that callers may not bring along: a server could believe them. The last one is how the gateway tells itself when the
/// token of a request expires.
const FORGERIES: [&str; 3] = ["x-http-method-override", "x-forwarded-client-cert", "grpc-timeout"];

/// The longest pause in the answer to a call where no breaker sets one, in milliseconds.
const LONGEST_PAUSE: u64 = 300_000;
/// How much later the pause ends the whole request, in milliseconds.
const LATER: u64 = 60_000;
/// The longest pause in an event stream of a server, in milliseconds.
const LONGEST_STREAM_PAUSE: u64 = 3_600_000;

/// The cells of a server, by principal.
pub(super) type Rows = BTreeMap<PrincipalIx, Row>;

/// What the routes of a gateway are made from.
pub(super) struct Routes<'a> {
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    pub(super) gateway: &'a Gateway<'a>,
    pub(super) evidence: &'a Evidences<'a>,
    pub(super) rows: &'a BTreeMap<&'a str, Rows>,
    pub(super) setting: &'a Setting<'a>,
    /// Public URL of the gateway, without a slash at its end.
    pub(super) url: String,
    /// The version of the policy.
    pub(super) version: &'a str,
}

impl Routes<'_> {
    /// The whole route configuration.
    pub(super) fn configuration(&self) -> Value {
        let mut routes = vec![self.token_in_query()];
        routes.extend(self.gateway.routes.iter().map(|route| self.metadata(route.server.name.value.as_str())));
        let of_server = |route: &crate::targets::gateways::Route<'_>| {
            let server = route.server;
            let empty = Rows::new();
            let rows = self.rows.get(server.name.value.as_str()).unwrap_or(&empty);
            let suspended = Suspended::of(self.model, self.policy, server);
            let rules = Rules { policy: self.policy, evidence: self.evidence, server, suspended };
            let scope = self.scope_parameter(server.name.value.as_str());
            [false, true].map(|stream| self.route(route, rules.matcher(rows, stream), stream, &scope))
        };
        routes.extend(self.gateway.routes.par_iter().map(of_server).collect::<Vec<_>>().into_iter().flatten());
        let host = object([("name", json!("mcp")), ("domains", json!(["*"])), ("routes", Value::Array(routes))]);
        let mut config = object([
            ("name", json!("mcp")),
            ("request_headers_to_remove", json!(FORGERIES)),
            ("virtual_hosts", Value::Array(vec![host])),
        ]);
        let added = correlation::additions(self.model, self.setting);
        if let (false, Some(config)) = (added.is_empty(), config.as_object_mut()) {
            config.insert("request_headers_to_add".to_owned(), Value::Array(added));
        }
        config
    }

    /// A token in the query would reach the server.
    fn token_in_query(&self) -> Value {
        json!({
            "name": "token_in_query",
            "match": {"prefix": "/", "query_parameters": [{"name": "access_token", "present_match": true}]},
            "direct_response": {"status": 400, "body": {"inline_string": "a token belongs in the header Authorization\n"}},
        })
    }

    fn metadata(&self, server: &str) -> Value {
        let issuers = self.model.identity.iter().flat_map(|identity| &identity.issuers);
        let scopes = self.least_scopes(server);
        let mut body = json!({
            "resource": format!("{}/{server}/mcp", self.url),
            "authorization_servers": issuers.map(|issuer| issuer.issuer.value.as_str()).collect::<Vec<_>>(),
            "bearer_methods_supported": ["header"],
        });
        if let (false, Some(body)) = (scopes.is_empty(), body.as_object_mut()) {
            body.insert("scopes_supported".to_owned(), json!(scopes));
        }
        let off = json!({"@type": of_type("envoy.config.route.v3.FilterConfig"), "config": {}, "disabled": true});
        json!({
            "name": format!("{server}/metadata"),
            "match": {"path": format!("{METADATA}/{server}/mcp")},
            "direct_response": {"status": 200, "body": {"inline_string": body.to_string()}},
            "response_headers_to_add": [{
                "header": {"key": "content-type", "value": "application/json"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }],
            "typed_per_filter_config": {MCP: off, MESSAGE: off, PROTOCOL: off, BINDING: off, RBAC: off},
        })
    }

    /// The scopes that every call needs, as a parameter of the challenge for a token; empty where there are none.
    fn scope_parameter(&self, server: &str) -> String {
        match self.least_scopes(server).join(" ") {
            scopes if scopes.is_empty() => scopes,
            scopes => format!(", scope=\"{scopes}\""),
        }
    }

    /// The scopes that every caller of a server needs for every tool, resource and prompt there. A client asks for all that are
    /// announced, so those of single tools are left to the challenge of a denial. Source: MCP 2025-11-25, "Scope Selection Strategy".
    fn least_scopes(&self, server: &str) -> Vec<&str> {
        let rows = self.rows.get(server).into_iter().flat_map(BTreeMap::values).flatten();
        let used = rows.filter(|(object, _)| self.policy.object_at(*object).kind != ObjectKind::Protocol);
        let sets = used.flat_map(|(_, cell)| self.policy.conditions.get(cell.condition).minimal_sets());
        let Some(common) = sets.copied().reduce(|all, set| all & set) else { return Vec::new() };
        let needed = self.policy.shown().filter(|(bit, _)| common & bit != 0);
        let mut scopes: Vec<&str> = needed.filter_map(|(_, evidence)| evidence.scope()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    fn route(&self, route: &crate::targets::gateways::Route<'_>, matcher: Value, stream: bool, scope: &str) -> Value {
        let server = route.server.name.value.as_str();
        let upstream = Upstream::of(route);
        let kind = if stream { "stream" } else { "messages" };
        let methods = if stream { "GET|DELETE" } else { "POST" };
        let action = self.action(route, &upstream, stream);
        let mut removed = Vec::new();
        if matches!(route.to, Hop::Server(_)) {
            removed.extend(CREDENTIALS);
            // Where other routes tell it, nobody else may.
            removed.extend(version::is_told(self.gateway).then_some(version::HEADER));
        }
        let rules = object([
            ("rules_stat_prefix", json!("mcpctl_")),
            ("track_per_rule_stats", json!(true)),
            ("matcher", matcher),
        ]);
        let own =
            object([("@type", json!(of_type("envoy.extensions.filters.http.rbac.v3.RBACPerRoute"))), ("rbac", rules)]);
        let mut filters = Map::from_iter([(RBAC.to_owned(), own)]);
        if self.model.has_tokens_per_server() {
            let tokens = object([
                ("@type", json!(of_type("envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig"))),
                ("requirement_name", json!(server)),
            ]);
            filters.insert(JWT.to_owned(), tokens);
        }
        let mut own = object([("server", json!(server)), (SCOPE, json!(scope))]);
        if let (Some(_), Some(own)) = (self.gateway.unit, own.as_object_mut()) {
            own.insert(version::KEY.to_owned(), json!(self.version));
        }
        let mut known = Map::from_iter([("mcpctl".to_owned(), own)]);
        known.extend(
            (!stream).then(|| mirrored::table(route.server)).flatten().map(|table| (MESSAGE.to_owned(), table)),
        );
        let mut entry = object([
            ("name", json!(format!("{server}/{kind}"))),
            (
                "match",
                json!({
                    "path": format!("/{server}/mcp"),
                    "headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": methods}}}],
                }),
            ),
            ("metadata", object([("filter_metadata", Value::Object(known))])),
            ("route", Value::Object(action)),
            ("typed_per_filter_config", Value::Object(filters)),
        ]);
        if let (false, Some(entry)) = (removed.is_empty(), entry.as_object_mut()) {
            entry.insert("request_headers_to_remove".to_owned(), json!(removed));
        }
        if let (Hop::Gateway(..), Some(entry)) = (route.to, entry.as_object_mut()) {
            entry.insert("request_headers_to_add".to_owned(), version::added(self.version));
        }
        entry
    }

    /// Where a call is sent, and how long it may take. Nothing is tried again: a call may have been made although its answer
    /// was lost.
    fn action(
        &self,
        route: &crate::targets::gateways::Route<'_>,
        upstream: &Upstream<'_>,
        stream: bool,
    ) -> Map<String, Value> {
        let traffic = Traffic::of_route(self.model, route);
        let mut action = Map::new();
        action.insert("cluster".to_owned(), json!(server_cluster(route.server.name.value.as_str())));
        action.insert("host_rewrite_literal".to_owned(), json!(upstream.authority()));
        action.insert("prefix_rewrite".to_owned(), json!(upstream.path));
        let strategy = traffic.health.and_then(|health| health.strategy.as_ref());
        if matches!(route.to, Hop::Server(_)) && strategy.is_some_and(|strategy| by_session(&strategy.value)) {
            action.insert("hash_policy".to_owned(), json!([{"header": {"header_name": "mcp-session-id"}}]));
        }
        // The program of the filter `mcpctl.message` writes into the header `grpc-timeout` how long the token is still good for.
        let ends = match self.model.max_stream_age() {
            None => json!({"grpc_timeout_header_max": "0s"}),
            Some(age) => {
                let age = super::seconds(age);
                json!({"max_stream_duration": age, "grpc_timeout_header_max": age})
            }
        };
        action.insert("max_stream_duration".to_owned(), ends);
        if stream {
            action.insert("timeout".to_owned(), json!("0s"));
            action.insert("idle_timeout".to_owned(), json!(super::seconds(Duration(LONGEST_STREAM_PAUSE))));
            return action;
        }
        // An answer may be an event stream that goes on for long: the time is for each pause in it, the one before its beginning
        // included. Only a pool limits the whole.
        let pause = traffic.breaker.and_then(|breaker| breaker.timeout.as_ref()).map_or(LONGEST_PAUSE, |d| d.value.0);
        let whole = traffic.pool.and_then(|pool| pool.timeout.as_ref());
        action.insert("timeout".to_owned(), json!(whole.map_or("0s".to_owned(), |limit| super::seconds(limit.value))));
        // The time for a try counts as a failure of the server; the one for the stream, which does not, must not come first.
        action.insert("idle_timeout".to_owned(), json!(super::seconds(Duration(pause.saturating_add(LATER)))));
        let policy = json!({"num_retries": 0, "per_try_idle_timeout": super::seconds(Duration(pause))});
        action.insert("retry_policy".to_owned(), policy);
        action
    }
}
