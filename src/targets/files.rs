//! The files that targets make, and why one could not make them.

use rayon::prelude::*;

use crate::bundle::Artifact;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::source::Loc;

/// The files of a target, by path below its folder.
pub type Files = Vec<(String, Artifact)>;

/// A YAML file of these documents.
///
/// # Errors
/// Where a value has no YAML form.
pub fn yaml(path: &str, documents: &[serde_json::Value], from: Vec<Loc>) -> Result<(String, Artifact), CompileError> {
    let printed = |document: &serde_json::Value| {
        serde_yaml::to_string(document)
            .map_err(|cause| CompileError::Refused(format!("`{path}` has no YAML form: {cause}")))
    };
    let printed: Vec<_> = documents.par_iter().map(printed).collect();
    let printed = printed.into_iter().collect::<Result<Vec<String>, _>>()?;
    Ok((path.to_owned(), Artifact { bytes: printed.join("---\n").into_bytes(), from }))
}

/// An object of these fields. The values are taken as they are, where `json!` copies them, with everything in them.
#[must_use]
pub fn object<const N: usize>(fields: [(&str, serde_json::Value); N]) -> serde_json::Value {
    serde_json::Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Why a target could not make its files.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CompileError {
    /// The engine that prints or reads the files refuses.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cedar(#[from] crate::cedar::Error),
    /// A name or value that the target cannot hold.
    #[error("{0}")]
    Refused(String),
    /// The workspace is beyond what the product holds or can tell, as its files show. A plain compile leaves the target out.
    #[error("it needs {what}")]
    Beyond {
        /// What is beyond the limit, as the end of "it needs ...".
        what: String,
        /// What to do about it.
        how: String,
    },
    /// Faults of the workspace, each with its place.
    #[error("the workspace breaks a rule of this target's product")]
    Findings(Vec<Diagnostic>),
}

impl CompileError {
    /// Takes what the engine of the target's own format said, for rendering.
    pub fn take_said(&mut self) -> Vec<crate::cedar::Said> {
        match self {
            Self::Cedar(error) => error.take_said(),
            Self::Refused(_) | Self::Beyond { .. } | Self::Findings(_) => Vec::new(),
        }
    }
}

/// The error for two names that become one in a product.
pub static NAME_COLLISION: Rule = Rule {
    name: "name-collision",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds two names that become the same name in a product which takes fewer characters than mcpctl: \
           `a_b` and `a-b` are both `a-b` in Kubernetes.",
    why: "Rules for one would hold for the other too.",
    fix: "Rename one of them, or leave that target out of the compile.",
};

/// The error for what a product does not hold.
pub static TARGET_LIMIT: Rule = Rule {
    name: "target-limit",
    guards_access: true,
    severity: Severity::Error,
    what: "Finds what is beyond a limit of a product that files are compiled for: a name that it refuses, or more rules \
           than it holds.",
    why: "The product would refuse the files, or cut them short.",
    fix: "Rename, split or shorten what the message names, or leave that target out of the compile.",
};
