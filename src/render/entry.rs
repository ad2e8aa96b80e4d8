//! A finding as the formats of other tools list it: places resolved to paths in the repository, messages made harmless.

use super::Findings;
use super::fingerprint::fingerprints;
use crate::diagnostic::suppressed::Suppression;
use crate::diagnostic::{Diagnostic, Rule, Severity, one_line};
use crate::render::patches::Patches;
use crate::source::{Loc, Position, Sources};

/// One finding, whatever found it.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its kind.
    pub rule: &'a Rule,
    /// Its level.
    pub severity: Severity,
    /// One line.
    pub message: String,
    /// What to do about it, one line.
    pub help: Option<String>,
    /// Where it is; `None` for what is about no file.
    pub place: Option<Place>,
    /// Other places, each with what is there.
    pub related: Vec<(Place, String)>,
    /// What tells it from another one.
    pub fingerprint: String,
    /// Why it does not count, where it does not.
    pub suppressed: Option<&'a Suppression>,
    /// How it can be fixed, where a tool can do it.
    pub fix: Option<EntryFix>,
}

/// A change that fixes a finding.
#[derive(Debug, Clone)]
pub struct EntryFix {
    /// What it does.
    pub title: String,
    /// Whether nobody needs to look at it.
    pub safe: bool,
    /// What is replaced, and by what text.
    pub changes: Vec<(Place, String)>,
}

impl EntryFix {
    /// A fix with its changes, where they can be made.
    #[must_use]
    pub fn of(finding: &Diagnostic, patches: &Patches<'_>, sources: &Sources) -> Option<Self> {
        let fix = finding.fix.as_ref()?;
        let changes = patches.of(fix)?.into_iter().map(|(loc, text)| (Place::of(sources, loc), text)).collect();
        Some(Self { title: fix.title.clone(), safe: fix.safe, changes })
    }
}

/// A place in a file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path in the repository, with `/`.
    pub file: String,
    /// Lines from 1, the last one included.
    pub lines: (u32, u32),
    /// Columns from 1 in characters, the end excluded; `None` for whole lines.
    pub columns: Option<(u32, u32)>,
    /// The same in bytes of UTF-8.
    pub byte_columns: Option<(u32, u32)>,
}

impl Place {
    /// The place of a range of text.
    #[must_use]
    pub fn of(sources: &Sources, loc: Loc) -> Self {
        let Position { line, column, end_line, end_column } = sources.position(loc);
        let file = sources.file(loc.file);
        Self {
            file: sources.name_in_repository(loc.file),
            lines: (line, end_line),
            columns: Some((column, end_column)),
            byte_columns: Some((file.byte_column(loc.start), file.byte_column(loc.end.max(loc.start)))),
        }
    }

    /// A whole line.
    #[must_use]
    pub fn line(file: &str, line: u32) -> Self {
        Self { file: file.to_owned(), lines: (line, line), columns: None, byte_columns: None }
    }

    /// The path as a relative reference of RFC 3986.
    #[must_use]
    pub fn uri(&self) -> String {
        let mut uri = String::with_capacity(self.file.len());
        for byte in self.file.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    uri.push(char::from(byte))
                }
                other => uri.push_str(&format!("%{other:02X}")),
            }
        }
        uri
    }
}

impl Entry<'_> {
    /// Message, help and what changed since an older version, a line each.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.help {
            Some(help) => format!("{}\n{help}", self.message),
            None => self.message.clone(),
        }
    }
}

/// Every finding, the suppressed ones last.
#[must_use]
pub fn entries<'a>(findings: &Findings<'a>) -> Vec<Entry<'a>> {
    let suppressed = findings.suppressed.iter().map(|one| (&one.diagnostic, Some(&one.by)));
    let all: Vec<_> = findings.diagnostics.iter().map(|finding| (finding, None)).chain(suppressed).collect();
    let prints = fingerprints(findings.sources, all.iter().map(|(finding, _)| *finding));
    let patches = Patches::new(findings.sources);
    all.into_iter()
        .zip(prints)
        .map(|((finding, by), print)| entry(findings.sources, finding, by, print, &patches))
        .collect()
}

fn entry<'a>(
    sources: &Sources,
    finding: &'a Diagnostic,
    suppressed: Option<&'a Suppression>,
    fingerprint: String,
    patches: &Patches<'_>,
) -> Entry<'a> {
    let mut help: Vec<String> = finding.help.iter().map(|help| format!("help: {}", one_line(help))).collect();
    if let Some(upgrade) = finding.upgrades() {
        help.push(format!("before: {}", one_line(upgrade.before)));
        help.push(format!("write now: {}", one_line(upgrade.write)));
    }
    Entry {
        rule: finding.rule,
        severity: finding.severity,
        message: one_line(&finding.message),
        help: (!help.is_empty()).then(|| help.join("\n")),
        place: Some(Place::of(sources, finding.loc)),
        related: finding.labels.iter().map(|one| (Place::of(sources, one.loc), one_line(&one.message))).collect(),
        fingerprint,
        suppressed,
        fix: EntryFix::of(finding, patches, sources),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(Place::line("retail/a b#é.yaml", 1).uri(), "retail/a%20b%23%C3%A9.yaml");
    }
}
