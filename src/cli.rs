//! The command line: the only code that prints, reads the environment, and decides how a run ends.
//!
//! [`run`] takes everything it needs from the outside as a [`Host`], so that tests can be that outside.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use crate::bundle::write::Disk;
use crate::render::Format;
use crate::workspace::Reader;
pub use commands::Command;
use formats::{Given, GivenParser};
use output::{ColorChoice, Output};

pub mod ask;
mod commands;
pub mod compile;
pub mod completions;
pub mod diff;
pub mod explain;
pub mod fmt;
pub mod formats;
pub mod graph;
mod handwritten;
pub mod init;
pub mod list;
pub mod load;
pub mod lsp;
pub mod man;
pub mod outline;
pub mod output;
pub mod place;
pub mod progress;
pub mod prose;
pub mod prove;
pub mod refusal;
pub mod report;
pub mod schema;
pub mod solver;
pub mod table;
pub mod test;
pub mod today;
pub mod validate;

/// What the process may touch.
pub struct Host<'a> {
    /// Standard input.
    pub stdin: &'a mut dyn Read,
    /// Standard output: findings and everything that was asked for.
    pub stdout: &'a mut dyn Write,
    /// Standard error: everything else.
    pub stderr: &'a mut dyn Write,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Environment variables.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// Reads workspaces.
    pub reader: &'a dyn Reader,
    /// Writes bundles.
    pub disk: &'a dyn Disk,
    /// The revision of the sources that the program was built from, where whoever built it said so.
    pub built_from: Option<&'static str>,
}

/// How a run ended, the same for every command and format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing found at or above `--fail-on`.
    Clean,
    /// Something found at or above `--fail-on`.
    Findings,
    /// Could not run: usage, input or output.
    Failed,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Failed => 2,
        }
    }
}

/// What a command gives back: how it ended, or everything that kept it from running.
pub type Outcome = Result<Exit, Vec<miette::Report>>;

/// Check the configuration of a fleet of MCP servers, and compile it into policies.
#[derive(Debug, Parser)]
#[command(name = "mcpctl", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  mcpctl init fleet                      start a workspace in the folder fleet
  mcpctl validate fleet                  show everything that is wrong in it
  mcpctl compile fleet --out policies    write the policies
  mcpctl diff main                       show what a change does to access
  mcpctl can agent crm/get_customer      whether it may, why, and what it lacks
  mcpctl test fleet --coverage           run its policy tests
  mcpctl explain unclassified-server     what a finding means, how to fix it

Exit codes: 0 clean, 1 findings at or above --fail-on, 2 could not run.";

/// Most threads that can be asked for.
const MOST_JOBS: i64 = 1024;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Globals {
    /// How to write findings and answers: human (the default), short (one line a finding), json (version 1) or github
    /// (annotations). Findings also as jsonl, sarif (2.1.0), gitlab (code quality), junit, rdjson (reviewdog) or azure; a comparison
    /// also as markdown, html or prune. With FILE, written there instead of to standard output; several are possible
    #[arg(long = "format", global = true, value_parser = GivenParser, value_name = "FORMAT[=FILE]", hide_possible_values = true)]
    pub formats: Vec<Given>,
    /// The format of standard output.
    #[arg(skip)]
    pub format: Format,
    /// The format of each file.
    #[arg(skip)]
    pub files: Vec<(Format, PathBuf)>,
    /// When to use color: auto, always or never; auto respects NO_COLOR, CLICOLOR_FORCE and TERM=dumb
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    pub color: ColorChoice,
    /// Show every finding to people, too; the first 20 of each check by default
    #[arg(long, global = true)]
    pub all: bool,
    /// Print no summary and no progress, only what was asked for and what went wrong
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads to use; as many as there are processors by default
    #[arg(long, short, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_JOBS))]
    pub jobs: Option<u16>,
    /// Run as if started in DIR
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The environment of mcpctl.yaml whose URLs, issuers and settings of targets are used; for commands that read a workspace
    #[arg(long = "env", global = true, value_name = "NAME")]
    pub environment: Option<String>,
}

impl Globals {
    /// Whether something is written in a format.
    #[must_use]
    pub fn writes(&self, format: Format) -> bool {
        self.format == format || self.files.iter().any(|(other, _)| *other == format)
    }

    /// A path as given, seen from the folder of `-C`.
    #[must_use]
    pub fn at(&self, path: &Path) -> PathBuf {
        match &self.directory {
            Some(directory) if path == Path::new(".") => directory.clone(),
            Some(directory) => directory.join(path),
            None => path.to_owned(),
        }
    }
}

/// What a command works with.
pub struct Session<'a> {
    /// Options of every command.
    pub globals: Globals,
    /// Standard output.
    pub out: Output<'a>,
    /// Standard error.
    pub err: Output<'a>,
    /// Standard input.
    pub stdin: &'a mut dyn Read,
    /// Reads workspaces.
    pub reader: &'a dyn Reader,
    /// Writes bundles.
    pub disk: &'a dyn Disk,
    /// Environment variables.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Session<'_> {
    /// Says something on standard error, unless `--quiet`.
    ///
    /// # Errors
    /// Those of the writer; a closed pipe is none.
    pub fn say(&mut self, line: &str) -> Result<(), Vec<miette::Report>> {
        if self.globals.quiet {
            return Ok(());
        }
        writeln!(self.err, "{}", crate::diagnostic::one_line(line)).map_err(refusal::stderr)
    }
}

/// The whole command line as data, for completions and manual pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a command line and gives back the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, host: Host<'_>) -> u8 {
    let Host { stdin, stdout, stderr, stdout_is_terminal, stderr_is_terminal, env, reader, disk, built_from } = host;
    let mut out = Output::new(stdout, stdout_is_terminal, ColorChoice::Auto, env);
    let mut err = Output::new(stderr, stderr_is_terminal, ColorChoice::Auto, env);
    let parsed = command().try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return answer(&error, built_from, &mut out, &mut err).code(),
    };
    out.choose(cli.globals.color, env);
    err.choose(cli.globals.color, env);
    let mut globals = cli.globals;
    let settled = formats::settle(&mut globals, cli.command.writes());
    let mut session = Session { globals, out, err, stdin, reader, disk, env };
    let outcome = settled.map_err(Into::into).and_then(|()| match &cli.command {
        command if session.globals.environment.is_some() && !command.reads_a_workspace() => {
            Err(refusal::Refusal::Usage {
                message: "`--env` is for commands that read a workspace".to_owned(),
                help: "they are all but `explain`, `schema`, `fmt`, `init`, `completions`, `man`, and `list` of what mcpctl knows".to_owned(),
            }
            .into())
        }
        Command::Validate(command) => command.run(&mut session),
        Command::Compile(command) => command.run(&mut session),
        Command::Diff(command) => command.run(&mut session),
        Command::Can(command) => command.run(&mut session),
        Command::WhoCan(command) => command.run(&mut session),
        Command::WhatCan(command) => command.run(&mut session),
        Command::Graph(command) => command.run(&mut session),
        Command::Test(command) => command.run(&mut session),
        Command::Prove(command) => command.run(&mut session),
        Command::Report(command) => command.run(&mut session),
        Command::Explain(command) => command.run(&mut session),
        Command::List(command) => command.run(&mut session),
        Command::Schema(command) => command.run(&mut session),
        Command::Fmt(command) => command.run(&mut session),
        Command::Lsp(command) => command.run(&mut session),
        Command::Init(command) => command.run(&mut session),
        Command::Completions(command) => command.run(&mut session),
        Command::Man(command) => command.run(&mut session),
    });
    let outcome = outcome.and_then(|exit| session.out.flush().map(|()| exit).map_err(refusal::stdout));
    let exit = match outcome {
        Ok(exit) => exit,
        Err(reports) => {
            // Nothing can be said about a standard error that cannot be written.
            let _told = reports.iter().try_for_each(|report| session.err.complain(report.as_ref()));
            Exit::Failed
        }
    };
    let _told = session.err.flush();
    exit.code()
}

/// `--help` and `--version` are answers; everything else that the parser says is a usage error.
fn answer(error: &clap::Error, built_from: Option<&'static str>, out: &mut Output<'_>, err: &mut Output<'_>) -> Exit {
    let of_version = error.kind() == clap::error::ErrorKind::DisplayVersion;
    let write = |to: &mut Output<'_>| -> io::Result<()> {
        let text = error.render();
        if let Some(revision) = built_from.filter(|_| of_version) {
            writeln!(to, "{} ({revision})", text.to_string().trim_end())?
        } else if to.color() {
            write!(to, "{}", text.ansi())?
        } else {
            write!(to, "{text}")?
        }
        to.flush()
    };
    let written = if error.use_stderr() { write(err) } else { write(out) };
    if error.use_stderr() || written.is_err() { Exit::Failed } else { Exit::Clean }
}
