//! `mcpctl schema`.

use std::io::Write;

use clap::Args;

use super::refusal::{self, Refusal};
use super::{Exit, Outcome, Session};
use crate::families::{COMBINED_SCHEMA, FamilyId};
use crate::settings;

const EXAMPLES: &str = "\
Examples:
  mcpctl schema > fleet.schema.json     for files of any family
  mcpctl schema data-routing            for files of one family
  mcpctl schema settings                for mcpctl.yaml

In an editor that runs yaml-language-server, begin a file with
  # yaml-language-server: $schema=fleet.schema.json";

/// The name of the schema of `mcpctl.yaml`, beside those of the families.
pub const SETTINGS: &str = "settings";

/// Prints a JSON Schema.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Schema {
    /// A family, by name or by key, or `settings`; every family's sections together by default
    #[arg(value_name = "FAMILY")]
    pub family: Option<String>,
}

impl Schema {
    /// Runs it.
    ///
    /// # Errors
    /// Where there is no such family.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let text = match self.family.as_deref() {
            None => COMBINED_SCHEMA,
            Some(SETTINGS) => settings::SCHEMA,
            Some(name) => family(name).ok_or_else(|| unknown(name))?.schema(),
        };
        writeln!(session.out, "{}", text.trim_end()).map_err(refusal::stdout)?;
        Ok(Exit::Clean)
    }
}

/// The family of that name or key.
#[must_use]
pub fn family(name: &str) -> Option<FamilyId> {
    FamilyId::ALL.iter().copied().find(|family| family.name() == name || family.key() == name)
}

fn unknown(name: &str) -> Refusal {
    let names = FamilyId::ALL.iter().flat_map(|family| [family.name(), family.key()]).chain([SETTINGS]);
    Refusal::unknown("family", name, names, "`mcpctl list families` lists them")
}
