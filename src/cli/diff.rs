//! `mcpctl diff`.

mod html;
mod json;
mod lines;
mod markdown;
mod view;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::load::{self, Loaded, Shown};
use super::{
    Exit, Outcome, Session,
    refusal::{self, Refusal},
    today,
};
use crate::analysis::{Analysis, Counts};
use crate::checks::{self, CheckedModel};
use crate::diagnostic::{Report, Severity};
use crate::render::{Format, counted};
use crate::review::access::Side;
use crate::review::diff::{self, ArtifactChange, Diff, Reviewed};
use crate::settings::Settings;
use crate::source::Sources;
use crate::workspace::git::Revision;
use crate::workspace::{Input, Reader};
use view::View;

const EXAMPLES: &str = "\
Examples:
  mcpctl diff main                        the working tree against a branch
  mcpctl diff main --deny widening        fail where the change opens anything
  mcpctl diff main --format markdown      a comment for the pull request
  mcpctl diff old-folder new-folder       two folders
  mcpctl diff v1.2 v1.3 -C fleet          two revisions of the folder fleet

Every pair of a principal and a tool, resource, prompt or protocol is compared,
and so is what gives the facts their meaning. The gate reads its rules from
BASE: a change cannot excuse itself.

Exit codes: 0 nothing that --deny names, 1 something, 2 could not compare.";

/// Shows every access that a change opens or closes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffCommand {
    /// What to compare with: a folder, or a git revision such as main or HEAD~1
    #[arg(value_name = "BASE")]
    pub base: String,
    /// What is judged: a folder, or a git revision; the working tree by default
    #[arg(value_name = "HEAD", default_value = ".")]
    pub head: String,
    /// What makes the exit code 1: widening (an access or a trust that opens) or any (whatever changes)
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true)]
    pub deny: Option<Deny>,
    /// Do not compile both sides to say which files of which target change
    #[arg(long)]
    pub no_artifacts: bool,
    /// The date that waivers are judged by, YYYY-MM-DD; today in UTC by default
    #[arg(long, value_name = "DATE", value_parser = today::parse)]
    pub today: Option<String>,
}

/// What fails a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Something opens
    Widening,
    /// Something changes
    Any,
}

/// One side, analysed and accepted where it has no errors.
struct Read {
    root: PathBuf,
    sources: Sources,
    settings: Settings,
    report: Report,
    counts: Counts,
    /// What it means; the flag says whether a bundle could be compiled from it.
    checked: Result<CheckedModel, Box<(crate::model::Model, crate::policy::Policy)>>,
}

impl Read {
    fn side(&self) -> Side<'_> {
        match &self.checked {
            Ok(checked) => Side { model: checked.model(), policy: checked.policy() },
            Err(refused) => Side { model: &refused.0, policy: &refused.1 },
        }
    }

    fn reviewed(&self) -> Reviewed<'_> {
        Reviewed { side: self.side(), sources: &self.sources, settings: &self.settings }
    }
}

impl DiffCommand {
    /// Runs it.
    ///
    /// # Errors
    /// Where a side cannot be read, or the two cannot be compared.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let base = self.read(&self.base, session)?;
        let head = self.read(&self.head, session)?;
        if head.checked.is_err() {
            return self.refuse(&head, session);
        }
        let mut found =
            diff::diff(base.reviewed(), head.reviewed()).map_err(|error| vec![miette::Report::new(error)])?;
        for name in environments(&base, &head, session) {
            let [before, after] = [&self.base, &self.head].map(|side| self.read_in(&name, side, session));
            let (before, after) = (before?, after?);
            if after.checked.is_err() {
                return self.refuse(&after, session);
            }
            diff::add_environment(&mut found, &name, before.reviewed(), after.reviewed());
        }
        let artifacts = self.artifacts(&base, &head)?;
        let view = View {
            base: &self.base,
            head: if self.head == "." { "the working tree" } else { &self.head },
            sides: [&base.sources, &head.sources],
            diff: &found,
            artifacts: artifacts.as_deref(),
            base_errors: base.report.count(Severity::Error)
                + usize::from(base.checked.is_err() && !base.report.reaches(Severity::Error)),
        };
        let color = session.out.color();
        let out = &mut session.out;
        match session.globals.format {
            Format::Human => lines::human(&view, color, out),
            Format::Short | Format::Github => lines::short(&view, out),
            Format::Json => json::write(&view, out),
            Format::Markdown => markdown::write(&view, out),
            Format::Html => html::write(&view, out),
        }
        .map_err(refusal::stdout)?;
        session.out.flush().map_err(refusal::stdout)?;
        session.say(&view.summary())?;
        Ok(self.exit(&found, artifacts.as_deref()))
    }

    /// What a head with errors means is not certain, so nothing can be said about what it opens.
    fn refuse(&self, head: &Read, session: &mut Session<'_>) -> Outcome {
        let docs_url = head.settings.docs_url.as_deref();
        let shown = Shown { root: &head.root, sources: &head.sources, counts: &head.counts, docs_url };
        load::report(&shown, &head.report.diagnostics, session)?;
        session.say(&format!("`{}` has errors, so it cannot be compared", self.head))?;
        Ok(Exit::Failed)
    }

    /// Reads one side as it is in an environment.
    fn read_in(&self, name: &str, side: &str, session: &mut Session<'_>) -> Result<Read, Vec<miette::Report>> {
        let chosen = session.globals.environment.replace(name.to_owned());
        let read = self.read(side, session);
        session.globals.environment = chosen;
        read
    }

    fn exit(&self, found: &Diff, artifacts: Option<&[ArtifactChange]>) -> Exit {
        let denied = match self.deny {
            None => false,
            Some(Deny::Widening) => found.widens(),
            Some(Deny::Any) => !found.is_empty() || artifacts.is_some_and(|files| !files.is_empty()),
        };
        if denied { Exit::Findings } else { Exit::Clean }
    }

    /// Reads one side: a folder where there is one of that name, else a revision.
    fn read(&self, what: &str, session: &mut Session<'_>) -> Result<Read, Vec<miette::Report>> {
        let folder = session.globals.at(Path::new(what));
        if session.reader.is_folder(&folder).is_ok() {
            if session.reader.read(&folder.join(crate::bundle::MANIFEST), 1).is_ok() {
                let message = format!("`{what}` is a compiled bundle, which does not hold what it was compiled from");
                let help = "compare the workspaces, or the revisions that the bundles were compiled from".to_owned();
                return Err(Refusal::Usage { message, help }.into());
            }
            // A change may add a folder that is called as the branch that it is judged against.
            let here = session.globals.at(Path::new("."));
            if what != "." && Revision::open(&here, what).is_ok() {
                let message = format!("`{what}` is a folder, and a git revision, too");
                let help = format!("write `./{what}` for the folder, or a full name such as `refs/heads/{what}`");
                return Err(Refusal::Usage { message, help }.into());
            }
            let reader = session.reader;
            return self.analyse(&Input::Path(folder), reader, session);
        }
        let here = session.globals.at(Path::new("."));
        // A revision is of the folder that it is compared with, else of the one that the run is in.
        let other = [&self.head, &self.base].into_iter().find(|side| side.as_str() != what);
        let other = other.map(|side| session.globals.at(Path::new(side))).filter(|path| path.is_dir());
        let revision =
            Revision::open(&other.unwrap_or(here), what).map_err(|error| vec![miette::Report::new(error)])?;
        self.analyse(&Input::Path(PathBuf::from(".")), &revision, session)
    }

    fn analyse(
        &self,
        input: &Input,
        reader: &dyn Reader,
        session: &mut Session<'_>,
    ) -> Result<Read, Vec<miette::Report>> {
        let today = self.today.clone().unwrap_or_else(today::today);
        let Loaded { root, analysis } = load::analysed(input, reader, &today, session)?;
        let Analysis { sources, settings, model, policy, report, counts } = analysis;
        let checked = checks::accept(model, policy, &report);
        Ok(Read { root, sources, settings, report, counts, checked })
    }

    fn artifacts(&self, base: &Read, head: &Read) -> Result<Option<Vec<ArtifactChange>>, Vec<miette::Report>> {
        let (Ok(before), Ok(after)) = (&base.checked, &head.checked) else { return Ok(None) };
        if self.no_artifacts {
            return Ok(None);
        }
        let found = diff::artifacts((before, &base.sources), (after, &head.sources));
        found.map(Some).map_err(|errors| errors.into_iter().map(miette::Report::new).collect())
    }
}

/// The environments that both sides declare, where none was chosen: their addresses are trusted, too.
fn environments(base: &Read, head: &Read, session: &Session<'_>) -> Vec<String> {
    if session.globals.environment.is_some() {
        return Vec::new();
    }
    let names = base.settings.environments.keys();
    names.filter(|name| head.settings.environments.contains_key(*name)).cloned().collect()
}

/// `3 cells` or `no cell`.
fn cells(count: usize) -> String {
    if count == 0 { "no cell".to_owned() } else { counted(count, "cell") }
}
