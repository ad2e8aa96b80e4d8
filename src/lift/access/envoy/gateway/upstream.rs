//! Where calls to a server must be sent, and that a cluster leads there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Read;
use crate::lift::access::envoy::fields::{at, fields, is_type, must, one, text};
use crate::lift::access::envoy::{hooks, unexpected, within};
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::name::ServerName;
use crate::model::topology::Topology;
use crate::model::url::Url;
use crate::policy::Policy;

/// Where calls to a server must be sent by a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lift::access::envoy) struct Upstream {
    pub(super) host: String,
    port: u16,
    pub(super) tls: bool,
    pub(super) path: String,
    /// The next gateway, by its identity; `None` for the server itself.
    pub(super) gateway: Option<String>,
}

/// For each gateway, where the calls to each of its servers must be sent. As the model says: straight to servers, but through
/// the gateway of a unit that has one.
pub(in crate::lift::access::envoy) fn expected(
    model: &Model,
    policy: &Policy,
) -> BTreeMap<String, BTreeMap<ServerName, Upstream>> {
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

/// Keys that are fetched must come from where `identity` says, over a verified connection.
pub(super) fn keys_from_issuers(model: &Model, clusters: &BTreeMap<&str, &Value>) -> Read<()> {
    for (index, issuer) in model.identity.iter().flat_map(|identity| &identity.issuers).enumerate() {
        let Some(Jwks::Url(url)) = issuer.keys.as_ref().map(|keys| &keys.value) else { continue };
        let name = format!("issuer_{index}");
        let cluster = clusters.get(name.as_str()).ok_or_else(|| unexpected(format!("there is no cluster `{name}`")))?;
        let expected = upstream(url).ok_or_else(|| unexpected(format!("`{url}` is not a URL")))?;
        leads_to(cluster, &expected).map_err(|error| within(&format!("cluster `{name}`"), error))?;
    }
    Ok(())
}

/// What runs a control must be where the settings say.
pub(super) fn processors(
    model: &Model,
    upstreams: &BTreeMap<ServerName, Upstream>,
    clusters: &BTreeMap<&str, &Value>,
) -> Read<()> {
    for (server, direct) in upstreams.iter().map(|(server, upstream)| (server, upstream.gateway.is_none())) {
        for (name, url) in hooks::expected(model, server, direct) {
            let cluster =
                clusters.get(name.as_str()).ok_or_else(|| unexpected(format!("there is no cluster `{name}`")))?;
            let expected = upstream(url).ok_or_else(|| unexpected(format!("`{url}` is not a URL")))?;
            leads_to(cluster, &expected).map_err(|error| within(&format!("cluster `{name}`"), error))?;
        }
    }
    Ok(())
}

/// A cluster must lead to one endpoint alone, and know it by its certificate.
pub(super) fn leads_to(cluster: &Value, expected: &Upstream) -> Read<()> {
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
        (true, None) => Err(unexpected("a connection that must be encrypted is not".to_owned())),
        (false, Some(_)) => Err(unexpected("a connection is encrypted that should not be".to_owned())),
    }
}
