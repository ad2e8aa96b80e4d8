//! `--fix` and `--diff`: makes the changes that findings offer, as long as running again confirms them.
//!
//! Changes are made in memory, in rounds. After each, the workspace is read again: the findings have to be gone, nothing that was
//! right may be wrong, and a change that is called safe may not allow one call more. A round that does not hold is made again in
//! smaller parts, until the change at fault is alone, and left out. Files are written once, at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::analysis::Analysis;
use crate::cli::formats::write_file;
use crate::cli::refusal::Refusal;
use crate::diagnostic::{Diagnostic, Severity};
use crate::render::patches::Patches;
use crate::review::access::{Side, compare};
use crate::source::yaml::changes::{Change, applied, joined};
use crate::source::{FileId, Loc, Sources};

/// Which changes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Level {
    /// Those that nobody needs to look at
    Safe,
    /// Guesses, too
    Unsafe,
}

/// The texts of files by their names in the workspace.
pub type Texts = BTreeMap<String, String>;

/// What was changed.
#[derive(Debug, Default)]
pub struct Fixed {
    /// The new text of each changed file.
    pub texts: Texts,
    /// How many findings were fixed.
    pub count: usize,
    /// Findings whose change did not hold, by check and message.
    pub refused: BTreeSet<(&'static str, String)>,
}

/// Makes the changes that the `wanted` findings of an analysis offer. `again` analyses the workspace with other texts. Answers
/// what was changed, and the analysis of that.
///
/// # Errors
/// Those of `again` and of `wanted`.
pub fn fix<E>(
    mut analysis: Analysis,
    level: Level,
    wanted: &dyn Fn(&Analysis) -> Result<Vec<Diagnostic>, E>,
    again: &mut dyn FnMut(&Texts) -> Result<Analysis, E>,
) -> Result<(Fixed, Analysis), E> {
    let mut fixed = Fixed::default();
    let mut most = usize::MAX;
    // A round makes a change, or halves the number that is tried, or gives one up; so this ends long before.
    for _ in 0..10_000 {
        let round = Round::of(&analysis, wanted(&analysis)?, level, &fixed.refused, most);
        if round.findings.is_empty() {
            break;
        }
        let mut texts = fixed.texts.clone();
        for (file, changes) in &round.changes {
            let file = analysis.sources.file(*file);
            texts.insert(file.name().to_owned(), applied(file.text(), changes));
        }
        let next = again(&texts)?;
        if round.holds(&analysis, &next) {
            fixed.count += round.findings.len();
            fixed.texts = texts;
            analysis = next;
            most = usize::MAX;
        } else if let [only] = round.findings.as_slice() {
            fixed.refused.insert((only.rule.name, only.message.clone()));
            most = usize::MAX;
        } else {
            most = round.findings.len() / 2;
        }
    }
    Ok((fixed, analysis))
}

/// How many of some findings offer a change that can be made: safe ones, and guesses.
#[must_use]
pub fn offered(analysis: &Analysis, findings: &[Diagnostic]) -> (usize, usize) {
    let patches = Patches::new(&analysis.sources);
    let offers = findings.iter().filter_map(|finding| finding.fix.as_ref());
    let (safe, guesses): (Vec<_>, Vec<_>) = offers.filter(|fix| patches.of(fix).is_some()).partition(|fix| fix.safe);
    (safe.len(), guesses.len())
}

/// Changes that are made together.
#[derive(Default)]
struct Round {
    findings: Vec<Diagnostic>,
    changes: BTreeMap<FileId, Vec<Change>>,
}

impl Round {
    /// The first changes that do not touch each other. Guesses are made when no safe change is left, so that they are never
    /// judged together.
    fn of(
        analysis: &Analysis,
        findings: Vec<Diagnostic>,
        level: Level,
        refused: &BTreeSet<(&'static str, String)>,
        most: usize,
    ) -> Self {
        let patches = Patches::new(&analysis.sources);
        let mut rounds = [Self::default(), Self::default()];
        for finding in findings {
            let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe || level == Level::Unsafe) else { continue };
            let [safe, guesses] = &mut rounds;
            let round = if fix.safe { safe } else { guesses };
            if round.findings.len() < most
                && !refused.contains(&(finding.rule.name, finding.message.clone()))
                && let Some(changes) = patches.of(fix)
                && let Some(with) = round.with(changes)
            {
                round.changes = with;
                round.findings.push(finding);
            }
        }
        let [safe, guesses] = rounds;
        if safe.findings.is_empty() { guesses } else { safe }
    }

    /// The changes with more of them, where they do not overlap.
    fn with(&self, more: Vec<(Loc, String)>) -> Option<BTreeMap<FileId, Vec<Change>>> {
        let mut all = self.changes.clone();
        for (loc, text) in more {
            all.entry(loc.file).or_default().push((loc.start as usize..loc.end as usize, text));
        }
        let joined = all.into_iter().map(|(file, changes)| Some((file, joined(changes)?)));
        joined.collect()
    }

    /// Whether running again confirms the changes.
    fn holds(&self, before: &Analysis, after: &Analysis) -> bool {
        let (was, is) = (counted(before), counted(after));
        let gone = self.findings.iter().all(|finding| is.get(&key(finding)) < was.get(&key(finding)));
        // What was wrong may have hidden what is wrong behind it.
        let hid = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        let worse = is.iter().any(|(key, (severity, count))| {
            *severity == Severity::Error && was.get(key).is_none_or(|(_, before)| before < count)
        });
        let read = !after.model().unread_files || before.model().unread_files;
        gone && read && (hid || !worse) && (!self.is_safe() || !allows_more(before, after))
    }

    fn is_safe(&self) -> bool {
        self.findings.iter().all(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safe))
    }
}

type Key<'a> = (&'static str, &'a str);

fn key(finding: &Diagnostic) -> Key<'_> {
    (finding.rule.name, finding.message.as_str())
}

/// How often each finding is there, the accepted ones too.
fn counted(analysis: &Analysis) -> BTreeMap<Key<'_>, (Severity, usize)> {
    let report = analysis.report();
    let accepted = report.suppressed.iter().map(|one| &one.diagnostic);
    let mut counts = BTreeMap::new();
    for finding in report.diagnostics.iter().chain(accepted) {
        counts.entry(key(finding)).or_insert((finding.severity, 0)).1 += 1;
    }
    counts
}

/// Whether a call is allowed after that was denied before.
fn allows_more(before: &Analysis, after: &Analysis) -> bool {
    fn side(of: &Analysis) -> Side<'_> {
        Side { model: of.model(), policy: of.policy() }
    }
    compare(side(before), side(after)).map_or(true, |compared| compared.flips.iter().any(|flip| flip.change.widens()))
}

/// Writes changed files, each as a whole. A byte order mark in front of a file stays.
///
/// # Errors
/// Where a file has changed since it was read, or cannot be written.
pub fn write(texts: &Texts, before: &Sources, path: &dyn Fn(&str) -> PathBuf) -> Result<(), Refusal> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for (name, text) in texts {
        let path = path(name);
        let found = std::fs::read(&path).map_err(|error| Refusal::write(&path, error))?;
        let mark = if found.starts_with(b"\xef\xbb\xbf") { "\u{feff}" } else { "" };
        let read = before.iter().find(|(_, file)| file.name() == name).map(|(_, file)| file.text());
        if read.is_none_or(|read| [mark, read].concat().as_bytes() != found) {
            return Err(changed(&path));
        }
        files.push((path, [mark, text].concat().into_bytes()));
    }
    files.iter().try_for_each(|(path, text)| write_file(path, text))
}

fn changed(path: &Path) -> Refusal {
    let message = format!("`{}` was changed while mcpctl ran, and no file was written", path.display());
    Refusal::Usage { message, help: "run it again".to_owned() }
}

/// The changes in the form of `diff -u`.
#[must_use]
pub fn diff(texts: &Texts, before: &Sources) -> String {
    let mut shown = String::new();
    for (id, file) in before.iter() {
        let Some(new) = texts.get(file.name()) else { continue };
        let name = before.shown_name(id);
        let diff = similar::TextDiff::from_lines(file.text(), new);
        shown.push_str(&diff.unified_diff().header(&name, &name).to_string());
    }
    shown
}
