//! The rules of one gateway as policies for Kubernetes.

use serde_json::{Value, json};

use super::rules::{Rule, nobody};
use super::{Made, TARGET};
use crate::bundle::Artifact;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::Jwks;
use crate::source::Loc;
use crate::targets::names::dns_label;
use crate::targets::objects::{NAMESPACE, objects};
use crate::targets::{CompileError, TARGET_LIMIT};

/// Most issuers, and audiences of one issuer, that a policy holds.
const MOST: usize = 64;

/// Most characters of an issuer.
const MOST_OF_ISSUER: usize = 256;

/// Most characters of a key set.
const MOST_OF_KEYS: usize = 65_536;

/// The file.
pub(super) fn file(model: &Model, made: &Made<'_>, from: Vec<Loc>) -> Result<(String, Artifact), CompileError> {
    let providers = providers(model)?;
    let gateway = dns_label(made.gateway.name);
    let namespace = model.deployment.namespace(TARGET.id);
    let namespace = namespace.map_or(NAMESPACE, |namespace| namespace.value.as_str());
    let policy = |name: String, spec: Value| {
        json!({
            "apiVersion": "agentgateway.dev/v1alpha1",
            "kind": "AgentgatewayPolicy",
            "metadata": { "name": name, "namespace": namespace },
            "spec": spec,
        })
    };
    let mut traffic = json!({
        "phase": "PreRouting",
        "jwtAuthentication": { "mode": "Strict", "providers": providers },
    });
    if let Some(traffic) = traffic.as_object_mut().filter(|_| !made.peers.is_empty()) {
        let rule = json!({ "action": "Require", "policy": { "matchExpressions": made.peers } });
        traffic.insert("authorization".to_owned(), rule);
    }
    let at = json!([{ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway }]);
    let allow = |rule: &Rule| json!({ "action": "Allow", "policy": { "matchExpressions": rule } });
    let mut documents = vec![
        policy(format!("{gateway}.callers"), json!({ "targetRefs": at, "traffic": traffic })),
        // Rules of a gateway and of its routes add up, and without any that allows everything is let through.
        policy(
            format!("{gateway}.default-deny"),
            json!({ "targetRefs": at, "traffic": { "authorization": allow(&nobody()) } }),
        ),
    ];
    for (label, rules) in made.routes.iter().chain(&made.closed) {
        let route = json!([{ "group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": label }]);
        if let Some(audience) = &rules.audience {
            let rule = json!({ "action": "Require", "policy": { "matchExpressions": [audience] } });
            let spec = json!({ "targetRefs": route, "traffic": { "authorization": rule } });
            documents.push(policy(format!("{gateway}.{label}.audience"), spec));
        }
        for (rule, number) in rules.http.iter().zip(1..) {
            let spec = json!({ "targetRefs": route, "traffic": { "authorization": allow(rule) } });
            documents.push(policy(format!("{gateway}.{label}.http-{number}"), spec));
        }
        let backend = json!([{ "group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": label }]);
        for (rule, number) in rules.mcp.iter().zip(1..) {
            let spec = json!({ "targetRefs": backend, "backend": { "mcp": { "authorization": allow(rule) } } });
            documents.push(policy(format!("{gateway}.{label}.mcp-{number}"), spec));
        }
    }
    objects(model, &format!("{}/kubernetes.yaml", made.gateway.name), documents, from)
}

/// The issuers that are believed.
fn providers(model: &Model) -> Result<Vec<Value>, CompileError> {
    let issuers = model.identity.as_ref().map(|identity| identity.issuers.as_slice()).unwrap_or_default();
    let mut faults = Vec::new();
    let mut limit = |loc: Loc, message: String| faults.push(Diagnostic::new(&TARGET_LIMIT, loc, message));
    let mut providers = Vec::new();
    for issuer in issuers {
        let Some(keys) = &issuer.keys else { continue };
        if issuer.issuer.value.chars().count() > MOST_OF_ISSUER {
            limit(
                issuer.issuer.loc,
                format!("agentgateway's policies hold issuers of at most {MOST_OF_ISSUER} characters"),
            );
        }
        if let Some(more) = issuer.audiences.get(MOST) {
            limit(more.loc, format!("agentgateway's policies hold at most {MOST} audiences of an issuer"));
        }
        let jwks = match &keys.value {
            Jwks::Url(url) => {
                if url.contains(['?', '#']) {
                    limit(keys.loc, format!("agentgateway's policies take no query in the URL `{url}` of a key set"));
                }
                json!({ "remote": { "url": url } })
            }
            Jwks::File(file) => {
                let text = model.key_sets.get(file).map_or("", String::as_str);
                if text.is_empty() {
                    limit(keys.loc, format!("the key set `{file}` was not read"));
                } else if text.chars().count() > MOST_OF_KEYS {
                    limit(
                        keys.loc,
                        format!("agentgateway's policies hold key sets of at most {MOST_OF_KEYS} characters"),
                    );
                }
                json!({ "inline": text })
            }
        };
        let audiences: Vec<&str> = issuer.audiences.iter().map(|audience| audience.value.as_str()).collect();
        providers.push(match issuer.per_server {
            Some(_) => json!({ "issuer": issuer.issuer.value, "jwks": jwks }),
            None => json!({ "issuer": issuer.issuer.value, "audiences": audiences, "jwks": jwks }),
        });
    }
    if let Some(more) = issuers.get(MOST) {
        limit(more.issuer.loc, format!("agentgateway's policies hold at most {MOST} issuers"));
    }
    if !faults.is_empty() {
        return Err(CompileError::Findings(faults));
    }
    Ok(providers)
}
