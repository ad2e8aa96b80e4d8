//! Random workspaces: one that validates compiles for every target, and what was written is read back as what it means.
//!
//! A compile reads its own files with the reader of each product, so one that ends well has been read. A compile may refuse a
//! value that validates, at its place; it may never end in a fault. The same workspaces are put to Envoy by
//! `tests/engines/envoy --part random`, and to the schemas of Kubernetes by `tests/run`.

#[path = "../engines/random/odd.rs"]
mod odd;
#[path = "../engines/random/pools.rs"]
mod pools;
#[path = "../engines/random/texts.rs"]
mod texts;
#[path = "../engines/random/worlds.rs"]
mod worlds;

use std::fs;
use std::process::Command;

/// How many workspaces are drawn.
const COUNT: u64 = 90;

/// The exit code, and what was said.
fn run(arguments: &[&str]) -> (i32, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_mcpctl"))
        .args(arguments)
        .args(["--today", "2026-11-22", "--format", "short"])
        .output()
        .unwrap();
    let said = [run.stdout, run.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    (run.status.code().unwrap(), said)
}

#[test]
fn random_workspaces_that_validate_compile() {
    let (mut valid, mut written, mut wrong) = (0, 0, Vec::new());
    for number in 0..COUNT {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in worlds::workspace(number, None) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let (workspace, out) = (folder.path().to_str().unwrap(), folder.path().join("bundle"));
        match run(&["validate", workspace]).0 {
            0 => valid += 1,
            1 => continue,
            code => wrong.push(format!("validate of {number}: exit code {code}")),
        }
        match run(&["compile", "--out", out.to_str().unwrap(), workspace]) {
            (0, _) => written += 1,
            (1, said) if said.contains(": error[") => {}
            (code, said) => wrong.push(format!("compile of {number}: exit code {code}\n{said}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(valid * 10 >= COUNT * 4, "too few of {COUNT} validate: {valid}");
    assert!(written * 10 >= valid * 7, "too few of {valid} are written: {written}");
}
