//! Findings as diagnostics of the protocol.

use std::collections::BTreeMap;
use std::str::FromStr;

use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    NumberOrString, Range, Uri,
};

use super::position::{Encoding, Lines};
use crate::analysis::Analysis;
use crate::diagnostic::{self, Severity};
use crate::render::check_url;
use crate::source::{FileId, Loc};

/// What every diagnostic says that it comes from.
pub const SOURCE: &str = "mcpctl";

/// Checks whose findings are about text that has no effect.
const WITHOUT_EFFECT: [&str; 2] = ["unused-ignore", "unused-waiver"];

/// The URI of a file by its name in the workspace.
pub type UriOf<'u> = &'u dyn Fn(&str) -> Option<Uri>;

/// Turns places of a workspace into those of the protocol. The lines of a file are found once.
pub struct Places<'a> {
    analysis: &'a Analysis,
    encoding: Encoding,
    uri: UriOf<'a>,
    lines: BTreeMap<FileId, Lines<'a>>,
}

impl<'a> Places<'a> {
    /// For an analysis. `uri` gives the URI of a file by its name in the workspace.
    pub fn new(analysis: &'a Analysis, encoding: Encoding, uri: UriOf<'a>) -> Self {
        Self { analysis, encoding, uri, lines: BTreeMap::new() }
    }

    /// A file with another text than that of the analysis.
    #[must_use]
    pub fn with(mut self, file: FileId, lines: Lines<'a>) -> Self {
        self.lines.insert(file, lines);
        self
    }

    /// The range of a place in its file.
    pub fn range(&mut self, loc: Loc) -> Range {
        let (analysis, encoding) = (self.analysis, self.encoding);
        let lines =
            self.lines.entry(loc.file).or_insert_with(|| Lines::new(analysis.sources.file(loc.file).text(), encoding));
        lines.range(loc.start as usize..loc.end as usize)
    }

    /// The place with its file.
    pub fn location(&mut self, loc: Loc) -> Option<Location> {
        let uri = (self.uri)(self.analysis.sources.file(loc.file).name())?;
        Some(Location::new(uri, self.range(loc)))
    }
}

/// A finding as a diagnostic, in the file of its place.
pub fn diagnostic(finding: &diagnostic::Diagnostic, places: &mut Places<'_>, docs_url: Option<&str>) -> Diagnostic {
    let href = check_url(docs_url, finding.rule).and_then(|url| Uri::from_str(&url).ok());
    let mut message = finding.message.clone();
    if let Some(help) = &finding.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    if let Some(upgrade) = finding.upgrades() {
        message.push_str(&format!("\nbefore: {}\nwrite now: {}", upgrade.before, upgrade.write));
    }
    let related: Vec<DiagnosticRelatedInformation> = finding
        .labels
        .iter()
        .filter_map(|label| {
            let location = places.location(label.loc)?;
            Some(DiagnosticRelatedInformation { location, message: label.message.clone() })
        })
        .collect();
    Diagnostic {
        range: places.range(finding.loc),
        severity: Some(severity(finding.severity)),
        code: Some(NumberOrString::String(finding.rule.name.to_owned())),
        code_description: href.map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: WITHOUT_EFFECT.contains(&finding.rule.name).then(|| vec![DiagnosticTag::UNNECESSARY]),
        data: None,
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    }
}

/// That a workspace cannot be read at all, as a diagnostic at the start of a file.
#[must_use]
pub fn unread(why: &str) -> Diagnostic {
    Diagnostic {
        severity: Some(DiagnosticSeverity::ERROR),
        code: Some(NumberOrString::String("unreadable-file".to_owned())),
        source: Some(SOURCE.to_owned()),
        message: diagnostic::one_line(why),
        ..Diagnostic::default()
    }
}

/// Every finding of an analysis, by the name of its file.
#[must_use]
pub fn by_file(
    analysis: &Analysis,
    places: &mut Places<'_>,
    docs_url: Option<&str>,
) -> BTreeMap<String, Vec<Diagnostic>> {
    let mut files: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for finding in &analysis.report().diagnostics {
        let name = analysis.sources.file(finding.loc.file).name().to_owned();
        files.entry(name).or_default().push(diagnostic(finding, places, docs_url));
    }
    files
}
