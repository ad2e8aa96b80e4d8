//! `--baseline`: findings that a workspace had when it adopted mcpctl do not count, and new ones do.
//!
//! A finding is known by its fingerprint ([`crate::render::fingerprint`]), so an edit above it or a move to another file changes
//! nothing. Findings that guard access are never part of a baseline.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::formats::write_file;
use crate::cli::refusal::Refusal;
use crate::diagnostic::Report;
use crate::diagnostic::suppressed::Suppression;
use crate::render::{fingerprint, json};
use crate::source::Sources;
use crate::workspace::Reader;

/// The largest file that is read; the baseline of ten thousand findings has 2 MB.
const MOST_BYTES: usize = 64 << 20;

/// The name of the file at the root of a workspace.
pub const FILE_NAME: &str = "mcpctl-baseline.json";

/// What to do with the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Action {
    /// Write the findings of this run
    Write,
    /// Report what the baseline does not have
    Check,
    /// The same, and take out of the baseline what is no longer found
    Prune,
}

/// The file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    /// The version of [`fingerprint`].
    version: u32,
    findings: Vec<Known>,
}

/// Findings that nothing tells apart.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    check: String,
    /// For people; the fingerprint alone says which finding it is.
    message: String,
    fingerprint: String,
    /// How many there are.
    count: u32,
}

/// Does what was asked with the baseline in `file`, takes the findings that it has out of the report, and answers what is to be
/// said. `whole` says whether every file could be read.
///
/// # Errors
/// Where the file cannot be read or written, where it does not hold a baseline, and where not every file could be read.
pub fn apply(
    action: Action,
    (file, reader): (&Path, &dyn Reader),
    report: &mut Report,
    sources: &Sources,
    whole: bool,
) -> Result<Vec<String>, Refusal> {
    if !whole && action != Action::Check {
        let message = "files of the workspace cannot be read, so its findings are not known".to_owned();
        return Err(Refusal::Usage { message, help: "correct what `mcpctl validate` shows first".to_owned() });
    }
    let found = known(report, sources);
    let mut baseline = match action {
        Action::Write => found,
        Action::Check | Action::Prune => read(file, reader)?,
    };
    let left = suppress(&baseline, report, sources);
    let gone = left.values().fold(0, |sum: u32, count| sum.saturating_add(*count));
    let said = match action {
        Action::Write => {
            write(&baseline, file)?;
            let count = baseline.findings.iter().fold(0, |sum: u32, known| sum.saturating_add(known.count));
            vec![format!("wrote {} to {}", crate::render::counted(count as usize, "finding"), file.display())]
        }
        Action::Check if gone == 0 || !whole => Vec::new(),
        Action::Check => {
            let findings = crate::render::counted(gone as usize, "finding");
            let verb = if gone == 1 { "is" } else { "are" };
            vec![format!(
                "{findings} of the baseline {verb} no longer there; `--baseline prune` takes out what is gone"
            )]
        }
        Action::Prune => {
            let mut left = left;
            // A merge of two branches may have left a finding in it twice.
            for known in &mut baseline.findings {
                let rest = left.entry(known.fingerprint.clone()).or_default();
                let taken = known.count.min(*rest);
                known.count -= taken;
                *rest -= taken;
            }
            baseline.findings.retain(|known| known.count > 0);
            if gone > 0 {
                write(&baseline, file)?;
            }
            let findings = crate::render::counted(gone as usize, "finding");
            vec![format!("took {findings} out of {}", file.display())]
        }
    };
    Ok(said)
}

/// Where the baseline of a workspace is.
#[must_use]
pub fn place(given: Option<PathBuf>, root: &Path) -> PathBuf {
    given.unwrap_or_else(|| root.join(FILE_NAME))
}

/// What a baseline of this report has: all findings but those that guard access.
fn known(report: &Report, sources: &Sources) -> Baseline {
    let prints = fingerprint::fingerprints(sources, report.diagnostics.iter());
    let mut counts: BTreeMap<(&str, String), Known> = BTreeMap::new();
    for (finding, print) in report.diagnostics.iter().zip(prints).filter(|(finding, _)| !finding.rule.guards_access) {
        let known = counts.entry((finding.rule.name, print.clone())).or_insert_with(|| Known {
            check: finding.rule.name.to_owned(),
            message: finding.message.clone(),
            fingerprint: print,
            count: 0,
        });
        known.count += 1;
    }
    Baseline { version: fingerprint::VERSION, findings: counts.into_values().collect() }
}

/// Takes known findings out of the report. Answers how many of each fingerprint are left over.
fn suppress(baseline: &Baseline, report: &mut Report, sources: &Sources) -> BTreeMap<String, u32> {
    let mut left: BTreeMap<String, u32> = BTreeMap::new();
    for known in &baseline.findings {
        let left = left.entry(known.fingerprint.clone()).or_default();
        *left = left.saturating_add(known.count);
    }
    let mut prints = fingerprint::fingerprints(sources, report.diagnostics.iter()).into_iter();
    report.suppress(|finding| {
        let count = left.get_mut(&prints.next()?).filter(|count| **count > 0 && !finding.rule.guards_access)?;
        *count -= 1;
        Some(Suppression::Baseline)
    });
    left.retain(|_, count| *count > 0);
    left
}

fn read(file: &Path, reader: &dyn Reader) -> Result<Baseline, Refusal> {
    let unusable = |why: String| Refusal::Usage {
        message: format!("the baseline `{}` cannot be used: {why}", file.display()),
        help: "`mcpctl validate --baseline write` writes one".to_owned(),
    };
    let text = reader.read(file, MOST_BYTES).map_err(|error| unusable(error.to_string()))?;
    let baseline: Baseline = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
    if baseline.version != fingerprint::VERSION {
        let why =
            format!("it has version {}, and this mcpctl reads version {}", baseline.version, fingerprint::VERSION);
        return Err(unusable(why));
    }
    let rules = crate::analysis::rules::all_rules();
    let guards = |known: &&Known| rules.iter().any(|rule| rule.name == known.check && rule.guards_access);
    if let Some(known) = baseline.findings.iter().find(guards) {
        return Err(unusable(format!("`{}` guards access, and no baseline accepts its findings", known.check)));
    }
    Ok(baseline)
}

fn write(baseline: &Baseline, file: &Path) -> Result<(), Refusal> {
    let mut text = Vec::new();
    json::write_value(baseline, &mut text).and_then(|()| text.flush()).map_err(|error| Refusal::write(file, error))?;
    write_file(file, &text)
}
