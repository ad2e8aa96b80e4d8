//! Hooks: processors outside of Envoy that run a control which the class of a server demands and the server does not have. Each is a
//! filter behind the rules that is off but for the routes to such servers, so that no processor sees what is denied.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::predicate::{MCP, of_type};
use super::tls::upstream_tls;
use super::upstream::{CREDENTIALS, Upstream};
use super::{Setting, clusters};
use crate::model::Model;
use crate::targets::gateways::{Gateway, Hop, Route};

/// The filter of a control, and its cluster.
fn name(control: &str) -> String {
    format!("mcpctl.control.{control}")
}

/// The controls that a route runs: those of a server that it leads to itself.
fn of_route<'m>(model: &'m Model, route: &Route<'_>) -> BTreeMap<&'m str, &'m str> {
    let hooks = match route.to {
        Hop::Server(_) => model.servers.get(&route.server.name.value).map(|server| model.hooks(server)),
        Hop::Gateway(..) => None,
    };
    hooks.unwrap_or_default().into_iter().map(|(control, url)| (control, url.value.as_str())).collect()
}

fn of_gateway<'m>(model: &'m Model, gateway: &Gateway<'_>) -> BTreeMap<&'m str, &'m str> {
    gateway.routes.iter().flat_map(|route| of_route(model, route)).collect()
}

/// The filters of a gateway.
pub(super) fn filters(model: &Model, gateway: &Gateway<'_>) -> Vec<Value> {
    let patterns: Vec<Value> = CREDENTIALS.iter().map(|header| json!({"exact": header})).collect();
    let filter = |control: &str| {
        json!({
            "name": name(control),
            "disabled": true,
            "typed_config": {
                "@type": of_type("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor"),
                "grpc_service": {"envoy_grpc": {"cluster_name": name(control)}, "timeout": "5s"},
                // Without an answer the call fails.
                "failure_mode_allow": false,
                "message_timeout": "5s",
                "processing_mode": {
                    "request_header_mode": "SEND",
                    "request_body_mode": "BUFFERED",
                    "request_trailer_mode": "SKIP",
                    "response_header_mode": "SEND",
                    // An answer may be an event stream, so it is looked at in pieces.
                    "response_body_mode": "STREAMED",
                    "response_trailer_mode": "SKIP",
                },
                "mutation_rules": {"disallow_all": true},
                "forward_rules": {"disallowed_headers": {"patterns": patterns}},
                "metadata_options": {"forwarding_namespaces": {"untyped": [MCP]}},
            },
        })
    };
    of_gateway(model, gateway).into_keys().map(filter).collect()
}

/// What turns the filters on for a route.
pub(super) fn on_route(model: &Model, route: &Route<'_>) -> Map<String, Value> {
    let on = json!({"@type": of_type("envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"), "overrides": {}});
    of_route(model, route).into_keys().map(|control| (name(control), on.clone())).collect()
}

/// The clusters of the processors, which speak gRPC.
pub(super) fn clusters(model: &Model, gateway: &Gateway<'_>, setting: &Setting<'_>) -> Vec<Value> {
    let cluster = |(control, url): (&str, &str)| {
        let upstream = Upstream::at(url);
        let mut cluster = clusters::service(&name(control), &upstream);
        let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": of_type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": {"http2_protocol_options": {}},
        }});
        cluster.insert("typed_extension_protocol_options".to_owned(), options);
        if upstream.tls {
            cluster.insert("transport_socket".to_owned(), upstream_tls(&upstream, setting, None));
        }
        Value::Object(cluster)
    };
    of_gateway(model, gateway).into_iter().map(cluster).collect()
}
