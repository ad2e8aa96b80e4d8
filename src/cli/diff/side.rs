//! One side of a comparison: a folder, a revision or a bundle, read and analysed.

use std::path::{Path, PathBuf};

use super::DiffCommand;
use crate::analysis::{Counts, Judged, schemas};
use crate::bundle::existing::{self, Existing};
use crate::bundle::sources::embedded;
use crate::checks::CheckedModel;
use crate::cli::load::{self, Loaded};
use crate::cli::place;
use crate::cli::refusal::Refusal;
use crate::cli::{Session, today};
use crate::diagnostic::{Report, Severity};
use crate::model::Model;
use crate::model::gate::Gate;
use crate::policy::Policy;
use crate::policy::whole::Written;
use crate::review::access::Side;
use crate::review::diff::Reviewed;
use crate::settings::Settings;
use crate::source::Sources;
use crate::workspace::git::Revision;
use crate::workspace::stored::Stored;
use crate::workspace::{Input, Wanted};

/// A version of the workspace.
pub(super) enum Version {
    /// A folder.
    Folder(PathBuf),
    /// A revision of the repository.
    Revision(Box<Revision>),
    /// A compiled bundle, and what it was compiled from.
    Bundle(Box<(Existing, Stored)>),
}

impl Version {
    /// The bundle, where it is one.
    pub(super) fn bundle(&self) -> Option<&Existing> {
        match self {
            Self::Bundle(bundle) => Some(&bundle.0),
            Self::Folder(_) | Self::Revision(_) => None,
        }
    }

    /// The name that a bundle was compiled with.
    fn name(&self) -> Option<&str> {
        self.bundle().map(|bundle| bundle.manifest.name.as_str()).filter(|name| !name.is_empty())
    }

    /// The environment that a bundle was compiled for.
    fn environment(&self) -> Option<Option<&String>> {
        self.bundle().map(|bundle| bundle.manifest.settings.other.environment.as_ref())
    }
}

/// One side, analysed and accepted where it has no errors.
pub(super) struct Read {
    pub(super) sources: Sources,
    pub(super) settings: Settings,
    pub(super) report: Report,
    pub(super) counts: Counts,
    pub(super) written: Option<Written>,
    /// What it means; the flag says whether a bundle could be compiled from it.
    pub(super) checked: Result<CheckedModel, Box<(Model, Policy)>>,
}

impl Read {
    /// What it means.
    pub(super) fn side(&self) -> Side<'_> {
        match &self.checked {
            Ok(checked) => Side { model: checked.model(), policy: checked.policy() },
            Err(refused) => Side { model: &refused.0, policy: &refused.1 },
        }
    }

    /// It with the rules of the gate.
    pub(super) fn reviewed<'a>(&'a self, gate: &'a Gate) -> Reviewed<'a> {
        Reviewed {
            side: self.side(),
            written: self.written.as_ref(),
            sources: &self.sources,
            settings: &self.settings,
            gate,
        }
    }

    /// How many errors keep a bundle from being compiled from it.
    pub(super) fn errors(&self) -> usize {
        let errors = self.report.count(Severity::Error);
        errors + usize::from(self.checked.is_err() && errors == 0)
    }
}

impl DiffCommand {
    /// Finds one side: a bundle or a folder where there is one of that name, else a revision.
    pub(super) fn place(&self, what: &str, session: &Session<'_>) -> Result<Version, Vec<miette::Report>> {
        let folder = session.globals.at(Path::new(what));
        if session.reader.is_folder(&folder).is_ok() {
            // A change may add a folder that is called as the branch that it is judged against.
            let here = session.globals.at(Path::new("."));
            if what != "." && Revision::open(&here, what).is_ok() {
                let message = format!("`{what}` is a folder, and a git revision, too");
                let help = format!("write `./{what}` for the folder, or a full name such as `refs/heads/{what}`");
                return Err(Refusal::Usage { message, help }.into());
            }
            if session.reader.read(&folder.join(crate::bundle::MANIFEST), 1).is_ok() {
                return bundle(what, &folder, session);
            }
            return Ok(Version::Folder(folder));
        }
        let revision = Revision::open(&self.folder_of_revisions(session), what);
        Ok(Version::Revision(Box::new(revision.map_err(|error| vec![miette::Report::new(error)])?)))
    }

    /// The folder that a revision is of: the one that it is compared with, else the one that the run is in.
    fn folder_of_revisions(&self, session: &Session<'_>) -> PathBuf {
        let sides = [&self.head, &self.base].into_iter().map(|side| session.globals.at(Path::new(side)));
        let mut folders = sides.filter(|path| path.is_dir() && !path.join(crate::bundle::MANIFEST).exists());
        folders.next().unwrap_or_else(|| session.globals.at(Path::new(".")))
    }

    /// The environment that both sides are read in: that of `--env`, or the one that a bundle was compiled for.
    pub(super) fn environment(
        &self,
        places: [&Version; 2],
        session: &Session<'_>,
    ) -> Result<Option<String>, Vec<miette::Report>> {
        let mut chosen = session.globals.environment.as_ref().map(|name| (Some(name), "`--env`"));
        for (place, what) in places.into_iter().zip([&self.base, &self.head]) {
            let Some(compiled_for) = place.environment() else { continue };
            match chosen {
                Some((name, who)) if name != compiled_for => {
                    let shown =
                        |name: Option<&String>| name.map_or("no environment".to_owned(), |it| format!("`{it}`"));
                    let message =
                        format!("`{what}` was compiled for {}, and {who} is for {}", shown(compiled_for), shown(name));
                    let help = "compare bundles that were compiled for the same environment".to_owned();
                    return Err(Refusal::Usage { message, help }.into());
                }
                _ => chosen = Some((compiled_for, "the other bundle")),
            }
        }
        Ok(chosen.and_then(|(name, _)| name.cloned()))
    }

    /// The name of the folder that workspaces without a name of their own are compared under: both would be compiled in the
    /// same place, wherever they are now.
    pub(super) fn folder(&self, places: [&Version; 2], session: &Session<'_>) -> Option<String> {
        let of_bundle = places.iter().find_map(|place| place.name().map(str::to_owned));
        let of_folder = || {
            let at = match places[1] {
                Version::Folder(at) => at.clone(),
                Version::Revision(_) | Version::Bundle(_) => session.globals.at(Path::new(".")),
            };
            load::folder_name(&at)
        };
        of_bundle.or_else(of_folder)
    }

    /// Reads and analyses one side. `folder` is the name of the folder that it is taken to be in.
    pub(super) fn analyse(
        &self,
        place: &Version,
        folder: Option<&str>,
        session: &mut Session<'_>,
    ) -> Result<Read, Vec<miette::Report>> {
        let today = self.today.clone().unwrap_or_else(today::today);
        let here = Input::Path(PathBuf::from("."));
        let reader = session.reader;
        let loaded = match place {
            Version::Folder(at) => {
                load::analysed((&Input::Path(at.clone()), Wanted::None), reader, Some(&today), folder, session)
            }
            Version::Revision(revision) => {
                load::analysed((&here, Wanted::None), revision.as_ref(), Some(&today), folder, session)
            }
            // It was accepted on the day that it was compiled.
            Version::Bundle(bundle) => {
                load::analysed((&bundle.1.input(), Wanted::None), &bundle.1, None, place.name().or(folder), session)
            }
        };
        let Loaded { mut analysis, .. } = loaded?;
        match place {
            Version::Folder(_) => {}
            // What stands in a revision is shown where the working tree has it.
            Version::Revision(_) => {
                let folder = self.folder_of_revisions(session);
                let shown = place::shown_below(&folder, session.globals.format);
                analysis.sources.show_below(shown, place::in_repository(&folder));
            }
            Version::Bundle(_) => analysis.sources.show_below("", ""),
        }
        if !self.no_artifacts {
            schemas::attach(&mut analysis);
        }
        let Judged { sources, settings, written, report, counts, checked } = analysis.judged();
        Ok(Read { sources, settings, report, counts, written, checked })
    }
}

/// Reads a bundle with what it was compiled from.
fn bundle(what: &str, folder: &Path, session: &Session<'_>) -> Result<Version, Vec<miette::Report>> {
    let report = |error: existing::ExistingError| vec![miette::Report::new(error)];
    let bundle = existing::read(folder, session.disk).map_err(report)?;
    if bundle.manifest.settings.other.shadow.is_some() {
        let message = format!("`{what}` holds two policies, one that decides and one that is only counted");
        let help = "compare the bundles or workspaces that the two came from".to_owned();
        return Err(Refusal::Usage { message, help }.into());
    }
    let found = embedded(&bundle, what).map_err(|error| vec![miette::Report::new(error)])?;
    let stored = Stored::new(found.files, found.key_sets);
    Ok(Version::Bundle(Box::new((bundle, stored))))
}
