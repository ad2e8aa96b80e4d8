//! `methods` of a server's entry: which of the protocol's own methods its callers may not use.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::diagnostic::{Diagnostic, Report};
use crate::lower::rules;
use crate::model::protocol::{self, Row};
use crate::source::{Loc, Spanned};

/// Which of the protocol's own methods callers may use.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct MethodsSection {
    /// Methods that no caller may use on this server, whatever it is granted: they are answered as if they did not exist. Each is
    /// denied by its own name alone: `resources/subscribe` leaves `subscriptions/listen`, which MCP 2026-07-28 has in its place.
    /// Methods that clients cannot work without (`initialize`, `server/discover`, notifications) cannot be denied: suspend the
    /// server instead. Nor can those that grants are about (`tools/call`, `resources/read`, `prompts/get`): remove the grants
    /// instead. In a unit folder, the entry adds to what the central one denies.
    #[cfg_attr(test, schemars(length(min = 1)))]
    deny: Vec<Spanned<Denied>>,
}

/// A method of the protocol that the entry of a server can deny.
#[derive(Debug, Clone)]
struct Denied(&'static Row);

impl<'de> Deserialize<'de> for Denied {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = protocol::deniable().find(|row| row.name == text).map(Self);
        found.ok_or_else(|| de::Error::custom(format!("`{text}` is not a method that a server's entry can deny")))
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Denied {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Denied".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = protocol::deniable().map(|row| row.name).collect();
        let refused: BTreeMap<&str, &str> =
            protocol::TABLE.iter().filter_map(|row| Some((row.name, row.undeniable()?))).collect();
        schemars::json_schema!({ "type": "string", "enum": words, "x-refused": refused })
    }
}

impl MethodsSection {
    /// The denied methods, each with its place. One that is there twice is an error.
    pub(super) fn lower(self, report: &mut Report) -> BTreeMap<&'static str, Loc> {
        let mut denied: BTreeMap<&'static str, Loc> = BTreeMap::new();
        for Spanned { value: Denied(row), loc } in self.deny {
            if let Some(first) = denied.get(row.name) {
                let message = format!("method `{}` is denied a second time", row.name);
                report.push(Diagnostic::new(&rules::DUPLICATE_NAME, loc, message).label(*first, "first here"));
                continue;
            }
            denied.insert(row.name, loc);
        }
        denied
    }
}
