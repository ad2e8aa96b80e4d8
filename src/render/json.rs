//! `--format json`, version 1: one object for a run. Fields are only ever added within a version.

use std::io::{self, Write};

use serde::Serialize;

use super::Findings;
use crate::diagnostic::{Diagnostic, Label, Severity, is_unprintable};
use crate::source::credential::redacted;
use crate::source::{Loc, Sources};

/// The version of the object.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Run<'a> {
    version: u32,
    summary: Summary,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
}

#[derive(Serialize)]
struct Finding<'a> {
    check: &'a str,
    severity: &'a str,
    message: &'a str,
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    labels: Vec<Location<'a>>,
    help: Option<&'a str>,
    /// Only where a workspace that was valid has this finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade: Option<Change>,
    url: Option<String>,
}

#[derive(Serialize)]
struct Change {
    before: &'static str,
    write: &'static str,
}

#[derive(Serialize)]
struct Location<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    message: &'a str,
}

/// Writes the object and a final line break.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let run = Run {
        version: VERSION,
        summary: Summary {
            files: findings.files,
            errors: findings.count(Severity::Error),
            warnings: findings.count(Severity::Warning),
            notes: findings.count(Severity::Note),
        },
        diagnostics: findings.diagnostics.iter().map(|diagnostic| finding(findings, diagnostic)).collect(),
    };
    write_value(&run, out)
}

/// Writes any value as indented JSON with a final line break, without the secrets of its URLs. JSON leaves most invisible characters as they are; they are
/// escaped here, which means the same to a parser and is harmless on a terminal.
///
/// # Errors
/// Those of the writer.
pub fn write_value(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    let text = redacted(&text);
    let mut rest = text.as_ref();
    // Outside of strings the only such character is the line break of the indentation.
    while let Some((at, found)) = rest.char_indices().find(|(_, c)| *c != '\n' && is_unprintable(*c)) {
        let (before, after) = rest.split_at(at);
        out.write_all(before.as_bytes())?;
        for unit in found.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        rest = after.get(found.len_utf8()..).unwrap_or("");
    }
    writeln!(out, "{rest}")
}

fn finding<'a>(findings: &Findings<'a>, diagnostic: &'a Diagnostic) -> Finding<'a> {
    let Location { file, line, column, end_line, end_column, message } =
        place(findings.sources, diagnostic.loc, &diagnostic.message);
    Finding {
        check: diagnostic.rule.name,
        severity: diagnostic.severity.word(),
        message,
        file,
        line,
        column,
        end_line,
        end_column,
        labels: diagnostic.labels.iter().map(|label| labelled(findings.sources, label)).collect(),
        help: diagnostic.help.as_deref(),
        upgrade: diagnostic.upgrades().map(|upgrade| Change { before: upgrade.before, write: upgrade.write }),
        url: findings.url(diagnostic.rule),
    }
}

fn labelled<'a>(sources: &'a Sources, label: &'a Label) -> Location<'a> {
    place(sources, label.loc, &label.message)
}

fn place<'a>(sources: &'a Sources, loc: Loc, message: &'a str) -> Location<'a> {
    let at = sources.position(loc);
    Location {
        file: sources.file(loc.file).name(),
        line: at.line,
        column: at.column,
        end_line: at.end_line,
        end_column: at.end_column,
        message,
    }
}
