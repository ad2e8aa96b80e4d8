//! TLS on both sides of a gateway.

use serde_json::{Value, json};

use super::Setting;
use super::predicate::of_type;
use super::upstream::Upstream;
use crate::model::deployment::Tls;

/// Authorities of the public web, where Debian's and Envoy's own images keep them.
pub(super) const PUBLIC_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

fn certificate(tls: &Tls) -> Value {
    json!([{"certificate_chain": {"filename": tls.cert.value}, "private_key": {"filename": tls.key.value}}])
}

fn parameters() -> Value {
    json!({"tls_minimum_protocol_version": "TLSv1_2"})
}

/// A peer whose certificate has this name as the URI of its subject alternative name.
fn uri(identity: &str) -> Value {
    json!([{"san_type": "URI", "matcher": {"exact": identity}}])
}

/// The listener's side: its certificate, and which certificates of peers hold. `only` is the one identity that may connect.
pub(super) fn downstream_tls(tls: &Tls, required: bool, only: Option<&str>) -> Value {
    let mut validation = json!({"trusted_ca": {"filename": tls.ca.value}});
    if let (Some(identity), Some(fields)) = (only, validation.as_object_mut()) {
        fields.insert("match_typed_subject_alt_names".to_owned(), uri(identity));
    }
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": of_type("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
            "require_client_certificate": required,
            "common_tls_context": {
                "tls_params": parameters(),
                "tls_certificates": certificate(tls),
                "alpn_protocols": ["h2", "http/1.1"],
                "validation_context": validation,
            },
        },
    })
}

/// The side of a next hop: its certificate must come from a trusted authority and name it, by its identity where it has one
/// and else by its host. The gateway shows its own.
pub(super) fn upstream_tls(upstream: &Upstream<'_>, setting: &Setting<'_>, identity: Option<&str>) -> Value {
    let tls = setting.gateway.tls.as_ref();
    let authorities = tls.map_or(PUBLIC_AUTHORITIES, |tls| tls.ca.value.as_str());
    let names = identity.map_or_else(|| by_host(upstream), uri);
    let mut context = json!({
        "tls_params": parameters(),
        "validation_context": {"trusted_ca": {"filename": authorities}, "match_typed_subject_alt_names": names},
    });
    if let (Some(tls), Some(fields)) = (tls, context.as_object_mut()) {
        fields.insert("tls_certificates".to_owned(), certificate(tls));
    }
    socket(upstream, context)
}

/// The side of a service of the public web: no certificate is shown.
pub(super) fn public_tls(upstream: &Upstream<'_>) -> Value {
    let context = json!({
        "tls_params": parameters(),
        "validation_context": {
            "trusted_ca": {"filename": PUBLIC_AUTHORITIES},
            "match_typed_subject_alt_names": by_host(upstream),
        },
    });
    socket(upstream, context)
}

fn by_host(upstream: &Upstream<'_>) -> Value {
    let kind = if upstream.is_address() { "IP_ADDRESS" } else { "DNS" };
    json!([{"san_type": kind, "matcher": {"exact": upstream.host}}])
}

fn socket(upstream: &Upstream<'_>, context: Value) -> Value {
    let mut config = json!({
        "@type": of_type("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
        "common_tls_context": context,
    });
    if let (false, Some(fields)) = (upstream.is_address(), config.as_object_mut()) {
        fields.insert("sni".to_owned(), json!(upstream.host));
    }
    json!({"name": "envoy.transport_sockets.tls", "typed_config": config})
}
