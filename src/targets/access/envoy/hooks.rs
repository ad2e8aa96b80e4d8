//! Hooks: processors outside of Envoy that run a control which the class of a server demands and the server does not have. Each is a
//! filter of the server's cluster. What a request is denied for is decided before it has a cluster, and answers of the gateway's own
//! come from none, so no processor sees a denial, and none is changed where a processor is down.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Setting;
use super::predicate::of_type;
use super::tls::upstream_tls;
use super::upstream::Upstream;
use crate::model::Model;
use crate::targets::gateways::{Gateway, Hop, Route};

/// Filters of controls, and clusters of processors, begin so.
const PREFIX: &str = "mcpctl.control.";
/// The filters in the cluster of a server.
pub(super) const FILTERS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters";

/// The filter of a control, and the cluster of its processor.
fn name(control: &str) -> String {
    format!("{PREFIX}{control}")
}

/// Whether a cluster of this name is a processor.
pub(super) fn is_processor(cluster: &str) -> bool {
    cluster.starts_with(PREFIX)
}

/// Whether the cluster of a server shows its calls to this processor.
pub(super) fn leads_to(cluster: &Value, processor: &str) -> bool {
    let filters = cluster.pointer(FILTERS).and_then(Value::as_array);
    filters.into_iter().flatten().any(|filter| filter.get("name").and_then(Value::as_str) == Some(processor))
}

/// The controls that a route runs: those of a server that it leads to itself.
fn of_route<'m>(model: &'m Model, route: &Route<'_>) -> BTreeMap<&'m str, &'m str> {
    let hooks = match route.to {
        Hop::Server(_) => model.servers.get(&route.server.name.value).map(|server| model.hooks(server)),
        Hop::Gateway(..) => None,
    };
    hooks.unwrap_or_default().into_iter().map(|(control, url)| (control, url.value.as_str())).collect()
}

/// The filters that a call to the server of a route passes at last; none where no control is run. The headers that hold credentials are
/// gone by then.
pub(super) fn filters(model: &Model, route: &Route<'_>) -> Option<Value> {
    let filter = |(control, url): (&str, &str)| {
        json!({
            "name": name(control),
            "typed_config": {
                "@type": of_type("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor"),
                "grpc_service": {
                    "envoy_grpc": {"cluster_name": name(control), "authority": Upstream::at(url).authority()},
                    "timeout": "5s",
                },
                // A call fails where the stream to the processor does, and where it says nothing. A stream that the processor ends
                // without an error says that it has nothing more to check, and the rest of the call passes.
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
            },
        })
    };
    let mut filters: Vec<Value> = of_route(model, route).into_iter().map(filter).collect();
    if filters.is_empty() {
        return None;
    }
    filters.push(json!({
        "name": "envoy.filters.http.upstream_codec",
        "typed_config": {"@type": of_type("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec")},
    }));
    Some(Value::Array(filters))
}

/// The clusters of the processors, which speak gRPC.
pub(super) fn clusters(model: &Model, gateway: &Gateway<'_>, setting: &Setting<'_>) -> Vec<Value> {
    let cluster = |(control, url): (&str, &str)| {
        let upstream = Upstream::at(url);
        let mut cluster = upstream.cluster(&name(control));
        let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": of_type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": {"http2_protocol_options": {}},
        }});
        cluster.insert("typed_extension_protocol_options".to_owned(), options);
        cluster.insert("transport_socket".to_owned(), upstream_tls(&upstream, setting, None));
        Value::Object(cluster)
    };
    let all: BTreeMap<&str, &str> = gateway.routes.iter().flat_map(|route| of_route(model, route)).collect();
    all.into_iter().map(cluster).collect()
}
