//! `--format github`: workflow commands, which GitHub shows as annotations on the changed lines. It finds a file by its path
//! in the repository, which is how [`crate::source::Sources::name_in_repository`] gives it.

use std::fmt;
use std::io::{self, Write};

use super::Findings;
use super::escape::{github_message, github_property};
use crate::diagnostic::{Diagnostic, Severity, one_line};

/// Writes one command a finding.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    findings.diagnostics.iter().try_for_each(|diagnostic| writeln!(out, "{}", command(findings, diagnostic)))
}

/// One annotation: a line of a file, and what is said of it.
#[derive(Debug)]
pub struct Annotation<'a> {
    /// How serious it is.
    pub severity: Severity,
    /// Path of the file in the repository. Empty for what is about no file.
    pub file: &'a str,
    /// First and last line, from 1.
    pub lines: (u32, u32),
    /// First column and one past the last, on one line alone.
    pub columns: Option<(u32, u32)>,
    /// Its headline.
    pub title: &'a str,
    /// What it says; may have several lines, each made harmless already.
    pub message: &'a str,
}

impl fmt::Display for Annotation<'_> {
    /// `::error file=,line=,endLine=,col=,endColumn=,title=::message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        write!(f, "::{level} ")?;
        if !self.file.is_empty() {
            let (line, end) = self.lines;
            write!(f, "file={},line={line},endLine={end},", github_property(self.file))?;
            if let Some((from, to)) = self.columns {
                write!(f, "col={from},endColumn={to},")?;
            }
        }
        write!(f, "title={}::{}", github_property(self.title), github_message(self.message))
    }
}

/// GitHub refuses columns on a range of several lines, so those are left out there.
fn command(findings: &Findings<'_>, diagnostic: &Diagnostic) -> String {
    let at = findings.sources.position(diagnostic.loc);
    let mut message = one_line(&diagnostic.message);
    for label in &diagnostic.labels {
        let file = findings.sources.name_in_repository(label.loc.file);
        let line = findings.sources.position(label.loc).line;
        message.push_str(&format!("\n{}:{line}: {}", one_line(&file), one_line(&label.message)));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {}", one_line(help)));
    }
    if let Some(upgrade) = diagnostic.upgrades() {
        message.push_str(&format!("\nbefore: {}\nwrite now: {}", one_line(upgrade.before), one_line(upgrade.write)));
    }
    if let Some(url) = findings.url(diagnostic.rule) {
        message.push_str(&format!("\n{}", one_line(&url)));
    }
    Annotation {
        severity: diagnostic.severity,
        file: &findings.sources.name_in_repository(diagnostic.loc.file),
        lines: (at.line, at.end_line),
        columns: (at.line == at.end_line).then_some((at.column, at.end_column)),
        title: diagnostic.rule.name,
        message: &message,
    }
    .to_string()
}
