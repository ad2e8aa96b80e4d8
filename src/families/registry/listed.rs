//! What an entry of a server lists: tools, resources and prompts.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::mirrored::Marks;
use crate::families::decode::OneOrMany;
use crate::model::access::written::WrittenPath;
use crate::model::name::{FactName, ToolName};
use crate::model::server::ClassFrom;
use crate::model::value::ResourceUri;
use crate::source::Spanned;

/// A tool.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ToolSection {
    /// Its name, as in `tools/call`.
    pub(super) name: Spanned<ToolName>,
    /// Its authentication level; never below the one that follows from its server's class.
    pub(super) auth_level: Option<Spanned<u32>>,
    /// More facts for calls to it.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    pub(super) requires: Vec<Spanned<FactName>>,
    /// How a call of it says of which class its data is, as for a whole server.
    pub(super) class_from: Option<ClassFromEntry>,
    /// Its MCP annotations.
    pub(super) annotations: Option<Annotations>,
    /// Its own JSON Schema. Where it marks an argument with `x-mcp-header: NAME`, gateways that read messages compare the header
    /// `Mcp-Param-NAME` of a call with that argument (MCP 2026-07-28).
    #[cfg_attr(test, schemars(with = "Option<std::collections::BTreeMap<String, AnyJson>>"))]
    pub(super) input_schema: Option<Spanned<Marks>>,
    /// The JSON Schema of its structured results. What steps of flows take from a result is compared with it.
    #[cfg_attr(test, schemars(with = "Option<std::collections::BTreeMap<String, AnyJson>>"))]
    pub(super) output_schema: Option<Spanned<IgnoredAny>>,
    /// Switches the tool off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub(super) suspended: Option<Spanned<String>>,
}

/// How a call says of which class its data is. One of `argument` and `claim`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("oneOf" = [{"required": ["argument"]}, {"required": ["claim"]}])))]
#[serde(deny_unknown_fields)]
pub(super) struct ClassFromEntry {
    /// An argument of the call: its name, or the path to it. Its value is a text, the name of a class.
    argument: Option<OneOrMany<Spanned<String>>>,
    /// A claim of the caller's token: its name, or the path to it. Its value is a text, the name of a class; a list is none. It
    /// counts for resources and prompts as well.
    claim: Option<OneOrMany<Spanned<String>>>,
}

impl ClassFromEntry {
    /// As the model has it; `None` where neither is written, which the schema refuses.
    pub(super) fn read(self) -> Option<ClassFrom> {
        let path = |OneOrMany(parts, is_list)| WrittenPath { parts, is_list };
        match (self.argument, self.claim) {
            (Some(argument), _) => Some(ClassFrom::Argument(path(argument))),
            (None, claim) => claim.map(|claim| ClassFrom::Claim(path(claim))),
        }
    }
}

/// MCP annotations of a tool. Hints of the tool's author, which only make policy stricter.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Annotations {
    /// It changes nothing.
    pub(super) read_only: Option<Spanned<bool>>,
    /// It may destroy something.
    pub(super) destructive: Option<Spanned<bool>>,
    /// Calling it again changes nothing more.
    pub(super) idempotent: Option<Spanned<bool>>,
}

/// A readable resource.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceSection {
    /// Its URI, in which `*` matches any text.
    pub(super) uri: Spanned<ResourceUri>,
    /// Its authentication level; by default its server's.
    pub(super) auth_level: Option<Spanned<u32>>,
    /// More facts for reading it.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    pub(super) requires: Vec<Spanned<FactName>>,
}

/// A prompt.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct PromptSection {
    /// Its name.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-prompt-name")))]
    pub(super) name: Spanned<String>,
    /// Its authentication level; by default its server's.
    pub(super) auth_level: Option<Spanned<u32>>,
    /// More facts for fetching it.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    pub(super) requires: Vec<Spanned<FactName>>,
}

/// Any JSON value, in a schema.
#[cfg(test)]
struct AnyJson;

#[cfg(test)]
impl schemars::JsonSchema for AnyJson {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyJson".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!(true)
    }
}
