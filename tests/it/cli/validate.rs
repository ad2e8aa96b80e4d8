//! `mcpctl validate`.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use mcpctl::workspace::{self, Entry, Reader};

use super::{BAD, folder, good, mcpctl, put};

#[test]
fn what_guards_access_cannot_be_switched_off() {
    let good = good();
    for check in [
        "missing-unit",
        "unenforceable-requirement",
        "conflicting-classification",
        "level-below-derived",
        "never-allowed",
    ] {
        put(good.path(), "mcpctl.yaml", &format!("checks: {{{check}: off}}\n"));
        let ran = mcpctl(&["validate"]).arg(good.path()).run().code(1);
        let said = format!("error[guarding-check-off]: `{check}` guards access and cannot be switched off");
        assert!(ran.out.contains(&said) && ran.out.contains("`waivers`"), "{}", ran.out);
    }
    // Every rule says which it is, and all others can be switched off.
    let listed = mcpctl(&["list", "checks", "--format", "json"]).run().code(0).json();
    let all = listed.as_array().unwrap();
    let free: Vec<&str> =
        all.iter().filter(|it| it["guards_access"] == false).map(|it| it["name"].as_str().unwrap()).collect();
    assert!(free.len() > 30 && free.len() < all.len(), "{free:?}");
    let off: Vec<String> = free.iter().map(|check| format!("{check}: off")).collect();
    put(good.path(), "mcpctl.yaml", &format!("checks: {{{}}}\n", off.join(", ")));
    mcpctl(&["validate"]).arg(good.path()).run().code(0);
    for rule in all.iter().filter(|it| it["guards_access"] == true) {
        let check = rule["name"].as_str().unwrap();
        put(good.path(), "mcpctl.yaml", &format!("checks: {{{check}: off}}\n"));
        let ran = mcpctl(&["validate"]).arg(good.path()).run().code(1);
        assert!(ran.out.contains("guarding-check-off"), "{check}: {}", ran.out);
    }
    let said = mcpctl(&["explain", "never-allowed"]).run().out;
    assert!(said.contains("Guards access: it cannot be switched off"), "{said}");
    let said = mcpctl(&["explain", "dead-retention"]).run().out;
    assert!(said.contains("Does not guard access"), "{said}");
}

#[test]
fn a_lower_level_shows_what_guards_access_and_a_compile_stops_for_it() {
    let good = good();
    let out = good.path().join("out");
    put(
        good.path(),
        "more.yaml",
        "policy_tests:\n  - {name: it, never: {principals: \"*\", calls: \"orders_server/*\"}}\n",
    );
    put(good.path(), "mcpctl.yaml", "checks: {failing-policy-test: note}\n");
    let ran = mcpctl(&["validate"]).arg(good.path()).run().code(0);
    assert!(ran.out.contains("note[failing-policy-test]"), "{}", ran.out);
    let ran = mcpctl(&["compile", "--out"]).arg(&out).arg(good.path()).run().code(1);
    assert!(ran.err.contains("a compile stops for 1 finding that guard") && !out.exists(), "{}", ran.err);
    let waiver = "waivers:\n  - {name: w, check: failing-policy-test, file: more.yaml, reason: r, owner: o, expires: 2026-06-30}\n";
    put(good.path(), "waivers.yaml", waiver);
    mcpctl(&["compile", "--today", "2026-06-01", "--out"]).arg(&out).arg(good.path()).run().code(0);
}

#[test]
fn what_a_compile_finds_has_levels_and_can_be_waived() {
    let good = good();
    let out = good.path().join("out");
    let compile = |more: &[&str]| {
        let args = [&["compile", "--today", "2026-06-01", "--out", out.to_str().unwrap()], more].concat();
        mcpctl(&args).arg(good.path()).run()
    };
    let ran = compile(&[]).code(0);
    assert!(ran.out.contains("note[target-left-out]"), "{}", ran.out);
    put(good.path(), "mcpctl.yaml", "checks: {target-left-out: off}\n");
    let ran = compile(&[]).code(0);
    assert!(!ran.out.contains("[target-left-out]"), "{}", ran.out);
    put(good.path(), "mcpctl.yaml", "checks: {target-left-out: error}\n");
    let ran = compile(&[]).code(1);
    assert!(ran.out.contains("error[target-left-out]"), "{}", ran.out);
    let places = ran.out.split("[target-left-out]").skip(1).map(|found| found.split("┌─ ").nth(1).unwrap());
    let files: BTreeSet<&str> = places.map(|at| at.split(':').next().unwrap()).collect();
    let each = files.iter().enumerate().map(|(at, file)| {
        format!("  - {{name: w{at}, check: target-left-out, file: {file}, reason: r, owner: o, expires: 2026-06-30}}\n")
    });
    let waiver = format!("waivers:\n{}", each.collect::<String>());
    put(good.path(), "zz-waivers.yaml", &waiver);
    // To `validate`, which compiles nothing, the waiver is not an unused one.
    let ran = mcpctl(&["validate", "--today", "2026-06-01"]).arg(good.path()).run().code(0);
    assert!(!ran.out.contains("unused-waiver"), "{}", ran.out);
    let ran = compile(&[]).code(0);
    assert!(!ran.out.contains("target-left-out"), "{}", ran.out);
    put(good.path(), "zz-waivers.yaml", &waiver.replace("target-left-out", "target-over-limit"));
    put(good.path(), "mcpctl.yaml", "{}\n");
    assert!(compile(&[]).code(0).out.contains("unused-waiver"), "{}", compile(&[]).out);
}

#[test]
fn findings_are_on_standard_output_and_the_summary_on_standard_error() {
    let bad = folder(&[("a/bad.yaml", BAD), ("b.yaml", "another_one: {}\n")]);
    let ran = mcpctl(&["validate"]).arg(bad.path()).run().code(1);
    assert_eq!(ran.out.matches("error[unknown-family]: ").count(), 2, "{}", ran.out);
    assert!(ran.out.contains("a/bad.yaml:2:1") && ran.out.contains("2 │ no_such_family: {}"), "{}", ran.out);
    assert!(ran.err.starts_with("2 errors"), "{}", ran.err);
    assert!(ran.err.contains(" in 2 files"), "{}", ran.err);
}

#[test]
fn the_exit_code_is_the_same_in_every_format() {
    let good = good();
    let noted = good_with_a_note();
    let bad = folder(&[("bad.yaml", BAD)]);
    for format in ["human", "short", "json", "github"] {
        let code = |path: &Path, fail_on: &str| {
            let call = mcpctl(&["validate", "--format", format, "--fail-on", fail_on]).arg(path);
            call.run().code
        };
        for (fail_on, expected) in [("error", [0, 0, 1]), ("warning", [0, 0, 1]), ("note", [0, 1, 1])] {
            let found = [code(good.path(), fail_on), code(noted.path(), fail_on), code(bad.path(), fail_on)];
            assert_eq!(found, expected, "{format} {fail_on}");
        }
    }
}

/// The workspace of `mcpctl init` with one scalar that YAML 1.1 reads otherwise.
fn good_with_a_note() -> tempfile::TempDir {
    let folder = good();
    let path = folder.path().join("access.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let noted = text.replace("description: Public data", "description: yes");
    assert_ne!(text, noted);
    std::fs::write(path, noted).unwrap();
    folder
}

#[test]
fn json_is_one_object_whatever_is_found() {
    let bad = folder(&[("bad.yaml", BAD)]);
    let json = mcpctl(&["validate", "--format", "json"]).arg(bad.path()).run().code(1).json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["summary"]["files"], 1);
    assert_eq!(json["summary"]["errors"], 1);
    let finding = json["diagnostics"].as_array().unwrap().iter().find(|d| d["check"] == "unknown-family").unwrap();
    for (field, value) in [("line", 2), ("column", 1), ("end_line", 2), ("end_column", 15)] {
        assert_eq!(finding[field], value, "{field}");
    }
    assert_eq!(finding["file"], "bad.yaml");
    assert_eq!(finding["severity"], "error");
    let good = mcpctl(&["validate", "--format", "json"]).arg(good().path()).run().code(0).json();
    assert_eq!(good["diagnostics"], serde_json::json!([]));
}

#[test]
fn standard_input_is_one_file() {
    let ran = mcpctl(&["validate", "-", "--format", "short"]).stdin(BAD).run().code(1);
    assert!(ran.out.starts_with("stdin.yaml:2:1: error[unknown-family]: "), "{}", ran.out);
    let ran = mcpctl(&["validate", "-", "--stdin-filename", "units/a.yaml", "--format", "short"]).stdin(BAD).run();
    assert!(ran.code(1).out.starts_with("units/a.yaml:2:1: "));
}

#[test]
fn one_file_can_be_validated() {
    let both = folder(&[("bad.yaml", BAD), ("other.yaml", BAD)]);
    let ran = mcpctl(&["validate", "--format", "short"]).arg(both.path().join("bad.yaml")).run().code(1);
    assert!(ran.out.starts_with("bad.yaml:2:1: ") && !ran.out.contains("other.yaml"), "{}", ran.out);
    assert!(ran.err.contains(" in 1 file"), "{}", ran.err);
}

#[test]
fn no_input_is_2() {
    mcpctl(&["validate", "no/such/folder"]).run().refused("no/such/folder");
    let empty = folder(&[("notes.txt", "")]);
    for format in ["human", "short", "json", "github"] {
        let ran = mcpctl(&["validate", "--format", format]).arg(empty.path()).run().code(2);
        assert_eq!(ran.out, "");
        assert!(ran.err.starts_with("error"), "{}", ran.err);
    }
}

#[test]
fn what_is_left_out_is_said() {
    let mixed = good();
    put(mixed.path(), "deploy.yaml", "apiVersion: v1\nkind: Service\n");
    let ran = mcpctl(&["validate"]).arg(mixed.path()).run().code(0);
    assert!(ran.err.contains("; skipped 1 Kubernetes manifest"), "{}", ran.err);
    put(mixed.path(), "mcpctl.yaml", "output: bundle\nexclude: [old]\n");
    put(mixed.path(), "old/a.yaml", BAD);
    put(mixed.path(), "old/b.yaml", BAD);
    let ran = mcpctl(&["validate"]).arg(mixed.path()).run().code(0);
    assert!(ran.err.contains("; left out "), "{}", ran.err);
}

#[test]
fn an_output_folder_without_a_bundle_in_it_is_read() {
    let mixed = good();
    put(mixed.path(), "policies/a.yaml", BAD);
    for output in ["policies", "policies/a.yaml"] {
        put(mixed.path(), "mcpctl.yaml", &format!("output: {output}\n"));
        let ran = mcpctl(&["validate", "--format", "short"]).arg(mixed.path()).run().code(1);
        assert!(ran.out.contains("policies/a.yaml"), "{}", ran.out);
    }
    put(mixed.path(), "mcpctl.yaml", "output: policies\n");
    put(mixed.path(), "policies/bundle.json", "{}");
    mcpctl(&["validate"]).arg(mixed.path()).run().code(0);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let files: Vec<(String, String)> =
        (0..50).map(|number| (format!("f{number:02}.yaml"), format!("no_such_{number}: {{}}\n"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let many = folder(&files);
    let with =
        |jobs: &str| mcpctl(&["validate", "--format", "json", "--jobs", jobs]).arg(many.path()).run().code(1).out;
    assert_eq!(with("1"), with("2"));
    assert_eq!(with("1"), with("7"));
}

#[test]
fn waivers_are_judged_by_the_given_day() {
    let good = good_with_a_note();
    let waiver = "waivers:\n  - name: a word\n    check: ambiguous-scalar\n    file: access.yaml\n    reason: it is a word\n    owner: us\n    expires: 2026-06-30\n";
    put(good.path(), "waivers.yaml", waiver);
    let on = |day: &str| mcpctl(&["validate", "--format", "short", "--today", day]).arg(good.path()).run();
    let held = on("2026-06-30").code(0);
    assert_eq!(held.out, "");
    assert!(held.err.contains("no findings in 6 files; 1 finding waived"), "{}", held.err);
    assert!(on("2026-07-01").code(1).out.contains("error[expired-waiver]"));
}

#[test]
fn a_documentation_base_is_taken_from_the_settings() {
    let bad = folder(&[("bad.yaml", BAD), ("mcpctl.yaml", "docs_url: https://docs.example.com/\n")]);
    let json = mcpctl(&["validate", "--format", "json"]).arg(bad.path()).run().code(1).json();
    let url = "https://docs.example.com/checks/unknown-family.html";
    assert!(json["diagnostics"].as_array().unwrap().iter().any(|finding| finding["url"] == url), "{json}");
}

/// A reader that cannot read one file.
struct Locked;

impl Reader for Locked {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        workspace::Disk.is_folder(path)
    }
    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        workspace::Disk.walk(root, skip)
    }
    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        if path.ends_with("access.yaml") {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        workspace::Disk.read(path, most)
    }
}

#[test]
fn an_unreadable_file_is_2_and_shown_with_the_other_findings() {
    let good = good();
    put(good.path(), "bad.yaml", BAD);
    for format in ["human", "short", "json", "github"] {
        let ran = mcpctl(&["validate", "--format", format]).arg(good.path()).reader(&Locked).run().code(2);
        assert!(ran.out.contains("access.yaml") && ran.out.contains("permission denied"), "{}", ran.out);
        assert!(ran.out.contains("unknown-family"), "{}", ran.out);
        assert!(ran.err.contains("; could not read 1 file"), "{}", ran.err);
    }
    let ran = mcpctl(&["compile"]).arg(good.path()).reader(&Locked).run().code(2);
    assert!(ran.err.contains("no bundle was written"), "{}", ran.err);
    assert!(!good.path().join("bundle").exists());
}

/// A reader that takes longer than a person likes to wait.
struct Slow;

impl Reader for Slow {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        workspace::Disk.is_folder(path)
    }
    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        std::thread::sleep(Duration::from_millis(1300));
        workspace::Disk.walk(root, skip)
    }
    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        workspace::Disk.read(path, most)
    }
}

#[test]
fn slow_work_shows_progress_to_nobody_but_a_terminal() {
    let ran = mcpctl(&["validate"]).arg(good().path()).reader(&Slow).run().code(0);
    assert_eq!(ran.err.lines().count(), 1, "{:?}", ran.err);
    // With a terminal the bar goes to the process's own, which is none here; the work is the same.
    let ran = mcpctl(&["validate"]).arg(good().path()).reader(&Slow).terminal().run().code(0);
    assert_eq!(ran.err.lines().count(), 1, "{:?}", ran.err);
}

#[test]
fn a_version_that_files_are_not_written_for_is_an_error_at_its_place() {
    let fleet = good();
    for (version, known) in [("'1.4'", true), ("\"1.7\"", true), ("'1.5'", false), ("1.7", false), ("latest", false)] {
        put(fleet.path(), "mcpctl.yaml", &format!("targets:\n  agentgateway:\n    version: {version}\n"));
        let ran = mcpctl(&["validate"]).arg(fleet.path()).run();
        let said = format!("{}{}", ran.out, ran.err);
        assert_eq!(!said.contains("mcpctl.yaml:3:14"), known, "{version}: {said}");
        assert!(known || said.contains("1.4") && said.contains("1.7"), "{version}: {said}");
    }
}
