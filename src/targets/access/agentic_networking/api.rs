//! `XAccessPolicy`, as far as it is written: the fields of its definition by their own names, in the order of the alphabet.

use serde::Serialize;

use crate::targets::objects::Spec;

/// `spec` of an `XAccessPolicy`. Without rules it would let everything through.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPolicy {
    /// `action`.
    pub action: Action,
    /// `rules`: a request has to match one of them.
    pub rules: Vec<Rule>,
    /// `targetRefs`: what it is for.
    pub target_refs: Vec<TargetRef>,
}

impl Spec for AccessPolicy {
    const API_VERSION: &'static str = "agentic.networking.x-k8s.io/v1alpha1";
    const KIND: &'static str = "XAccessPolicy";
}

/// `action`.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Action {
    /// `Allow`.
    Allow,
}

/// `targetRefs[]`.
#[derive(Debug, Serialize)]
pub struct TargetRef {
    group: &'static str,
    kind: &'static str,
    name: String,
}

impl TargetRef {
    /// The `XBackend` of this name.
    pub fn backend(name: &str) -> Self {
        Self { group: "agentic.networking.x-k8s.io", kind: "XBackend", name: name.to_owned() }
    }
}

/// `rules[]`.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// `authorization`: what the caller may do.
    pub authorization: Authorization,
    /// `name`: unique in the policy.
    pub name: String,
    /// `source`: who calls.
    pub source: Source,
}

impl Rule {
    /// The expression that it asks.
    pub fn expression(&self) -> Option<&str> {
        match &self.authorization {
            Authorization::Cel { cel } => Some(&cel.expression),
            Authorization::Inline { .. } => None,
        }
    }
}

/// `rules[].authorization`.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub enum Authorization {
    /// `CEL`: calls of tools of which an expression is true.
    #[serde(rename = "CEL")]
    Cel {
        /// `cel`.
        cel: Cel,
    },
    /// `Inline`: methods, and what they name.
    Inline {
        /// `mcp`.
        mcp: Mcp,
    },
}

/// `rules[].authorization.cel`.
#[derive(Debug, Serialize)]
pub struct Cel {
    /// `expression`.
    pub expression: String,
}

/// `rules[].authorization.mcp`: one of these methods. Without any of them it would let all through.
#[derive(Debug, Serialize)]
pub struct Mcp {
    /// `mcpBaseProtocolMethodsOption`: whether the methods of the protocol are among them.
    #[serde(rename = "mcpBaseProtocolMethodsOption")]
    pub base: Base,
    /// `methods`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Method>,
}

/// `mcpBaseProtocolMethodsOption`.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Base {
    /// They are among them.
    #[serde(rename = "MATCH_BASE_PROTOCOL_METHODS")]
    Matched,
    /// They are not.
    #[serde(rename = "SKIP_BASE_PROTOCOL_METHODS")]
    Skipped,
}

/// `rules[].authorization.mcp.methods[]`: each method once.
#[derive(Debug, Serialize)]
pub struct Method {
    /// `name`.
    pub name: &'static str,
    /// `params`: one of these is `params.name`. Without any, everything is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<String>,
}

/// `rules[].source`: the identity in the certificate of the connection.
#[derive(Debug, Serialize)]
pub struct Source {
    /// `spiffe`.
    spiffe: String,
    /// `type`.
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Source {
    /// This SPIFFE ID.
    pub fn spiffe(id: &str) -> Self {
        Self { spiffe: id.to_owned(), kind: "SPIFFE" }
    }
}
