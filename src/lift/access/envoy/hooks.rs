//! Controls that a gateway runs for servers: each must be in force on the routes to exactly the servers that lack what their class
//! demands, deny where it does not answer, and see no token.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::{is_type, must};
use super::unexpected;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::name::ServerName;

type Read<T> = Result<T, LiftError>;

/// The controls of a server and their processors, by the names of their filters. `direct` is a gateway that calls the server itself.
pub(super) fn expected<'m>(model: &'m Model, server: &ServerName, direct: bool) -> BTreeMap<String, &'m str> {
    let mut found = BTreeMap::new();
    let (Some(known), Some(entry), true) = (&model.deployment.envoy, model.servers.get(server), direct) else {
        return found;
    };
    for (class, member, _) in model.class_members() {
        for control in class.additional_controls.iter().filter(|_| member.name.value == *server) {
            let has = entry.controls.iter().any(|own| own.value == control.value);
            let processor = known.controls.get(&control.value).filter(|_| !has);
            found.extend(processor.map(|url| (format!("mcpctl.control.{control}"), url.value.as_str())));
        }
    }
    found
}

/// The filter of a control.
pub(super) fn filter(name: &str, filter: &Value, config: &Value) -> Read<()> {
    must(filter, "disabled", &json!(true))?;
    is_type(config, "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor")?;
    let hidden = ["authorization", "cookie", "proxy-authorization", "origin"].map(|header| json!({"exact": header}));
    let expected = json!({
        "@type": config.get("@type"),
        "grpc_service": {"envoy_grpc": {"cluster_name": name}, "timeout": "5s"},
        "failure_mode_allow": false,
        "message_timeout": "5s",
        "processing_mode": {
            "request_header_mode": "SEND", "request_body_mode": "BUFFERED", "request_trailer_mode": "SKIP",
            "response_header_mode": "SEND", "response_body_mode": "STREAMED", "response_trailer_mode": "SKIP",
        },
        "mutation_rules": {"disallow_all": true},
        "forward_rules": {"disallowed_headers": {"patterns": hidden}},
        "metadata_options": {"forwarding_namespaces": {"untyped": ["envoy.filters.http.mcp"]}},
    });
    if *config == expected { Ok(()) } else { Err(unexpected(format!("`{name}` runs its control in another way"))) }
}

/// What a route says of its filters: on for these, and nothing of others.
pub(super) fn on_route(own: &Value, expected: &BTreeMap<String, &str>) -> Read<()> {
    let on = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute",
        "overrides": {},
    });
    let written = own.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("mcpctl.control."));
    let written: BTreeMap<&str, &Value> = written.map(|(name, value)| (name.as_str(), value)).collect();
    if written.keys().copied().eq(expected.keys().map(String::as_str)) && written.values().all(|value| **value == on) {
        return Ok(());
    }
    Err(unexpected("it runs other controls than the class of its server demands".to_owned()))
}
