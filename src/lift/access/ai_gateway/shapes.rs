//! The shapes of the objects. A key that is not here is an error: what it would do is not known.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::metadata::Metadata;

/// The objects of a file.
pub(super) fn objects<T: DeserializeOwned>(path: &str, artifact: &Artifact) -> Result<Vec<T>, LiftError> {
    let text = std::str::from_utf8(&artifact.bytes).map_err(|_| LiftError::File(path.to_owned()))?;
    // A file without documents is one without objects, and not one that holds nothing.
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let unexpected = |cause: String| LiftError::Unexpected(format!("`{path}` cannot be read: {cause}"));
    let read = serde_yaml::Deserializer::from_str(text).map(|document| {
        let value = serde_json::Value::deserialize(document).map_err(|cause| unexpected(cause.to_string()))?;
        serde_json::from_value(value).map_err(|cause| unexpected(cause.to_string()))
    });
    read.collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Object<T> {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) metadata: Metadata,
    pub(super) spec: T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RouteSpec {
    pub(super) parent_refs: Vec<Reference>,
    pub(super) path: String,
    pub(super) backend_refs: Vec<Reference>,
    pub(super) backend_selector: RuleSet<CallerRule>,
    pub(super) security_policy: SecurityPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RuleSet<T> {
    pub(super) default_action: String,
    pub(super) rules: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallerRule {
    pub(super) action: String,
    pub(super) cel: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecurityPolicy {
    pub(super) oauth: OAuth,
    pub(super) authorization: RuleSet<ToolRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct OAuth {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) jwks: Keys,
    pub(super) protected_resource_metadata: ResourceMetadata,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    #[serde(rename = "remoteJWKS")]
    pub(super) remote: Option<Remote>,
    #[serde(rename = "localJWKS")]
    pub(super) local: Option<Local>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Local {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) inline: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remote {
    pub(super) uri: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ResourceMetadata {
    pub(super) resource: String,
    #[serde(default)]
    pub(super) scopes_supported: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolRule {
    pub(super) action: String,
    pub(super) source: Option<Source>,
    pub(super) target: Tools,
    pub(super) cel: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) jwt: Jwt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jwt {
    #[serde(default)]
    pub(super) claims: Vec<Claim>,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) value_type: String,
    pub(super) values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tools {
    pub(super) tools: Vec<Tool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    pub(super) backend: String,
    pub(super) tool: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackendSpec {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) tls: Option<BackendTls>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoint {
    pub(super) fqdn: Option<Host>,
    pub(super) ip: Option<Ip>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    pub(super) hostname: String,
    pub(super) port: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ip {
    pub(super) address: String,
    pub(super) port: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct BackendTls {
    #[serde(rename = "wellKnownCACertificates")]
    pub(super) authorities: String,
    pub(super) sni: Option<String>,
}
