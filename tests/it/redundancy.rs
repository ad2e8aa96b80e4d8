//! What checks call redundant can go without changing a cell, and the places that they show are a set that cannot be made
//! smaller.

mod conflicts;

use std::collections::BTreeMap;

use mcpctl::analysis::Analysis;
use mcpctl::diagnostic::Diagnostic;
use proptest::prelude::*;

use crate::memory::Files;

fn of_files(files: &[(&str, &str)]) -> Analysis {
    Files::of(files.iter().copied()).analyse()
}

fn of_text(text: &str) -> Analysis {
    of_files(&[("a.yaml", text)])
}

/// Every cell by name, with its condition.
fn cells(analysis: &Analysis) -> BTreeMap<(String, String), Vec<String>> {
    let policy = analysis.policy();
    let shown = |(principal, object, cell): (_, _, mcpctl::policy::cell::Cell)| {
        let sets = policy.conditions.get(cell.condition).minimal_sets();
        let mut sets: Vec<String> = sets.iter().map(|set| policy.facts.shown(*set)).collect();
        sets.sort();
        ((policy.principal_at(principal).id.to_string(), policy.object_at(object).to_string()), sets)
    };
    policy.all_cells().map(shown).collect()
}

fn without(text: &str, lines: &[usize]) -> String {
    let kept = text.lines().enumerate().filter(|(at, _)| !lines.contains(&(at + 1)));
    kept.map(|(_, line)| format!("{line}\n")).collect()
}

fn findings<'a>(analysis: &'a Analysis, checks: &[&str]) -> Vec<&'a Diagnostic> {
    analysis.report().diagnostics.iter().filter(|finding| checks.contains(&finding.rule.name)).collect()
}

fn line(analysis: &Analysis, loc: mcpctl::source::Loc) -> usize {
    analysis.sources.position(loc).line as usize
}

/// An entry of `may_call`: tool (or all), only the read-only ones, facts.
fn entry() -> impl Strategy<Value = String> {
    let what = prop::sample::select(vec!["read", "find", "write", "*"]);
    let requires = prop::sample::subsequence(vec!["mfa", "on_shift", "approved"], 0..=2);
    (what, any::<bool>(), requires).prop_map(|(what, only, requires)| {
        let only = if only && what == "*" { ", only: read_only" } else { "" };
        // An empty list of requirements is an error; a grant without any has none.
        let requires =
            if requires.is_empty() { String::new() } else { format!(", requires: [{}]", requires.join(", ")) };
        format!("        - {{tools: crm_server/{what}{only}{requires}}}")
    })
}

fn workspace(entries: &[String]) -> String {
    format!(
        "mcp_registry:
  servers:
    - name: crm_server
      tools:
        - {{name: read, auth_level: 1, annotations: {{read_only: true}}}}
        - {{name: find, auth_level: 3, annotations: {{read_only: true}}}}
        - {{name: write, auth_level: 2}}
  agents:
    - name: clerk
      may_call:
        - other_server/run
{}
progressive_auth:
  levels:
    - {{level: 1, requirements: [service_account_token]}}
    - {{level: 2, requirements: [mfa]}}
    - {{level: 3, requirements: [approved], alternatives: [{{name: shift, requirements: [on_shift]}}]}}
identity:
  requirements:
    on_shift: {{claim: shift, present: true}}
    approved: {{claim: approved, present: true}}
",
        entries.join("\n")
    )
}

/// Where the first entry of [`workspace`] stands.
const FIRST: usize = 12;

const GRANTS: [&str; 2] = ["redundant-grant", "ineffective-requirement"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn redundant_grants_are_exactly_those_that_can_go(entries in prop::collection::vec(entry(), 1..7)) {
        let text = workspace(&entries);
        let analysis = of_text(&text);
        let before = cells(&analysis);
        let found = findings(&analysis, &GRANTS);
        let gone: Vec<usize> = found.iter().map(|finding| line(&analysis, finding.loc)).collect();
        // All of them together change nothing, and of the others each matters.
        let left = without(&text, &gone);
        prop_assert_eq!(&before, &cells(&of_text(&left)));
        for at in (FIRST..FIRST + entries.len()).filter(|at| !gone.contains(at)) {
            let mut less = gone.clone();
            less.push(at);
            prop_assert_ne!(&before, &cells(&of_text(&without(&text, &less))), "line {} of\n{}", at, text);
        }
        for finding in found {
            let at = line(&analysis, finding.loc);
            let shown: Vec<usize> = finding.labels.iter().map(|label| line(&analysis, label.loc)).collect();
            prop_assert!(!shown.is_empty() && !shown.iter().any(|other| gone.contains(other)));
            // The places shown cover the entry by themselves, and no longer so once any one of them is gone.
            let covers = |places: &[usize]| {
                let kept = |other: &usize| *other == at || places.contains(other);
                let others: Vec<usize> = (FIRST..FIRST + entries.len()).filter(|other| !kept(other)).collect();
                let with = cells(&of_text(&without(&text, &others)));
                let mut and_this = others;
                and_this.push(at);
                with == cells(&of_text(&without(&text, &and_this)))
            };
            prop_assert!(covers(&shown));
            for dropped in &shown {
                let rest: Vec<usize> = shown.iter().copied().filter(|other| other != dropped).collect();
                prop_assert!(!covers(&rest), "{:?} without line {} of\n{}", finding.message, dropped, text);
            }
            // A requirement without effect is one that somebody skips.
            let entry = &entries[at - FIRST];
            if finding.rule.name == "ineffective-requirement" {
                prop_assert!(entry.contains("requires: ["), "{}", entry);
            }
        }
    }

    #[test]
    fn redundant_requirements_can_all_go(
        class in prop::sample::subsequence(vec!["mfa", "on_shift"], 0..=2),
        server in prop::sample::subsequence(vec!["mfa", "on_shift", "approved"], 0..=2),
        tool in prop::sample::subsequence(vec!["mfa", "on_shift", "approved"], 0..=3),
        grant in prop::sample::subsequence(vec!["mfa", "on_shift", "approved"], 0..=3),
        own in 1..4_u32,
    ) {
        // The first one is asked for nowhere else.
        let list = |own: &str, depth: usize, facts: &[&str]| -> String {
            std::iter::once(&own).chain(facts).map(|fact| format!("{:depth$}- {fact}\n", "")).collect()
        };
        let text = format!(
            "data_routing:\n  classifications:\n    - level: public\n      mcp_servers: [crm_server]\n      min_auth_level: 2\n      requires:\n{}\
             mcp_registry:\n  servers:\n    - name: crm_server\n      requires:\n{}      tools:\n        - name: find\n        - name: read\n          \
             auth_level: {own}\n          requires:\n{}  agents:\n    - name: clerk\n      may_call:\n        - crm_server/find\n        - tools: \
             crm_server/read\n          requires:\n{}progressive_auth:\n  levels:\n    - {{level: 1, requirements: [service_account_token]}}\n    - \
             {{level: 2, requirements: [mfa]}}\n    - {{level: 3, requirements: [approved], alternatives: [{{name: shift, requirements: \
             [on_shift, approved]}}]}}\nidentity:\n  requirements:\n    on_shift: {{claim: shift, present: true}}\n    approved: {{claim: approved, present: true}}\n    \
             a: {{claim: a, present: true}}\n    b: {{claim: b, present: true}}\n    c: {{claim: c, present: true}}\n    d: {{claim: d, present: true}}\n",
            list("a", 8, &class), list("b", 8, &server), list("c", 12, &tool), list("d", 12, &grant),
        );
        let analysis = of_text(&text);
        let before = cells(&analysis);
        let found = findings(&analysis, &["redundant-requirement"]);
        let gone: Vec<usize> = found.iter().map(|finding| line(&analysis, finding.loc)).collect();
        prop_assert_eq!(&before, &cells(&of_text(&without(&text, &gone))), "{:?} of\n{}", gone, text);
        prop_assert!(found.iter().all(|finding| finding.labels.len() == 1), "{}", text);
        // Every other one matters, but where levels and servers ask for a fact together.
        let is_list = |at: &usize| text.lines().nth(at - 1).is_some_and(|line| line.trim_start().starts_with("- mfa"));
        for at in (1..=text.lines().count()).filter(|at| is_list(at) && !gone.contains(at)) {
            let mut less = gone.clone();
            less.push(at);
            prop_assert_ne!(&before, &cells(&of_text(&without(&text, &less))), "line {} of\n{}", at, text);
        }
    }
}
