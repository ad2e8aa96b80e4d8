//! Evidence word for word: for what a text looks like, and for pointing at its parts. What it means is in
//! [`super::Evidence`].

use crate::model::name::FactName;
use crate::source::{Loc, Spanned};

/// One piece of evidence as it is written.
#[derive(Debug, Clone)]
pub struct WrittenEvidence {
    /// The fact that it shows.
    pub fact: FactName,
    /// The argument that it reads.
    pub argument: Option<WrittenPath>,
    /// Every claim that it reads.
    pub claims: Vec<WrittenPath>,
    /// Where `at_least` is.
    pub at_least: Option<Loc>,
    /// Where `at_most` is.
    pub at_most: Option<Loc>,
    /// The text of `contains`.
    pub contains: Option<Spanned<String>>,
    /// The texts of `one_of`.
    pub one_of: Vec<Spanned<String>>,
    /// Whether values are listed in `one_of`, texts or not.
    pub is_listed: bool,
    /// The pattern of `matches`.
    pub matches: Option<Spanned<String>>,
    /// The arguments that `same` compares with an earlier answer.
    pub same: Vec<Spanned<String>>,
}

/// The name of a claim or argument, or the path to it.
#[derive(Debug, Clone)]
pub struct WrittenPath {
    /// Its parts, outermost first.
    pub parts: Vec<Spanned<String>>,
    /// Whether it is written as a list, in which each element is one name whatever it holds.
    pub is_list: bool,
}

impl WrittenPath {
    /// Whether it is this path.
    #[must_use]
    pub fn is(&self, path: &[String]) -> bool {
        self.parts.iter().map(|part| &part.value).eq(path)
    }

    /// The first place of it.
    #[must_use]
    pub fn loc(&self) -> Option<Loc> {
        self.parts.first().map(|part| part.loc)
    }
}
