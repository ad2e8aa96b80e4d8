//! Controls that a gateway runs for servers: each must be in force in the clusters of exactly the servers that lack what their class
//! demands, and fail calls where its processor is down or silent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Model;
use crate::model::name::ServerName;

/// The controls of a server and their processors, by the names of their filters. `direct` is a gateway that calls the server itself.
pub(super) fn expected<'m>(model: &'m Model, server: &ServerName, direct: bool) -> BTreeMap<String, &'m str> {
    let mut found = BTreeMap::new();
    let (Some(known), Some(entry), true) = (&model.deployment.envoy, model.servers.get(server), direct) else {
        return found;
    };
    for class in model.treated_as(entry) {
        for control in &class.additional_controls {
            let has = entry.controls.iter().any(|own| own.value == control.value);
            let processor = known.controls.get(&control.value).filter(|_| !has);
            found.extend(processor.map(|url| (format!("mcpctl.control.{control}"), url.value.as_str())));
        }
    }
    found
}

/// The filters that the cluster of the server must have.
pub(super) fn filters(hooks: &BTreeMap<String, &str>) -> Option<Value> {
    let kind = |kind: &str| json!(format!("type.googleapis.com/envoy.extensions.filters.http.{kind}"));
    let hook = |(name, url): (&String, &&str)| {
        json!({"name": name, "typed_config": {
            "@type": kind("ext_proc.v3.ExternalProcessor"),
            "grpc_service": {"envoy_grpc": {"cluster_name": name, "authority": authority(url)}, "timeout": "5s"},
            "failure_mode_allow": false,
            "message_timeout": "5s",
            "processing_mode": {
                "request_header_mode": "SEND", "request_body_mode": "BUFFERED", "request_trailer_mode": "SKIP",
                "response_header_mode": "SEND", "response_body_mode": "STREAMED", "response_trailer_mode": "SKIP",
            },
            "mutation_rules": {"disallow_all": true},
        }})
    };
    let last = json!({
        "name": "envoy.filters.http.upstream_codec",
        "typed_config": {"@type": kind("upstream_codec.v3.UpstreamCodec")},
    });
    (!hooks.is_empty()).then(|| Value::Array(hooks.iter().map(hook).chain([last]).collect()))
}

/// The host of a processor as it is asked for: with the port, where the URL has another one than 443.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    rest.strip_suffix(":443").unwrap_or(rest)
}
