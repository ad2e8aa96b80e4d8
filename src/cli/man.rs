//! `mcpctl man`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::refusal::{self, Refusal};
use super::{Exit, Outcome, Session};

const EXAMPLES: &str = "\
Examples:
  mcpctl man | man -l -                     read it all
  mcpctl man --out ~/.local/share/man/man1  install one page for each command";

/// Prints or writes the manual pages.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Man {
    /// Write one page for each command into this folder instead of printing
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl Man {
    /// Runs it.
    ///
    /// # Errors
    /// Where a page cannot be written.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let pages = pages().map_err(refusal::stdout)?;
        let Some(out) = &self.out else {
            for (_, page) in pages {
                session.out.write_all(&page).map_err(refusal::stdout)?;
            }
            return Ok(Exit::Clean);
        };
        let out = session.globals.at(out);
        std::fs::create_dir_all(&out).map_err(|error| Refusal::write(&out, error))?;
        for (name, page) in pages {
            let path = out.join(name);
            std::fs::write(&path, page).map_err(|error| Refusal::write(&path, error))?;
        }
        Ok(Exit::Clean)
    }
}

/// Every page as roff, by file name: the tool's own, then one for each command.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut whole = super::command().disable_help_subcommand(true);
    whole.build();
    let commands: Vec<clap::Command> =
        whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    std::iter::once(whole)
        .chain(commands)
        .map(|command| {
            let man = clap_mangen::Man::new(command);
            let mut page = Vec::new();
            man.render(&mut page)?;
            Ok((man.get_filename(), page))
        })
        .collect()
}
