//! `--format short`: one line a finding, as compilers and editors have always read them.

use std::io::{self, Write};

use super::Findings;
use crate::diagnostic::{Diagnostic, one_line};

/// Writes every finding on a line of its own.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    findings.diagnostics.iter().try_for_each(|diagnostic| writeln!(out, "{}", line(findings, diagnostic)))
}

/// `file:line:column: severity[check]: message`.
#[must_use]
pub fn line(findings: &Findings<'_>, diagnostic: &Diagnostic) -> String {
    let at = findings.sources.position(diagnostic.loc);
    format!(
        "{}:{}:{}: {}[{}]: {}",
        one_line(&findings.sources.shown_name(diagnostic.loc.file)),
        at.line,
        at.column,
        diagnostic.severity.word(),
        diagnostic.rule.name,
        one_line(&diagnostic.message)
    )
}
