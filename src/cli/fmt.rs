//! `mcpctl fmt`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::formats::write_file;
use super::load::Source;
use super::refusal::{self, Refusal};
use super::{Exit, Outcome, Session};
use crate::render::counted;
use crate::source::yaml::layout::laid_out;
use crate::workspace::{self, InputFile, Wanted, is_cedar, without_bom};

const EXAMPLES: &str = "\
Examples:
  mcpctl fmt                                  the files of the workspace in this folder
  mcpctl fmt --check                          name the files that would change, and exit with 1
  mcpctl fmt --diff fleet/registry.yaml       show what would change in one file
  mcpctl fmt - <a.yaml                        write standard input in this layout to standard output";

/// Lay out the YAML of a workspace: indentation, spaces and empty lines. Order, quotes, comments and meaning stay.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Fmt {
    /// What to lay out.
    #[command(flatten)]
    pub source: Source,
    /// Change nothing, and exit with 1 where a file would change
    #[arg(long)]
    pub check: bool,
    /// Show the changes in the form of `diff -u`, and make none
    #[arg(long)]
    pub diff: bool,
}

/// A file whose layout is another one.
struct Changed {
    path: PathBuf,
    shown: String,
    before: String,
    after: String,
}

impl Fmt {
    /// Runs it.
    ///
    /// # Errors
    /// Where a file cannot be read or written.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let input = self.source.input(session)?;
        let reader = session.reader;
        let mut workspace =
            workspace::read(&input, reader, None).map_err(miette::Report::new).map_err(|one| vec![one])?;
        let environments = workspace::environments(&mut workspace, reader, Wanted::All);
        let environments = environments.map_err(miette::Report::new).map_err(|one| vec![one])?;
        let alone = workspace.skipped.alone;
        let root = workspace.root.clone();
        let own = session.globals.at(&self.source.path);
        let place = |name: &str| if alone { own.clone() } else { root.join(name) };
        let of_environments = environments.into_iter().flat_map(|environment| environment.files);
        let mut files: Vec<InputFile> =
            workspace.files.into_iter().chain(workspace.settings).chain(of_environments).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.dedup_by(|a, b| a.name == b.name);
        let (mut changed, mut refused, mut count) = (Vec::new(), Vec::new(), 0);
        for file in files.into_iter().filter(|file| !is_cedar(&file.name)) {
            count += 1;
            let path = place(&file.name);
            match formatted(file) {
                Ok((before, after)) if before == after => {}
                Ok((before, after)) => {
                    let shown = path.display().to_string();
                    changed.push(Changed { path, shown, before, after });
                }
                Err(()) => refused.push(path),
            }
        }
        if self.source.is_stdin() && !self.check && !self.diff {
            return self.to_output(&input, &changed, &refused, session);
        }
        self.report(&changed, &refused, count, session)
    }

    /// Standard input goes to standard output, changed or not.
    fn to_output(
        &self,
        input: &workspace::Input,
        changed: &[Changed],
        refused: &[PathBuf],
        session: &mut Session<'_>,
    ) -> Outcome {
        let workspace::Input::Text { bytes, .. } = input else { return Ok(Exit::Failed) };
        if !refused.is_empty() {
            return Err(unreadable(Path::new("-")).into());
        }
        let text = changed.first().map_or(bytes.as_slice(), |one| one.after.as_bytes());
        session.out.write_all(text).map_err(refusal::stdout)?;
        Ok(Exit::Clean)
    }

    fn report(&self, changed: &[Changed], refused: &[PathBuf], count: usize, session: &mut Session<'_>) -> Outcome {
        for one in changed {
            let text = if self.diff {
                let diff = similar::TextDiff::from_lines(&one.before, &one.after);
                diff.unified_diff().header(&one.shown, &one.shown).to_string()
            } else {
                format!("{}\n", one.shown)
            };
            session.out.write_all(text.as_bytes()).map_err(refusal::stdout)?;
        }
        let only_shown = self.check || self.diff;
        if !only_shown {
            changed.iter().try_for_each(|one| write_file(&one.path, one.after.as_bytes()))?;
        }
        let verb = if only_shown { "would change" } else { "changed" };
        session.say(&format!("{} of {} {verb}", changed.len(), counted(count, "file")))?;
        if !refused.is_empty() {
            return Err(refused.iter().map(|path| miette::Report::new(unreadable(path))).collect());
        }
        Ok(if only_shown && !changed.is_empty() { Exit::Findings } else { Exit::Clean })
    }
}

/// The text of a file and its layout. A byte order mark in front of it stays.
fn formatted(file: InputFile) -> Result<(String, String), ()> {
    let text = String::from_utf8(file.bytes.map_err(|_| ())?).map_err(|_| ())?;
    let without = without_bom(&text);
    let mark = if without.len() < text.len() { "\u{feff}" } else { "" };
    let after = format!("{mark}{}", laid_out(without).ok_or(())?);
    Ok((text, after))
}

fn unreadable(path: &Path) -> Refusal {
    Refusal::Usage {
        message: format!("`{}` is not YAML that can be laid out, and stays as it is", path.display()),
        help: "`mcpctl validate` shows whether it can be read".to_owned(),
    }
}
