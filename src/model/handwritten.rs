//! Cedar that people write beside the YAML. What it means is for [`crate::handwritten`]; here it is text.
//!
//! A request is allowed where the access relation allows it or a hand-written permit does, and no hand-written forbid applies.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::source::{FileId, Loc};

/// All hand-written policies of a workspace, and what its settings say of them.
#[derive(Debug, Clone, Default)]
pub struct Handwritten {
    /// The files, in the order of their names.
    pub files: Vec<PolicyFile>,
    /// Whether permits are allowed: `allow_handwritten_permits` in `mcpctl.yaml`.
    pub permits_allowed: bool,
    /// Targets that are compiled although they cannot hold these policies, and where that is accepted:
    /// `accept_handwritten` in `mcpctl.yaml`.
    pub accepted: BTreeMap<String, Loc>,
}

/// One file of hand-written policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// The file.
    pub file: FileId,
    /// Its name relative to the workspace, with `/`.
    pub name: String,
    /// Its whole text.
    pub text: Arc<str>,
}

impl Handwritten {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Names and texts, in the order of the names.
    #[must_use]
    pub fn texts(&self) -> Vec<(&str, &str)> {
        self.files.iter().map(|file| (file.name.as_str(), &*file.text)).collect()
    }
}
