//! What to write now in a workspace that was valid before.
//!
//! A change that turns a valid workspace into one with an error adds one entry to the end of the list in `list.rs`. The
//! entry names the rule of the finding, the old meaning, and the line to write now. The finding then says both, in every
//! format, `mcpctl explain RULE` says them, and the page "Upgrading" of the book lists them. Which findings say it is told
//! by [`Of`]:
//!
//! - [`Of::Every`]: every finding of the rule. For a check that is new. Nothing else has to be written.
//! - [`Of::At`]: the findings of the rule that point at a key or value of these paths. For what a schema finds now (an
//!   empty list, a zero, a key that is missing). A path starts with the key of the family and has `/` between keys:
//!   `identity/issuers/*/speaks_for`; `*` stands for any one key and for any element of a list.
//! - [`Of::Told`]: the findings that say so in the code: `Diagnostic::new(..).upgrade(&upgrade::NAME)`.
//!
//! ```text
//! EMPTY_SPEAKS_FOR {
//!     rule: "invalid-value",
//!     of: Of::At(&["identity/issuers/*/speaks_for"]),
//!     what: "an empty `speaks_for`",
//!     before: "an empty list meant that the issuer speaks for every principal",
//!     write: "`speaks_for: [agents, flows]`",
//! }
//! ```

mod list;

pub use list::*;

/// One change that makes an error of what was valid.
#[derive(Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The name of the rule whose findings say it.
    pub rule: &'static str,
    /// Which findings of the rule.
    pub of: Of,
    /// What the workspace holds: a noun phrase, the heading in the book.
    pub what: &'static str,
    /// The old meaning: one lower-case line in the past tense, without a final stop.
    pub before: &'static str,
    /// The line to write now: one lower-case line without a final stop, the configuration in backticks.
    pub write: &'static str,
}

/// Which findings of a rule an [`Upgrade`] belongs to.
#[derive(Debug, PartialEq, Eq)]
pub enum Of {
    /// All of them.
    Every,
    /// Those of a schema at these paths.
    At(&'static [&'static str]),
    /// Those that name it.
    Told,
}

impl Upgrade {
    /// Whether a schema's finding of the rule `rule` at `path` (the key of the family, then keys and list indices, with
    /// `/` between them) says it.
    #[must_use]
    pub fn is_at(&self, rule: &str, path: &str) -> bool {
        match self.of {
            Of::At(patterns) => self.rule == rule && patterns.iter().any(|pattern| matches(pattern, path)),
            Of::Every | Of::Told => false,
        }
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut written) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), written.next()) {
            (None, None) => return true,
            (Some(wanted), Some(written)) if wanted == "*" || wanted == written => {}
            (Some(_) | None, Some(_) | None) => return false,
        }
    }
}

/// What every finding of a rule says.
#[must_use]
pub fn of_every(rule: &str) -> Option<&'static Upgrade> {
    UPGRADES.iter().copied().find(|upgrade| upgrade.of == Of::Every && upgrade.rule == rule)
}

/// What a schema's finding at a path says.
#[must_use]
pub fn at(rule: &str, path: &str) -> Option<&'static Upgrade> {
    UPGRADES.iter().copied().find(|upgrade| upgrade.is_at(rule, path))
}

/// All changes whose findings are of a rule, in the order of the list.
pub fn of_rule(rule: &str) -> impl Iterator<Item = &'static Upgrade> {
    UPGRADES.iter().copied().filter(move |upgrade| upgrade.rule == rule)
}

#[cfg(test)]
mod tests;
