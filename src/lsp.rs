//! The language server: what an editor is told about a workspace while somebody types.
//!
//! It speaks the Language Server Protocol 3.17 over a [`Connection`]. Open files take the place of files on the disk; every answer
//! comes from the same analysis that `mcpctl validate` makes.

mod actions;
mod client;
mod completion;
mod cursor;
mod describe;
mod documents;
mod edits;
mod findings;
mod hints;
mod hover;
mod kind;
mod layout;
mod mentions;
mod names;
mod navigate;
mod own;
mod places;
mod position;
mod project;
mod rename;
mod server;
mod shapes;
mod symbols;
mod uri;
mod view;

use std::path::PathBuf;

use lsp_server::Connection;

use crate::analysis::Analysis;
use crate::workspace::{Input, ReadError, Reader};

/// What the server needs from the outside.
pub struct Host<'h> {
    /// Reads files.
    pub reader: &'h dyn Reader,
    /// Analyses what a reader gives.
    pub analyse: &'h dyn Fn(&Input, &dyn Reader) -> Result<Analysis, ReadError>,
    /// The folder of the workspace, where one is given; else it is found for each file.
    pub folder: Option<PathBuf>,
    /// Where the documentation is served, if anywhere and the workspace does not say.
    pub docs_url: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client asked for it, after a `shutdown`.
    Properly,
    /// The client sent `exit` without a `shutdown`.
    Abruptly,
    /// There is no client any more.
    Disconnected,
}

/// Serves a client until it leaves.
#[must_use]
pub fn serve(connection: &Connection, host: &Host<'_>) -> Ended {
    server::Server::new(connection, host).run()
}
