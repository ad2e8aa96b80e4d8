//! Evidence in what happened before: an earlier call of the same caller.

use std::collections::BTreeMap;

use crate::model::name::{ServerName, ToolName};
use crate::model::quantity::Duration;

/// A test on what the same caller did before: a call that was let through and answered without an error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalledEvidence {
    /// The server that was called.
    pub server: ServerName,
    /// The tool of it.
    pub tool: ToolName,
    /// How long ago it was answered, at most.
    pub within: Duration,
    /// Fields of its answer, by dotted path, each with what it must be.
    pub answer: BTreeMap<String, AnswerTest>,
    /// Arguments of the call that is decided, each with the field of the answer, by dotted path, that it must equal.
    pub same: BTreeMap<String, String>,
}

/// What a field of an answer must be, of that very type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnswerTest {
    /// This text.
    Text(String),
    /// This word of JSON.
    Truth(bool),
    /// This whole number.
    Number(i64),
}

impl std::fmt::Display for AnswerTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Truth(truth) => truth.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl CalledEvidence {
    /// `server/tool`.
    #[must_use]
    pub fn call(&self) -> String {
        format!("{}/{}", self.server, self.tool)
    }

    /// In words: `` `approvals/approve` was called within 1h, answered `approved` `true`, its `id` is the argument `claim` ``.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut words = format!("the caller called `{}` within {}", self.call(), self.within);
        for (field, test) in &self.answer {
            words.push_str(&format!(", its answer had `{field}` as `{test}`"));
        }
        for (argument, field) in &self.same {
            words.push_str(&format!(", its answer had in `{field}` what the argument `{argument}` is now"));
        }
        words
    }
}
