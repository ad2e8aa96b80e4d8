//! `mcpctl validate`.

pub mod baseline;
pub mod cache;
pub mod fix;
pub mod selection;
pub mod since;
pub mod watch;

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::load::{self, FailOn, Loaded, Shown, Source};
use super::refusal::{self, Refusal};
use super::{Exit, Outcome, Session, today};
use crate::analysis::Analysis;
use crate::diagnostic::Diagnostic;
use crate::render::{Format, counted};
use crate::workspace::Wanted;
use crate::workspace::over::Over;
use selection::Selection;

const EXAMPLES: &str = "\
Examples:
  mcpctl validate                                    the workspace in this folder
  mcpctl validate fleet --fail-on warning            fail on warnings, too
  mcpctl validate fleet --env prod                   with the addresses of one environment
  mcpctl validate fleet --format json                for programs
  mcpctl validate --format sarif=findings.sarif      for code scanning, and for people
  mcpctl validate --select security                  findings of one group of checks
  mcpctl validate --baseline check                   only what the baseline does not have
  mcpctl validate --changed-since main               only what the branch main does not have
  mcpctl validate --cache-dir ~/.cache/mcpctl        at once, where nothing has changed
  mcpctl validate --watch                            again after each change
  mcpctl validate --fix                              make the safe changes that findings offer
  mcpctl validate --fix=unsafe --diff                show those changes, and guesses, and make none
  mcpctl validate - --stdin-filename a.yaml <a.yaml  one file";

/// Shows everything that is wrong in a workspace.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Validate {
    /// What to read.
    #[command(flatten)]
    pub source: Source,
    /// The date that waivers are judged by, YYYY-MM-DD; today in UTC by default
    #[arg(long, value_name = "DATE", value_parser = today::parse)]
    pub today: Option<String>,
    /// The lowest level of a finding that makes the exit code 1: error, warning or note
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", hide_possible_values = true)]
    pub fail_on: FailOn,
    /// Let findings not count that the workspace had before: write (put those of this run into the baseline), check (report
    /// what the baseline does not have) or prune (the same, and take out of it what is no longer found)
    #[arg(long, value_enum, value_name = "ACTION", hide_possible_values = true)]
    pub baseline: Option<baseline::Action>,
    /// The file of the baseline; mcpctl-baseline.json in the workspace by default
    #[arg(long, value_name = "FILE", requires = "baseline")]
    pub baseline_file: Option<PathBuf>,
    /// Report what a revision of the workspace does not have: everything is read, and a finding that only moved is not new. Findings
    /// that guard access are always reported
    #[arg(long, value_name = "REV", conflicts_with = "fix")]
    pub changed_since: Option<String>,
    /// Report these checks and groups alone, separated by commas: security, resilience, observability, assurance, style or design (off by default).
    /// Findings that guard access are always reported
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not report these checks and groups; checks that guard access cannot be named
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Change the files as findings offer: safe (the default; nothing that has an effect is taken away, and no call is allowed that
    /// was denied) or unsafe (also guesses, such as the name that was likely meant)
    #[arg(long, value_enum, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "safe", hide_possible_values = true)]
    pub fix: Option<fix::Level>,
    /// Show the changes of `--fix` in the form of `diff -u`, and make none
    #[arg(long)]
    pub diff: bool,
    /// Keep outcomes in this folder, and give them again where nothing changed that a run reads. Keep it where others cannot write
    #[arg(long, value_name = "DIR", conflicts_with_all = ["fix", "diff", "changed_since"])]
    pub cache_dir: Option<PathBuf>,
    /// Run again whenever a file changes that was read, until Ctrl-C
    #[arg(long, conflicts_with_all = ["fix", "diff", "cache_dir"])]
    pub watch: bool,
}

impl Validate {
    /// Runs it.
    ///
    /// # Errors
    /// Where it could not run.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        match &self.cache_dir {
            _ if self.watch => watch::watch(self, session),
            Some(_) if self.baseline.is_some_and(|action| action != baseline::Action::Check) => {
                let message =
                    "`--cache-dir` keeps outcomes of runs that change nothing, and this one changes the baseline"
                        .to_owned();
                Err(Refusal::Usage { message, help: "leave one of the two out, or write `--baseline check`".into() }
                    .into())
            }
            Some(folder) if !self.source.is_stdin() => cache::through(folder, self, session),
            Some(_) | None => self.once(session),
        }
    }

    /// Reads, checks and reports.
    fn once(&self, session: &mut Session<'_>) -> Outcome {
        let loaded = self.source.analyse(None, self.today.as_deref(), Wanted::All, session)?;
        let (Loaded { analysis, root }, fixes) = match (self.fix, self.diff) {
            (None, false) => (loaded, None),
            (level, _) => match self.fixed(loaded, level.unwrap_or(fix::Level::Safe), session)? {
                Changes::Shown(exit) => return Ok(exit),
                Changes::Made(loaded, said) => (*loaded, Some(said)),
            },
        };
        let shown = Shown {
            sources: &analysis.sources,
            counts: &analysis.counts,
            docs_url: analysis.settings.docs_url.as_deref(),
        };
        let mut report = Cow::Borrowed(analysis.report());
        let mut said: Vec<String> = Vec::new();
        if let Some(action) = self.baseline {
            let file = baseline::place(self.baseline_file.as_deref().map(|file| session.globals.at(file)), &root);
            let whole = analysis.counts.unreadable == 0 && !analysis.model().unread_files;
            said = baseline::apply(action, (&file, session.reader), report.to_mut(), &analysis.sources, whole)?;
        }
        if !self.select.is_empty() || !self.ignore.is_empty() {
            let selection = Selection { select: &self.select, ignore: &self.ignore };
            let left = selection.apply(report.to_mut())?;
            if left > 0 {
                said.push(format!("{} not reported, by `--select` and `--ignore`", counted(left, "finding")));
            }
        }
        if let Some(revision) = &self.changed_since {
            let folder = session.globals.at(&self.source.path);
            let before = since::analysed(&folder, revision, self.today.as_deref(), session)?;
            let left = since::apply(&before, report.to_mut(), &analysis.sources);
            if left > 0 {
                let verb = if left == 1 { "is" } else { "are" };
                said.push(format!("{} that {verb} in `{revision}`, too, not reported", counted(left, "finding")));
            }
        }
        load::report(&shown, &report, session)?;
        said.extend(fixes);
        said.extend(self.offer(&analysis, &report.diagnostics, session));
        for line in &said {
            session.say(line)?;
        }
        let exit = load::exit(&report.diagnostics, &analysis.counts, self.fail_on);
        drop(report);
        // The process ends here; giving a large model back piece by piece would only take time.
        std::mem::forget(analysis);
        Ok(exit)
    }

    /// Shows or makes the changes that findings offer.
    fn fixed(
        &self,
        Loaded { root, analysis: before }: Loaded,
        level: fix::Level,
        session: &mut Session<'_>,
    ) -> Result<Changes, Vec<miette::Report>> {
        let usage = |message: &str, help: &str| Refusal::Usage { message: message.to_owned(), help: help.to_owned() };
        if self.source.is_stdin() {
            let message = "`--fix` changes files, and standard input is none";
            return Err(usage(message, "give the path of a file or a workspace").into());
        }
        if self.diff && (session.globals.format != Format::Human || !session.globals.files.is_empty()) {
            let message = "`--diff` shows changes in the form of `diff -u` alone";
            return Err(usage(message, "leave `--format` out").into());
        }
        let alone = before.counts.left_out.alone;
        let sources = before.sources.clone();
        let file = session.globals.at(&self.source.path);
        let path = |name: &str| if alone { file.clone() } else { root.join(name) };
        let wanted = |analysis: &Analysis| {
            let mut report = analysis.report().clone();
            Selection { select: &self.select, ignore: &self.ignore }.apply(&mut report)?;
            Ok::<_, Vec<miette::Report>>(report.diagnostics)
        };
        let reader = session.reader;
        let mut again = |texts: &fix::Texts| {
            let texts = texts.iter().map(|(name, text)| (path(name), text.clone().into_bytes())).collect();
            let over = Over { reader, texts };
            Ok(self.source.analyse_from(&over, self.today.as_deref(), Wanted::All, session)?.analysis)
        };
        let (fixed, after) = fix::fix(before, level, &wanted, &mut again)?;
        if self.diff {
            session.out.write_all(fix::diff(&fixed.texts, &sources).as_bytes()).map_err(refusal::stdout)?;
            session.say(&format!("{} would be fixed in {}", counted(fixed.count, "finding"), files(&fixed)))?;
            return Ok(Changes::Shown(if fixed.texts.is_empty() { Exit::Clean } else { Exit::Findings }));
        }
        fix::write(&fixed.texts, &sources, &path)?;
        let mut said = format!("fixed {} in {}", counted(fixed.count, "finding"), files(&fixed));
        if !fixed.refused.is_empty() {
            let count = counted(fixed.refused.len(), "change");
            said.push_str(&format!("; left out {count} that running again did not confirm"));
        }
        Ok(Changes::Made(Box::new(Loaded { root, analysis: after }), said))
    }

    /// What people are told of changes that could be made.
    fn offer(&self, analysis: &Analysis, findings: &[Diagnostic], session: &Session<'_>) -> Option<String> {
        if session.globals.format != Format::Human || self.source.is_stdin() {
            return None;
        }
        let (safe, guesses) = fix::offered(analysis, findings);
        match (safe, guesses, self.fix) {
            (0, 0, _) | (0, _, Some(fix::Level::Unsafe)) => None,
            (0, _, _) => Some(format!("{} can be fixed with `--fix=unsafe`", counted(guesses, "finding"))),
            (_, 0, _) => Some(format!("{} can be fixed with `--fix`", counted(safe, "finding"))),
            (..) => {
                let safe = counted(safe, "finding");
                Some(format!("{safe} can be fixed with `--fix`, and {guesses} more with `--fix=unsafe`"))
            }
        }
    }
}

/// What became of the changes.
enum Changes {
    /// They were shown, and the run is over.
    Shown(Exit),
    /// They were made. The workspace as it is now, and what is said about them.
    Made(Box<Loaded>, String),
}

fn files(fixed: &fix::Fixed) -> String {
    counted(fixed.texts.len(), "file")
}
