//! What every command that reads a workspace does first: find the input, read it, analyse it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::refusal::{self, Refusal};
use super::{Exit, Session, formats, place, progress, today};
use crate::analysis::cache::Cache;
use crate::analysis::{self, Analysis, Counts};
use crate::diagnostic::suppressed::{self, Suppressed};
use crate::diagnostic::{Diagnostic, Report, Severity};
use crate::render::{self, Findings, READABLE, counted};
use crate::source::Sources;
use crate::source::yaml::MOST_BYTES;
use crate::workspace::{self, Input, Wanted, Workspace};

/// Where the input is.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A workspace folder, one file, or `-` for standard input
    #[arg(default_value = ".", value_name = "PATH")]
    pub path: PathBuf,
    /// The file name that findings in standard input show
    #[arg(long, value_name = "NAME")]
    pub stdin_filename: Option<String>,
}

/// The lowest level that fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum FailOn {
    /// Errors alone
    #[default]
    Error,
    /// Warnings and errors
    Warning,
    /// Anything found
    Note,
}

impl FailOn {
    /// The level.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Note => Severity::Note,
        }
    }
}

impl Source {
    /// Whether it is standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// What to read; standard input is read right here.
    ///
    /// # Errors
    /// Where standard input cannot be read, or is not what the options say.
    pub fn input(&self, session: &mut Session<'_>) -> Result<Input, Vec<miette::Report>> {
        if !self.is_stdin() {
            if self.stdin_filename.is_some() {
                let message = "`--stdin-filename` names standard input, and a path is read instead".to_owned();
                return Err(
                    Refusal::Usage { message, help: "give `-` as the path to read standard input".into() }.into()
                );
            }
            return Ok(Input::Path(session.globals.at(&self.path)));
        }
        let mut bytes = Vec::new();
        // One byte more than a file may have, so that the reading stage refuses it and memory stays bounded.
        let limit = MOST_BYTES as u64 + 1;
        session
            .stdin
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|source| Refusal::Stream { what: "read standard input", source })?;
        let name = self.stdin_filename.clone().unwrap_or_else(|| "stdin.yaml".to_owned());
        Ok(Input::Text { name, bytes })
    }

    /// Reads and analyses. `out` is a folder whose contents are never input; `today` is the date of today where the user
    /// gave one; `others` are the environments that are judged where `--env` chooses none.
    ///
    /// # Errors
    /// Where there is no input, or it cannot be read, or no environment has the name of `--env`.
    pub fn analyse(
        &self,
        out: Option<&Path>,
        today: Option<&str>,
        others: Wanted<'_>,
        session: &mut Session<'_>,
    ) -> Result<Loaded, Vec<miette::Report>> {
        let input = self.input(session)?;
        let here = self.is_stdin().then(|| session.globals.at(Path::new(".")));
        let today = today.map_or_else(today::today, str::to_owned);
        let reader = session.reader;
        read(&input, reader, (out, here), others, Some(&today), None, session)
    }

    /// The same from another reader, for a path.
    ///
    /// # Errors
    /// As those of [`Source::analyse`].
    pub fn analyse_from(
        &self,
        reader: &dyn workspace::Reader,
        today: Option<&str>,
        others: Wanted<'_>,
        session: &mut Session<'_>,
    ) -> Result<Loaded, Vec<miette::Report>> {
        let input = self.input(session)?;
        let today = today.map_or_else(today::today, str::to_owned);
        read(&input, reader, (None, None), others, Some(&today), None, session)
    }
}

/// Reads and analyses what a reader gives. Without `today` no waiver is expired. `folder` is the name of the folder to take
/// for the workspace's own; `others` are the environments that are judged where `--env` chooses none.
///
/// # Errors
/// Where there is no input, or it cannot be read.
pub fn analysed(
    (input, others): (&Input, Wanted<'_>),
    reader: &dyn workspace::Reader,
    today: Option<&str>,
    folder: Option<&str>,
    session: &mut Session<'_>,
) -> Result<Loaded, Vec<miette::Report>> {
    read(input, reader, (None, None), others, today, folder, session)
}

/// The name of a workspace's folder.
#[must_use]
pub fn folder_name(root: &Path) -> Option<String> {
    let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    real.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// `out` is a folder whose contents are never input, and `here` the folder of the workspace where it is not the input's own.
/// `others` are the environments that are read where none was chosen.
fn read(
    input: &Input,
    reader: &dyn workspace::Reader,
    (out, here): (Option<&Path>, Option<PathBuf>),
    others: Wanted<'_>,
    today: Option<&str>,
    folder: Option<&str>,
    session: &mut Session<'_>,
) -> Result<Loaded, Vec<miette::Report>> {
    let watch = session.err.is_terminal() && !session.globals.quiet;
    let chosen = session.globals.environment.clone();
    let wanted = chosen.as_deref().map_or(others, Wanted::One);
    let format = session.globals.format;
    let work = || {
        progress::watched(watch, reader, |reader| {
            let workspace = workspace::read(input, reader, out)?;
            // Standard input stands in the folder that the run begins in.
            let seen = here.as_ref().map_or(workspace.root.as_path(), |_| Path::new("."));
            let (shown, in_repository) = (place::shown_below(seen, format), place::in_repository(seen));
            let root = here.unwrap_or_else(|| workspace.root.clone());
            let mut analysis = analysed_in(workspace, &root, reader, (wanted, chosen.as_deref()), today, None)?;
            analysis.sources.show_below(shown, in_repository);
            analysis.is_in_folder(folder.map(str::to_owned).or_else(|| folder_name(&root)));
            Ok::<_, workspace::ReadError>(Loaded { root, analysis })
        })
    };
    let loaded = match session.globals.jobs {
        Some(jobs) => rayon::ThreadPoolBuilder::new()
            .num_threads(jobs.into())
            .build()
            .map_err(|source| Refusal::Threads { jobs, source })?
            .install(work),
        None => work(),
    };
    loaded.map_err(|error| vec![miette::Report::new(error)])
}

/// Reads what belongs to a workspace beside its files, and analyses it. `root` is its folder; of the environments, those that are
/// wanted are judged, and the chosen one takes effect.
///
/// # Errors
/// Where no environment has the name that is wanted, or the workspace cannot be walked.
pub(super) fn analysed_in(
    mut workspace: Workspace,
    root: &Path,
    reader: &dyn workspace::Reader,
    (wanted, chosen): (Wanted<'_>, Option<&str>),
    today: Option<&str>,
    cache: Option<&Cache>,
) -> Result<Analysis, workspace::ReadError> {
    let environments = workspace::environments(&mut workspace, reader, wanted)?;
    let mut analysis = analysis::analyse_in(workspace, environments, chosen, today, cache);
    analysis::keys::attach(&mut analysis, &|file| inside(root, file, reader));
    Ok(analysis)
}

/// The bytes of a file of the workspace that is not YAML; a link that leads out of it is not followed.
fn inside(root: &Path, file: &str, reader: &dyn workspace::Reader) -> std::io::Result<Vec<u8>> {
    let path = root.join(file);
    if let (Ok(root), Ok(real)) = (root.canonicalize(), path.canonicalize())
        && !real.starts_with(root)
    {
        return Err(std::io::Error::other("it is a link that leads out of the workspace"));
    }
    reader.read(&path, analysis::keys::MOST_BYTES)
}

/// An analysed workspace.
pub struct Loaded {
    /// Its folder.
    pub root: PathBuf,
    /// What it means and what is wrong in it.
    pub analysis: Analysis,
}

/// What beside the findings themselves a report needs.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The text that the places point into.
    pub sources: &'a Sources,
    /// What was read and what was left out.
    pub counts: &'a Counts,
    /// The workspace's documentation base.
    pub docs_url: Option<&'a str>,
}

/// Writes findings to standard output and the summary to standard error.
///
/// # Errors
/// Those of the writers.
pub fn report(shown: &Shown<'_>, report: &Report, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
    report_both(shown, (report, report), session)
}

/// The same, where files get other findings than standard output.
///
/// # Errors
/// Those of the writers.
pub fn report_both(
    shown: &Shown<'_>,
    (report, in_files): (&Report, &Report),
    session: &mut Session<'_>,
) -> Result<(), Vec<miette::Report>> {
    let Shown { sources, counts, docs_url: configured } = *shown;
    let most = if session.globals.all { usize::MAX } else { READABLE };
    let findings = Findings {
        sources,
        diagnostics: &report.diagnostics,
        suppressed: &report.suppressed,
        files: counts.files,
        most,
        docs_url: docs_url(configured),
    };
    let color = session.out.color();
    render::write(session.globals.format, &findings, color, &mut session.out).map_err(refusal::stdout)?;
    // Findings come before the summary also where both streams are one terminal.
    session.out.flush().map_err(refusal::stdout)?;
    for (format, file) in &session.globals.files {
        let mut text = Vec::new();
        let file = session.globals.at(file);
        let (diagnostics, suppressed) = (in_files.diagnostics.as_slice(), in_files.suppressed.as_slice());
        let findings = Findings { diagnostics, suppressed, ..findings };
        render::write(*format, &findings, false, &mut text).map_err(|error| Refusal::write(&file, error))?;
        formats::write_file(&file, &text)?;
    }
    session.say(&format!("{}{}", findings.summary(), beside(counts, &report.suppressed)))
}

/// What the summary adds: nothing is left out in silence.
fn beside(counts: &Counts, suppressed: &[Suppressed]) -> String {
    let mut text = String::new();
    if counts.unreadable > 0 {
        text.push_str(&format!("; could not read {}", counted(counts.unreadable, "file")));
    }
    for (count, accepted) in suppressed::counts(suppressed) {
        text.push_str(&format!("; {} {accepted}", counted(count, "finding")));
    }
    if counts.skipped_manifests > 0 {
        text.push_str(&format!("; skipped {}", counted(counts.skipped_manifests, "Kubernetes manifest")));
    }
    let left_out = &counts.left_out;
    let kinds = [
        (left_out.hidden, "hidden"),
        (left_out.excluded, "excluded"),
        (left_out.links, "linked twice"),
        (left_out.compiled, "of compiled bundles"),
    ];
    let kinds: Vec<String> =
        kinds.into_iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}")).collect();
    if !kinds.is_empty() {
        text.push_str(&format!("; left out {}", kinds.join(", ")));
    }
    if left_out.alone {
        text.push_str("; read this file alone: references to the rest of its workspace were not checked");
    }
    text
}

/// Whether these findings fail a run. A file that could not be read is a finding like the others, shown with them, but the
/// run did not see everything, so it ends as one that could not be made.
#[must_use]
pub fn exit(diagnostics: &[Diagnostic], counts: &Counts, fail_on: FailOn) -> Exit {
    if counts.unreadable > 0 {
        Exit::Failed
    } else if diagnostics.iter().any(|diagnostic| diagnostic.severity >= fail_on.severity()) {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

/// The documentation base: the workspace's, else the one this binary was built with.
#[must_use]
pub fn docs_url(configured: Option<&str>) -> Option<&str> {
    configured.or(option_env!("MCPCTL_DOCS_URL")).filter(|base| !base.is_empty())
}
