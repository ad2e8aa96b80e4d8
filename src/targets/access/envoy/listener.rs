//! The listener of a gateway: TLS, then the filters in the order that decides: token, message, certificate, rules.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::evidence::Evidences;
use super::matchers::{BINDING, RBAC, action, first_of, rbac};
use super::predicate::{CLAIMS, JWT, MCP, of_type, peer_input};
use super::routes::METADATA;

use super::tls::{downstream_tls, public_tls};
use super::upstream::Upstream;
use super::{Setting, ends, protocol, version};
use crate::model::Model;
use crate::model::access::{Issuer, Jwks};
use crate::targets::gateways::{CENTRAL, Gateway};
use crate::targets::object;

/// Largest message, in bytes. A larger one is refused, so that no rule ever sees a part of one.
pub(super) const MOST_BYTES: u32 = 1 << 20;
/// What a listener is made from.
pub(super) struct Listener<'a> {
    pub(super) model: &'a Model,
    pub(super) evidence: &'a Evidences<'a>,
    pub(super) setting: &'a Setting<'a>,
    pub(super) gateway: &'a Gateway<'a>,
    /// Public URL of the gateway.
    pub(super) url: &'a str,
}

/// The name of an issuer's provider, and of the cluster of its keys.
pub(super) fn provider(index: usize) -> String {
    format!("issuer_{index}")
}

/// One requirement of several.
fn one_of_these(requirements: Vec<Value>) -> Value {
    match <[Value; 1]>::try_from(requirements) {
        Ok([one]) => one,
        Err(several) => json!({"requires_any": {"requirements": several}}),
    }
}

impl Listener<'_> {
    /// The listener with these routes: `route_config` or `rds`.
    pub(super) fn listener(&self, routes: (&str, Value)) -> Value {
        let mut manager = Map::new();
        manager.insert(
            "@type".to_owned(),
            json!(of_type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager")),
        );
        let fields = [
            ("stat_prefix", json!("mcp")),
            ("codec_type", json!("AUTO")),
            ("server_name", json!("mcpctl")),
            // Two spellings of a path are one path, and an escaped slash is none.
            ("normalize_path", json!(true)),
            ("merge_slashes", json!(true)),
            ("path_with_escaped_slashes_action", json!("REJECT_REQUEST")),
            ("strip_any_host_port", json!(true)),
            ("use_remote_address", json!(true)),
            ("stream_idle_timeout", json!("3600s")),
            ("request_headers_timeout", json!("10s")),
            ("common_http_protocol_options", ends::of_connections(self.model)),
            // Nobody may say which certificate somebody else has shown.
            ("forward_client_cert_details", json!("SANITIZE")),
            ("http_filters", self.filters()),
            ("local_reply_config", self.replies()),
        ];
        manager.extend(fields.map(|(key, value)| (key.to_owned(), value)));
        manager.extend(super::telemetry::of_manager((self.model, self.evidence.policy), self.setting, self.gateway));
        manager.insert(routes.0.to_owned(), routes.1);
        let filter = object([
            ("name", json!("envoy.filters.network.http_connection_manager")),
            ("typed_config", Value::Object(manager)),
        ]);
        let mut chain = object([("filters", Value::Array(vec![filter]))]);
        if let (Some(tls), Some(fields)) = (&self.setting.gateway.tls, chain.as_object_mut()) {
            let only = self.setting.only_peer();
            let context = downstream_tls(tls, self.setting.certificates, only.as_deref());
            fields.insert("transport_socket".to_owned(), context);
        }
        let listen = self.setting.listen();
        object([
            ("name", json!("mcp")),
            ("address", json!({"socket_address": {"address": listen.host, "port_value": listen.port}})),
            ("per_connection_buffer_limit_bytes", json!(MOST_BYTES * 2)),
            ("filter_chains", Value::Array(vec![chain])),
        ])
    }

    fn filters(&self) -> Value {
        let central = self.model.topology.central_gateway.as_ref().map(|url| url.value.as_str());
        let origins = protocol::origins(central.into_iter().chain([self.url]), self.model.deployment.envoy.as_ref());
        let of_protocol = protocol::filter(&self.model.deployment, &origins);
        let mut filters = vec![self.tokens(), self.messages(), protocol::message(), of_protocol];
        if self.setting.binds_certificates() {
            filters.push(rbac(BINDING, self.binding()));
        }
        filters.push(rbac(RBAC, json!({"on_no_match": action("gateway/deny:unknown_path", false)})));
        filters.extend(self.gateway.unit.map(|_| version::filter()));
        filters.push(json!({
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": of_type("envoy.extensions.filters.http.router.v3.Router")},
        }));
        Value::Array(filters)
    }

    /// Tokens: of a known issuer, for one of its audiences, signed, and not expired. Where a token is for one server, each route
    /// names the requirement of its server; at other paths, where everything is denied, the audience is the gateway.
    fn tokens(&self) -> Value {
        let issuers: Vec<&Issuer> = self.model.identity.iter().flat_map(|identity| &identity.issuers).collect();
        let mut providers = Map::new();
        for (index, issuer) in issuers.iter().enumerate() {
            let mut entry = json!({
                "issuer": issuer.issuer.value,
                "audiences": match issuer.per_server {
                    Some(_) => vec![self.url],
                    None => issuer.audiences.iter().map(|audience| audience.value.as_str()).collect(),
                },
                "payload_in_metadata": CLAIMS,
                // Routes decide who gets the token: the next gateway does, a server never.
                "forward": true,
                "require_expiration": true,
                "clock_skew_seconds": 30,
                "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
            });
            let Some(fields) = entry.as_object_mut() else { continue };
            match issuer.keys.as_ref().map(|keys| &keys.value) {
                Some(Jwks::Url(url)) => {
                    let uri = json!({"uri": url, "cluster": provider(index), "timeout": "5s"});
                    let fetch =
                        json!({"http_uri": uri, "cache_duration": "300s", "async_fetch": {"fast_listener": false}});
                    fields.insert("remote_jwks".to_owned(), fetch);
                }
                Some(Jwks::File(file)) => {
                    fields.insert("local_jwks".to_owned(), json!({"inline_string": self.model.key_sets.get(file)}));
                }
                None => {}
            }
            providers.insert(provider(index), entry);
        }
        let any = (0..issuers.len()).map(|index| json!({"provider_name": provider(index)})).collect();
        let rules = json!([
            {"match": {"prefix": format!("{METADATA}/")}},
            {"match": {"prefix": "/"}, "requires": one_of_these(any)},
        ]);
        let mut config = object([
            ("@type", json!(of_type("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"))),
            ("providers", Value::Object(providers)),
            ("rules", rules),
        ]);
        if let (true, Some(fields)) = (self.model.has_tokens_per_server(), config.as_object_mut()) {
            fields.insert("requirement_map".to_owned(), Value::Object(self.requirements(&issuers)));
        }
        json!({"name": JWT, "typed_config": config})
    }

    /// What is asked of tokens at each server, by its name.
    fn requirements(&self, issuers: &[&Issuer]) -> Map<String, Value> {
        let servers = self.gateway.routes.iter().map(|route| route.server);
        let of_server = servers.map(|server| {
            let of_issuer = |(index, issuer): (usize, &&Issuer)| match issuer.per_server {
                None => json!({"provider_name": provider(index)}),
                Some(_) => json!({"provider_and_audiences": {
                    "provider_name": provider(index),
                    "audiences": issuer.audiences_at(server, &self.model.topology),
                }}),
            };
            (server.name.value.to_string(), one_of_these(issuers.iter().enumerate().map(of_issuer).collect()))
        });
        of_server.collect()
    }

    /// Messages: refused unless they are read whole, once, and as the headers say.
    fn messages(&self) -> Value {
        let arguments = self.evidence.arguments();
        let paths = std::iter::once("params.name".to_owned())
            .chain(arguments.iter().map(|argument| format!("params.arguments.{argument}")))
            .map(|path| json!({"path": path}));
        let reference = ["type", "name", "uri"].map(|key| json!({"path": format!("params.ref.{key}")}));
        json!({
            "name": MCP,
            "typed_config": {
                "@type": of_type("envoy.extensions.filters.http.mcp.v3.Mcp"),
                "traffic_mode": "REJECT_NO_MCP",
                "reject_duplicate_keys": true,
                "attribute_source": "VERIFY",
                "max_request_body_size": MOST_BYTES,
                "parser_config": {
                    "methods": [
                        {"method": "tools/call", "group": "tool", "extraction_rules": paths.collect::<Vec<_>>()},
                        {"method": "completion/complete", "extraction_rules": reference},
                    ],
                },
            },
        })
    }

    /// A certificate that names a declared principal goes with a token of the same one only; one that names a gateway goes with
    /// none, because gateways hold the tokens of others.
    fn binding(&self) -> Value {
        let denied = || action("gateway/deny:certificate_of_another", false);
        let mut entries: BTreeMap<String, Value> = self
            .evidence
            .subjects()
            .iter()
            .filter_map(|subject| {
                let same = self.evidence.caller_in_any(subject)?;
                let matcher = first_of(vec![(same, action("gateway/certificate", true))], denied());
                Some(((*subject).to_owned(), json!({"matcher": matcher})))
            })
            .collect();
        let units = self.model.topology.units.values().filter(|unit| unit.gateway.is_some());
        let gateways = units.map(|unit| unit.name.value.as_str()).chain([CENTRAL]);
        entries.extend(gateways.filter_map(|name| Some((self.setting.identity_of(name)?, denied()))));
        let otherwise = action("gateway/certificate", true);
        if entries.is_empty() {
            return json!({"on_no_match": otherwise});
        }
        json!({
            "matcher_tree": {"input": peer_input(), "exact_match_map": {"map": entries}},
            "on_no_match": otherwise,
        })
    }
}

/// The clusters of the issuers' keys.
pub(super) fn key_clusters(model: &Model) -> Vec<Value> {
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers).enumerate();
    issuers
        .filter_map(|(index, issuer)| {
            let Some(Jwks::Url(url)) = issuer.keys.as_ref().map(|keys| &keys.value) else { return None };
            let upstream = Upstream::at(url);
            let mut cluster = upstream.cluster(&provider(index));
            if upstream.tls {
                cluster.insert("transport_socket".to_owned(), public_tls(&upstream));
            }
            Some(Value::Object(cluster))
        })
        .collect()
}
