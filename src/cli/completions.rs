//! `mcpctl completions`.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

use super::{Exit, Outcome, Session, refusal};

const EXAMPLES: &str = "\
Examples:
  mcpctl completions bash > ~/.local/share/bash-completion/completions/mcpctl
  mcpctl completions zsh > ~/.zfunc/_mcpctl
  mcpctl completions fish > ~/.config/fish/completions/mcpctl.fish";

/// Prints a completion script.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

impl Completions {
    /// Runs it.
    ///
    /// # Errors
    /// Where standard output fails.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        // The generator panics where its writer fails, so it writes into memory.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "mcpctl", &mut script);
        session.out.write_all(&script).map_err(refusal::stdout)?;
        Ok(Exit::Clean)
    }
}
