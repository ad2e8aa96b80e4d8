//! Findings that somebody accepted: still counted, and kept in the formats that have a place for them.

use super::Diagnostic;

/// A finding that does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// The finding.
    pub diagnostic: Diagnostic,
    /// Who or what accepted it.
    pub by: Suppression,
}

/// What accepts a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suppression {
    /// An entry of `waivers`.
    Waiver {
        /// Its name.
        name: String,
        /// Who accepted the finding.
        owner: String,
        /// The last day, `YYYY-MM-DD`.
        expires: String,
        /// Why.
        reason: String,
    },
    /// A comment `# mcpctl: ignore[CHECK] REASON` in the file.
    Comment {
        /// Why.
        reason: String,
    },
    /// The baseline: the finding is older than the adoption of mcpctl.
    Baseline,
}

impl Suppression {
    /// `waiver`, `comment` or `baseline`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiver { .. } => "waiver",
            Self::Comment { .. } => "comment",
            Self::Baseline => "baseline",
        }
    }

    /// Whether it is in the file of the finding. A waiver and a baseline are elsewhere.
    #[must_use]
    pub fn is_in_source(&self) -> bool {
        matches!(self, Self::Comment { .. })
    }

    /// Why the finding is accepted, in a sentence.
    #[must_use]
    pub fn justification(&self) -> String {
        match self {
            Self::Waiver { name, owner, expires, reason } => {
                format!("{reason} (waiver `{name}` of {owner}, until {expires})")
            }
            Self::Comment { reason } => reason.clone(),
            Self::Baseline => "the baseline has this finding".to_owned(),
        }
    }
}

/// How many findings each kind of suppression accepts, and what is said of them: `(40, "in the baseline")`. Empty where there is none.
#[must_use]
pub fn counts(suppressed: &[Suppressed]) -> Vec<(usize, &'static str)> {
    let count = |word: &str| suppressed.iter().filter(|one| one.by.word() == word).count();
    [("waiver", "waived"), ("comment", "ignored"), ("baseline", "in the baseline")]
        .into_iter()
        .map(|(word, said)| (count(word), said))
        .filter(|(count, _)| *count > 0)
        .collect()
}
