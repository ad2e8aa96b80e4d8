//! One gateway's folder: listener, filters, routes and clusters, each as it must be for the rules to decide.

mod filters;
mod routes;
mod upstream;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::filters::filters;
use self::routes::read_routes;
use self::upstream::{keys_from_issuers, processors};
use super::discovery::same_by_discovery;
use super::fields::{at, fields, is_type, list, must, one, text};
use super::matcher::Matcher;
use super::protocol::Known;
use super::{Folder, operations, unexpected};
use crate::lift::LiftError;
use crate::lift::access::probe::{Http, Probe};
use crate::model::Model;
use crate::model::name::ServerName;
use crate::model::topology::Topology;
use crate::policy::Policy;

pub(super) use self::filters::is_denial;
pub(super) use self::routes::Route;
pub(super) use self::upstream::{Upstream, expected};

type Read<T> = Result<T, LiftError>;

/// A gateway that has been read.
pub(super) struct Gateway<'a> {
    /// Whether it speaks TLS.
    pub(super) encrypted: bool,
    /// Whether it takes no peer without a certificate.
    pub(super) certificates: bool,
    /// The one peer that it takes.
    only_peer: Option<String>,
    binding: Option<Matcher>,
    pub(super) routes: BTreeMap<&'a ServerName, Route>,
}

impl<'a> Gateway<'a> {
    pub(super) fn read(
        folder: &Folder,
        texts: &BTreeMap<&str, &str>,
        model: &'a Model,
        policy: &Policy,
        unit: Option<&str>,
        upstreams: &'a BTreeMap<ServerName, Upstream>,
    ) -> Read<Self> {
        let file = |name: &str| folder.get(name).ok_or_else(|| LiftError::File(name.to_owned()));
        let known = [
            "bootstrap.yaml",
            "envoy.static.yaml",
            "xds/cds.yaml",
            "xds/lds.yaml",
            "xds/rds.yaml",
            "xds/secrets/authorities.yaml",
            "xds/secrets/certificate.yaml",
        ];
        if let Some(other) = folder.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(unexpected(format!("the file `{other}` is not understood")));
        }
        let whole = file("envoy.static.yaml")?;
        fields(whole, &["node", "admin", "static_resources", "stats_config"])?;
        let resources = at(whole, "static_resources")?;
        fields(resources, &["listeners", "clusters"])?;
        let listener = one(resources, "listeners")?;
        let clusters = list(resources.get("clusters"))?;
        let manager = manager(listener)?;
        let routes = at(manager, "route_config")?;
        same_by_discovery(folder, texts, whole, listener, clusters, routes)?;

        let tls = one(listener, "filter_chains")?.get("transport_socket");
        let identity = model.identity.as_ref();
        let domain = identity.and_then(|identity| identity.trust_domain.as_ref());
        let only_peer = match (unit, domain) {
            (None, _) => None,
            (Some(_), Some(domain)) => Some(Topology::gateway_identity(&domain.value, "central")),
            (Some(_), None) => return Err(unexpected("a unit's gateway without a trust domain".to_owned())),
        };
        let certificates = match tls {
            None if unit.is_some() => return Err(unexpected("a unit's gateway without TLS".to_owned())),
            None => false,
            Some(tls) => within_tls(tls, only_peer.as_deref())?,
        };
        let (protocol, binding) = filters(manager, (model, policy), unit, tls.is_some(), upstreams)?;
        Known { model, unit, encrypted: tls.is_some() }.check(&protocol)?;
        let clusters: BTreeMap<&str, &Value> =
            clusters.iter().map(|cluster| Ok((text(cluster.get("name"))?, cluster))).collect::<Read<_>>()?;
        keys_from_issuers(model, &clusters)?;
        processors(model, upstreams, &clusters)?;
        operations::sanitized(manager, model, unit)?;
        operations::connections(manager, model)?;
        operations::added(routes, model, unit)?;
        let routes = read_routes(routes, upstreams, &clusters, (model, policy), unit.is_some())?;
        Ok(Self { encrypted: tls.is_some(), certificates, only_peer, binding, routes })
    }

    /// Whether a request that is sent to this server's path comes through.
    pub(super) fn allows(&self, server: &ServerName, probe: &mut Probe<'_>) -> Read<bool> {
        let Some(route) = self.routes.get(server) else { return Ok(false) };
        if let Some(peer) = &self.only_peer
            && !probe.peer_is(peer)
        {
            return Ok(false);
        }
        if let Some(binding) = &self.binding
            && !binding.allows(probe)
        {
            return Ok(false);
        }
        let rules = if probe.http() == Http::Post { &route.messages } else { &route.stream };
        Ok(rules.allows(probe))
    }
}

/// The connection manager of a listener.
pub(super) fn manager(listener: &Value) -> Read<&Value> {
    fields(listener, &["@type", "name", "address", "per_connection_buffer_limit_bytes", "filter_chains"])?;
    let chain = one(listener, "filter_chains")?;
    fields(chain, &["filters", "transport_socket"])?;
    let filter = one(chain, "filters")?;
    let manager = at(filter, "typed_config")?;
    is_type(manager, "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager")?;
    let known = [
        "@type",
        "stat_prefix",
        "codec_type",
        "server_name",
        "normalize_path",
        "merge_slashes",
        "path_with_escaped_slashes_action",
        "strip_any_host_port",
        "use_remote_address",
        "stream_idle_timeout",
        "request_headers_timeout",
        "common_http_protocol_options",
        "forward_client_cert_details",
        "http_filters",
        "local_reply_config",
        "access_log",
        "access_log_options",
        "generate_request_id",
        "preserve_external_request_id",
        "early_header_mutation_extensions",
        "tracing",
        "route_config",
        "rds",
    ];
    fields(manager, &known)?;
    for (key, expected) in [
        ("normalize_path", json!(true)),
        ("merge_slashes", json!(true)),
        ("path_with_escaped_slashes_action", json!("REJECT_REQUEST")),
        ("forward_client_cert_details", json!("SANITIZE")),
    ] {
        must(manager, key, &expected)?;
    }
    Ok(manager)
}

/// Whether every peer must show a certificate. `only` is the one name that it must have.
fn within_tls(socket: &Value, only: Option<&str>) -> Read<bool> {
    let config = at(socket, "typed_config")?;
    is_type(config, "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext")?;
    fields(config, &["@type", "require_client_certificate", "common_tls_context"])?;
    let required = at(config, "require_client_certificate")?.as_bool() == Some(true);
    let context = at(config, "common_tls_context")?;
    fields(context, &["tls_params", "tls_certificates", "alpn_protocols", "validation_context"])?;
    let validation = at(context, "validation_context")?;
    fields(validation, &["trusted_ca", "match_typed_subject_alt_names"])?;
    text(at(validation, "trusted_ca")?.get("filename"))?;
    match (only, validation.get("match_typed_subject_alt_names")) {
        (None, None) => Ok(required),
        (Some(only), Some(names)) if required && *names == json!([{"san_type": "URI", "matcher": {"exact": only}}]) => {
            Ok(true)
        }
        _ => Err(unexpected("the certificates of peers are not checked as they must be".to_owned())),
    }
}
