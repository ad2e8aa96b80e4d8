//! One gateway's folder: listener, filters, routes and clusters, each as it must be for the rules to decide.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::before::{messages, shapes, tokens};
use super::discovery::same_by_discovery;
use super::fields::{METADATA, at, fields, is_type, list, must, one, short, text};
use super::matcher::Matcher;
use super::protocol::Known;
use super::{Folder, mirrored, operations, strange, within};
use crate::lift::LiftError;
use crate::lift::access::world::{Http, World};
use crate::lift::traffic::Limits;
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::name::ServerName;
use crate::model::topology::Topology;
use crate::model::url::Url;
use crate::policy::Policy;

type Read<T> = Result<T, LiftError>;

/// The filters, in the order that decides: that of certificates only where callers show some.
const FILTERS: [&str; 7] = [
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.mcp",
    "mcpctl.message",
    "mcpctl.protocol",
    "mcpctl.certificate",
    "envoy.filters.http.rbac",
    "envoy.filters.http.router",
];
/// Headers that a server must never get from a gateway.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "origin"];

/// Where calls to a server must be sent by a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    host: String,
    port: u16,
    tls: bool,
    path: String,
    /// The next gateway, by its identity; `None` for the server itself.
    gateway: Option<String>,
}

/// The routes of one server.
pub(super) struct Route {
    messages: Matcher,
    stream: Matcher,
    /// Every text that the rules compare claims with.
    pub(super) texts: BTreeSet<String>,
}

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

/// For each gateway, where the calls to each of its servers must be sent. As the model says: straight to servers, but through
/// the gateway of a unit that has one.
pub(super) fn expected(model: &Model, policy: &Policy) -> BTreeMap<String, BTreeMap<ServerName, Upstream>> {
    let mut gateways: BTreeMap<String, BTreeMap<ServerName, Upstream>> = BTreeMap::new();
    gateways.insert("central".to_owned(), BTreeMap::new());
    // A gateway that leads nowhere has its files, too: those of an earlier bundle would go on deciding.
    let own = model
        .topology
        .units
        .values()
        .filter(|unit| unit.gateway.as_ref().is_some_and(|url| upstream(&url.value).is_some()));
    gateways.extend(own.map(|unit| (unit.name.value.to_string(), BTreeMap::new())));
    let mut used: BTreeSet<&ServerName> = BTreeSet::new();
    for (_, object, cell) in policy.all_cells() {
        if !policy.is_never(cell.condition) {
            used.insert(&policy.object_at(object).server);
        }
    }
    let domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
    for name in used {
        let Some(server) = model.servers.get(name) else { continue };
        let Some(direct) = server.url.as_ref().and_then(|url| upstream(&url.value)) else { continue };
        let unit = server.unit.as_ref().and_then(|unit| model.topology.units.get(&unit.value));
        let through = unit.and_then(|unit| Some((unit.name.value.as_str(), upstream(&unit.gateway.as_ref()?.value)?)));
        let of_central = match through {
            None => direct,
            Some((unit, hop)) => {
                gateways.entry(unit.to_owned()).or_default().insert(name.clone(), direct);
                let identity = domain.map(|domain| Topology::gateway_identity(&domain.value, unit));
                let path = format!("{}/{name}/mcp", hop.path.trim_end_matches('/'));
                Upstream { path, gateway: Some(identity.unwrap_or_default()), ..hop }
            }
        };
        gateways.entry("central".to_owned()).or_default().insert(name.clone(), of_central);
    }
    gateways
}

fn upstream(url: &str) -> Option<Upstream> {
    let parsed = Url::parse(url)?;
    let tls = !parsed.is_plaintext();
    let rest = url.split_once("://")?.1;
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    let path = path.split(['?', '#']).next().unwrap_or("/").to_owned();
    let port = parsed.port.unwrap_or(if tls { 443 } else { 80 });
    Some(Upstream { host: parsed.host.to_owned(), port, tls, path, gateway: None })
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
            return Err(strange(format!("the file `{other}` is not understood")));
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
            (Some(_), None) => return Err(strange("a unit's gateway without a trust domain".to_owned())),
        };
        let certificates = match tls {
            None if unit.is_some() => return Err(strange("a unit's gateway without TLS".to_owned())),
            None => false,
            Some(tls) => within_tls(tls, only_peer.as_deref())?,
        };
        let (protocol, binding) = filters(manager, (model, policy), unit, tls.is_some(), upstreams)?;
        Known { model, unit, encrypted: tls.is_some() }.check(&protocol)?;
        let clusters: BTreeMap<&str, &Value> =
            clusters.iter().map(|cluster| Ok((text(cluster.get("name"))?, cluster))).collect::<Read<_>>()?;
        keys_from_issuers(model, &clusters)?;
        operations::sanitized(manager, model, unit)?;
        operations::added(routes, model, unit)?;
        let routes = read_routes(routes, upstreams, &clusters, model)?;
        Ok(Self { encrypted: tls.is_some(), certificates, only_peer, binding, routes })
    }

    /// Whether a request that is sent to this server's path comes through.
    pub(super) fn allows(&self, server: &ServerName, world: &mut World<'_>) -> Read<bool> {
        let Some(route) = self.routes.get(server) else { return Ok(false) };
        if let Some(peer) = &self.only_peer
            && !world.peer_is(peer)
        {
            return Ok(false);
        }
        if let Some(binding) = &self.binding
            && !binding.allows(world)
        {
            return Ok(false);
        }
        let rules = if world.http() == Http::Post { &route.messages } else { &route.stream };
        Ok(rules.allows(world))
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
        _ => Err(strange("the certificates of peers are not checked as they must be".to_owned())),
    }
}

/// The filters before the rules; answers what they deny of the protocol, and what binds certificates to tokens.
fn filters(
    manager: &Value,
    (model, policy): (&Model, &Policy),
    unit: Option<&str>,
    encrypted: bool,
    upstreams: &BTreeMap<ServerName, Upstream>,
) -> Read<(Matcher, Option<Matcher>)> {
    let bound = encrypted && unit.is_none();
    let filters = list(manager.get("http_filters"))?;
    let names: Vec<&str> = filters.iter().map(|filter| text(filter.get("name"))).collect::<Read<_>>()?;
    let expected: Vec<&str> = FILTERS.into_iter().filter(|name| bound || *name != "mcpctl.certificate").collect();
    if names != expected {
        return Err(strange(format!("the filters are {names:?} and must be {expected:?}")));
    }
    let (mut protocol, mut binding) = (None, None);
    for filter in filters {
        fields(filter, &["name", "typed_config"])?;
        let (name, config) = (text(filter.get("name"))?, at(filter, "typed_config")?);
        match name {
            "envoy.filters.http.jwt_authn" => tokens(config, model, unit, upstreams.keys())?,
            "envoy.filters.http.mcp" => messages(config, policy)?,
            "mcpctl.message" => shapes(config)?,
            "mcpctl.protocol" => protocol = Some(rbac(config)?),
            "mcpctl.certificate" => binding = Some(rbac(config)?),
            "envoy.filters.http.rbac" => {
                if !is_denial(&rbac(config)?) {
                    return Err(strange("what has no route of its own is not denied".to_owned()));
                }
            }
            _ => {
                is_type(config, "envoy.extensions.filters.http.router.v3.Router")?;
                fields(config, &["@type"])?;
            }
        }
    }
    let protocol = protocol.ok_or_else(|| strange("nothing is denied of the protocol".to_owned()))?;
    Ok((protocol, binding))
}

fn rbac(config: &Value) -> Read<Matcher> {
    is_type(config, "envoy.extensions.filters.http.rbac.v3.RBAC")?;
    fields(config, &["@type", "rules_stat_prefix", "track_per_rule_stats", "matcher"])?;
    Matcher::read(at(config, "matcher")?)
}

pub(super) fn is_denial(matcher: &Matcher) -> bool {
    Matcher::read(&json!({"on_no_match": {"action": {"name": "", "typed_config": {
        "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": "", "action": "DENY"}}}}))
    .is_ok_and(|denial| *matcher == denial)
}

/// Keys that are fetched must come from where `identity` says, over a verified connection.
fn keys_from_issuers(model: &Model, clusters: &BTreeMap<&str, &Value>) -> Read<()> {
    for (index, issuer) in model.identity.iter().flat_map(|identity| &identity.issuers).enumerate() {
        let Some(Jwks::Url(url)) = issuer.keys.as_ref().map(|keys| &keys.value) else { continue };
        let name = format!("issuer_{index}");
        let cluster = clusters.get(name.as_str()).ok_or_else(|| strange(format!("there is no cluster `{name}`")))?;
        let expected = upstream(url).ok_or_else(|| strange(format!("`{url}` is not a URL")))?;
        leads_to(cluster, &expected).map_err(|error| within(&format!("cluster `{name}`"), error))?;
    }
    Ok(())
}

/// A cluster must lead to one endpoint alone, and know it by its certificate.
fn leads_to(cluster: &Value, expected: &Upstream) -> Read<()> {
    let known = [
        "name",
        "type",
        "connect_timeout",
        "lb_policy",
        "load_assignment",
        "circuit_breakers",
        "outlier_detection",
        "common_lb_config",
        "health_checks",
        "typed_extension_protocol_options",
        "transport_socket",
    ];
    fields(cluster, &known)?;
    let address = expected.host.parse::<core::net::IpAddr>().is_ok();
    must(cluster, "type", &json!(if address { "STATIC" } else { "STRICT_DNS" }))?;
    let endpoint = json!({"endpoint": {"address": {
        "socket_address": {"address": expected.host, "port_value": expected.port},
    }}});
    let assignment = at(cluster, "load_assignment")?;
    fields(assignment, &["cluster_name", "endpoints"])?;
    must(assignment, "endpoints", &json!([{"lb_endpoints": [endpoint]}]))?;
    match (expected.tls, cluster.get("transport_socket")) {
        (false, None) => Ok(()),
        (true, Some(socket)) => {
            let config = at(socket, "typed_config")?;
            is_type(config, "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")?;
            fields(config, &["@type", "sni", "common_tls_context"])?;
            let context = at(config, "common_tls_context")?;
            fields(context, &["tls_params", "tls_certificates", "validation_context"])?;
            let validation = at(context, "validation_context")?;
            fields(validation, &["trusted_ca", "match_typed_subject_alt_names"])?;
            text(at(validation, "trusted_ca")?.get("filename"))?;
            let (kind, name) = match &expected.gateway {
                Some(identity) => ("URI", identity.as_str()),
                None if address => ("IP_ADDRESS", expected.host.as_str()),
                None => ("DNS", expected.host.as_str()),
            };
            if expected.gateway.is_some() {
                one(context, "tls_certificates")?;
            }
            must(validation, "match_typed_subject_alt_names", &json!([{"san_type": kind, "matcher": {"exact": name}}]))
        }
        (true, None) => Err(strange("a connection that must be encrypted is not".to_owned())),
        (false, Some(_)) => Err(strange("a connection is encrypted that should not be".to_owned())),
    }
}

/// The routes: answers that no server sees, then for each server its messages and its streams, and nothing else.
fn read_routes<'a>(
    config: &Value,
    upstreams: &'a BTreeMap<ServerName, Upstream>,
    clusters: &BTreeMap<&str, &Value>,
    model: &Model,
) -> Read<BTreeMap<&'a ServerName, Route>> {
    fields(config, &["name", "request_headers_to_remove", "request_headers_to_add", "virtual_hosts"])?;
    let host = one(config, "virtual_hosts")?;
    fields(host, &["name", "domains", "routes"])?;
    must(host, "domains", &json!(["*"]))?;
    let routes = list(host.get("routes"))?;
    let query = json!({"prefix": "/", "query_parameters": [{"name": "access_token", "present_match": true}]});
    if routes.first().and_then(|route| route.get("match")) != Some(&query) {
        return Err(strange("a token in the query is not refused first".to_owned()));
    }
    must(config, "request_headers_to_remove", &json!(["x-http-method-override", "x-forwarded-client-cert"]))?;
    let read = |route: &Value| {
        if route.get("direct_response").is_some() {
            return answer(route, upstreams).map(|()| None);
        }
        let name = text(route.get("name"))?;
        forwarding(route, upstreams, clusters, model)
            .map(Some)
            .map_err(|error| within(&format!("route `{name}`"), error))
    };
    let mut found: BTreeMap<(&ServerName, bool), Matcher> = BTreeMap::new();
    let mut answers = 0;
    for (route, read) in routes.iter().zip(routes.par_iter().map(read).collect::<Vec<_>>()) {
        let Some((server, stream, matcher)) = read? else {
            answers += 1;
            continue;
        };
        if found.insert((server, stream), matcher).is_some() {
            return Err(strange(format!("there are two routes like {}", short(at(route, "name")?))));
        }
    }
    if answers != upstreams.len() + 1 {
        return Err(strange("there are other answers than one for each server".to_owned()));
    }
    let mut read = BTreeMap::new();
    for server in upstreams.keys() {
        let mut take = |stream| {
            let kind = if stream { "streams" } else { "messages" };
            found.remove(&(server, stream)).ok_or_else(|| strange(format!("no route for the {kind} of `{server}`")))
        };
        let (messages, stream) = (take(false)?, take(true)?);
        let mut texts = BTreeSet::new();
        messages.claim_texts(&mut texts);
        stream.claim_texts(&mut texts);
        read.insert(server, Route { messages, stream, texts });
    }
    Ok(read)
}

/// A route that the gateway answers by itself: the refusal of a token in the query, and what is public of each server, which
/// alone may pass the filters by.
fn answer(route: &Value, upstreams: &BTreeMap<ServerName, Upstream>) -> Read<()> {
    let known = ["name", "match", "direct_response", "response_headers_to_add", "typed_per_filter_config"];
    fields(route, &known)?;
    let matched = at(route, "match")?;
    if route.get("typed_per_filter_config").is_none() && matched.get("query_parameters").is_some() {
        return Ok(());
    }
    let path = text(fields(matched, &["path"])?.get("path"))?;
    let server = path.strip_prefix(METADATA).and_then(|rest| rest.strip_prefix('/')?.strip_suffix("/mcp"));
    if !server.is_some_and(|server| upstreams.contains_key(server)) {
        return Err(strange(format!("`{path}` is answered, and is not metadata of a server")));
    }
    let off =
        json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}, "disabled": true});
    let off = json!({
        "envoy.filters.http.mcp": off,
        "mcpctl.message": off,
        "mcpctl.protocol": off,
        "mcpctl.certificate": off,
        "envoy.filters.http.rbac": off,
    });
    must(route, "typed_per_filter_config", &off)
}

/// A route that forwards: the server, whether it is for streams, and its rules.
fn forwarding<'a>(
    route: &Value,
    upstreams: &'a BTreeMap<ServerName, Upstream>,
    clusters: &BTreeMap<&str, &Value>,
    model: &Model,
) -> Read<(&'a ServerName, bool, Matcher)> {
    let known = ["name", "match", "metadata", "route", "request_headers_to_remove", "typed_per_filter_config"];
    fields(route, &known)?;
    let matched = at(route, "match")?;
    fields(matched, &["path", "headers"])?;
    let path = text(matched.get("path"))?;
    let server = path.strip_prefix('/').and_then(|path| path.strip_suffix("/mcp")).unwrap_or_default();
    let Some((server, upstream)) = upstreams.get_key_value(server) else {
        return Err(strange(format!("`{path}` is the path of no server")));
    };
    let by_method = |methods: &str| json!([{"name": ":method", "string_match": {"safe_regex": {"regex": methods}}}]);
    let headers = at(matched, "headers")?;
    let stream = if *headers == by_method("GET|DELETE") {
        true
    } else if *headers == by_method("POST") {
        false
    } else {
        return Err(strange("it is for other HTTP methods than it may be".to_owned()));
    };
    let metadata =
        fields(at(route, "metadata")?, &["filter_metadata"]).and(at(at(route, "metadata")?, "filter_metadata"))?;
    mirrored::check(metadata, model.servers.get(server), stream)?;
    let metadata = at(metadata, "mcpctl")?;
    must(fields(metadata, &["server", "scope"]).map(|_| metadata)?, "server", &json!(server.as_str()))?;
    let scope = text(metadata.get("scope"))?;
    let scopes = scope.strip_prefix(", scope=\"").and_then(|rest| rest.strip_suffix('"'));
    if !scope.is_empty() && scopes.is_none_or(|scopes| scopes.contains(['"', '\\', '%', '\r', '\n'])) {
        return Err(strange("its challenge says more than the scopes that a call needs".to_owned()));
    }
    let action = at(route, "route")?;
    let known =
        ["cluster", "host_rewrite_literal", "prefix_rewrite", "hash_policy", "timeout", "idle_timeout", "retry_policy"];
    fields(action, &known)?;
    must(action, "prefix_rewrite", &json!(upstream.path))?;
    let cluster = text(action.get("cluster"))?;
    let found = clusters.get(cluster).ok_or_else(|| strange(format!("there is no cluster `{cluster}`")))?;
    let direct = upstream.gateway.is_none();
    let unit = model.servers.get(server).and_then(|server| server.unit.as_ref()).filter(|_| direct);
    let limits = Limits::of(model, unit.map(|unit| &unit.value), server);
    leads_to(found, upstream)
        .and_then(|()| operations::cluster(found, &limits, direct))
        .map_err(|error| within(&format!("cluster `{cluster}`"), error))?;
    operations::action(action, &limits, direct, stream)?;
    match (&upstream.gateway, route.get("request_headers_to_remove")) {
        (None, Some(removed)) if *removed == json!(CREDENTIALS) => {}
        (Some(_), None) => {}
        (None, _) => return Err(strange("the server would get the caller's credentials".to_owned())),
        (Some(_), Some(_)) => return Err(strange("the next gateway would not get what it decides by".to_owned())),
    }
    let own =
        fields(at(route, "typed_per_filter_config")?, &["envoy.filters.http.rbac", "envoy.filters.http.jwt_authn"])?;
    let named = model.has_tokens_per_server().then(|| {
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig",
            "requirement_name": server.as_str(),
        })
    });
    if own.get("envoy.filters.http.jwt_authn") != named.as_ref() {
        return Err(strange("it takes other tokens than those of its server".to_owned()));
    }
    let own = own.get("envoy.filters.http.rbac").ok_or_else(|| strange("it has no rules".to_owned()))?;
    is_type(own, "envoy.extensions.filters.http.rbac.v3.RBACPerRoute")?;
    let rules = fields(own, &["@type", "rbac"])?.get("rbac").unwrap_or(&Value::Null);
    fields(rules, &["rules_stat_prefix", "track_per_rule_stats", "matcher"])?;
    let matcher = Matcher::read(at(rules, "matcher")?)?;
    if matcher.looks_at_headers() {
        return Err(strange("its rules differ by revision or origin".to_owned()));
    }
    Ok((server, stream, matcher))
}
