//! The families of the document side by side: for each key, what carries it out.

use std::fmt::Write as _;

use mcpctl::cli::outline;
use mcpctl::families::FamilyId;
use mcpctl::targets::{Coverage, TARGETS, Target};

/// Families that are ours: the document has no section for them.
const OURS: [FamilyId; 4] = [FamilyId::Registry, FamilyId::Identity, FamilyId::PolicyTests, FamilyId::Waivers];

pub(super) fn page() -> String {
    let mut text = "# Families and their engines\n\nFor each family, the targets that write files for its engines, and what shows in the project's \
                    tests that the engines do what is written ([what the words mean](proofs.md)). Then each key with the targets that express \
                    it. `mcpctl compile` says the same of the keys and values that a workspace uses.\n"
        .to_owned();
    for family in FamilyId::ALL.iter().filter(|family| !OURS.contains(family)) {
        text.push_str(&section(*family));
    }
    text
}

fn section(family: FamilyId) -> String {
    let (name, key) = (family.name(), family.key());
    let mut text = format!(
        "\n## {name}\n\n`{key}` ([its page](../families/{name}.md))\n\n| target | rests on | by |\n|---|---|---|\n"
    );
    for target in TARGETS.iter().filter(|target| target.covers(family).is_some()) {
        let (name, word, by) = (target.name(), target.proof.word(), target.proof.shown().by);
        writeln!(text, "| [{name}](../targets/{name}.md) | {word} | {by} |").expect("a String takes everything");
    }
    text.push_str("\n| key | expressed by |\n|---|---|\n");
    for path in keys(family) {
        let by: Vec<&str> =
            TARGETS.iter().filter(|target| expresses(target, family, &path)).map(|target| target.name()).collect();
        let by = if by.is_empty() { format!("none; {}", family.usually()) } else { by.join(", ") };
        writeln!(text, "| `{}` | {by} |", path.join(".")).expect("a String takes everything");
    }
    text
}

fn expresses(target: &Target, family: FamilyId, path: &[String]) -> bool {
    match target.covers(family) {
        Some(Coverage::Full) => true,
        Some(Coverage::Partial { words, .. }) => path.iter().all(|part| words.contains(&part.as_str())),
        None => false,
    }
}

/// The keys below a family's own, each by its path.
fn keys(family: FamilyId) -> Vec<Vec<String>> {
    let schema = outline::parse(family.schema()).expect("a schema is JSON");
    let mut path: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for line in outline::outline(&schema).lines() {
        let name = line.trim_start();
        let depth = (line.len() - name.len()) / 2;
        path.truncate(depth - 1);
        path.push(name.split_whitespace().next().unwrap_or_default().to_owned());
        // The first one is the family's own, and names that people choose are no keys.
        if depth > 1 && path.iter().all(|part| !part.starts_with('<')) {
            found.push(path[1..].to_vec());
        }
    }
    found
}
