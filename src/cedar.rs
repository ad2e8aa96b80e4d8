//! The Cedar engine: the only code that names `cedar-policy`. Everything else speaks of [`Uid`]s, [`policies::Condition`]s
//! and [`residual::Formula`]s.
//!
//! Text is only ever printed from typed values ([`schema`], [`policies`], [`entities`]), so a name cannot inject policy,
//! and is only ever trusted after it was read back by [`engine::Engine`].

pub mod engine;
pub mod entities;
pub mod policies;
pub mod residual;
pub mod schema;

use std::fmt;

use miette::Diagnostic;

/// The namespace of everything that is generated.
pub const NAMESPACE: &str = "Mcp";

/// An entity: its full type name (`Mcp::Tool`) and its id, which may hold any character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid {
    /// `Mcp::Tool`.
    pub kind: String,
    /// `payment_server/charge_card`.
    pub id: String,
}

impl Uid {
    /// The entity of that type of [`NAMESPACE`], and that id.
    pub fn new(local_type: &str, id: impl Into<String>) -> Self {
        Self { kind: format!("{NAMESPACE}::{local_type}"), id: id.into() }
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::\"{}\"", self.kind, self.id.escape_debug())
    }
}

/// What Cedar says against a text, or why a text could not be printed. Renders Cedar's own diagnostics below its line.
#[derive(Debug)]
pub struct Error {
    what: String,
    causes: Vec<Box<dyn Diagnostic + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new() }
    }

    fn because(mut self, cause: impl Diagnostic + Send + Sync + 'static) -> Self {
        self.causes.push(Box::new(cause));
        self
    }

    /// What Cedar itself said, one line each; empty where the fault was found by mcpctl.
    pub fn causes(&self) -> impl Iterator<Item = String> + '_ {
        self.causes.iter().map(ToString::to_string)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

impl Diagnostic for Error {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.causes.is_empty() {
            return None;
        }
        Some(Box::new(self.causes.iter().map(|cause| -> &dyn Diagnostic { &**cause })))
    }
}
