//! What checks call redundant can go without changing a cell, and the places that they show are a set that cannot be made
//! smaller.

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

/// A conflict: the workspace, and for each place that its finding shows what stands there and what would end the conflict.
struct Conflict {
    check: &'static str,
    text: &'static str,
    ends: &'static [(&'static str, &'static str)],
}

const UNITS: &str = "
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - {level: 2, requirements: [mfa]}
data_routing:
  classifications:
    - {level: public, mcp_servers: [other_server]}
    - level: internal
      mcp_servers:
        - crm_server # class
federation_config:
  central_gateway:
    global_policies:
      - cross_bu_data_sharing: SHARING # sharing
      - cross_unit_max_class: public # most
  business_unit_gateways:
    cross_unit_routing: ROUTING # routing
mcp_registry:
  business_units: [{name: retail}, {name: finance}]
  servers:
    - name: crm_server
      business_unit: retail # server
      tools: [{name: read}]
    - {name: other_server, business_unit: retail, tools: [{name: read}]}
  agents:
    - name: clerk
      business_unit: finance # agent
      may_call:
        - crm_server/read # grant
    - {name: owner, business_unit: retail, may_call: [\"other_server/*\"]}
workflow_definition:
  name: nightly
  business_unit: finance # flow
  steps:
    - name: reading
      mcp_server: crm_server
      tools:
        - read # call
";

/// A place that ends with this comment, and what it would have to be.
const CONFLICTS: &[Conflict] = &[
    Conflict {
        check: "never-allowed",
        text: "denied allowed",
        ends: &[("agent", "retail"), ("server", "finance"), ("routing", "allowed")],
    },
    Conflict {
        check: "never-allowed",
        text: "explicit_approval prohibited",
        ends: &[("agent", "retail"), ("server", "finance"), ("sharing", "allowed")],
    },
    Conflict {
        check: "never-allowed",
        text: "explicit_approval restricted",
        ends: &[
            ("agent", "retail"),
            ("server", "finance"),
            ("sharing", "allowed"),
            ("class", "other_server"),
            ("most", "internal"),
        ],
    },
    Conflict {
        check: "flow-never-completes",
        text: "allowed restricted",
        ends: &[
            ("flow", "central"),
            ("server", "finance"),
            ("sharing", "allowed"),
            ("class", "other_server"),
            ("most", "internal"),
        ],
    },
];

/// With what stands before a comment replaced.
fn changed(text: &str, comment: &str, value: &str) -> String {
    let mark = format!(" # {comment}");
    let replaced = text.lines().map(|line| match line.strip_suffix(&mark) {
        Some(before) => {
            let start = before.rfind([' ', '-']).map_or(0, |at| at + 1);
            // The server that takes the place of another in a class must not stand in two.
            format!("{}{value}\n", &before[..start])
        }
        None if comment == "class" => format!("{}\n", line.replace("[other_server]", "[crm_server]")),
        None => format!("{line}\n"),
    });
    replaced.collect()
}

#[test]
fn every_place_of_a_conflict_is_needed_for_it() {
    for Conflict { check, text, ends } in CONFLICTS {
        let (routing, sharing) = text.split_once(' ').unwrap();
        let text = UNITS.replace("ROUTING", routing).replace("SHARING", sharing);
        let analysis = of_text(&text);
        let found = findings(&analysis, &[check]);
        let [finding] = found.as_slice() else { panic!("{check}: {:?}", analysis.report()) };
        let comment = |line: usize| text.lines().nth(line - 1).unwrap().split(" # ").nth(1).unwrap().to_owned();
        let mut shown: Vec<String> = finding.labels.iter().map(|label| comment(line(&analysis, label.loc))).collect();
        let mut expected: Vec<String> = ends.iter().map(|(place, _)| (*place).to_owned()).collect();
        shown.sort();
        expected.sort();
        assert_eq!(shown, expected, "{}", finding.message);
        for (place, value) in *ends {
            let without = of_text(&changed(&text, place, value));
            assert!(findings(&without, &[check]).is_empty(), "{check} with `{value}` at `{place}`");
            let errors = without.report().diagnostics.iter().filter(|it| it.severity.word() == "error");
            assert_eq!(errors.map(|it| &it.message).collect::<Vec<_>>(), Vec::<&String>::new());
        }
    }
}

const ARGUMENTS: &str = "
progressive_auth:
  levels:
    - level: 1
      requirements:
        - service_account_token
        - small # asked
mcp_registry:
  servers:
    - name: pay_server
      requires:
        - large # asked
        - in_euro
      tools: [{name: pay}]
  agents:
    - {name: clerk, may_call: [pay_server/pay]}
identity:
  requirements:
    in_euro: {argument: currency, one_of: [EUR]}
    small: {argument: amount, at_most: 10} # evidence
    large: {argument: amount, at_least: 1000} # evidence
";

#[test]
fn facts_that_no_call_can_have_together() {
    let analysis = of_text(ARGUMENTS);
    let found = findings(&analysis, &["never-allowed"]);
    let [finding] = found.as_slice() else { panic!("{:?}", analysis.report()) };
    assert!(finding.message.contains("no call can have `large` and `small` at once"), "{}", finding.message);
    let marked = ARGUMENTS.lines().zip(1_usize..).filter(|(line, _)| line.contains(" # ")).map(|(_, at)| at);
    let marked: Vec<usize> = marked.collect();
    let mut shown: Vec<usize> = finding.labels.iter().map(|label| line(&analysis, label.loc)).collect();
    shown.sort();
    assert_eq!(shown, marked);
    for (from, to) in [
        ("        - small # asked", ""),
        ("        - large # asked", ""),
        ("at_most: 10}", "at_most: 1000}"),
        ("at_least: 1000}", "at_least: 10}"),
    ] {
        let text = ARGUMENTS.replace(from, to);
        assert_ne!(text, ARGUMENTS);
        assert!(findings(&of_text(&text), &["never-allowed"]).is_empty(), "{to} for {from}");
    }
    // Another way to meet the level is a way to be allowed.
    let other = ARGUMENTS.replace(
        "  requirements:\n        - service",
        "  alternatives: [{name: other, requirements: [mfa]}]\n      requirements:\n        - service",
    );
    assert!(findings(&of_text(&other), &["never-allowed"]).is_empty());
}

#[test]
fn an_entry_of_a_unit_folder_that_leaves_a_tool_out() {
    let centre = "
federation_config: {business_unit_gateways: {local_policy_override: full}}
mcp_registry:
  business_units: [{name: retail}]
  servers:
    - {name: crm_server, business_unit: retail, tools: [{name: read}, {name: write}]}
  agents:
    - {name: clerk, business_unit: retail, may_call: [\"crm_server/*\"]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
";
    let unit = "mcp_registry: {servers: [{name: crm_server, tools: [{name: read}]}]}\n";
    let settings = ("mcpctl.yaml", "units: {retail: units/retail}\n");
    let analysis = of_files(&[settings, ("a.yaml", centre), ("units/retail/b.yaml", unit)]);
    let found = findings(&analysis, &["never-allowed"]);
    let [finding] = found.as_slice() else { panic!("{:?}", analysis.report()) };
    let [label] = finding.labels.as_slice() else { panic!("{:?}", finding.labels) };
    assert_eq!(analysis.sources.file_line(label.loc), "units/retail/b.yaml:1");
    let listed = unit.replace("{name: read}", "{name: read}, {name: write}");
    let analysis = of_files(&[settings, ("a.yaml", centre), ("units/retail/b.yaml", &listed)]);
    assert!(findings(&analysis, &["never-allowed"]).is_empty());
}

/// Two statements of which one must fail, and what the finding of that one shows.
#[test]
fn statements_that_contradict_each_other() {
    let base = "
mcp_registry:
  servers: [{name: crm_server, tools: [{name: read}, {name: write}]}]
  agents: [{name: clerk, may_call: [\"crm_server/read\"]}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
policy_tests:
";
    let test = |name: &str, tool: &str, with: &str, expect: &str| {
        format!("  - {{name: {name}, principal: clerk, call: crm_server/{tool}, with: [{with}], expect: {expect}}}\n")
    };
    let token = "service_account_token";
    let both = "  - {name: both, never_both: [crm_server/read, crm_server/write]}\n".to_owned();
    let never = "  - {name: never, never: {principals: clerk, calls: crm_server/*}}\n"
        .replace("crm_server/*", "\"crm_server/*\"");
    let more = format!("{token}, mtls");
    for (statements, shown) in [
        // With more facts the same is denied.
        (vec![test("one", "read", token, "allow"), test("two", "read", &more, "deny")], vec!["one"]),
        // With fewer facts it may be.
        (vec![test("one", "read", &more, "allow"), test("two", "read", token, "deny")], vec![]),
        (vec![test("one", "write", token, "allow"), test("two", "write", token, "deny")], vec!["two"]),
        (vec![test("one", "read", token, "allow"), never.clone()], vec!["one"]),
        (vec![test("one", "write", token, "allow"), never], vec!["one", "never"]),
        (
            vec![test("one", "read", token, "allow"), test("two", "write", token, "allow"), both.clone()],
            vec!["one", "both"],
        ),
        (vec![test("two", "write", token, "allow"), both], vec![]),
    ] {
        let analysis = of_text(&format!("{base}{}", statements.concat()));
        let found = findings(&analysis, &["failing-policy-test"]);
        let impossible =
            found.iter().filter(|it| it.help.as_ref().is_some_and(|help| help.contains("no configuration")));
        let labels =
            impossible.flat_map(|finding| &finding.labels).filter(|label| label.message.ends_with("the opposite"));
        let mut names: Vec<&str> = labels.map(|label| analysis.sources.text_at(label.loc)).collect();
        let mut expected = shown;
        names.sort_unstable();
        names.dedup();
        expected.sort_unstable();
        assert_eq!(names, expected, "{}", statements.concat());
    }
}
