//! The invariants of the architecture, read from the source: who may use whom, who may do I/O, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The top-level modules in their order, and what each may use of those before it. A module may always use itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("diagnostic", &["source"]),
    ("model", &["source"]),
    ("lower", &["model", "diagnostic", "source"]),
    ("families", &["lower", "model", "diagnostic", "source"]),
    ("schema", &["families", "diagnostic", "source"]),
    ("policy", &["model", "source"]),
    ("checks", &["policy", "model", "diagnostic", "source"]),
    ("settings", &["checks", "schema", "families", "lower", "model", "diagnostic", "source"]),
    ("workspace", &["settings", "diagnostic", "source"]),
    ("cedar", &["policy", "model", "diagnostic", "source"]),
    ("bundle", &["diagnostic", "source"]),
    ("targets", &["bundle", "cedar", "checks", "policy", "families", "model", "diagnostic", "source"]),
    ("handwritten", &["targets", "cedar", "policy", "model", "diagnostic", "source"]),
    (
        "analysis",
        &[
            "handwritten",
            "targets",
            "workspace",
            "settings",
            "checks",
            "policy",
            "schema",
            "families",
            "lower",
            "model",
            "diagnostic",
            "source",
        ],
    ),
    ("lift", &["bundle", "cedar", "policy", "model", "source"]),
    ("build", &["lift", "targets", "bundle", "cedar", "checks", "policy", "families", "model", "diagnostic", "source"]),
    ("render", &["diagnostic", "source"]),
    (
        "review",
        &[
            "build",
            "lift",
            "analysis",
            "handwritten",
            "targets",
            "bundle",
            "cedar",
            "settings",
            "checks",
            "policy",
            "families",
            "model",
            "diagnostic",
            "source",
        ],
    ),
    (
        "lsp",
        &[
            "review",
            "render",
            "analysis",
            "settings",
            "workspace",
            "policy",
            "schema",
            "families",
            "model",
            "diagnostic",
            "source",
        ],
    ),
];

/// Files that may use what their module may not, each for a reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("src/families.rs", "schema", "the table of families hands its types to the generator, a test"),
    ("src/source/yaml.rs", "diagnostic", "the reader reports its own faults"),
    ("src/source/yaml/builder.rs", "diagnostic", "the reader reports its own faults"),
    ("src/source/yaml/builder/expansion.rs", "diagnostic", "the reader reports its own faults"),
    ("src/source/yaml/rules.rs", "diagnostic", "the reader reports its own faults"),
    ("src/source/yaml/syntax.rs", "diagnostic", "the reader reports its own faults"),
    (
        "src/schema/generate.rs",
        "settings",
        "the generator of the committed schemas, a test, knows every type that has one",
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

pub(crate) fn of(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root().join(folder), &mut found);
    assert!(!found.is_empty());
    found
}

/// Tests of a module may use more than the module.
pub(crate) fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs")
}

/// The text before the module's own tests.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap()
}

fn module_of(name: &str) -> &str {
    name.trim_start_matches("src/").split(['/', '.']).next().unwrap()
}

/// The top-level modules that a text names through `crate::`, comments left out.
fn used(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(list) = rest.strip_prefix('{') {
            let inside = list.split('}').next().unwrap_or_default();
            names.extend(inside.split(',').filter_map(|part| part.trim().split("::").next()).map(str::to_owned));
        } else {
            names.insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    names.retain(|name| LAYERS.iter().any(|(module, _)| module == name) || name == "cli");
    names
}

#[test]
fn every_module_uses_only_what_stands_before_it() {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut faults = Vec::new();
    let mut before: BTreeSet<&str> = BTreeSet::new();
    for (module, uses) in LAYERS {
        faults.extend(
            uses.iter().filter(|used| !before.contains(*used)).map(|used| format!("{module} stands before {used}")),
        );
        before.insert(module);
    }
    for (name, text) in of("src") {
        let module = module_of(&name);
        if matches!(module, "main" | "lib" | "cli") || is_test(&name) {
            continue;
        }
        let allowed = layers.get(module).unwrap_or_else(|| panic!("{name}: its module is not in the list of layers"));
        for target in used(without_tests(&text)) {
            let excepted = EXCEPTIONS.iter().any(|(file, uses, _)| *file == name && *uses == target);
            if target != module && !allowed.contains(&target.as_str()) && !excepted {
                faults.push(format!("{name} uses {target}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn one_module_names_each_risky_crate() {
    let owners: &[(&str, &[&str])] = &[
        ("granit_parser", &["src/source/yaml.rs", "src/source/yaml/builder.rs", "src/source/yaml/comments.rs"]),
        ("jsonschema::", &["src/schema.rs", "src/schema/"]),
        ("cedar_policy", &["src/cedar.rs", "src/cedar/"]),
        ("walkdir::", &["src/workspace/disk.rs"]),
        ("gix::", &["src/workspace/git.rs"]),
        ("codespan_reporting", &["src/render/human.rs", "src/render/human/"]),
        ("clap", &["src/cli.rs", "src/cli/", "src/render.rs"]),
        ("indicatif", &["src/cli/progress.rs"]),
        ("lsp_server", &["src/lsp.rs", "src/lsp/", "src/cli/lsp.rs"]),
        ("lsp_types", &["src/lsp/"]),
    ];
    let mut faults = Vec::new();
    for (name, text) in of("src") {
        for (needle, places) in owners {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let names = code
                .into_iter()
                .any(|line| line.contains(&format!("use {needle}")) || line.contains(&format!(" {needle}")));
            if names && !places.iter().any(|place| name.starts_with(place)) {
                faults.push(format!("{name} names {needle}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let needles = ["std::fs", "std::env", "SystemTime", "process::exit", "process::Command", "std::net", "println!"];
    let places = ["src/main.rs", "src/cli", "src/workspace/disk.rs", "src/bundle/disk.rs", "src/cedar/solver.rs"];
    let mut faults = Vec::new();
    for (name, text) in of("src") {
        if places.iter().any(|place| name.starts_with(place)) || is_test(&name) || name == "src/schema/generate.rs" {
            continue;
        }
        let code = without_tests(&text).lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            // Making a path absolute reads the current folder, for the output folder inside the workspace.
            if needles.iter().any(|needle| line.contains(needle)) {
                faults.push(format!("{name}: {}", line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn only_an_analysis_accepts_a_model() {
    // `accept` of checks, in a call or an import; waivers have one of their own.
    let of_checks = regex::Regex::new(r"(?s)\bchecks::(accept\b|\*|\{[^}]*\baccept\b)").unwrap();
    let accepting = |(name, text): &(String, String)| {
        (of_checks.is_match(without_tests(text)) && !is_test(name)).then(|| name.clone())
    };
    let found: Vec<String> = of("src").iter().filter_map(accepting).collect();
    assert_eq!(found, ["src/analysis/judged.rs"]);
}

/// Most lines of a file.
const MOST_LINES: usize = 350;

#[test]
fn files_are_short_and_rooms_have_names() {
    let mut faults = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz"] {
        for (name, text) in of(folder) {
            let lines = text.lines().count();
            if lines > MOST_LINES {
                faults.push(format!("{name} has {lines} lines"));
            }
            let stem = name.rsplit('/').next().unwrap().trim_end_matches(".rs");
            if ["utils", "util", "helpers", "common", "manager", "misc", "mod"].contains(&stem) {
                faults.push(format!("{name}: that is not a name for a room"));
            }
            for word in ["untagged)]", "serde(flatten"] {
                if folder == "src" && text.contains(word) {
                    faults.push(format!("{name}: {word}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_project_speaks_of_the_project_alone() {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !["target", ".git", "examples", "corpus", "artifacts"].contains(&name.as_str()) {
                walk(&path, found);
            } else if path.is_file() && !["structure.rs", "Cargo.lock", ".git"].contains(&name.as_str()) {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root(), &mut files);
    let needles =
        [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("index.cra", "tes.io"), concat!("static.cra", "tes.io")];
    let mut faults = Vec::new();
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        faults.extend(
            needles
                .iter()
                .filter(|needle| text.contains(*needle))
                .map(|needle| format!("{}: {needle}", path.display())),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
