//! Workspaces of people who upgrade: the fixtures as they were before findings became stricter, with what is found in them now.
//!
//! `fixtures/upgrading/NAME` is a workspace, and `fixtures/upgrading/NAME.txt` what `mcpctl compile` says of it: the exit code,
//! and each finding by its place, level and check. `MCPCTL_BLESS=1` writes the lists anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upgrading")
}

/// The workspaces, by name.
fn workspaces() -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), path);
    entries.filter(|path| path.is_dir()).map(named).collect()
}

/// The exit code of a compile, and a line for each finding, sorted.
fn said(workspace: &Path) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_mcpctl"))
        .args(["compile", "--today", "2026-11-22", "--format", "json", "--out"])
        .arg(scratch.path().join("bundle"))
        .arg(workspace)
        .output()
        .unwrap();
    let code = run.status.code().unwrap();
    // What could not run at all says why in words, which are not for this list.
    let Ok(said) = serde_json::from_slice::<Value>(&run.stdout) else { return format!("exit code {code}\n") };
    let line = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        format!("{}:{} {} {}\n", text("file"), finding["line"], text("severity"), text("check"))
    };
    let mut lines: Vec<String> = said["diagnostics"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    format!("exit code {code}\n{}", lines.concat())
}

#[test]
fn workspaces_that_were_valid_have_the_findings_that_are_expected_now() {
    let workspaces = workspaces();
    assert!(workspaces.len() >= 5, "{workspaces:?}");
    let mut wrong = Vec::new();
    for (name, workspace) in workspaces {
        let list = folder().join(format!("{name}.txt"));
        let (expected, found) = (fs::read_to_string(&list).unwrap_or_default(), said(&workspace));
        if expected == found {
            continue;
        }
        if std::env::var_os("MCPCTL_BLESS").is_some_and(|value| value == "1") {
            fs::write(&list, found).unwrap();
            continue;
        }
        let only = |a: &str, b: &str, sign: &str| -> Vec<String> {
            let missing = a.lines().filter(|line| !b.lines().any(|other| other == *line));
            missing.map(|line| format!("{sign} {name}: {line}")).collect()
        };
        wrong.extend(only(&expected, &found, "-").into_iter().chain(only(&found, &expected, "+")));
        wrong.push(format!("  {name}: {} lines, expected were {}", found.lines().count(), expected.lines().count()));
    }
    assert!(wrong.is_empty(), "where this is right, `MCPCTL_BLESS=1` writes it:\n{}", wrong.join("\n"));
}
