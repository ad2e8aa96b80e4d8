//! The Cedar engine: the only code that names `cedar-policy`. Everything else speaks of [`Uid`]s, [`policies::Condition`]s
//! and [`residual::Formula`]s.
//!
//! Text is only ever printed from typed values ([`schema`], [`policies`], [`entities`]), so a name cannot inject policy,
//! and is only ever trusted after it was read back by [`engine::Engine`].

pub mod dialect;
pub mod effect;
pub mod engine;
pub mod entities;
pub mod handwritten;
pub mod policies;
pub mod request;
pub mod residual;
pub mod schema;
pub mod solver;
pub mod symbolic;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};

/// How often Cedar has been used in this process: commands that only check must leave it at zero, because its first use
/// costs milliseconds.
static USES: AtomicUsize = AtomicUsize::new(0);

/// How often Cedar has been used in this process.
#[must_use]
pub fn uses() -> usize {
    USES.load(Ordering::Relaxed)
}

/// Counts a use; every way into this module calls it.
fn count_use() {
    USES.fetch_add(1, Ordering::Relaxed);
}

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

/// What Cedar says against a text, or why a text could not be printed.
#[derive(Debug)]
pub struct Error {
    what: String,
    said: Vec<Said>,
}

/// One diagnostic of Cedar's own, with its place in the text that it refuses.
#[derive(Debug)]
pub struct Said(Box<dyn Diagnostic + Send + Sync>);

impl Error {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), said: Vec::new() }
    }

    fn because(mut self, cause: impl Diagnostic + Send + Sync + 'static) -> Self {
        self.said.push(Said(Box::new(cause)));
        self
    }

    /// What Cedar itself said; empty where the fault was found by mcpctl.
    #[must_use]
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// Takes what Cedar itself said, for an error that has this one as its cause and renders it.
    pub fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
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
        Some(Box::new(self.said.iter().map(|said| -> &dyn Diagnostic { said })))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Said {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Diagnostic for Said {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.code()
    }
    fn severity(&self) -> Option<Severity> {
        self.0.severity()
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help()
    }
    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.url()
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source_code()
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.labels()
    }
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.0.related()
    }
}
