//! How much of a workspace its targets express: family by family, and key by key.

mod left;
mod values;

use std::collections::BTreeMap;

use super::Target;
use crate::families::FamilyId;
use crate::model::Model;
use crate::source::Loc;
pub use left::{Left, NOT_EXPRESSIBLE, left_by_all};

/// A family that a target covers.
#[derive(Debug, Clone, Copy)]
pub struct Covers {
    /// The family.
    pub family: FamilyId,
    /// How much of it.
    pub how: Coverage,
}

/// How much of a family a target covers.
#[derive(Debug, Clone, Copy)]
pub enum Coverage {
    /// All of it.
    Full,
    /// The keys whose paths are made of these words alone.
    Partial {
        /// The words.
        words: &'static [&'static str],
        /// What it covers and what it leaves to others.
        why: &'static str,
    },
}

impl Covers {
    /// All of a family.
    #[must_use]
    pub const fn all(family: FamilyId) -> Self {
        Self { family, how: Coverage::Full }
    }

    /// The keys of a family whose paths are made of these words alone; and what it leaves to others.
    #[must_use]
    pub const fn part(family: FamilyId, words: &'static [&'static str], why: &'static str) -> Self {
        Self { family, how: Coverage::Partial { words, why } }
    }
}

impl Target {
    /// How much of a family it covers; `None` for one that it does not list.
    #[must_use]
    pub fn covers(&self, family: FamilyId) -> Option<Coverage> {
        self.covers.iter().find(|covers| covers.family == family).map(|covers| covers.how)
    }

    /// How much of a family it covers: `full`, `partial` or `none`.
    #[must_use]
    pub fn coverage_word(&self, family: FamilyId) -> &'static str {
        match self.covers(family) {
            Some(Coverage::Full) => "full",
            Some(Coverage::Partial { .. }) => "partial",
            None => "none",
        }
    }

    /// Whether a workspace has anything for it: a family that it covers, or calls to decide.
    #[must_use]
    pub fn is_of_use(&self, model: &Model) -> bool {
        self.decides().is_some() || self.covers.iter().any(|covers| is_used(covers.family, model))
    }

    /// Why it leaves keys of a family to others; `None` where it covers all of them.
    #[must_use]
    pub fn leaves(&self, family: FamilyId) -> Option<&'static str> {
        match self.covers(family) {
            Some(Coverage::Full) => None,
            Some(Coverage::Partial { why, .. }) => Some(why),
            None => Some(family.usually()),
        }
    }
}

/// Whether a workspace has anything of a family.
pub fn is_used(family: FamilyId, model: &Model) -> bool {
    model.keys.get(family.key()).is_some_and(|keys| !keys.is_empty())
}

/// A key in use that a target does not express.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotExpressed {
    /// Its family.
    pub family: FamilyId,
    /// Its path in the section, cut after the first word that the target knows nothing of; with the value after a colon where
    /// others of the same key are expressed.
    pub key: String,
    /// The first place at which it, or something below it, is used.
    pub loc: Loc,
    /// Why the target does not express it.
    pub why: &'static str,
    /// Whether it is about what this target alone does, so that no other one makes up for it.
    pub own: bool,
}

/// Every key in use that the target does not express, in the order of the families.
#[must_use]
pub fn not_expressed(target: &Target, model: &Model) -> Vec<NotExpressed> {
    let mut found = Vec::new();
    for family in families_for_products() {
        let Some(why) = target.leaves(*family) else { continue };
        let mut keys: BTreeMap<String, Loc> = BTreeMap::new();
        for (path, loc) in model.keys.get(family.key()).into_iter().flatten() {
            if let Some(key) = left(target, *family, path) {
                let first = keys.entry(key).or_insert(*loc);
                *first = (*first).min(*loc);
            }
        }
        found.extend(keys.into_iter().map(|(key, loc)| NotExpressed { family: *family, key, loc, why, own: false }));
    }
    found.extend((target.unexpressed)(model));
    found.sort_by_key(|found| found.family);
    found
}

/// The path up to the first word that is none of these; `None` where there is no such word.
fn beyond(path: &str, words: &[&str]) -> Option<String> {
    let mut end = 0;
    for part in path.split('.') {
        end += part.len();
        if !words.contains(&part.trim_end_matches("[]")) {
            return path.get(..end).map(|key| key.trim_end_matches("[]").to_owned());
        }
        end += 1;
    }
    None
}

/// The families that a product could carry out. Tests of the policy and waivers are for mcpctl alone.
pub fn families_for_products() -> impl Iterator<Item = &'static FamilyId> {
    FamilyId::ALL.iter().filter(|family| !matches!(family, FamilyId::PolicyTests | FamilyId::Waivers))
}

/// The path of a key up to the first word that a target does not cover; `None` where it covers the key.
fn left(target: &Target, family: FamilyId, path: &str) -> Option<String> {
    match target.covers(family) {
        Some(Coverage::Full) => None,
        Some(Coverage::Partial { words, .. }) => beyond(path, words),
        None => beyond(path, &[]),
    }
}

/// Whether a target expresses a key.
fn expresses(target: &Target, family: FamilyId, path: &str) -> bool {
    left(target, family, path).is_none()
}

#[cfg(test)]
mod tests {
    use super::beyond;

    #[test]
    fn keys_are_cut_after_the_first_unknown_word() {
        let words = ["servers", "tools", "name"];
        assert_eq!(beyond("servers[].tools[].name", &words), None);
        assert_eq!(beyond("servers[].labels.name", &words), Some("servers[].labels".to_owned()));
        assert_eq!(beyond("units[].x", &words), Some("units".to_owned()));
        assert_eq!(beyond("x", &[]), Some("x".to_owned()));
    }
}
