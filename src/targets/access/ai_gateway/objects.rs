//! The objects for Kubernetes.

use core::net::IpAddr;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::TARGET;
use super::rules::Rules;
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::server::Server;
use crate::model::url::{Url, canonical};
use crate::source::Loc;
use crate::targets::gateways::CENTRAL;
use crate::targets::names::dns_label;
use crate::targets::objects::{NAMESPACE, folder, objects};
use crate::targets::{CompileError, Files};

/// The `Gateway` where the settings name none.
const GATEWAY: &str = "mcp";

/// Most scopes that a route announces.
const MOST_SCOPES: usize = 32;

/// Most characters of a host name.
const MOST_OF_HOST: usize = 253;

/// Most characters of a path.
const MOST_OF_PATH: usize = 1024;

pub(super) fn files(model: &Model, made: &[(&Server, Rules)]) -> Result<Files, CompileError> {
    let settings = model.deployment.of(TARGET.id);
    let or = |set: Option<&crate::source::Spanned<String>>, default: &str| {
        set.map_or_else(|| default.to_owned(), |set| set.value.clone())
    };
    let namespace = or(model.deployment.namespace(TARGET.id), NAMESPACE);
    let gateway = or(model.deployment.ai_gateway.as_ref().and_then(|keys| keys.gateway.as_ref()), GATEWAY);
    let mut from: Vec<Loc> = model.identity.iter().map(|identity| identity.loc).collect();
    from.extend(settings.map(|settings| settings.loc));
    from.extend(made.iter().map(|(server, _)| server.name.loc));
    let mut routes = Vec::new();
    let mut backends = Vec::new();
    for (server, rules) in made {
        routes.push(route(model, server, rules, &namespace, &gateway));
        backends.push(backend(server, &namespace).map_err(CompileError::Refused)?);
    }
    let files = vec![
        objects(model, "backends.yaml", backends, from.clone())?,
        objects(model, "routes.yaml", routes, from.clone())?,
    ];
    // Units with gateways of their own are beyond the product, so there is one cluster.
    folder(CENTRAL, files, from)
}

fn route(model: &Model, server: &Server, rules: &Rules, namespace: &str, gateway: &str) -> Value {
    let label = dns_label(server.name.value.as_str());
    let path = format!("/{}/mcp", server.name.value);
    let central = model.topology.central_gateway.as_ref().map(|url| canonical(&url.value)).unwrap_or_default();
    let issuer = model.identity.iter().flat_map(|identity| &identity.issuers).next();
    let audiences = issuer.map(|issuer| issuer.audiences_at(server, &model.topology)).unwrap_or_default();
    let keys = issuer.and_then(|issuer| issuer.keys.as_ref()).map(|keys| match &keys.value {
        Jwks::Url(url) => json!({ "remoteJWKS": { "uri": url } }),
        Jwks::File(path) => json!({ "localJWKS": { "type": "Inline", "inline": model.key_sets.get(path) } }),
    });
    let scopes: BTreeSet<&String> = rules.scopes.iter().take(MOST_SCOPES).collect();
    let mut metadata = json!({ "resource": format!("{central}{path}") });
    if let Some(metadata) = metadata.as_object_mut().filter(|_| !scopes.is_empty()) {
        metadata.insert("scopesSupported".to_owned(), json!(scopes));
    }
    let callers: Vec<Value> = rules.callers.iter().map(|cel| json!({ "action": "Allow", "cel": cel })).collect();
    json!({
        "apiVersion": "aigateway.envoyproxy.io/v1beta1",
        "kind": "MCPRoute",
        "metadata": { "name": label, "namespace": namespace },
        "spec": {
            "parentRefs": [{ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway }],
            "path": path,
            "backendRefs": [{
                "group": "gateway.envoyproxy.io",
                "kind": "Backend",
                "name": label,
                "path": address(server).map_or("/mcp", |address| address.path),
            }],
            "backendSelector": { "defaultAction": "Deny", "rules": callers },
            "securityPolicy": {
                "oauth": {
                    "issuer": issuer.map_or("", |issuer| issuer.issuer.value.as_str()),
                    "audiences": audiences,
                    "jwks": keys,
                    "protectedResourceMetadata": metadata,
                },
                "authorization": { "defaultAction": "Deny", "rules": rules.rules },
            },
        },
    })
}

/// Where a server is.
struct Address<'a> {
    host: &'a str,
    port: u16,
    path: &'a str,
    tls: bool,
}

fn address(server: &Server) -> Option<Address<'_>> {
    let text = server.url.as_ref()?.value.as_str();
    let url = Url::parse(text)?;
    let tls = url.scheme == "https";
    let (_, rest) = text.split_once("://")?;
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    Some(Address { host: url.host, port: url.port.unwrap_or(if tls { 443 } else { 80 }), path, tls })
}

/// The `Backend` of a server; why not, where it cannot be one.
pub(super) fn backend(server: &Server, namespace: &str) -> Result<Value, String> {
    let Some(address) = address(server) else { return Err("it has no URL".to_owned()) };
    if address.path.contains(['?', '#']) || address.path.chars().count() > MOST_OF_PATH {
        return Err(format!("its URL has a query, or a path of more than {MOST_OF_PATH} characters"));
    }
    let is_word = |word: &str| {
        !word.is_empty()
            && !word.starts_with('-')
            && !word.ends_with('-')
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let (endpoint, sni) = match address.host.parse::<IpAddr>() {
        Ok(ip) => (json!({ "ip": { "address": ip.to_string(), "port": address.port } }), None),
        Err(_) if address.host.split('.').all(is_word) && address.host.len() <= MOST_OF_HOST => {
            (json!({ "fqdn": { "hostname": address.host, "port": address.port } }), Some(address.host))
        }
        Err(_) => return Err(format!("`{}` is not a host name in lower case", address.host)),
    };
    let mut spec = json!({ "endpoints": [endpoint] });
    if let Some(spec) = spec.as_object_mut().filter(|_| address.tls) {
        let mut tls = json!({ "wellKnownCACertificates": "System" });
        if let (Some(tls), Some(sni)) = (tls.as_object_mut(), sni) {
            tls.insert("sni".to_owned(), json!(sni));
        }
        spec.insert("tls".to_owned(), tls);
    }
    Ok(json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "Backend",
        "metadata": { "name": dns_label(server.name.value.as_str()), "namespace": namespace },
        "spec": spec,
    }))
}
