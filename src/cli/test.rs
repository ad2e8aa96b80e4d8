//! `mcpctl test`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::ask::answerable;
use super::load::{Loaded, Source};
use super::refusal::{self, Refusal};
use super::solver::Choice;
use super::{Exit, Outcome, Session};
use crate::analysis::Analysis;
use crate::build::{self, Built};
use crate::diagnostic::one_line;
use crate::policy::ObjectIx;
use crate::policy::whole::Solved;
use crate::render::{Format, counted, json};
use crate::review::coverage::{Coverage, coverage};
use crate::review::export::export;
use crate::review::mutate::{Mutation, mutate};
use crate::review::suite::{self, Suite};
use crate::targets::access::cedar;

mod failures;
mod junit;
mod object;
mod summary;

const EXAMPLES: &str = "\
Examples:
  mcpctl test                               run the policy tests of the workspace in this folder
  mcpctl test fleet --filter refund         only those with refund in the name
  mcpctl test fleet --coverage              what they cover, and what is worth a test
  mcpctl test fleet --min-coverage 80       fail below 80 percent of the granted pairs
  mcpctl test fleet --mutate                make it laxer, one thing at a time: does any test notice?
  mcpctl test fleet --junit report.xml      for CI
  mcpctl test fleet --export-cedar portable  for `cedar run-tests`

Exit codes: 0 all pass, 1 some fail or cover too little, 2 could not run.";

/// Runs the policy tests and invariants of a workspace.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Test {
    /// What to read.
    #[command(flatten)]
    pub source: Source,
    /// Which solver settles what hand-written Cedar leaves open.
    #[command(flatten)]
    pub choice: Choice,
    /// Run only the tests and invariants whose name holds this text
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Show which cells (pairs of a principal and a tool that it is granted), levels and rules the tests cover, and which
    /// cells are worth a test
    #[arg(long)]
    pub coverage: bool,
    /// Fail where the tests cover fewer cells, in percent; shows the coverage, too
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min_coverage: Option<u8>,
    /// Drop each requirement, lower each level and grant each tool to each principal, one at a time, and show what no test
    /// notices
    #[arg(long)]
    pub mutate: bool,
    /// Write a report in JUnit's format, too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the tests with the policies into this folder, for `cedar run-tests`
    #[arg(long, value_name = "DIR")]
    pub export_cedar: Option<PathBuf>,
}

/// Everything that a run found.
struct Found<'a> {
    analysis: &'a Analysis,
    suite: &'a Suite<'a>,
    coverage: Option<Coverage>,
    mutation: Option<Mutation>,
}

impl Test {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read or has errors other than failing tests, no test has a name as asked for, or a file
    /// cannot be written.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let Loaded { analysis, .. } = answerable(&self.source, session)?;
        let filter = self.filter.as_deref().unwrap_or_default();
        let oracle = self.choice.oracle(&analysis, session)?;
        let solved = oracle.as_ref().map(|oracle| |who, what: &[ObjectIx], facts| oracle.missing(who, what, facts));
        let whole = analysis.whole().solved_by(solved.as_ref().map(|solved| solved as &Solved<'_>));
        let suite = suite::run(analysis.model(), whole, filter);
        let (all, failing) = suite.counts();
        if all == 0 && self.filter.is_some() {
            let message = format!("no policy test or invariant has `{filter}` in its name");
            return Err(Refusal::Usage { message, help: "leave `--filter` out to run all".into() }.into());
        }
        let found = Found {
            analysis: &analysis,
            suite: &suite,
            coverage: (self.coverage || self.min_coverage.is_some()).then(|| coverage(analysis.policy(), &suite)),
            mutation: self.mutate.then(|| mutate(analysis.model(), analysis.whole(), &suite)),
        };
        if let Some(file) = &self.junit {
            let file = session.globals.at(file);
            let mut text = Vec::new();
            junit::write(&found, &mut text).map_err(|error| Refusal::write(&file, error))?;
            std::fs::write(&file, text).map_err(|error| Refusal::write(&file, error))?;
        }
        show(&found, session).map_err(refusal::stdout)?;
        session.out.flush().map_err(refusal::stdout)?;
        session.say(&format!(
            "{} and {}, {}: {}",
            counted(suite.tests.len(), "test"),
            counted(suite.invariants.len(), "invariant"),
            counted(suite.requests(), "request"),
            match (failing, suite.unknown()) {
                (0, _) => "all hold".to_owned(),
                (failing, 0) => format!("{failing} failed"),
                (failing, unknown) => format!("{failing} failed, {unknown} of them UNKNOWN"),
            }
        ))?;
        super::ask::handwritten::part(&analysis, session)?;
        let mut exit = if failing == 0 { Exit::Clean } else { Exit::Findings };
        let cells = found.coverage.as_ref().map(|coverage| coverage.cells).unwrap_or_default();
        if let Some(least) = self.min_coverage
            && cells.covered * 100 < usize::from(least) * cells.all
        {
            session.say(&format!(
                "{} of {} are covered, {}%, and {least}% are asked for",
                cells.covered,
                counted(cells.all, "cell"),
                cells.percent()
            ))?;
            exit = Exit::Findings;
        }
        match &self.export_cedar {
            Some(_) if failing > 0 => session.say("nothing was exported")?,
            Some(folder) => to_cedar(&found, &session.globals.at(folder), session)?,
            None => {}
        }
        Ok(exit)
    }
}

/// Prints what was found, in the format asked for.
fn show(found: &Found<'_>, session: &mut Session<'_>) -> io::Result<()> {
    let format = session.globals.format;
    let out = &mut session.out;
    if format == Format::Json {
        return json::write_value(&object::of(found), out);
    }
    for failure in failures::of(found) {
        if format == Format::Github {
            failure.github(&found.analysis.sources, out)?;
        } else if format == Format::Short {
            writeln!(out, "{}", one_line(&failure.short()))?;
        } else {
            failure.human(out)?;
        }
    }
    summary::write(found, format, out)
}

/// Writes schema, policies, entities and tests into a folder.
fn to_cedar(found: &Found<'_>, folder: &Path, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
    let (policy, sources) = (found.analysis.policy(), &found.analysis.sources);
    let Some(checked) = found.analysis.checked() else {
        let message = "a compile of this workspace writes nothing, so nothing can be exported".to_owned();
        return Err(Refusal::Usage { message, help: "`mcpctl validate` shows what is wrong".into() }.into());
    };
    let Built { bundle, .. } = build::build(&checked, sources, &[&cedar::TARGET], "")
        .map_err(|errors| errors.into_iter().map(miette::Report::new).collect::<Vec<_>>())?;
    let exported = export(&bundle.artifacts, policy, found.suite).map_err(|error| vec![miette::Report::new(error)])?;
    std::fs::create_dir_all(folder).map_err(|error| Refusal::write(folder, error))?;
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for name in ["schema.cedarschema", "policies.cedar", "entities.json"] {
        files.extend(bundle.artifacts.get(&format!("cedar/{name}")).map(|artifact| (name, artifact.bytes.clone())));
    }
    let mut tests = Vec::new();
    json::write_value(&exported.tests, &mut tests).map_err(|error| Refusal::write(folder, error))?;
    files.push(("tests.json", tests));
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|error| Refusal::write(&path, error))?;
    }
    session.say(&format!(
        "wrote {} to {}",
        counted(exported.tests.as_array().map_or(0, Vec::len), "request"),
        folder.display()
    ))?;
    if exported.left_out > 0 {
        let requests = counted(exported.left_out, "request");
        session.say(&format!("left out {requests} of principals or tools that Cedar does not know"))?;
    }
    if !found.suite.invariants.is_empty() {
        let invariants = counted(found.suite.invariants.len(), "invariant");
        session.say(&format!("left out {invariants}: no single request says what they say"))?;
    }
    Ok(())
}
