//! What every command shares: usage, help, colour, streams.

use std::io::{self, Read};
use std::process::{Command, Stdio};

use super::{BAD, Failing, folder, good, mcpctl};

const COMMANDS: [&str; 14] = [
    "validate",
    "compile",
    "diff",
    "can",
    "who-can",
    "what-can",
    "test",
    "prove",
    "explain",
    "list",
    "schema",
    "init",
    "completions",
    "man",
];

#[test]
fn help_and_version_are_answers() {
    let help = mcpctl(&["--help"]).run().code(0);
    assert_eq!(help.err, "");
    for command in COMMANDS {
        assert!(help.out.contains(&format!("\n  {command} ")), "{command} is not in\n{}", help.out);
    }
    let version = mcpctl(&["--version"]).run().code(0);
    assert_eq!(version.out, format!("mcpctl {}\n", env!("CARGO_PKG_VERSION")));
    let version = mcpctl(&["--version"]).built_from("4f2a").terminal().run().code(0);
    assert_eq!(version.out, format!("mcpctl {} (4f2a)\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_help_has_examples_that_parse() {
    for command in std::iter::once(None).chain(COMMANDS.map(Some)) {
        let command: &[&str] = command.as_slice();
        let help = mcpctl(command).arg("--help").run().code(0);
        let (_, examples) = help.out.split_once("Examples:\n").expect("there are examples");
        let lines = examples.lines().take_while(|line| line.starts_with("  "));
        // What an example is about may go on in the next line.
        let lines: Vec<&str> = lines.filter(|line| line.starts_with("  mcpctl")).collect();
        assert!(!lines.is_empty());
        for line in lines {
            let line = line.trim().split("  ").next().unwrap().split(['>', '<', '|']).next().unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let parsed = mcpctl::cli::command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn usage_errors_are_2_on_standard_error() {
    mcpctl(&[]).run().refused("Usage:");
    mcpctl(&["valdate"]).run().refused("validate");
    mcpctl(&["validate", "--format", "xml"]).run().refused("human, short, json, jsonl, sarif, github");
    mcpctl(&["validate", "--jobs", "0"]).run().refused("1..=1024");
    mcpctl(&["validate", "--jobs", "1000000"]).run().refused("1..=1024");
    mcpctl(&["validate", "--today", "2026-02-30"]).run().refused("YYYY-MM-DD");
    mcpctl(&["validate", "--fail-on", "never"]).run().refused("error, warning, note");
    mcpctl(&["validate", ".", "--stdin-filename", "a.yaml"]).run().refused("`-`");
    mcpctl(&["list", "things"]).run().refused("principals");
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    let bad = folder(&[("bad.yaml", BAD)]);
    let before = mcpctl(&["--format", "short", "validate"]).arg(bad.path()).run().code(1);
    let after = mcpctl(&["validate", "--format", "short"]).arg(bad.path()).run().code(1);
    assert_eq!(before.out, after.out);
    assert!(before.out.starts_with("bad.yaml:2:1: error[unknown-family]: "), "{}", before.out);
}

#[test]
fn color_follows_the_option_then_the_environment_then_the_terminal() {
    let bad = folder(&[("bad.yaml", BAD)]);
    let colored = |args: &[&str], env: &[(&str, &str)], terminal: bool| {
        let call = mcpctl(&["validate", "--quiet"]).env(env).arg(bad.path());
        let call = args.iter().fold(call, |call, arg| call.arg(arg));
        let ran = if terminal { call.terminal().run() } else { call.run() };
        ran.code(1).out.contains('\u{1b}')
    };
    assert!(!colored(&[], &[], false));
    assert!(colored(&[], &[], true));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")], false));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")], true));
    assert!(!colored(&[], &[("NO_COLOR", "1")], true));
    assert!(colored(&[], &[("NO_COLOR", "")], true));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")], false));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "0")], false));
    assert!(!colored(&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
    assert!(!colored(&[], &[("TERM", "dumb")], true));
    assert!(colored(&[], &[("TERM", "xterm")], true));
}

#[test]
fn errors_are_in_color_where_standard_error_is() {
    let error = |call: super::Call<'_>| call.run().refused("there is no check").err;
    assert!(!error(mcpctl(&["explain", "nothing-like-it"])).contains('\u{1b}'));
    assert!(error(mcpctl(&["explain", "nothing-like-it", "--color", "always"])).contains('\u{1b}'));
}

#[test]
fn hostile_text_in_an_error_is_written_out() {
    for color in ["always", "never"] {
        let err = mcpctl(&["explain", "a\u{1b}[2J\u{202e}b", "--color", color]).run().code(2).err;
        assert!(!err.contains('\u{1b}') && !err.contains('\u{202e}'), "{err:?}");
        assert!(err.contains("a\\u{1b}[2J\\u{202e}b"), "{err}");
    }
}

#[test]
fn quiet_leaves_only_what_was_asked_for() {
    let bad = folder(&[("bad.yaml", BAD)]);
    let quiet = mcpctl(&["validate", "-q"]).arg(bad.path()).run().code(1);
    assert_eq!(quiet.err, "");
    assert_eq!(quiet.out, mcpctl(&["validate"]).arg(bad.path()).run().code(1).out);
    mcpctl(&["validate", "-q", "no-such-folder"]).run().refused("no-such-folder");
}

#[test]
fn the_directory_option_is_where_paths_begin() {
    let outer = folder(&[("inner/bad.yaml", BAD)]);
    let at = |path: &str| mcpctl(&["validate", "--format", "short", path, "-C"]).arg(outer.path()).run().code(1).out;
    assert!(at("inner").starts_with("inner/bad.yaml:2:1: "));
    assert!(at(".").starts_with("inner/bad.yaml:2:1: "));
    mcpctl(&["init", "new", "-C"]).arg(outer.path()).run().code(0);
    assert!(outer.path().join("new/registry.yaml").exists());
}

#[test]
fn a_closed_pipe_is_no_error_and_changes_no_exit_code() {
    let (bad, good) = (folder(&[("bad.yaml", BAD)]), good());
    for (path, code) in [(bad.path(), 1), (good.path(), 0)] {
        for format in ["human", "short", "json", "github"] {
            let mut err = Vec::new();
            let mut closed = Failing(io::ErrorKind::BrokenPipe);
            let call = mcpctl(&["validate", "--format", format]).arg(path);
            assert_eq!(call.run_into(&mut closed, &mut err), code, "{format}");
            assert!(!String::from_utf8(err).unwrap().contains("error:"));
            let mut out = Vec::new();
            let mut closed = Failing(io::ErrorKind::BrokenPipe);
            let call = mcpctl(&["validate", "--format", format]).arg(path);
            assert_eq!(call.run_into(&mut out, &mut closed), code, "{format}");
        }
    }
    for args in
        [&["man"][..], &["schema"], &["completions", "zsh"], &["list", "checks"], &["explain", "cedar"], &["--help"]]
    {
        let (mut closed, mut err) = (Failing(io::ErrorKind::BrokenPipe), Vec::new());
        assert_eq!(mcpctl(args).run_into(&mut closed, &mut err), 0, "{args:?}");
        assert_eq!(String::from_utf8(err).unwrap(), "");
    }
}

#[test]
fn an_output_that_fails_is_an_error() {
    let bad = folder(&[("bad.yaml", BAD)]);
    let (mut full, mut err) = (Failing(io::ErrorKind::StorageFull), Vec::new());
    assert_eq!(mcpctl(&["validate"]).arg(bad.path()).run_into(&mut full, &mut err), 2);
    let err = String::from_utf8(err).unwrap();
    assert!(err.contains("could not write to standard output"), "{err}");
    let (mut full, mut err) = (Failing(io::ErrorKind::StorageFull), Vec::new());
    assert_eq!(mcpctl(&["--help"]).run_into(&mut full, &mut err), 2);
}

/// The same with the real binary and a real pipe, with far more output than a pipe holds.
#[test]
fn the_binary_survives_a_reader_that_leaves() {
    let many: String = (0..20_000).map(|number| format!("no_such_family_{number}: {{}}\n")).collect();
    let bad = folder(&[("bad.yaml", &many)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcpctl"))
        .args(["validate", "--format", "short"])
        .current_dir(bad.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(&first, b"bad.yaml:1");
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(!err.contains("panicked") && !err.contains("error:"), "{err}");
}
