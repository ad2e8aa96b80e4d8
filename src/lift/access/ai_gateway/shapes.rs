//! The shapes of the objects. A key that is not here is an error: what it would do is not known.

use serde::Deserialize;

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
