//! No file imports another that imports it, straight or through others. A folder's own file and the files in it are one room,
//! so a path between those two does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::structure::{is_test, of, without_tests};

/// Circles that stay, each for a reason.
const EXCEPTIONS: &[(&[&str], &str)] = &[(
    &["families", "schema", "schema::generate", "settings"],
    "the generator of the committed schemas, a test, knows every type that has one",
)];

/// Files by their module path: `review::diff`.
fn files() -> BTreeMap<String, String> {
    let of_file = |(name, text): (String, String)| {
        let path = Path::new(&name).with_extension("");
        let parts: Vec<&str> = path.iter().skip(1).filter_map(|part| part.to_str()).collect();
        (parts.join("::"), text)
    };
    let source = of("src")
        .into_iter()
        .filter(|(name, _)| !is_test(name) && !["src/main.rs", "src/lib.rs"].contains(&name.as_str()));
    source.map(of_file).collect()
}

/// The paths that a tree of imports names: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(tree: &str, before: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, inside)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        found.push(format!("{before}{name}"));
        return;
    };
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let (mut depth, mut from) = (0, 0);
    let before = format!("{before}{head}");
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                paths(&inside[from..at], &before, found);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !inside[from..].trim().is_empty() {
        paths(&inside[from..], &before, found);
    }
}

/// Every path into the crate that a file names, from the crate's root.
fn named(module: &str, text: &str) -> Vec<String> {
    let code: String =
        without_tests(text).lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for tree in code.split("use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        if ["crate", "super", "self"].iter().any(|word| tree.starts_with(word)) {
            paths(tree, "", &mut found);
        }
    }
    let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    for word in code.split(|letter| !is_path(letter)) {
        if word.starts_with("crate::") || word.starts_with("super::") {
            found.push(word.trim_end_matches(':').to_owned());
        }
    }
    let absolute = |path: String| {
        let mut here: Vec<&str> = module.split("::").collect();
        let mut rest: Vec<&str> = path.split("::").collect();
        match rest.first() {
            Some(&"crate") => here.clear(),
            Some(&"super") => {}
            _ => {
                rest.remove(0);
                return here.into_iter().chain(rest).collect::<Vec<_>>().join("::");
            }
        }
        while rest.first() == Some(&"super") {
            here.pop();
            rest.remove(0);
        }
        rest.retain(|part| *part != "crate");
        here.into_iter().chain(rest).collect::<Vec<_>>().join("::")
    };
    found.into_iter().map(absolute).collect()
}

/// Whether one of the two is the folder of the other.
fn is_one_room(one: &str, other: &str) -> bool {
    one.starts_with(&format!("{other}::")) || other.starts_with(&format!("{one}::"))
}

/// For each file, the files that it imports.
fn imports(files: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let of_path = |path: &str| {
        let mut path = path;
        loop {
            if let Some((name, _)) = files.get_key_value(path) {
                return Some(name.as_str());
            }
            path = path.rsplit_once("::")?.0;
        }
    };
    let of_file = |(module, text): (&'_ String, &String)| -> BTreeSet<&str> {
        let found = named(module, text).into_iter().filter_map(|path| of_path(&path)).collect::<BTreeSet<_>>();
        found.into_iter().filter(|other| *other != module && !is_one_room(module, other)).collect()
    };
    files.iter().map(|(module, text)| (module.as_str(), of_file((module, text)))).collect()
}

/// Everything that a file reaches through imports.
fn reached<'f>(from: &'f str, imports: &BTreeMap<&'f str, BTreeSet<&'f str>>) -> BTreeSet<&'f str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(imports.get(module).into_iter().flatten().filter(|other| seen.insert(**other)));
    }
    seen
}

#[test]
fn no_imports_run_in_a_circle() {
    let files = files();
    let imports = imports(&files);
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 1000, "imports are read");
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|module| (*module, reached(module, &imports))).collect();
    let mut circles: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (module, others) in &reach {
        if others.contains(module) {
            circles.insert(others.iter().copied().filter(|other| reach[other].contains(module)).collect());
        }
    }
    let excepted: BTreeSet<Vec<&str>> = EXCEPTIONS.iter().map(|(circle, _)| circle.to_vec()).collect();
    assert_eq!(circles, excepted);
}
