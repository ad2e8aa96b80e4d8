//! `mcpctl list`.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::load::{self, FailOn, Source};
use super::{Exit, Outcome, Session, refusal, table};
use crate::analysis::Analysis;
use crate::diagnostic::Severity;
use crate::render::{AnswerFormat, counted, json};
use crate::workspace::Wanted;

mod catalogue;
mod inventory;
mod layers;

const EXAMPLES: &str = "\
Examples:
  mcpctl list checks                     every check, its level, what it finds
  mcpctl list tools fleet                every tool, who may call it, how
  mcpctl list layers fleet               what stands before each server
  mcpctl list principals --format json   for programs

With servers, tools, principals and layers the exit code is 1 where the workspace has
errors, because the list may lack something.";

/// Lists one kind of thing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct List {
    /// What to list: families, checks, targets, or a workspace's servers, tools, principals or layers
    #[arg(value_enum, value_name = "KIND", hide_possible_values = true)]
    pub kind: Listed,
    /// What to read, for servers, tools, principals and layers.
    #[command(flatten)]
    pub source: Source,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Families of configuration
    Families,
    /// Checks
    Checks,
    /// Targets
    Targets,
    /// MCP servers of a workspace
    Servers,
    /// Tools of a workspace
    Tools,
    /// Principals of a workspace
    Principals,
    /// Independent layers that decide calls of each server
    Layers,
}

impl Listed {
    /// Whether a workspace is read for it.
    pub(super) fn is_of_a_workspace(self) -> bool {
        match self {
            Self::Families | Self::Checks | Self::Targets => false,
            Self::Servers | Self::Tools | Self::Principals | Self::Layers => true,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Families => "families",
            Self::Checks => "checks",
            Self::Targets => "targets",
            Self::Servers => "servers",
            Self::Tools => "tools",
            Self::Principals => "principals",
            Self::Layers => "layers",
        }
    }
}

/// Rows for people, and the same as data.
struct Listing {
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
    data: Vec<Value>,
}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        match self.kind {
            Listed::Families => self.show(&catalogue::families().map_err(refusal::stdout)?, session)?,
            Listed::Checks => self.show(&catalogue::checks(), session)?,
            Listed::Targets => self.show(&catalogue::targets(), session)?,
            Listed::Servers => return self.inventory(inventory::servers, session),
            Listed::Tools => return self.inventory(inventory::tools, session),
            Listed::Principals => return self.inventory(inventory::principals, session),
            Listed::Layers => return self.inventory(layers::layers, session),
        }
        Ok(Exit::Clean)
    }

    fn inventory(&self, list: fn(&Analysis) -> Listing, session: &mut Session<'_>) -> Outcome {
        let analysis = self.source.analyse(None, None, Wanted::None, session)?.analysis;
        self.show(&list(&analysis), session)?;
        let exit = load::exit(&analysis.report().diagnostics, &analysis.counts, FailOn::Error);
        if exit != Exit::Clean {
            let errors = counted(analysis.report().count(Severity::Error), "error");
            session
                .say(&format!("the workspace has {errors}, so the list may lack something; see `mcpctl validate`"))?;
        }
        Ok(exit)
    }

    fn show(&self, listing: &Listing, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
        match session.globals.format.of_answers() {
            AnswerFormat::Json => json::write_value(&listing.data, &mut session.out).map_err(refusal::stdout),
            AnswerFormat::Human | AnswerFormat::Short if listing.rows.is_empty() => {
                session.say(&format!("no {}", self.kind.word()))
            }
            AnswerFormat::Human | AnswerFormat::Short => {
                table::write(listing.head, &listing.rows, &mut session.out).map_err(refusal::stdout)
            }
        }
    }
}
