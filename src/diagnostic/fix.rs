//! How a tool can fix a finding: edits in terms of YAML. What shows a finding turns them into edits of
//! text.

use super::one_line;
use crate::source::{FileId, Loc};

/// A change that fixes a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What applying it does, in the imperative: one lower-case line, no final stop.
    pub title: String,
    /// Whether nobody needs to look at it: it takes away nothing that has an effect, and allows no call that was denied.
    pub safe: bool,
    /// What to change, in any order.
    pub edits: Vec<Edit>,
}

/// One change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Writes another word for one: the whole key or value at a place, or a part of it, such as the server of `server/tool`.
    Word {
        /// The key or value.
        at: Loc,
        /// The word to replace. It has to be there exactly once.
        from: String,
        /// The word to write.
        to: String,
    },
    /// Writes another value, in the quotes that are there.
    Value {
        /// The value.
        at: Loc,
        /// The value to write.
        to: String,
    },
    /// Takes out an element of a list or an entry of a map. A list that would be empty goes with its key.
    Remove(Loc),
    /// Takes out the element of a list that holds a place.
    RemoveElement(Loc),
    /// Adds an element to a list.
    Append {
        /// The list, or one of its elements.
        to: Loc,
        /// The element.
        value: String,
    },
    /// Adds an entry to a map.
    Add {
        /// A key or a value of the map, after which the entry is written.
        after: Loc,
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Replaces text as it stands.
    Text {
        /// The text.
        at: Loc,
        /// The text to write.
        to: String,
    },
}

impl Fix {
    /// A fix that nobody needs to look at.
    pub fn safe(title: impl Into<String>, edits: Vec<Edit>) -> Self {
        Self { title: one_line(&title.into()), safe: true, edits }
    }

    /// A fix that may not be what the author meant.
    pub fn guess(title: impl Into<String>, edits: Vec<Edit>) -> Self {
        Self { safe: false, ..Self::safe(title, edits) }
    }

    /// A guess: another value at one place.
    pub fn value(at: Loc, to: impl Into<String>) -> Self {
        let to = to.into();
        Self::guess(format!("write `{to}`"), vec![Edit::Value { at, to }])
    }

    /// A guess: another word at some places.
    pub fn word(places: impl IntoIterator<Item = Loc>, from: &str, to: &str) -> Self {
        let word = |at| Edit::Word { at, from: from.to_owned(), to: to.to_owned() };
        Self::guess(format!("write `{to}` for `{from}`"), places.into_iter().map(word).collect())
    }
}

impl Edit {
    /// The file that it changes.
    #[must_use]
    pub fn file(&self) -> FileId {
        match self {
            Self::Word { at, .. } | Self::Value { at, .. } | Self::Text { at, .. } => at.file,
            Self::Remove(at) | Self::RemoveElement(at) => at.file,
            Self::Append { to, .. } => to.file,
            Self::Add { after, .. } => after.file,
        }
    }
}
