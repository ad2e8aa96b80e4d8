//! Findings as text, one file a format. Nothing here prints: every renderer writes to the writer it is given.

use std::io::{self, Write};

use crate::diagnostic::suppressed::Suppressed;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::source::Sources;

mod azure;
pub mod entry;
pub mod escape;
pub mod fingerprint;
pub mod github;
mod gitlab;
pub mod human;
pub mod json;
mod junit;
pub mod page;
pub mod patch;
pub mod patches;
mod rdjson;
mod sarif;
pub mod short;

use entry::Entry;

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// The source line, what is wrong with it, and what to do
    #[default]
    Human,
    /// One line a finding: `file:line:column: severity[check]: message`
    Short,
    /// One JSON object, version 1
    Json,
    /// One JSON object a line, each a finding as in `json`
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub annotations
    Github,
    /// GitLab's report of code quality
    Gitlab,
    /// JUnit's report of tests
    Junit,
    /// The Reviewdog Diagnostic Format
    Rdjson,
    /// Logging commands of Azure Pipelines
    Azure,
    /// A comment for a pull request; of `diff` alone
    Markdown,
    /// One page for a browser; of `diff` alone
    Html,
    /// The Kubernetes objects that disappear, for `kubectl delete -f -`; of `diff` alone
    Prune,
}

/// How answers are written: those of `list`, `explain`, `can` and others, which report no findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFormat {
    /// For people.
    Human,
    /// A line each, for `grep` and logs.
    Short,
    /// For programs.
    Json,
}

impl Format {
    /// Whether only a comparison can be written so.
    #[must_use]
    pub fn is_of_diff(self) -> bool {
        matches!(self, Self::Markdown | Self::Html | Self::Prune)
    }

    /// Whether only findings can be written so.
    #[must_use]
    pub fn is_of_findings(self) -> bool {
        matches!(self, Self::Jsonl | Self::Sarif | Self::Gitlab | Self::Junit | Self::Rdjson | Self::Azure)
    }

    /// How an answer is written where findings are written so.
    #[must_use]
    pub fn of_answers(self) -> AnswerFormat {
        match self {
            Self::Short | Self::Github | Self::Azure => AnswerFormat::Short,
            Self::Json | Self::Jsonl | Self::Sarif | Self::Gitlab | Self::Rdjson => AnswerFormat::Json,
            Self::Human | Self::Junit | Self::Markdown | Self::Html | Self::Prune => AnswerFormat::Human,
        }
    }
}

/// How many findings of one check people are shown, unless they ask for all.
pub const READABLE: usize = 20;

/// What a run found, and what a renderer needs to show it.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// The text that the places point into.
    pub sources: &'a Sources,
    /// The findings, sorted.
    pub diagnostics: &'a [Diagnostic],
    /// Those that somebody accepted, sorted.
    pub suppressed: &'a [Suppressed],
    /// How many files were read.
    pub files: usize,
    /// Most findings of one check that people are shown; programs are given all.
    pub most: usize,
    /// Where the documentation is served, if anywhere.
    pub docs_url: Option<&'a str>,
}

impl Findings<'_> {
    /// How many findings there are of exactly that level.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }

    /// The page about a rule, where a documentation base is configured.
    #[must_use]
    pub fn url(&self, rule: &Rule) -> Option<String> {
        check_url(self.docs_url, rule)
    }

    /// `2 errors, 13 warnings, 1 note in 19 files`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
            .into_iter()
            .map(|severity| (self.count(severity), severity.word()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| counted(count, word))
            .collect();
        let found = if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") };
        format!("{found} in {}", counted(self.files, "file"))
    }
}

/// The page about a rule under a documentation base.
#[must_use]
pub fn check_url(docs_url: Option<&str>, rule: &Rule) -> Option<String> {
    docs_url.map(|base| format!("{}/checks/{}.html", base.trim_end_matches('/'), rule.name))
}

/// A number and a noun, in the plural where there is not exactly one.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Writes all findings in a format.
///
/// # Errors
/// Those of the writer.
pub fn write(format: Format, findings: &Findings<'_>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    match format {
        // Findings are shown to people in one way, whatever the rest of a run writes.
        Format::Human | Format::Markdown | Format::Html | Format::Prune => human::write(findings, color, out),
        Format::Short => short::write(findings, out),
        Format::Json => json::write(findings, out),
        Format::Jsonl => json::write_lines(findings, out),
        Format::Github => github::write(findings, out),
        Format::Sarif | Format::Gitlab | Format::Junit | Format::Rdjson | Format::Azure => {
            write_entries(format, findings.docs_url, &entry::entries(findings), out)
        }
    }
}

/// Writes entries in a format that lists them. Other formats are written from findings, and write nothing here.
///
/// # Errors
/// Those of the writer.
pub fn write_entries(
    format: Format,
    docs_url: Option<&str>,
    entries: &[Entry<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Sarif => sarif::write(docs_url, entries, out),
        Format::Gitlab => gitlab::write(entries, out),
        Format::Junit => junit::write(entries, out),
        Format::Rdjson => rdjson::write(docs_url, entries, out),
        Format::Azure => azure::write(entries, out),
        Format::Jsonl => json::write_entries(entries, out),
        Format::Human
        | Format::Short
        | Format::Json
        | Format::Github
        | Format::Markdown
        | Format::Html
        | Format::Prune => Ok(()),
    }
}
