//! The group `security.istio.io`: who may call, and how callers show who they are.

use serde::Serialize;

use super::Selector;
use crate::targets::objects::kinds;

kinds!("security.istio.io/v1"; AuthorizationPolicy, PeerAuthentication, RequestAuthentication);

/// `AuthorizationPolicy`. Without an action and rules it allows nothing.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AuthorizationPolicy {
    /// `action`: what happens to a request that a rule matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// `rules`: a request has to match one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// `selector`: without it, all pods of the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
}

/// `action` of an `AuthorizationPolicy`.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Action {
    /// `ALLOW`.
    #[serde(rename = "ALLOW")]
    Allow,
}

/// `rules[]`: all three parts have to match.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    /// `from`: one of these sources.
    pub from: Vec<From>,
    /// `to`: one of these operations.
    pub to: Vec<To>,
    /// `when`: all of these conditions.
    pub when: Vec<When>,
}

/// `rules[].from[]`.
#[derive(Debug, Clone, Serialize)]
pub struct From {
    /// `source`.
    pub source: Source,
}

/// `rules[].from[].source`: who connects.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// `principals`: identities in the certificate of the connection.
    pub principals: Vec<String>,
}

/// `rules[].to[]`.
#[derive(Debug, Clone, Serialize)]
pub struct To {
    /// `operation`.
    pub operation: Operation,
}

/// `rules[].to[].operation`: what is requested.
#[derive(Debug, Clone, Serialize)]
pub struct Operation {
    /// `methods` of HTTP.
    pub methods: Vec<String>,
    /// `paths`.
    pub paths: Vec<String>,
}

/// `rules[].when[]`: a condition on a claim or on a header.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct When {
    /// `key`: which one.
    pub key: String,
    /// `notValues`: it is none of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_values: Option<Vec<String>>,
    /// `values`: it is one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

/// `PeerAuthentication`.
#[derive(Debug, Clone, Serialize)]
pub struct PeerAuthentication {
    /// `mtls`: mutual TLS of the connections to the pods.
    pub mtls: MutualTls,
}

/// `mtls` of a `PeerAuthentication`.
#[derive(Debug, Clone, Serialize)]
pub struct MutualTls {
    /// `mode`.
    pub mode: MutualTlsMode,
}

/// `mtls.mode` of a `PeerAuthentication`.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum MutualTlsMode {
    /// `STRICT`: a connection without a certificate is refused.
    #[serde(rename = "STRICT")]
    Strict,
}

/// `RequestAuthentication`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestAuthentication {
    /// `jwtRules`: the issuers that are believed.
    pub jwt_rules: Vec<JwtRule>,
    /// `selector`: without it, all pods of the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
}

/// `jwtRules[]`: one issuer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JwtRule {
    /// `audiences`: a token has one of them.
    pub audiences: Vec<String>,
    /// `forwardOriginalToken`: whether the server sees the token.
    pub forward_original_token: bool,
    /// `fromHeaders`: where the token is.
    pub from_headers: Vec<FromHeader>,
    /// `issuer`.
    pub issuer: String,
    /// `jwks`: the keys themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// `jwksUri`: where the keys are fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// `outputClaimToHeaders`: claims that are copied into headers.
    pub output_claim_to_headers: Vec<ClaimToHeader>,
}

/// `jwtRules[].fromHeaders[]`.
#[derive(Debug, Clone, Serialize)]
pub struct FromHeader {
    /// `name` of the header.
    pub name: String,
    /// `prefix` in front of the token.
    pub prefix: String,
}

/// `jwtRules[].outputClaimToHeaders[]`.
#[derive(Debug, Clone, Serialize)]
pub struct ClaimToHeader {
    /// `claim`.
    pub claim: String,
    /// `header`.
    pub header: String,
}
