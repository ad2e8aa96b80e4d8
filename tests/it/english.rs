//! Plain English: phrases that a reader stumbles over stay out of messages, help texts, doc comments and pages.

use std::path::{Path, PathBuf};

use crate::structure::of;

/// A phrase that nobody writes any more, and what is written in its place.
const GLOSSARY: &[(&str, &str)] = &[
    ("decides otherwise than", "decides differently from"),
    ("decided otherwise than", "decided differently from"),
    ("decide otherwise than", "decide differently from"),
    ("no budget speaks of", "no budget covers"),
    ("How to mend", "How to fix"),
    ("how to mend", "how to fix"),
    ("was mended", "was fixed"),
    ("beyond its product's limit", "exceeds the product's limit"),
    ("what is not shown to open nothing", "unless it is proved not to widen access"),
    ("a principal that no token names", "no token identifies this principal"),
    ("ever more texts", "an unbounded number of texts"),
    ("names nobody declared", "names no declared principal"),
    ("whom nobody declared", "who is not declared"),
    ("which nobody declared", "which is not declared"),
    ("that nobody declared", "undeclared"),
    ("the hop in front", "the previous hop"),
    ("is to be read as", "means"),
    ("is no matter of", "is not decided by"),
    ("the centre's alone", "belongs to the central configuration"),
    ("stands twice", "is there twice"),
    ("no YAML file stands in", "there is no YAML file in"),
    ("what stands there", "the value there"),
    ("is no longer than it", "is at most as long as it"),
    ("stands a second time", "is here a second time"),
    ("stands for no tool", "matches no tool"),
    ("stands for any text", "matches any text"),
    ("denied whatever it shows", "denied regardless of its evidence"),
    ("pairs open in all", "access widens for pairs in all"),
    ("may open in all", "may widen in all"),
    ("Nothing opens", "Access does not widen"),
];

/// The pages and texts that people read, beside the source.
fn pages(folder: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn nobody_has_to_read_a_phrase_twice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = of("src");
    pages(&root.join("book/src"), &mut texts);
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"] {
        texts.push((name.to_owned(), std::fs::read_to_string(root.join(name)).unwrap()));
    }
    let mut faults = Vec::new();
    for (name, text) in &texts {
        for (number, line) in (1..).zip(text.lines()) {
            let found = GLOSSARY.iter().filter(|(phrase, _)| line.contains(phrase));
            faults.extend(found.map(|(phrase, instead)| format!("{name}:{number}: `{phrase}`; write `{instead}`")));
            // "there is no URL" is plain; "`x` is no URL" is not.
            for (at, _) in line.match_indices(" is no ") {
                let (before, after) = (&line[..at], &line[at + " is no ".len()..]);
                let negates = ["here", "here`"].iter().all(|word| !before.ends_with(word))
                    && ![
                        "longer",
                        "more",
                        "other",
                        "such",
                        "less",
                        "use",
                        "time at all",
                        "share at all",
                        "size at all",
                    ]
                    .iter()
                    .any(|word| after.starts_with(word));
                if negates {
                    faults.push(format!(
                        "{name}:{number}: `is no {}`; write `is not ...`",
                        after.chars().take(20).collect::<String>()
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}
