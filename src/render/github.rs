//! `--format github`: workflow commands, which GitHub shows as annotations on the changed lines.

use std::io::{self, Write};

use super::Findings;
use crate::diagnostic::{Diagnostic, Severity, one_line};

/// Writes one command a finding.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    findings.diagnostics.iter().try_for_each(|diagnostic| writeln!(out, "{}", command(findings, diagnostic)))
}

/// `::error file=,line=,endLine=,col=,endColumn=,title=::message`. GitHub refuses columns on a range of several lines, so
/// those are left out there.
fn command(findings: &Findings<'_>, diagnostic: &Diagnostic) -> String {
    let at = findings.sources.position(diagnostic.loc);
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let columns =
        if at.line == at.end_line { format!(",col={},endColumn={}", at.column, at.end_column) } else { String::new() };
    let mut message = one_line(&diagnostic.message);
    for label in &diagnostic.labels {
        let place = findings.sources.file_line(label.loc);
        message.push_str(&format!("\n{}: {}", one_line(&place), one_line(&label.message)));
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
    format!(
        "::{level} file={},line={},endLine={}{columns},title={}::{}",
        property(&one_line(&path(findings.base, findings.sources.file(diagnostic.loc.file).name()))),
        at.line,
        at.end_line,
        property(diagnostic.rule.name),
        data(&message)
    )
}

/// GitHub finds a file by its path in the repository, and every other format by its path in the workspace.
fn path(base: &str, name: &str) -> String {
    if base.is_empty() { name.to_owned() } else { format!("{base}/{name}") }
}

/// Escapes the text after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property, which ends at a comma and the properties at a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
