//! `server-mentioned-once`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::server::Server;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "server-mentioned-once",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds, where there is no registry, servers that are mentioned only once while a name that differs by a single \
               letter is mentioned elsewhere.",
        why: "Without a registry every name that is mentioned is a server of its own, so a slip of the pen makes a new \
              server: it has no class, and what was meant for the other one does not reach it.",
        fix: "Correct the name, or list both servers in `mcp_registry`, which makes every other name an error.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if model.registry.is_some() || !model.complete_for(&["mcp_registry"]) {
        return;
    }
    // Two names that differ by one letter share a name with one letter less; so no pair has to be tried in vain.
    let mut by_deletion: BTreeMap<String, Vec<&Server>> = BTreeMap::new();
    for server in model.servers.values() {
        for shorter in deletions(server.name.value.as_str()) {
            by_deletion.entry(shorter).or_default().push(server);
        }
    }
    for server in model.servers.values().filter(|server| server.mentions.len() == 1) {
        let name = server.name.value.as_str();
        let keys = deletions(name);
        let near = keys.iter().filter_map(|key| by_deletion.get(key)).flatten().copied();
        // Of two that are both mentioned once, the later one is reported.
        let earlier = |other: &Server| (other.mentions.len() > 1) || other.name.loc < server.name.loc;
        let meant = near.filter(|other| earlier(other) && alike(name, other.name.value.as_str()));
        if let Some(other) = meant.max_by_key(|other| other.mentions.len()) {
            report.push(
                Diagnostic::new(&CHECK.rule, server.name.loc, format!("server `{name}` is mentioned only here"))
                    .label(other.name.loc, format!("`{}` is mentioned here", other.name))
                    .suggest(name, Some(other.name.value.as_str())),
            );
        }
    }
}

/// The name itself and every name that lacks one of its letters.
fn deletions(name: &str) -> Vec<String> {
    let without = name.char_indices().map(|(at, letter)| {
        let (before, rest) = name.split_at(at);
        format!("{before}{}", rest.strip_prefix(letter).unwrap_or(rest))
    });
    let mut all: Vec<String> = std::iter::once(name.to_owned()).chain(without).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether two names differ by one letter of one long word, or by their separators alone. `hr_server` and `pr_server`, or
/// `shard_1` and `shard_2`, are different on purpose.
fn alike(a: &str, b: &str) -> bool {
    fn words(name: &str) -> Vec<&str> {
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
    }
    if a == b || strsim::osa_distance(a, b) > 1 {
        return false;
    }
    let (a, b) = (words(a), words(b));
    if a.concat() == b.concat() {
        return true;
    }
    let mut differing = a.iter().zip(&b).filter(|(x, y)| x != y);
    let stem = |word: &str| word.chars().filter(|c| !c.is_numeric()).collect::<String>();
    match (differing.next(), differing.next()) {
        (Some((x, y)), None) if a.len() == b.len() => {
            x.chars().count() >= 4 && y.chars().count() >= 4 && stem(x) != stem(y)
        }
        _ => false,
    }
}
