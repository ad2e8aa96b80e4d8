//! From the files of a workspace to everything that can be said about it: parse, validate, decode, lower, derive, check.
//! Pure: it reads nothing but what it is given.

pub mod cache;
mod damage;
mod environment;
mod file;
pub mod groups;
pub mod ignore;
mod judged;
pub mod keys;
pub mod levels;
pub mod rules;
pub mod schemas;
mod sections;
mod waive;

use std::collections::{BTreeMap, BTreeSet};

use groups::Group;
pub use judged::Judged;
use rayon::prelude::*;
use sections::{lower, scope_of};

use crate::checks;
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::handwritten;
use crate::lower::rules as lowering_rules;
use crate::model::Model;
use crate::model::handwritten::PolicyFile;
use crate::policy::whole::{Whole, Written};
use crate::policy::{Policy, derive};
use crate::schema::refused::{keep_the_cause, secrets_of_file};
use crate::settings::{self, Settings};
use crate::source::{FileId, Loc, SourceFile, Sources};
use crate::workspace::{Environment, InputFile, Skipped, Unread, Workspace, is_cedar, without_bom};

/// How many files are read one after the other before another thread may take over.
const FILES_AT_ONCE: usize = 32;

/// What was read, for the summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files of the workspace, settings included.
    pub files: usize,
    /// Documents of other tools (with `apiVersion` and `kind`) that were skipped.
    pub skipped_manifests: usize,
    /// Files and folders that were left out.
    pub left_out: Skipped,
    /// Files that could not be read at all: the run is incomplete.
    pub unreadable: usize,
}

/// Everything that can be said about a workspace.
#[derive(Debug)]
pub struct Analysis {
    /// The files.
    pub sources: Sources,
    /// The settings in force.
    pub settings: Settings,
    /// Hand-written policies; `None` where there are none, or findings say what is wrong with them.
    pub written: Option<Written>,
    /// What was read.
    pub counts: Counts,
    // Private, so that a report always is that of the model beside it.
    model: Model,
    policy: Policy,
    report: Report,
}

impl Analysis {
    /// What the workspace means.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Who may call what.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// All findings, sorted, waivers and levels applied.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Says the name of the folder that the workspace is in, for bundles without a name of their own.
    pub fn is_in_folder(&mut self, name: Option<String>) {
        self.model.deployment.folder = name;
    }

    /// Who decides: the relation with the hand-written policies.
    #[must_use]
    pub fn whole(&self) -> Whole<'_> {
        Whole::of(&self.policy, self.written.as_ref())
    }
}

/// Analyses a workspace. `today` (`YYYY-MM-DD`) is only for the expiry of waivers; without it none expires.
#[must_use]
pub fn analyse(workspace: Workspace, today: Option<&str>) -> Analysis {
    analyse_in(workspace, Vec::new(), None, today, None)
}

/// As [`analyse`], with the files of environments, all of which are judged. What the one called `chosen` says takes the place
/// of what the workspace says, before anything is checked. What the cache has of a file that has not changed is not read again.
#[must_use]
pub fn analyse_in(
    workspace: Workspace,
    mut environments: Vec<Environment>,
    chosen: Option<&str>,
    today: Option<&str>,
    cache: Option<&cache::Cache>,
) -> Analysis {
    let mut report = Report::default();
    let mut counts = Counts { left_out: workspace.skipped, ..Counts::default() };
    let mut files: Vec<InputFile> = workspace.files;
    let has_settings = workspace.settings.is_some();
    files.extend(workspace.settings);
    environments.iter_mut().for_each(|environment| files.append(&mut environment.files));
    files.sort_by(|a, b| a.name.cmp(&b.name));
    counts.files = files.len();
    let mut sources = Sources::new();
    let mut unread = BTreeSet::new();
    let texts: Vec<_> = files.into_par_iter().map(source_of).collect();
    for (source, fault) in texts {
        let id = sources.add(source);
        if let Some((rule, message)) = fault {
            unread.insert(id);
            counts.unreadable += usize::from(std::ptr::eq(rule, &rules::UNREADABLE));
            let end = sources.file(id).text().len() as u32;
            report.push(Diagnostic::new(rule, Loc { file: id, start: end, end }, message));
        }
    }
    let secrets: Vec<Vec<Diagnostic>> = {
        let files: Vec<_> = sources.iter().collect();
        files.into_par_iter().map(|(id, file)| secrets_of_file(id, file.text())).collect()
    };
    report.extend(secrets.into_iter().flatten());
    let settings_id =
        sources.iter().find(|(_, file)| has_settings && file.name() == settings::FILE_NAME).map(|(id, _)| id);
    let settings = match settings_id {
        Some(id) => {
            let (mut settings, findings) = settings::parse(id, sources.file(id));
            report.extend(findings);
            let (levels, findings) = levels::settle(&settings);
            report.extend(findings);
            settings.levels = levels;
            settings
        }
        None => Settings::default(),
    };
    if report.reaches(Severity::Error)
        && settings_id.is_some_and(|id| report.diagnostics.iter().any(|d| d.loc.file == id))
    {
        // What is a unit folder, and what is excluded, is not known; every other finding could be wrong.
        if let Some(finding) = report.diagnostics.iter_mut().find(|finding| finding.help.is_none()) {
            finding.help = Some("the other files are read once the settings are right".to_owned());
        }
        keep_the_cause(&mut report.diagnostics);
        report.sort();
        let model = Model { unread_files: true, ..Model::default() };
        return Analysis { sources, settings, model, policy: Policy::default(), written: None, report, counts };
    }
    let places: Vec<environment::DeclaredEnvironment<'_>> =
        environments.iter().map(|environment| place_of(environment, settings_id, &sources)).collect();
    let elsewhere: BTreeSet<FileId> = places.iter().flat_map(|place| place.files.iter().copied()).collect();
    let is_own = |id: FileId| Some(id) != settings_id && !elsewhere.contains(&id);
    for (id, file) in sources.iter().filter(|(id, _)| is_own(*id)) {
        if file.name().rsplit('/').next() == Some(settings::FILE_NAME) {
            unread.insert(id);
            let message = "settings are read at the root of the workspace alone, and this is below it";
            let help = "run mcpctl on the folder that holds this file, or exclude the folder";
            report.push(Diagnostic::new(&rules::MISPLACED_SETTINGS, Loc::start_of(id), message).help(help));
        }
    }
    let is_policy = |id: FileId| is_cedar(sources.file(id).name());
    let wanted = |id: &FileId| is_own(*id) && !unread.contains(id) && !is_policy(*id);
    let ids: Vec<FileId> = sources.iter().map(|(id, _)| id).filter(wanted).collect();
    // Files in a row share one map of the keys in use, so that a path that stands in many files is kept once.
    let read: Vec<cache::Chunk> = ids.par_chunks(FILES_AT_ONCE).map(|ids| cache::read(ids, &sources, cache)).collect();
    let own_policies: Vec<FileId> =
        sources.iter().map(|(id, _)| id).filter(|id| is_own(*id) && is_policy(*id)).collect();
    let (texts, misplaced) = handwritten_files(&own_policies, &unread, &sources, &settings);
    report.extend(misplaced);
    let (mut model, lowered, damaged, skipped) = lower(read, texts, &sources, &settings, unread.is_empty());
    counts.skipped_manifests = skipped;
    if model.keys.is_empty() && !model.unread_files && !lowered.reaches(Severity::Error) {
        let first = sources.iter().map(|(id, _)| id).next().unwrap_or_default();
        let message = "this workspace holds no section of any family";
        report.push(Diagnostic::new(&rules::EMPTY_WORKSPACE, Loc::start_of(first), message));
    }
    report.extend(lowered.diagnostics);
    let mut policy = derive::derive(&model);
    let mut in_environment = None;
    for place in &places {
        let (changed, derived, findings) =
            environment::applied(place, &sources, settings_id, &unread, (&model, &policy));
        report.extend(findings);
        if chosen == Some(place.name) {
            in_environment = Some((changed, derived));
        }
    }
    let mut settings = settings;
    if let Some((changed, derived)) = in_environment {
        settings.deployment = changed.deployment.clone();
        (model, policy) = (changed, derived);
    }
    schemas::attach_for_checks(&mut model, &sources);
    let (findings, written) = handwritten::judge(&model, &policy);
    report.extend(findings);
    let whole = Whole::of(&policy, written.as_ref());
    report.extend(checks::run(&model, whole).into_iter().filter(|finding| damaged.lets_say(finding)));
    keep_the_cause(&mut report.diagnostics);
    let off = |finding: &Diagnostic| levels::is_dormant(finding.rule, &settings.levels);
    let (off, on): (Vec<_>, Vec<_>) = report.diagnostics.into_iter().partition(off);
    (report.diagnostics, report.dormant) = (on, off);
    apply_levels(&mut report.diagnostics, &settings);
    ignore::apply(&mut report, &sources, (!model.unread_files && model.unread.is_empty(), false));
    waive::apply(&mut report, &model, &sources, today);
    // What is said about comments and waivers has levels, too.
    apply_levels(&mut report.diagnostics, &settings);
    if model.unread_files {
        held_back(&mut report);
    }
    report.sort();
    Analysis { sources, settings, model, policy, written, report, counts }
}

/// The hand-written policies of the central configuration, and a finding for each file of them in a unit's folder.
fn handwritten_files(
    ids: &[FileId],
    unread: &BTreeSet<FileId>,
    sources: &Sources,
    settings: &Settings,
) -> (Vec<PolicyFile>, Vec<Diagnostic>) {
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for id in ids.iter().copied().filter(|id| !unread.contains(id)) {
        let file = sources.file(id);
        if let Some(unit) = scope_of(file.name(), settings) {
            let message = format!(
                "hand-written Cedar belongs to the central configuration and cannot be in the folder of unit `{unit}`"
            );
            findings.push(Diagnostic::new(&lowering_rules::CENTRE_ONLY, Loc::start_of(id), message));
            continue;
        }
        files.push(PolicyFile { file: id, name: file.name().to_owned(), text: file.text().into() });
    }
    (files, findings)
}

/// Where an environment is declared, and which files are its own.
fn place_of<'a>(
    environment: &'a Environment,
    settings: Option<FileId>,
    sources: &Sources,
) -> environment::DeclaredEnvironment<'a> {
    let below = format!("{}/", environment.folder);
    let own = sources.iter().filter(|(_, file)| file.name().starts_with(&below)).map(|(id, _)| id);
    let declared = Loc { file: settings.unwrap_or_default(), ..environment.declared };
    environment::DeclaredEnvironment {
        name: &environment.name,
        folder: &environment.folder,
        declared,
        files: own.collect(),
    }
}

/// The errors of a file that is read alone: what is not YAML, and what has not the shape of its family. They guard access, so that
/// no setting and no comment takes one of them away.
#[must_use]
pub fn own_errors(id: FileId, source: &SourceFile) -> Vec<Diagnostic> {
    let mut findings = file::read(id, source, &mut BTreeMap::new()).findings;
    findings.retain(|finding| finding.severity == Severity::Error && finding.rule.guards_access);
    keep_the_cause(&mut findings);
    findings
}

/// A file's text, or as much of it as can be shown, and what is wrong with it.
fn source_of(file: InputFile) -> (SourceFile, Option<(&'static crate::diagnostic::Rule, String)>) {
    let unreadable = |message: String| (SourceFile::new(file.name.clone(), ""), Some((&rules::UNREADABLE, message)));
    match file.bytes {
        Err(Unread::Failed(error)) => unreadable(format!("this file cannot be read: {error}")),
        Err(Unread::LinkOutside) => {
            let message = "this link leads out of the workspace and is not followed".to_owned();
            (SourceFile::new(file.name, ""), Some((&rules::LINK_OUTSIDE, message)))
        }
        Err(Unread::TooLarge) => {
            let message =
                format!("this file is larger than {} bytes, the most that is read", crate::source::yaml::MOST_BYTES);
            (SourceFile::new(file.name, ""), Some((&crate::source::yaml::TOO_LARGE, message)))
        }
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) if text.starts_with('\u{feff}') => (SourceFile::new(file.name, without_bom(&text)), None),
            Ok(text) => (SourceFile::new(file.name, text), None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
                let hint = if utf16 { "; it looks like UTF-16, save it as UTF-8" } else { "" };
                let text = bytes.get(..at).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
                let message = format!("this file is not UTF-8 from byte {at} on{hint}");
                (SourceFile::new(file.name, text), Some((&rules::NOT_UTF8, message)))
            }
        },
    }
}

/// Levels set in `mcpctl.yaml`, for the checks that they may change.
fn apply_levels(findings: &mut Vec<Diagnostic>, settings: &Settings) {
    let design = settings.levels.get(Group::Design.word());
    let of_group = |rule: &Rule| design.filter(|_| groups::group_of(rule) == Group::Design);
    findings.retain_mut(|finding| match settings.levels.get(finding.rule.name).or_else(|| of_group(finding.rule)) {
        None => true,
        Some(None) => false,
        Some(Some(level)) => {
            finding.stops |= finding.rule.guards_access && finding.severity == Severity::Error;
            finding.severity = *level;
            true
        }
    });
}

/// Applies levels, comments and waivers to what a compile found beyond the analysis. `whole` says whether every target was compiled that the
/// workspace can be: only then an unused comment or waiver of such a finding is one.
pub fn settle_compiled(
    findings: Vec<Diagnostic>,
    (model, settings, sources): (&Model, &Settings, &Sources),
    today: Option<&str>,
    whole: bool,
) -> Report {
    let mut report = Report { diagnostics: findings, ..Report::default() };
    apply_levels(&mut report.diagnostics, settings);
    ignore::apply(&mut report, sources, (whole, true));
    waive::of_compile(&mut report, model, sources, today, whole);
    report
}

/// Says once that findings from absence were held back.
fn held_back(report: &mut Report) {
    let reading = [&crate::source::yaml::SYNTAX, &rules::NOT_UTF8, &rules::UNREADABLE, &crate::source::yaml::TOO_LARGE];
    if let Some(finding) = report.diagnostics.iter_mut().find(|d| reading.contains(&d.rule) && d.help.is_none()) {
        finding.help =
            Some("findings that conclude from a missing name are held back until every file can be read".to_owned());
    }
}
