//! `mcpctl lsp`.

use std::path::PathBuf;

use clap::Args;
use lsp_server::Connection;

use super::refusal::Refusal;
use super::{Exit, Outcome, Session, load, today};
use crate::analysis::Analysis;
use crate::analysis::cache::Cache;
use crate::lsp::{self, Ended, Host};
use crate::workspace::{self, Input, ReadError, Reader, Wanted};

const EXAMPLES: &str = "\
Examples:
  mcpctl lsp                 for an editor: each file with the workspace around it
  mcpctl lsp fleet           of this workspace alone

It speaks the Language Server Protocol on standard input and output. The book has the settings of editors.

Exit codes: 0 after `shutdown` and `exit`, 1 after `exit` alone, 2 where the client is gone.";

/// Tells an editor what is wrong while you type, and what each key and name means.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Lsp {
    /// The folder of the workspace; by default, for each file, the nearest folder around it with an `mcpctl.yaml`
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Speak on standard input and output; it does so anyway, and some editors ask for it.
    #[arg(long, hide = true)]
    pub stdio: bool,
}

impl Lsp {
    /// Runs it.
    ///
    /// # Errors
    /// Where the client goes without an end, or says what is not of the protocol.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let chosen = session.globals.environment.clone();
        let folder = self.folder.as_ref().map(|folder| session.globals.at(folder)).map(absolute).transpose()?;
        let cache = Cache::default();
        let analyse = |input: &Input, reader: &dyn Reader| -> Result<Analysis, ReadError> {
            let workspace = workspace::read(input, reader, None)?;
            let root = workspace.root.clone();
            let wanted = chosen.as_deref().map_or(Wanted::All, Wanted::One);
            load::analysed_in(
                workspace,
                &root,
                reader,
                (wanted, chosen.as_deref()),
                Some(&today::today()),
                Some(&cache),
            )
        };
        let docs_url = load::docs_url(None).map(str::to_owned);
        let host = Host { reader: session.reader, analyse: &analyse, folder, docs_url };
        let (connection, threads) = Connection::stdio();
        let ended = lsp::serve(&connection, &host);
        drop(connection);
        let joined = threads.join();
        match (ended, joined) {
            (Ended::Properly, _) => Ok(Exit::Clean),
            // The protocol asks for 1.
            (Ended::Abruptly, _) => Ok(Exit::Findings),
            (Ended::Disconnected, Err(source)) => {
                Err(Refusal::Stream { what: "read what the client says", source }.into())
            }
            (Ended::Disconnected, Ok(())) => {
                let message = "the client is gone, and did not say so".to_owned();
                let help = "an editor starts this command, and talks to it on standard input".to_owned();
                Err(Refusal::Usage { message, help }.into())
            }
        }
    }
}

fn absolute(folder: PathBuf) -> Result<PathBuf, Vec<miette::Report>> {
    std::path::absolute(&folder).map_err(|source| Refusal::Stream { what: "tell which folder this is", source }.into())
}
