//! The standalone configuration of one gateway.

use serde_json::{Map, Value, json};

use super::rules::{Rule, Rules};
use super::{Made, TARGET};
use crate::bundle::Artifact;
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::deployment::Tls;
use crate::model::topology::Topology;
use crate::source::Loc;
use crate::targets::gateways::{Hop, Route};
use crate::targets::{CompileError, yaml};

/// The name of the listener that every route is attached to.
const LISTENER: &str = "mcp";

/// The port where the settings name none.
const PORT: u16 = 8443;

pub(super) fn file(model: &Model, made: &Made<'_>, from: Vec<Loc>) -> Result<(String, Artifact), CompileError> {
    let settings = model.deployment.gateway(TARGET.id, made.gateway.name);
    let port = settings.and_then(|settings| settings.listen.as_ref()).map_or(PORT, |listen| listen.value.port);
    let mut listener = Map::new();
    listener.insert("port".to_owned(), json!(port));
    if let Some(Tls { cert, key, ca }) = made.tls {
        listener.insert("tls".to_owned(), json!({ "cert": cert.value, "key": key.value, "root": ca.value }));
    }
    listener.insert("jwtAuth".to_owned(), json!({ "mode": "strict", "providers": providers(model) }));
    if !made.peers.is_empty() {
        let rules: Vec<Value> = made.peers.iter().map(|peer| json!({ "require": peer })).collect();
        listener.insert("authorization".to_owned(), json!({ "rules": rules }));
    }
    let routes = made.gateway.routes.iter().zip(&made.routes).map(|(route, (label, rules))| {
        json!({
            "name": label,
            "gateways": [LISTENER],
            "matches": [{ "path": { "exact": path(route) } }],
            "policies": {
                "authorization": { "rules": required(rules).into_iter().chain(allowing(&rules.http)).collect::<Vec<_>>() },
                "mcpAuthorization": { "rules": allowing(&rules.mcp) },
            },
            "backends": [{
                "mcp": {
                    "statefulMode": "stateless",
                    "prefixMode": "conditional",
                    "failureMode": "failClosed",
                    "targets": [target(model, made, route, label)],
                },
            }],
        })
    });
    let document = json!({ "gateways": { LISTENER: listener }, "routes": routes.collect::<Vec<_>>() });
    yaml(&format!("{}/config.yaml", made.gateway.name), &[document], from)
}

/// The path of a server at a gateway.
fn path(route: &Route<'_>) -> String {
    format!("/{}/mcp", route.server.name.value)
}

fn required(rules: &Rules) -> Option<Value> {
    rules.audience.as_ref().map(|audience| json!({ "require": audience }))
}

fn allowing(rules: &[Rule]) -> Vec<Value> {
    rules.iter().map(|rule| json!({ "allow": rule.join(" && ") })).collect()
}

/// The issuers that are believed, each for its own keys and audiences. Where a token is for one server, the route looks at its
/// audience.
fn providers(model: &Model) -> Vec<Value> {
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let provider = |issuer: &crate::model::access::Issuer| {
        let audiences: Vec<&str> = issuer.audiences.iter().map(|audience| audience.value.as_str()).collect();
        let keys = match issuer.keys.as_ref().map(|keys| &keys.value) {
            Some(Jwks::Url(url)) => json!({ "url": url }),
            Some(Jwks::File(path)) => json!({ "file": path }),
            None => Value::Null,
        };
        match issuer.per_server {
            Some(_) => json!({ "issuer": issuer.issuer.value, "jwks": keys }),
            None => json!({ "issuer": issuer.issuer.value, "audiences": audiences, "jwks": keys }),
        }
    };
    issuers.map(provider).collect()
}

/// Where a route leads, and what goes with the request: to a server no token, to a gateway the caller's.
fn target(model: &Model, made: &Made<'_>, route: &Route<'_>, label: &str) -> Value {
    let trust_domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
    let mut policies = Map::new();
    let url = match route.to {
        Hop::Server(url) => url.to_owned(),
        Hop::Gateway(_, url) => format!("{}{}", url.trim_end_matches('/'), path(route)),
    };
    if let Some(Tls { cert, key, ca }) = made.tls.filter(|_| url.starts_with("https://")) {
        let mut tls = json!({ "cert": cert.value, "key": key.value, "root": ca.value });
        if let (Hop::Gateway(unit, _), Some(domain), Some(tls)) = (route.to, trust_domain, tls.as_object_mut()) {
            let name = Topology::gateway_identity(&domain.value, unit.as_str());
            tls.insert("subjectAltNames".to_owned(), json!([name]));
        }
        policies.insert("backendTLS".to_owned(), tls);
    }
    if matches!(route.to, Hop::Gateway(..)) {
        policies.insert("backendAuth".to_owned(), json!({ "passthrough": {} }));
    }
    let mut target = json!({ "name": label, "mcp": { "host": url } });
    if let Some(target) = target.as_object_mut().filter(|_| !policies.is_empty()) {
        target.insert("policies".to_owned(), Value::Object(policies));
    }
    target
}
