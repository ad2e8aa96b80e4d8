//! `--format azure`: logging commands of Azure Pipelines. They know errors and warnings alone; a note is a line of the log. What is
//! accepted is not part of it.

use std::io::{self, Write};

use super::entry::Entry;
use super::escape::{azure_line, azure_message, azure_property};
use crate::diagnostic::{Severity, one_line};

/// Writes one command a finding.
///
/// # Errors
/// Those of the writer.
pub fn write(entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    for entry in entries.iter().filter(|entry| entry.suppressed.is_none()) {
        let word = entry.severity.word();
        if entry.severity == Severity::Note {
            let place = entry
                .place
                .as_ref()
                .map(|place| format!("{}:{}: ", one_line(&place.file), place.lines.0))
                .unwrap_or_default();
            // Such a command is read wherever it is in a line.
            let line = format!("{place}{word}[{}]: {}", entry.rule.name, entry.message);
            writeln!(out, "{}", azure_line(&line))?;
            continue;
        }
        write!(out, "##vso[task.logissue type={word};code={};", azure_property(entry.rule.name))?;
        if let Some(place) = &entry.place {
            write!(out, "sourcepath={};linenumber={};", azure_property(&place.file), place.lines.0)?;
            if let Some((column, _)) = place.columns {
                write!(out, "columnnumber={column};")?;
            }
        }
        writeln!(out, "]{}", azure_message(&entry.text()))?;
    }
    Ok(())
}
