//! `mcpctl init`.

use super::{folder, good, mcpctl};

#[test]
fn a_new_workspace_has_no_findings_and_compiles() {
    let outer = folder(&[]);
    let fleet = outer.path().join("deep/fleet");
    let ran = mcpctl(&["init"]).arg(&fleet).run().code(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("registry.yaml") && ran.err.contains("mcpctl validate"), "{}", ran.err);
    let ran = mcpctl(&["validate", "--fail-on", "note"]).arg(&fleet).run().code(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.starts_with("no findings in "), "{}", ran.err);
    mcpctl(&["compile"]).arg(&fleet).run().code(0);
    assert!(fleet.join("bundle/bundle.json").is_file());
    // The bundle is no input.
    assert_eq!(mcpctl(&["validate", "--fail-on", "note"]).arg(&fleet).run().code(0).out, "");
}

#[test]
fn its_policy_tests_and_comments_are_there() {
    let good = good();
    let read = |name: &str| std::fs::read_to_string(good.path().join(name)).unwrap();
    for entry in std::fs::read_dir(good.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.starts_with("# ") && text.lines().all(|line| line.chars().count() <= 120), "{text}");
    }
    assert!(read("tests.yaml").contains("expect: deny"));
}

#[test]
fn nothing_is_overwritten() {
    let taken = folder(&[("access.yaml", "mine"), ("other.txt", "x")]);
    mcpctl(&["init"]).arg(taken.path()).run().refused("access.yaml` already exists");
    assert_eq!(std::fs::read_to_string(taken.path().join("access.yaml")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(taken.path()).unwrap().count(), 2, "nothing else was written");

    let twice = good();
    mcpctl(&["init"]).arg(twice.path()).run().refused("already exist,");
}

#[test]
fn a_file_in_the_way_of_the_folder_is_an_error() {
    let taken = folder(&[("fleet", "a file")]);
    mcpctl(&["init"]).arg(taken.path().join("fleet")).run().refused("could not write");
}
