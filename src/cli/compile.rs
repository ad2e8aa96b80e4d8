//! `mcpctl compile`.

mod tables;

use std::path::{Path, PathBuf};

use clap::Args;

use super::load::{self, FailOn, Loaded, Shown, Source};
use super::refusal::Refusal;
use super::{Exit, Outcome, Session, today};
use crate::analysis::{self, Judged};
use crate::build::{self, Built};
use crate::bundle::existing::{self, Existing};
use crate::bundle::{self, manifest::sources_digest};
use crate::checks::CheckedModel;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::TargetId;
use crate::render::{Format, counted};
use crate::source::Sources;
use crate::targets::{self, Left, Need, TARGETS, Target};
use crate::workspace::{DEFAULT_OUTPUT, Wanted};

const EXAMPLES: &str = "\
Examples:
  mcpctl compile                           this folder, into its folder bundle
  mcpctl compile fleet --out policies      into another folder
  mcpctl compile fleet --target cedar      one target alone
  mcpctl compile fleet --env prod          for one environment of mcpctl.yaml
  mcpctl compile --shadow bundle --out new  count what would change, decide as before
  mcpctl compile fleet --fail-on warning   write nothing where there are warnings

A bundle is written only where the exit code is 0. It replaces the one before
in one step. A folder with files that mcpctl did not write is left alone
without --force.";

/// Compiles a workspace into a bundle.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Compile {
    /// What to read.
    #[command(flatten)]
    pub source: Source,
    /// The date that waivers are judged by, YYYY-MM-DD; today in UTC by default
    #[arg(long, value_name = "DATE", value_parser = today::parse)]
    pub today: Option<String>,
    /// The folder to write; `output` of mcpctl.yaml by default, else `bundle` in the workspace
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Compile for this target alone; repeat for several, all by default
    #[arg(long = "target", value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Let the bundle in OLD go on deciding, and count beside it what this workspace would decide; for Envoy alone
    #[arg(long, value_name = "OLD")]
    pub shadow: Option<PathBuf>,
    /// Do not put the sources into the bundle; `mcpctl diff` then cannot compare it
    #[arg(long)]
    pub no_sources: bool,
    /// Replace the folder even where it holds files that mcpctl did not write
    #[arg(long)]
    pub force: bool,
    /// The lowest level of a finding that makes the exit code 1: error, warning or note
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", hide_possible_values = true)]
    pub fail_on: FailOn,
}

impl Compile {
    /// Runs it.
    ///
    /// # Errors
    /// Where it could not run: no input, a target that cannot be compiled, an output that cannot be written.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let mut asked = asked(&self.targets)?;
        let enforced = self.shadow.as_deref().map(|old| enforced(old, &mut asked, session)).transpose()?;
        let out = self.out.as_deref().map(|out| session.globals.at(out));
        let Loaded { root, mut analysis } =
            self.source.analyse(out.as_deref(), self.today.as_deref(), Wanted::None, session)?;
        analysis::schemas::attach(&mut analysis);
        let Judged { sources, settings, report, counts, checked, .. } = analysis.judged();
        let docs_url = settings.docs_url.as_deref();
        let shown = Shown { sources: &sources, counts: &counts, docs_url };
        let mandatory: Vec<&'static Target> = if asked.is_empty() {
            settings.deployment.listed.keys().map(|id| id.target()).collect()
        } else {
            asked.clone()
        };

        let Ok(checked) = checked else {
            load::report(&shown, &report, session)?;
            let held = report.diagnostics.iter().filter(|finding| finding.stops).count();
            if held > 0 {
                let findings = counted(held, "finding");
                session.say(&format!(
                    "a compile stops for {findings} that guard access, at any level; a waiver accepts them"
                ))?;
            }
            session.say("no bundle was written")?;
            let exit = load::exit(&report.diagnostics, &counts, self.fail_on);
            return Ok(if exit == Exit::Clean { Exit::Findings } else { exit });
        };
        let digest = sources_digest(sources.iter().map(|(_, file)| (file.name(), file.text().as_bytes())));
        let candidates = if asked.is_empty() { TARGETS.to_vec() } else { asked.clone() };
        let Possible { targets, left_out, refused } = possible(&candidates, &mandatory, &checked, &sources);
        let mut all = report;
        let built = match &enforced {
            Some(enforced) => build::shadow(&checked, &sources, enforced, &digest).map(|built| (built, Vec::new())),
            // Settings say how a target is compiled; that its product holds the workspace is asked for by `--target` alone.
            None => build::build_what_fits(&checked, &sources, &targets, &asked, &digest),
        };
        let built = if refused.is_empty() { built } else { Err(built.err().unwrap_or_default()) };
        let (Built { mut bundle, left, notes }, over_limit) = match built {
            Ok(built) => built,
            Err(errors) => {
                // Faults of the workspace have their places; all else could not run. All of it is said at once.
                let (findings, other) = build::findings(errors);
                let mut reports: Vec<miette::Report> = refused.into_iter().map(miette::Report::new).collect();
                reports.extend(other.into_iter().map(miette::Report::new));
                if reports.is_empty() || !findings.is_empty() {
                    all.extend(findings);
                    all.sort();
                    load::report(&shown, &all, session)?;
                }
                if !reports.is_empty() {
                    return Err(reports);
                }
                session.say("no bundle was written")?;
                return Ok(load::exit(&all.diagnostics, &counts, self.fail_on));
            }
        };
        bundle.manifest.settings.other.environment = session.globals.environment.clone();
        if !self.no_sources {
            let embedded = bundle.embed(&sources, &checked.model().key_sets);
            embedded.map_err(|error| vec![miette::Report::new(bundle::write::WriteError::Manifest(error))])?;
        }
        let unexpressed = left.iter().map(Left::note);
        let waiting =
            |target: &&Target| Some((target.name(), targets::operations::waiting(target.id, checked.model())?));
        let waiting: Vec<_> = targets.iter().filter_map(waiting).collect();
        let waiting = targets::left_out::files_left_out(&waiting, checked.model(), &sources);
        let of_compile: Vec<Diagnostic> =
            unexpressed.chain(notes).chain(waiting).chain(left_out).chain(over_limit).collect();
        let day = self.today.clone().unwrap_or_else(today::today);
        let read = (checked.model(), &settings, &sources);
        let settled = analysis::settle_compiled(of_compile, read, Some(&day), asked.is_empty());
        all.extend(settled.diagnostics);
        all.suppressed.extend(settled.suppressed);
        all.sort();
        let exit = load::exit(&all.diagnostics, &counts, self.fail_on);
        if exit != Exit::Clean {
            load::report(&shown, &all, session)?;
            session.say("no bundle was written")?;
            return Ok(exit);
        }

        let folder = settings.output.as_ref().map_or(DEFAULT_OUTPUT, |output| output.value.as_str());
        let out = out.unwrap_or_else(|| root.join(folder));
        keep_sources(&root, &out)?;
        // Written before anything is said, so that a run that fails says nothing but why.
        bundle::write(&bundle, &out, self.force, session.disk).map_err(|error| vec![miette::Report::new(error)])?;
        // People read these notes as a table; every other format has each of them.
        let mut on_output = all.clone();
        let tabled = if session.globals.format == Format::Human {
            on_output.diagnostics.retain(|finding| !tables::is_tabled(finding));
            tables::tabled(&left, &all.diagnostics)
        } else {
            Vec::new()
        };
        load::report_both(&shown, (&on_output, &all), session)?;
        session.say(&format!("wrote {} to {}", counted(bundle.artifacts.len() + 1, "file"), out.display()))?;
        for line in tables::of_targets(&bundle)?.into_iter().chain(tables::of_left(&tabled, &sources)?) {
            session.say(&line)?;
        }
        session.say(&format!("sources {digest}"))?;
        if let Some(old) = &self.shadow {
            session
                .say(&format!("the policies of {} decide; those of this workspace are only counted", old.display()))?;
        }
        Ok(exit)
    }
}

/// The bundle that goes on deciding. No other target than the one that can hold two policies is compiled beside it.
fn enforced(
    old: &Path,
    asked: &mut Vec<&'static Target>,
    session: &Session<'_>,
) -> Result<Existing, Vec<miette::Report>> {
    let name = build::SHADOWS.name();
    if let Some(other) = asked.iter().find(|target| target.name() != name) {
        let message = format!("target `{}` holds one policy, and cannot count another one beside it", other.name());
        let help = format!("`--shadow` compiles `{name}` alone; compile the other targets by themselves");
        return Err(Refusal::Usage { message, help }.into());
    }
    *asked = vec![build::SHADOWS];
    existing::read(&session.globals.at(old), session.disk).map_err(|error| vec![miette::Report::new(error)])
}

/// Refuses an output folder that the workspace stands in: replacing it, as `--force` does, would remove the sources.
fn keep_sources(root: &Path, out: &Path) -> Result<(), Refusal> {
    // A folder that is not there yet holds nothing.
    let (Ok(root), Ok(real)) = (root.canonicalize(), out.canonicalize()) else { return Ok(()) };
    if root.starts_with(&real) {
        let message = format!("the output folder `{}` holds the workspace itself", out.display());
        return Err(Refusal::Usage { message, help: "choose a folder in the workspace or beside it".to_owned() });
    }
    Ok(())
}

/// The targets of that name.
fn asked(names: &[String]) -> Result<Vec<&'static Target>, Refusal> {
    let mut targets: Vec<&'static Target> = names.iter().map(|name| target(name)).collect::<Result<_, _>>()?;
    targets.sort_by_key(|target| target.name());
    targets.dedup_by_key(|target| target.name());
    Ok(targets)
}

/// What this workspace can be compiled for.
struct Possible {
    targets: Vec<&'static Target>,
    /// Notes about the other targets.
    left_out: Vec<Diagnostic>,
    /// What keeps each mandatory target among the others from being compiled.
    refused: Vec<Refusal>,
}

fn possible(
    candidates: &[&'static Target],
    mandatory: &[&'static Target],
    checked: &CheckedModel,
    sources: &Sources,
) -> Possible {
    let (mut targets, mut refused) = (Vec::new(), Vec::new());
    let mut left_out: Vec<(&Target, Vec<Need>)> = Vec::new();
    let asked_for = |target: &Target| mandatory.iter().any(|asked| asked.id == target.id);
    for target in candidates {
        let needs = build::missing(checked, target);
        if needs.is_empty() {
            targets.push(*target);
        } else if asked_for(target) {
            let in_words = |part: fn(&Need) -> &str| needs.iter().map(part).collect::<Vec<_>>().join("; ");
            let message =
                format!("target `{}` cannot be compiled: it needs {}", target.name(), in_words(|need| &need.what));
            refused.push(Refusal::Usage { message, help: in_words(|need| &need.how) });
        } else if target.is_of_use(checked.model()) {
            left_out.push((*target, needs));
        }
    }
    // Whoever lists targets has no use for much text about others.
    let notes = if mandatory.is_empty() { targets::left_out::left_out } else { targets::left_out::unlisted };
    Possible { targets, left_out: notes(&left_out, checked.model(), sources), refused }
}

fn target(name: &str) -> Result<&'static Target, Refusal> {
    TargetId::named(name).map(TargetId::target).ok_or_else(|| {
        Refusal::unknown("target", name, TARGETS.iter().map(|target| target.name()), "`mcpctl list targets` lists them")
    })
}
