//! `mcpctl validate`.

use clap::Args;

use super::load::{self, FailOn, Loaded, Shown, Source};
use super::{Outcome, Session, today};
use crate::workspace::Wanted;

const EXAMPLES: &str = "\
Examples:
  mcpctl validate                                    the workspace in this folder
  mcpctl validate fleet --fail-on warning            fail on warnings, too
  mcpctl validate fleet --env prod                   with the addresses of one environment
  mcpctl validate fleet --format json                for programs
  mcpctl validate - --stdin-filename a.yaml <a.yaml  one file";

/// Shows everything that is wrong in a workspace.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Validate {
    /// What to read.
    #[command(flatten)]
    pub source: Source,
    /// The date that waivers are judged by, YYYY-MM-DD; today in UTC by default
    #[arg(long, value_name = "DATE", value_parser = today::parse)]
    pub today: Option<String>,
    /// The lowest level of a finding that makes the exit code 1: error, warning or note
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", hide_possible_values = true)]
    pub fail_on: FailOn,
}

impl Validate {
    /// Runs it.
    ///
    /// # Errors
    /// Where it could not run.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let Loaded { analysis, .. } = self.source.analyse(None, self.today.as_deref(), Wanted::All, session)?;
        let shown = Shown {
            sources: &analysis.sources,
            counts: &analysis.counts,
            docs_url: analysis.settings.docs_url.as_deref(),
        };
        load::report(&shown, &analysis.report().diagnostics, session)?;
        let exit = load::exit(&analysis.report().diagnostics, &analysis.counts, self.fail_on);
        // The process ends here; giving a large model back piece by piece would only take time.
        std::mem::forget(analysis);
        Ok(exit)
    }
}
