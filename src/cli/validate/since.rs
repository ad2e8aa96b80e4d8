//! `--changed-since`: of the findings of a workspace, those that a revision of it does not have.
//!
//! Everything is read, because most findings need two places; what a finding is known by is its fingerprint, as in a baseline. Findings
//! that guard access are always reported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::analysis::Analysis;
use crate::cli::load::{self, Loaded};
use crate::cli::refusal::Refusal;
use crate::cli::{Session, today};
use crate::diagnostic::{Diagnostic, Report};
use crate::render::fingerprint::fingerprints;
use crate::source::Sources;
use crate::workspace::git::Revision;
use crate::workspace::{Input, Wanted};

/// The workspace in a folder as a revision of its repository has it.
///
/// # Errors
/// Where it is not a folder, or the repository or the revision cannot be read.
pub fn analysed(
    folder: &Path,
    revision: &str,
    day: Option<&str>,
    session: &mut Session<'_>,
) -> Result<Analysis, Vec<miette::Report>> {
    if !folder.is_dir() {
        let message = "`--changed-since` compares a folder with a revision of it, and a file was given".to_owned();
        return Err(Refusal::Usage { message, help: "give the folder of the workspace".into() }.into());
    }
    let revision = Revision::open(folder, revision).map_err(|error| vec![miette::Report::new(error)])?;
    let day = day.map_or_else(today::today, str::to_owned);
    let here = Input::Path(PathBuf::from("."));
    let name = load::folder_name(folder);
    let Loaded { analysis, .. } =
        load::analysed((&here, Wanted::All), &revision, Some(&day), name.as_deref(), session)?;
    Ok(analysis)
}

/// Takes out of a report what was found before, too. Answers how many findings that are.
pub fn apply(before: &Analysis, report: &mut Report, sources: &Sources) -> usize {
    // A run may have asked for what is off by default.
    let old = before.report().diagnostics.iter().chain(&before.report().dormant);
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for print in fingerprints(&before.sources, old) {
        *known.entry(print).or_default() += 1;
    }
    let mut prints = fingerprints(sources, report.diagnostics.iter()).into_iter();
    let count = report.diagnostics.len();
    let is_new = |finding: &Diagnostic| match prints.next().and_then(|print| known.get_mut(&print)) {
        Some(left) if *left > 0 && !finding.rule.guards_access => {
            *left -= 1;
            false
        }
        Some(_) | None => true,
    };
    report.diagnostics.retain(is_new);
    count - report.diagnostics.len()
}
