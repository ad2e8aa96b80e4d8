//! `mcpctl validate`.

pub mod baseline;
pub mod selection;

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;

use super::load::{self, FailOn, Loaded, Shown, Source};
use super::{Outcome, Session, today};
use crate::render::counted;
use crate::workspace::Wanted;
use selection::Selection;

const EXAMPLES: &str = "\
Examples:
  mcpctl validate                                    the workspace in this folder
  mcpctl validate fleet --fail-on warning            fail on warnings, too
  mcpctl validate fleet --env prod                   with the addresses of one environment
  mcpctl validate fleet --format json                for programs
  mcpctl validate --format sarif=findings.sarif      for code scanning, and for people
  mcpctl validate --select security                  findings of one group of checks
  mcpctl validate --baseline check                   only what the baseline does not have
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
    /// Let findings not count that the workspace had before: write (put those of this run into the baseline), check (report
    /// what the baseline does not have) or prune (the same, and take out of it what is no longer found)
    #[arg(long, value_enum, value_name = "ACTION", hide_possible_values = true)]
    pub baseline: Option<baseline::Action>,
    /// The file of the baseline; mcpctl-baseline.json in the workspace by default
    #[arg(long, value_name = "FILE", requires = "baseline")]
    pub baseline_file: Option<PathBuf>,
    /// Report these checks and groups alone, separated by commas: security, resilience, observability, assurance or style.
    /// Findings that guard access are always reported
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not report these checks and groups; checks that guard access cannot be named
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub ignore: Vec<String>,
}

impl Validate {
    /// Runs it.
    ///
    /// # Errors
    /// Where it could not run.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let Loaded { analysis, root } = self.source.analyse(None, self.today.as_deref(), Wanted::All, session)?;
        let shown = Shown {
            sources: &analysis.sources,
            counts: &analysis.counts,
            docs_url: analysis.settings.docs_url.as_deref(),
        };
        let mut report = Cow::Borrowed(analysis.report());
        let mut said = Vec::new();
        if let Some(action) = self.baseline {
            let file = baseline::place(self.baseline_file.as_deref().map(|file| session.globals.at(file)), &root);
            let whole = analysis.counts.unreadable == 0 && !analysis.model().unread_files;
            said = baseline::apply(action, &file, report.to_mut(), &analysis.sources, whole)?;
        }
        if !self.select.is_empty() || !self.ignore.is_empty() {
            let selection = Selection { select: &self.select, ignore: &self.ignore };
            let left = selection.apply(report.to_mut())?;
            if left > 0 {
                said.push(format!("{} not reported, by `--select` and `--ignore`", counted(left, "finding")));
            }
        }
        load::report(&shown, &report, session)?;
        for line in &said {
            session.say(line)?;
        }
        let exit = load::exit(&report.diagnostics, &analysis.counts, self.fail_on);
        drop(report);
        // The process ends here; giving a large model back piece by piece would only take time.
        std::mem::forget(analysis);
        Ok(exit)
    }
}
