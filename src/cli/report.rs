//! `mcpctl report`.

mod parts;
mod written;

use std::io::Write;

use clap::Args;

use self::parts::Parts;
use super::load::{Loaded, Source};
use super::refusal;
use super::solver::Choice;
use super::{Exit, Outcome, Session, ask, today};
use crate::analysis::{self, Judged};
use crate::render::{AnswerFormat, json};
use crate::review::proof::prove;

const EXAMPLES: &str = "\
Examples:
  mcpctl report > report.html               who may call what, findings, waivers, tests and proofs
  mcpctl report fleet --env prod            with the addresses of one environment
  mcpctl report --format json               the same as data

The page is one file, without scripts, and asks for nothing from a network.
Exit codes: 0 written, 2 could not say.";

/// Writes one page for an auditor.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Report {
    /// What to read.
    #[command(flatten)]
    pub source: Source,
    /// The date that waivers are judged by, YYYY-MM-DD; today in UTC by default
    #[arg(long, value_name = "DATE", value_parser = today::parse)]
    pub today: Option<String>,
    /// Which solver settles what hand-written Cedar leaves open.
    #[command(flatten)]
    pub choice: Choice,
}

impl Report {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read or has errors, or the solver that was asked for cannot be used.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let day = self.today.clone().unwrap_or_else(today::today);
        let Loaded { mut analysis, .. } = ask::answerable_on(&self.source, Some(&day), session)?;
        let mut parts = Parts::of(&analysis, day);
        analysis::schemas::attach(&mut analysis);
        // Nothing is claimed of a workspace of which a compile writes nothing, as where a policy test fails.
        if let Judged { sources, checked: Ok(checked), .. } = analysis.judged() {
            let mut solver = self.choice.start(session)?;
            let proved =
                prove(&checked, &sources, solver.as_mut()).map_err(|error| vec![miette::Report::new(error)])?;
            parts.claims = proved.claims;
        }
        match session.globals.format.of_answers() {
            AnswerFormat::Json => json::write_value(&parts.data(), &mut session.out),
            AnswerFormat::Human | AnswerFormat::Short => write!(session.out, "{}", written::page(&parts)),
        }
        .map_err(refusal::stdout)?;
        session.out.flush().map_err(refusal::stdout)?;
        Ok(Exit::Clean)
    }
}
