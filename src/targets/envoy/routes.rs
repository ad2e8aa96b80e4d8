//! The routes of a gateway: one for the messages of each server, one for its event streams, and what clients read to find
//! the authorization server.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::clusters::{post_cluster, stream_cluster};
use super::evidence::Evidences;
use super::listener::{BINDING, RBAC};
use super::predicate::{MCP, of_type};
use super::rules::{Row, Rules};
use super::upstream::Upstream;
use crate::model::Model;
use crate::policy::{Policy, PrincipalIx};
use crate::targets::gateways::{Gateway, Hop};
use crate::targets::object;

/// The path below which clients find what protects a resource (RFC 9728).
pub(super) const METADATA: &str = "/.well-known/oauth-protected-resource";

/// Headers that never leave a gateway towards a server: they speak for the caller.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
/// Headers that callers may not bring along: a server could believe them.
const FORGERIES: [&str; 2] = ["x-http-method-override", "x-forwarded-client-cert"];

/// The cells of a server, by principal.
pub(super) type Rows = BTreeMap<PrincipalIx, Row>;

/// What the routes of a gateway are made from.
pub(super) struct Routes<'a> {
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    pub(super) gateway: &'a Gateway<'a>,
    pub(super) evidence: &'a Evidences<'a>,
    pub(super) rows: &'a BTreeMap<&'a str, Rows>,
    /// Public URL of the gateway, without a slash at its end.
    pub(super) url: String,
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
            let rules = Rules { policy: self.policy, evidence: self.evidence, server };
            [false, true].map(|stream| self.route(route, rules.matcher(rows, stream), stream))
        };
        routes.extend(self.gateway.routes.par_iter().map(of_server).collect::<Vec<_>>().into_iter().flatten());
        let host = object([("name", json!("mcp")), ("domains", json!(["*"])), ("routes", Value::Array(routes))]);
        object([
            ("name", json!("mcp")),
            ("request_headers_to_remove", json!(FORGERIES)),
            ("virtual_hosts", Value::Array(vec![host])),
        ])
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
        let mut scopes: Vec<&str> = Vec::new();
        for fact in self.policy.facts.names() {
            let evidence = self.model.identity.as_ref().and_then(|identity| identity.evidence_for(fact.as_str()));
            if let Some(crate::model::access::Evidence::Claim(claim)) = evidence {
                scopes.extend(claim.scope.as_deref());
            }
        }
        scopes.sort_unstable();
        scopes.dedup();
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
            "typed_per_filter_config": {MCP: off, BINDING: off, RBAC: off},
        })
    }

    fn route(&self, route: &crate::targets::gateways::Route<'_>, matcher: Value, stream: bool) -> Value {
        let server = route.server.name.value.as_str();
        let upstream = Upstream::of(route);
        let kind = if stream { "stream" } else { "messages" };
        let methods = if stream { "GET|DELETE" } else { "POST" };
        let mut action = Map::new();
        let cluster = if stream { stream_cluster(server) } else { post_cluster(server) };
        action.insert("cluster".to_owned(), json!(cluster));
        action.insert("host_rewrite_literal".to_owned(), json!(upstream.authority()));
        action.insert("prefix_rewrite".to_owned(), json!(upstream.path));
        let timeout = if stream {
            None
        } else {
            super::clusters::http_pool(self.model, route).and_then(|pool| pool.timeout.as_ref())
        };
        // Without a limit of its own a call may take as long as it sends something.
        action
            .insert("timeout".to_owned(), json!(timeout.map_or("0s".to_owned(), |limit| super::seconds(limit.value))));
        action.insert("idle_timeout".to_owned(), json!(if stream { "3600s" } else { "300s" }));
        if !stream {
            action.extend(self.retries(route));
        }
        let mut removed = Vec::new();
        if matches!(route.to, Hop::Server(_)) {
            removed.extend(CREDENTIALS);
        }
        let rules = object([
            ("rules_stat_prefix", json!("mcpctl_")),
            ("track_per_rule_stats", json!(true)),
            ("matcher", matcher),
        ]);
        let own =
            object([("@type", json!(of_type("envoy.extensions.filters.http.rbac.v3.RBACPerRoute"))), ("rbac", rules)]);
        let mut entry = object([
            ("name", json!(format!("{server}/{kind}"))),
            (
                "match",
                json!({
                    "path": format!("/{server}/mcp"),
                    "headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": methods}}}],
                }),
            ),
            ("metadata", json!({"filter_metadata": {"mcpctl": {"server": server}}})),
            ("route", Value::Object(action)),
            ("typed_per_filter_config", object([(RBAC, own)])),
        ]);
        if let (false, Some(entry)) = (removed.is_empty(), entry.as_object_mut()) {
            entry.insert("request_headers_to_remove".to_owned(), json!(removed));
        }
        entry
    }

    /// Retries where the server has surely not begun with the call: a connection that failed, a stream that was refused.
    fn retries(&self, route: &crate::targets::gateways::Route<'_>) -> Option<(String, Value)> {
        let scope = super::clusters::scope(route);
        let engine = scope
            .and_then(|unit| self.model.orchestration.get(&Some(unit)))
            .or_else(|| self.model.orchestration.get(&None))?;
        let retries = engine.max_attempts.as_ref()?.value.0.saturating_sub(1);
        let policy = json!({
            "retry_on": "connect-failure,refused-stream",
            "num_retries": retries,
            "retry_back_off": {"base_interval": "0.100s", "max_interval": "2s"},
        });
        (retries > 0).then(|| ("retry_policy".to_owned(), policy))
    }
}
