//! Why the command line itself could not do what was asked.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::did_you_mean;

/// An error of usage, input or output that no other module reports.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Refusal {
    /// A name that nothing has.
    #[error("there is no {kind} called `{name}`")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// As written.
        name: String,
        /// What was likely meant, or where the names are listed.
        #[help]
        help: String,
    },
    /// Options that do not go together.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do instead.
        #[help]
        help: String,
    },
    /// Files in the way.
    #[error("{} already {}, and nothing is overwritten", shown(.paths), if .paths.len() == 1 { "exists" } else { "exist" })]
    #[diagnostic(help("start in another folder, or move them away"))]
    Exists {
        /// What exists.
        paths: Vec<PathBuf>,
    },
    /// A file that could not be written.
    #[error("could not write `{}`", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A standard stream that failed.
    #[error("could not {what}")]
    Stream {
        /// "read standard input".
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The threads asked for could not be started.
    #[error("could not start {jobs} threads")]
    Threads {
        /// How many.
        jobs: u16,
        /// Why.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
}

impl Refusal {
    /// A name that nothing has, with the nearest one that something has.
    pub fn unknown<'a>(
        kind: &'static str,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
        otherwise: &str,
    ) -> Self {
        let help = did_you_mean(name, candidates).unwrap_or_else(|| otherwise.to_owned());
        Self::Unknown { kind, name: name.to_owned(), help }
    }

    /// A file that could not be written.
    #[must_use]
    pub fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }
}

impl From<Refusal> for Vec<miette::Report> {
    fn from(refusal: Refusal) -> Self {
        vec![refusal.into()]
    }
}

/// Standard output failed.
#[must_use]
pub fn stdout(source: io::Error) -> Vec<miette::Report> {
    Refusal::Stream { what: "write to standard output", source }.into()
}

/// Standard error failed.
#[must_use]
pub fn stderr(source: io::Error) -> Vec<miette::Report> {
    Refusal::Stream { what: "write to standard error", source }.into()
}

fn shown(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    names.join(", ")
}
