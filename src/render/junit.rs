//! `--format junit`: a report in JUnit's format. Each finding is a test: an error is one that failed, and what is accepted was
//! skipped.

use std::io::{self, Write};

use super::entry::Entry;
use super::escape::xml;
use crate::diagnostic::Severity;

/// Writes the report. A run without findings has one test that passed, since an empty report reads as one that did not happen.
///
/// # Errors
/// Those of the writer.
pub fn write(entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    let counts = |entry: &&Entry<'_>| entry.suppressed.is_none() && entry.severity == Severity::Error;
    let failed = entries.iter().filter(counts).count();
    let skipped = entries.iter().filter(|entry| entry.suppressed.is_some()).count();
    let all = entries.len().max(1);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="mcpctl" tests="{all}" failures="{failed}" errors="0">"#)?;
    writeln!(out, r#"  <testsuite name="findings" tests="{all}" failures="{failed}" errors="0" skipped="{skipped}">"#)?;
    if entries.is_empty() {
        writeln!(out, r#"    <testcase name="no findings" classname="mcpctl"/>"#)?;
    }
    for entry in entries {
        let at = entry.place.as_ref();
        let place = at.map(|place| format!("{}:{}", place.file, place.lines.0)).unwrap_or_default();
        let name = format!("{} {place}", entry.rule.name);
        let class = at.map_or("mcpctl", |place| place.file.as_str());
        writeln!(out, r#"    <testcase name="{}" classname="{}">"#, xml(name.trim_end()), xml(class))?;
        let message = xml(&entry.message);
        match (entry.suppressed, entry.severity) {
            (Some(by), _) => writeln!(out, r#"      <skipped message="{}"/>"#, xml(&by.justification()))?,
            (None, Severity::Error) => {
                let text = xml(&format!("{place}\n{}", entry.text()));
                writeln!(out, r#"      <failure message="{message}" type="{}">{text}</failure>"#, entry.rule.name)?;
            }
            (None, severity) => {
                let text = xml(&format!("{place}: {}: {}", severity.word(), entry.text()));
                writeln!(out, "      <system-out>{text}</system-out>")?;
            }
        }
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}
