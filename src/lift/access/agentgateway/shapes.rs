//! The shapes of the files. A key that is not here is an error: what it would do is not known.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::documents::{self, Object};

/// The documents of a file.
pub(super) fn documents<T: DeserializeOwned>(path: &str, artifact: &Artifact) -> Result<Vec<T>, LiftError> {
    let text = std::str::from_utf8(&artifact.bytes).map_err(|_| LiftError::File(path.to_owned()))?;
    if text.contains('$') {
        return Err(LiftError::Unexpected(format!(
            "`{path}` holds a `$`, which the gateway replaces by its environment"
        )));
    }
    documents::documents(path, artifact)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) gateways: BTreeMap<String, Listener>,
    pub(super) routes: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Listener {
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    pub(super) jwt_auth: JwtAuth,
    pub(super) authorization: Option<RuleSet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) cert: String,
    pub(super) key: String,
    pub(super) root: String,
    #[serde(default, rename = "subjectAltNames")]
    pub(super) names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtAuth {
    pub(super) mode: String,
    pub(super) providers: Vec<Provider>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) audiences: Vec<String>,
    pub(super) jwks: Keys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) url: Option<String>,
    pub(super) file: Option<String>,
    /// In Kubernetes.
    pub(super) remote: Option<Remote>,
    /// In Kubernetes: the keys themselves.
    pub(super) inline: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remote {
    pub(super) url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSet {
    pub(super) rules: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub(super) allow: Option<String>,
    pub(super) require: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) name: String,
    pub(super) gateways: Vec<String>,
    pub(super) matches: Vec<Match>,
    pub(super) policies: Policies,
    pub(super) backends: Vec<Backend>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    pub(super) path: PathMatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathMatch {
    pub(super) exact: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Policies {
    pub(super) authorization: RuleSet,
    pub(super) mcp_authorization: RuleSet,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Backend {
    pub(super) mcp: Mcp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Mcp {
    pub(super) stateful_mode: String,
    pub(super) prefix_mode: String,
    pub(super) failure_mode: String,
    pub(super) targets: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) mcp: Host,
    #[serde(default)]
    pub(super) policies: TargetPolicies,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    pub(super) host: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetPolicies {
    #[serde(rename = "backendTLS")]
    pub(super) tls: Option<Tls>,
    #[serde(rename = "backendAuth")]
    pub(super) auth: Option<Auth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    #[expect(dead_code, reason = "that it is there is all it says")]
    pub(super) passthrough: Nothing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// A policy in Kubernetes.
pub(super) type PolicyObject = Object<Spec>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) target_refs: Vec<Reference>,
    pub(super) traffic: Option<Traffic>,
    pub(super) backend: Option<BackendPolicy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Traffic {
    pub(super) phase: Option<String>,
    pub(super) jwt_authentication: Option<JwtAuth>,
    pub(super) authorization: Option<Authorization>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorization {
    pub(super) action: String,
    pub(super) policy: Expressions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Expressions {
    pub(super) match_expressions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackendPolicy {
    pub(super) mcp: McpPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpPolicy {
    pub(super) authorization: Authorization,
}
