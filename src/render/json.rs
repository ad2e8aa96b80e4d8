//! `--format json`, version 1: one object for a run. Fields are only ever added within a version.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::Findings;
use super::entry::{Entry, Place};
use crate::diagnostic::suppressed::Suppression;
use crate::diagnostic::{Diagnostic, Label, Severity, is_unprintable};
use crate::render::patches::Patches;
use crate::source::credential::redacted;
use crate::source::{Loc, Sources};

/// The version of the object.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Run<'a> {
    version: u32,
    summary: Summary,
    diagnostics: Vec<Finding<'a>>,
    suppressed: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    suppressed: usize,
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
    upgrade: Option<Upgraded>,
    url: Option<String>,
    /// Only where a tool can fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Change<'a>>,
    /// Only of what does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<Accepted<'a>>,
}

#[derive(Serialize)]
struct Accepted<'a> {
    by: &'static str,
    justification: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<&'a str>,
}

#[derive(Serialize)]
struct Upgraded {
    before: &'static str,
    write: &'static str,
}

#[derive(Serialize)]
struct Change<'a> {
    title: String,
    safe: bool,
    edits: Vec<Edit<'a>>,
}

/// A place, and the text that it gets. A column is the number of a character of its line, from 1.
#[derive(Serialize)]
struct Edit<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    text: String,
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
    let patches = Patches::new(findings.sources);
    let run = Run {
        version: VERSION,
        summary: Summary {
            files: findings.files,
            errors: findings.count(Severity::Error),
            warnings: findings.count(Severity::Warning),
            notes: findings.count(Severity::Note),
            suppressed: findings.suppressed.len(),
        },
        diagnostics: findings.diagnostics.iter().map(|one| finding(findings, one, None, &patches)).collect(),
        suppressed: findings
            .suppressed
            .iter()
            .map(|one| finding(findings, &one.diagnostic, Some(&one.by), &patches))
            .collect(),
    };
    write_value(&run, out)
}

/// Writes each finding as an object on a line of its own; what is accepted is left out.
///
/// # Errors
/// Those of the writer.
pub fn write_lines(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let patches = Patches::new(findings.sources);
    findings.diagnostics.iter().try_for_each(|one| write_line(&finding(findings, one, None, &patches), out))
}

/// Writes each entry as an object on a line of its own, with the fields of a finding.
///
/// # Errors
/// Those of the writer.
pub fn write_entries(entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    entries.iter().filter(|entry| entry.suppressed.is_none()).try_for_each(|entry| {
        let place = |place: &Place| {
            let (from, to) = place.columns.unwrap_or((1, 1));
            json!({
                "file": place.file, "line": place.lines.0, "column": from,
                "end_line": place.lines.1, "end_column": to,
            })
        };
        let mut line = json!({ "check": entry.rule.name, "severity": entry.severity.word(), "message": entry.message });
        let labels = entry.related.iter().map(|(at, message)| {
            let mut label = place(at);
            extend(&mut label, json!({ "message": message }));
            label
        });
        let labels: Vec<Value> = labels.collect();
        extend(&mut line, entry.place.as_ref().map_or_else(|| json!({ "file": null }), place));
        extend(&mut line, json!({ "labels": labels, "help": entry.help, "url": null }));
        write_line(&line, out)
    })
}

fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// Writes any value as indented JSON with a final line break, without the secrets of its URLs. JSON leaves most invisible characters as they are; they are
/// escaped here, which means the same to a parser and is harmless on a terminal.
///
/// # Errors
/// Those of the writer.
pub fn write_value(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_text(&serde_json::to_string_pretty(value).map_err(io::Error::other)?, out)
}

/// The same on one line.
fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_text(&serde_json::to_string(value).map_err(io::Error::other)?, out)
}

fn write_text(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let text = redacted(text);
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

fn finding<'a>(
    findings: &Findings<'a>,
    diagnostic: &'a Diagnostic,
    suppressed: Option<&'a Suppression>,
    patches: &Patches<'_>,
) -> Finding<'a> {
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
        upgrade: diagnostic.upgrades().map(|upgrade| Upgraded { before: upgrade.before, write: upgrade.write }),
        url: findings.url(diagnostic.rule),
        fix: change(findings.sources, diagnostic, patches),
        suppression: suppressed.map(|by| Accepted {
            by: by.word(),
            justification: by.justification(),
            waiver: if let Suppression::Waiver { name, .. } = by { Some(name) } else { None },
        }),
    }
}

fn change<'a>(sources: &'a Sources, diagnostic: &Diagnostic, patches: &Patches<'_>) -> Option<Change<'a>> {
    let fix = diagnostic.fix.as_ref()?;
    let edit = |(loc, text): (Loc, String)| {
        let Location { file, line, column, end_line, end_column, .. } = place(sources, loc, "");
        Edit { file, line, column, end_line, end_column, text }
    };
    let edits = patches.of(fix)?.into_iter().map(edit).collect();
    Some(Change { title: fix.title.clone(), safe: fix.safe, edits })
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
