//! Each place that a finding shows of a conflict is needed for it.

use super::{findings, line, of_files, of_text};

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
