//! What `may_call` grants: a word, or a map with conditions.

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::families::text::words;
use crate::lower::Lowering;
use crate::model::access::{Grant, Granted, Readable};
use crate::model::name::{FactName, ServerName, ToolName};
use crate::source::{Loc, Spanned};

/// A grant with conditions.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct GrantSection {
    /// `server/tool`, `server/resource:URI`, `server/prompt:NAME`, or `server/*` for everything that the registry lists.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-target")))]
    tools: Spanned<String>,
    /// `read_only` leaves out every tool that is not annotated so.
    only: Option<Spanned<OnlyWord>>,
    /// More facts for calls under this grant.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    requires: Vec<Spanned<FactName>>,
}

words! {
    /// `only`.
    enum OnlyWord { ReadOnly = "read_only", }
}

/// One entry of `may_call`: a word or a map.
#[derive(Debug, Clone)]
pub(super) struct GrantEntry(Grant);

impl<'de> Deserialize<'de> for GrantEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = GrantSection;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`server/tool`, or a map with `tools`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<GrantSection, E> {
                Ok(GrantSection {
                    tools: Spanned::new(text.to_owned(), Loc::default()),
                    only: None,
                    requires: Vec::new(),
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GrantSection, A::Error> {
                GrantSection::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
        struct Inner(GrantSection);
        impl<'de> Deserialize<'de> for Inner {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Either).map(Inner)
            }
        }
        let Spanned { value: Inner(mut section), loc } = Spanned::<Inner>::deserialize(deserializer)?;
        if section.tools.loc == Loc::default() {
            section.tools.loc = loc;
        }
        let Some((server, tool)) = section.tools.value.split_once('/') else {
            return Err(de::Error::custom("a grant names `server/tool`"));
        };
        Ok(Self(Grant {
            server: ServerName::from(server),
            what: match Readable::parse(tool) {
                Some(readable) => Granted::Readable(readable),
                None if tool == "*" => Granted::All,
                None => Granted::Tool(ToolName::from(tool)),
            },
            only_read_only: section.only.is_some(),
            requires: section.requires,
            text: section.tools,
        }))
    }
}

#[cfg(test)]
impl schemars::JsonSchema for GrantEntry {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GrantEntry".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let section = GrantSection::json_schema(generator);
        schemars::json_schema!({
            "if": { "type": "object" },
            "then": section,
            "else": { "type": "string", "format": "mcpctl-target" }
        })
    }
}

/// The grants of entries, each of which mentions its server.
pub(super) fn mention_granted(out: &mut Lowering, entries: Vec<GrantEntry>) -> Vec<Grant> {
    let grants: Vec<Grant> = entries.into_iter().map(|GrantEntry(grant)| grant).collect();
    for grant in &grants {
        out.mention(Spanned::new(grant.server.clone(), grant.text.loc), "granted to an agent");
    }
    grants
}
