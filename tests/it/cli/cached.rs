//! `mcpctl validate --cache-dir` and `--watch`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Ran, folder, mcpctl};

const REGISTRY: &str = "mcp_registry: {servers: [{name: crm_server, tools: [{name: note}]}]}\n";
const UNKNOWN: &str = "bulkhead_config: {resource_pools: [{name: pool, mcp_servers: [cmr_server]}]}\n";

fn cached(at: &Path, args: &[&str]) -> Ran {
    let (cache, fleet) = (at.join("cache"), at.join("fleet"));
    mcpctl(&["validate", "--format", "short"]).args(args).arg("--cache-dir").arg(cache).arg(fleet).run()
}

fn entries(at: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = at.join("cache").read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Lets an entry say that its run had said something else on standard error.
fn mark(entry: &Path, mark: &str) {
    let text = std::fs::read_to_string(entry).unwrap();
    let (head, body) = text.rsplit_once('\n').unwrap();
    let (form, digest) = head.rsplit_once('\n').unwrap();
    assert_eq!(digest, format!("{:x}", Sha256::digest(body)));
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["err"] = mark.into();
    let body = body.to_string();
    std::fs::write(entry, format!("{form}\n{:x}\n{body}", Sha256::digest(&body))).unwrap();
}

#[test]
fn an_outcome_is_given_again_until_something_changes_that_it_came_from() {
    let scratch = folder(&[("fleet/all.yaml", REGISTRY), ("fleet/pools.yaml", UNKNOWN)]);
    let at = scratch.path();
    let first = cached(at, &[]).code(1);
    assert!(first.out.contains("cmr_server") && first.err.contains("2 files"), "{first:?}");
    assert_eq!(cached(at, &[]).code(1).out, first.out);
    let [entry] = entries(at).try_into().unwrap();
    // What a run reads makes an outcome old: a file, and one that is new. What it does not read makes none so.
    let (file, new) = (at.join("fleet/pools.yaml"), at.join("fleet/new.yaml"));
    let changes: [(&str, &dyn Fn()); 5] = [
        ("a file", &|| std::fs::write(&file, UNKNOWN.replace("pool,", "a_pool,")).unwrap()),
        ("a new file", &|| std::fs::write(&new, "# empty\n").unwrap()),
        ("a file is gone", &|| std::fs::remove_file(&new).unwrap()),
        ("settings", &|| std::fs::write(at.join("fleet/mcpctl.yaml"), "checks: {unknown-server: error}\n").unwrap()),
        ("a folder", &|| std::fs::create_dir(at.join("fleet/folder")).unwrap()),
    ];
    for (what, change) in changes {
        mark(&entry, "as before\n");
        assert_eq!(cached(at, &[]).code(1).err, "as before\n", "before {what}");
        std::fs::write(at.join("fleet/notes.txt"), what).unwrap_or_default();
        change();
        let fresh = cached(at, &[]).code(1);
        assert!(fresh.err.contains("found") || fresh.err.contains("error"), "{what}: {}", fresh.err);
        assert_eq!(fresh.out, mcpctl(&["validate", "--format", "short"]).arg(at.join("fleet")).run().out, "{what}");
    }
    assert_eq!(entries(at), [entry], "an entry is replaced by the next");
}

#[test]
fn other_options_days_and_damaged_entries_are_other_runs() {
    let scratch = folder(&[("fleet/all.yaml", REGISTRY), ("fleet/pools.yaml", UNKNOWN)]);
    let at = scratch.path();
    let first = cached(at, &["--today", "2026-01-01"]).code(1);
    let [entry] = entries(at).try_into().unwrap();
    mark(&entry, "as before\n");
    let options: [&[&str]; 4] = [&["--fail-on", "warning"], &["--quiet"], &["--all"], &["--ignore", "style"]];
    for args in options {
        let other = cached(at, &[&["--today", "2026-01-01"], args].concat()).code(1);
        assert_ne!(other.err, "as before\n", "{args:?}");
    }
    assert_ne!(cached(at, &["--today", "2026-01-02"]).code(1).err, "as before\n");
    assert_eq!(cached(at, &["--today", "2026-01-01"]).code(1).err, "as before\n");
    std::fs::write(&entry, "mcpctl validate 1\nnothing of ours").unwrap();
    let again = cached(at, &["--today", "2026-01-01"]).code(1);
    assert_eq!((again.out, again.err), (first.out, first.err));
    cached(at, &["--baseline", "write"]).refused("changes the baseline");
    let refused = ["--fix", "--changed-since=main"];
    for option in refused {
        cached(at, &[option]).refused("cannot be used with");
    }
    std::fs::write(at.join("file"), "").unwrap();
    mcpctl(&["validate", "--cache-dir"]).arg(at.join("file")).arg(at.join("fleet")).run().refused("could not write");
}

#[test]
fn a_baseline_is_a_file_that_an_outcome_comes_from() {
    let scratch = folder(&[("fleet/all.yaml", REGISTRY)]);
    let at = scratch.path();
    let validate = |args: &[&str]| mcpctl(&["validate", "--format", "short"]).args(args).arg(at.join("fleet")).run();
    validate(&["--baseline", "write"]).code(0);
    let accepted = cached(at, &["--baseline", "check"]).code(0);
    mark(&entries(at)[0], "as before\n");
    assert_eq!(cached(at, &["--baseline", "check"]).code(0).err, "as before\n");
    assert_ne!(validate(&[]).code(0).out, accepted.out, "the baseline has findings");
    let baseline = at.join("fleet/mcpctl-baseline.json");
    let mut known: serde_json::Value = serde_json::from_slice(&std::fs::read(&baseline).unwrap()).unwrap();
    known["findings"] = serde_json::json!([]);
    std::fs::write(&baseline, known.to_string()).unwrap();
    assert_eq!(cached(at, &["--baseline", "check"]).code(0).out, validate(&[]).code(0).out);
}

#[test]
fn files_are_written_again_and_a_run_that_saw_not_everything_is_not_kept() {
    let scratch = folder(&[("fleet/all.yaml", REGISTRY)]);
    let at = scratch.path();
    let sarif = at.join("out.sarif");
    let format = format!("--format=sarif={}", sarif.display());
    cached(at, &[&format]).code(0);
    let written = std::fs::read(&sarif).unwrap();
    std::fs::remove_file(&sarif).unwrap();
    mark(&entries(at)[0], "as before\n");
    assert_eq!(cached(at, &[&format]).code(0).err, "as before\n");
    assert_eq!(std::fs::read(&sarif).unwrap(), written);
    std::fs::remove_dir_all(at.join("cache")).unwrap();
    std::os::unix::fs::symlink("nowhere", at.join("fleet/broken.yaml")).unwrap();
    cached(at, &[]).code(2);
    assert_eq!(entries(at), Vec::<PathBuf>::new());
}

/// Lines of a stream, as they come.
fn lines(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
    });
    told
}

#[test]
fn a_run_is_made_again_after_each_change() {
    let scratch = folder(&[("all.yaml", REGISTRY)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcpctl"))
        .args(["validate", "--format", "short", "--watch"])
        .arg(scratch.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = lines(child.stdout.take().unwrap());
    let err = lines(child.stderr.take().unwrap());
    let until = |told: &mpsc::Receiver<String>, text: &str| {
        loop {
            let line = told.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{text:?} does not come"));
            if line.contains(text) {
                break;
            }
        }
    };
    until(&err, "watching for changes");
    std::fs::write(scratch.path().join("pools.yaml"), UNKNOWN).unwrap();
    until(&out, "cmr_server");
    until(&err, "1 error");
    // What cannot be read at all is said, and the next change may correct it.
    for file in ["pools.yaml", "all.yaml"] {
        std::fs::remove_file(scratch.path().join(file)).unwrap();
    }
    until(&err, "there is no YAML file");
    let text = [REGISTRY, &UNKNOWN.replace("cmr", "rcm")].concat();
    std::fs::write(scratch.path().join("all.yaml"), text).unwrap();
    until(&out, "rcm_server");
    child.kill().unwrap();
    child.wait().unwrap();
    mcpctl(&["validate", "--watch", "-"]).run().refused("standard input is read once");
}
