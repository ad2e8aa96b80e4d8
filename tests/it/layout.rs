//! The layout of YAML: every file of the fixtures, as it is and with its spaces moved about.

use std::path::{Path, PathBuf};

use mcpctl::source::yaml::layout::laid_out;
use proptest::prelude::*;
use walkdir::WalkDir;

use crate::checks::fixtures;

fn files() -> Vec<(PathBuf, String)> {
    let all = WalkDir::new(fixtures()).sort_by_file_name().into_iter().filter_map(Result::ok);
    let yaml = all.filter(|entry| entry.path().extension().is_some_and(|ext| ext == "yaml" || ext == "yml"));
    yaml.filter_map(|entry| {
        let text = std::fs::read_to_string(entry.path()).ok()?;
        Some((entry.into_path(), text))
    })
    .collect()
}

fn show(path: &Path) -> String {
    path.strip_prefix(fixtures()).unwrap().display().to_string()
}

#[test]
fn every_file_that_can_be_read_is_laid_out_and_stays_so() {
    let (mut laid, mut left) = (0, Vec::new());
    for (path, text) in files() {
        match laid_out(&text) {
            Some(once) => {
                laid += 1;
                assert_eq!(laid_out(&once).as_deref(), Some(once.as_str()), "{}", show(&path));
            }
            None => left.push(show(&path)),
        }
    }
    println!("{laid} files laid out; left: {left:#?}");
    assert!(laid > 400 && left.len() < laid / 20, "{laid} laid out, {} not", left.len());
}

#[test]
fn a_layout_is_as_an_editor_would_write_it() {
    let before = "\
# first\n\n\n\nmcp_registry:   # the inventory\n   servers:\n   -   name:   crm_server   \n       tools:\n       - {name: get,annotations: { read_only: true } }\n       - name : put\n         requires: [ a,b ,c ]\n       # of put\n   # of servers\n   - name: docs\n     description: >-\n         several\n           lines\n\n         here\n     note: \"quoted\n         text\"\n   any_agent:\n     may_call: [\n       a/b,   # why\n         c/d\n     ]\n\n\n";
    let after = "\
# first\n\nmcp_registry:   # the inventory\n  servers:\n    - name: crm_server\n      tools:\n        - {name: get, annotations: {read_only: true}}\n        - name: put\n          requires: [a, b, c]\n        # of put\n    # of servers\n    - name: docs\n      description: >-\n        several\n          lines\n\n        here\n      note: \"quoted\n        text\"\n  any_agent:\n    may_call: [\n      a/b,   # why\n      c/d\n    ]\n";
    assert_eq!(laid_out(before).as_deref(), Some(after));
}

#[test]
fn merge_keys_are_moved_and_stay() {
    let before =
        "a:\n    x: &base { p : 1,q: 2 }\n    y:\n        <<:   *base\n        q: 3\n    z: {<< : [ *base ], r: 4}\n";
    let after = "a:\n  x: &base {p: 1, q: 2}\n  y:\n    <<: *base\n    q: 3\n  z: {<<: [*base], r: 4}\n";
    assert_eq!(laid_out(before).as_deref(), Some(after));
    assert_eq!(laid_out(after).as_deref(), Some(after));
    // A list of anchors and merges, as servers that share most of what they say are written.
    let before = "s:\n   - &one   {p: 1}\n   -  &two   # the second\n      p: 2\n      q: &three\n         r: 3\n   -   <<: [*one,*two ]   # both\n       p: 3\n   - { <<: *two, p: 4 }\n";
    let after = "s:\n  - &one   {p: 1}\n  -  &two   # the second\n    p: 2\n    q: &three\n      r: 3\n  - <<: [*one, *two]   # both\n    p: 3\n  - {<<: *two, p: 4}\n";
    assert_eq!(laid_out(before).as_deref(), Some(after));
    assert_eq!(laid_out(after).as_deref(), Some(after));
    assert_eq!(laid_out("a: {<<: 3}\n"), None);
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    for text in ["a: [", "a: b\n c: d\n", "\t- a\n", "a: 1\na: 2\n"] {
        assert_eq!(laid_out(text), None, "{text:?}");
    }
    for text in ["", "\n\n", "# only a comment\n"] {
        assert!(laid_out(text).is_some(), "{text:?}");
    }
}

/// Moves spaces about without a change of meaning: more indentation, trailing spaces, empty lines, carriage returns.
fn messed(text: &str, factor: usize, seeds: &[u8]) -> String {
    let mut result = String::new();
    for (index, line) in text.lines().enumerate() {
        let seed = seeds[index % seeds.len()];
        let content = line.trim_start_matches(' ');
        result.push_str(&" ".repeat((line.len() - content.len()) * factor));
        match content.strip_prefix("- ") {
            // What an element begins with is as deep as what follows it.
            Some(element) => result.push_str(&format!("-{}{element}", " ".repeat(2 * factor - 1))),
            None => result.push_str(content),
        }
        if seed & 1 == 1 {
            result.push_str("  ");
        }
        result.push_str(if seed & 2 == 2 { "\r\n" } else { "\n" });
        if seed & 12 == 12 {
            result.push_str("\n\n");
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn spaces_that_mean_nothing_do_not_matter(seeds in prop::collection::vec(any::<u8>(), 7..40), factor in 1usize..4, pick in any::<prop::sample::Index>()) {
        // Texts of several lines hold spaces that mean something.
        let plain = |text: &str| !text.contains(['|', '>', '"', '\'', '[', '{']) && laid_out(text).is_some();
        let all: Vec<_> = files().into_iter().filter(|(_, text)| plain(text)).collect();
        let (path, text) = &all[pick.index(all.len())];
        let messed = messed(text, factor, &seeds);
        let once = laid_out(&messed);
        prop_assert!(once.is_some(), "{}\n{messed}", show(path));
        let without_empty = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(without_empty(&once.unwrap()), without_empty(&laid_out(text).unwrap()), "{}", show(path));
    }
}
