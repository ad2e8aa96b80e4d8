//! `progressive_auth`. Source: the document, "Progressive Authentication Pattern"; `alternatives` is ours.

use crate::lower::{At, Lowering};
use crate::model::access::{Alternative, AuthLevel};
use crate::model::name::FactName;
use crate::source::Spanned;

/// Authentication levels: what a call must prove, the more the more sensitive it is. A level also asks for everything
/// that the levels below it ask for.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProgressiveAuth {
    /// The levels.
    #[cfg_attr(test, schemars(length(min = 1)))]
    levels: Vec<LevelSection>,
    /// The least level of a tool whose `annotations` say `destructive: true`, whatever its class, its server and its own entry say. Without
    /// this key, destructive tools have the levels of all others, and `destructive-tool-low-level` finds those at the lowest.
    destructive_min_level: Option<Spanned<u32>>,
}

/// A level.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LevelSection {
    /// Its number; a higher one asks for more.
    level: Spanned<u32>,
    /// What it is for, for readers.
    description: Option<Spanned<String>>,
    /// Facts that a call must show, such as `mfa`; the lower levels' are added.
    #[cfg_attr(test, schemars(length(min = 1)))]
    requirements: Vec<Spanned<FactName>>,
    /// Other complete ways to meet the level; nothing is added to them. At most 32.
    #[cfg_attr(test, schemars(length(min = 1, max = 32)))]
    #[serde(default)]
    alternatives: Vec<AlternativeSection>,
}

/// Another complete way to meet a level.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AlternativeSection {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// All facts that it takes.
    #[cfg_attr(test, schemars(length(min = 1)))]
    requirements: Vec<Spanned<FactName>>,
}

impl ProgressiveAuth {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut levels = Vec::new();
        for level in self.levels {
            let key = format!("{:?}\u{0}{}", at.scope, level.level);
            if !out.declare_as("level", key, &level.level.to_string(), level.level.loc) {
                continue;
            }
            levels.push(AuthLevel {
                number: level.level,
                description: level.description,
                requirements: level.requirements,
                alternatives: level
                    .alternatives
                    .into_iter()
                    .map(|other| Alternative { name: other.name, requirements: other.requirements })
                    .collect(),
            });
        }
        let rules = super::rules_of(at, out);
        if self.destructive_min_level.is_some() {
            rules.destructive_min_level = self.destructive_min_level;
        }
        rules.progressive_auth.get_or_insert(at.key);
        rules.levels.extend(levels.into_iter().map(|level| (level.number.value, level)));
    }
}
