//! `mcpctl report`.

use serde_json::Value;

use super::{folder, mcpctl};

const ENTERPRISE: &str = "fixtures/projects/enterprise";

fn data(folder: &str, today: &str) -> Value {
    let ran = mcpctl(&["report", "--today", today, "--format", "json", "--solver", "none", folder]).run();
    serde_json::from_str(&ran.code(0).out).unwrap()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v Vec<Value> {
    value[key].as_array().unwrap()
}

/// What it says is what the commands say that it is put together from.
#[test]
fn a_report_says_what_the_other_commands_say() {
    let report = data(ENTERPRISE, "2026-11-30");
    let validated = mcpctl(&["validate", "--format", "json", "--today", "2026-11-30", ENTERPRISE]).run().code(0).out;
    let validated: Value = serde_json::from_str(&validated).unwrap();
    let counts = |of: &Value, key: &str| {
        let mut checks: Vec<String> =
            list(of, key).iter().map(|one| one["check"].as_str().unwrap().to_owned()).collect();
        checks.sort();
        checks
    };
    assert!(counts(&report, "findings").len() > 2);
    assert_eq!(counts(&report, "findings"), counts(&validated, "diagnostics"));
    assert!(!list(&report, "waivers").is_empty() && list(&report, "waivers").iter().all(|one| one["expired"] == false));
    assert_eq!(list(&report, "accepted").len(), 1);
    let proved = mcpctl(&["prove", "--format", "json", "--solver", "none", ENTERPRISE]).run().code(0).out;
    let proved: Value = serde_json::from_str(&proved).unwrap();
    assert_eq!(report["claims"], proved["claims"]);
    let principals = mcpctl(&["list", "principals", "--format", "json", ENTERPRISE]).run().code(0).out;
    let principals: Value = serde_json::from_str(&principals).unwrap();
    assert_eq!(list(&report["access"], "principals").len(), principals.as_array().unwrap().len());
    // A day later than the last of a waiver, it has expired, and its finding counts again.
    let later = data(ENTERPRISE, "2100-01-01");
    assert!(list(&later, "waivers").iter().all(|one| one["expired"] == true));
    assert_eq!(list(&later, "accepted").len(), 0);
    assert!(list(&later, "findings").len() > list(&report, "findings").len());
}

const WORLD: &str = "\
mcp_registry:
  servers: [{name: crm_server, tools: [{name: note}]}]
  agents: [{name: clerk, may_call: ['crm_server/*']}, {name: other, may_call: []}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
policy_tests:
  - {name: '<clerks> note', principal: clerk, call: crm_server/note, with: [service_account_token], expect: allow}
";

#[test]
fn the_page_has_every_part_and_takes_no_name_for_markup() {
    let scratch = folder(&[("a.yaml", WORLD)]);
    let path = scratch.path().to_str().unwrap();
    let page = mcpctl(&["report", "--today", "2026-11-30", "--solver", "none", path]).run().code(0).out;
    for part in ["access", "facts", "findings", "accepted", "waivers", "tests", "claims"] {
        assert!(page.contains(&format!("<h2 id=\"{part}\">")) && page.contains(&format!("href=\"#{part}\"")), "{part}");
    }
    assert!(page.contains("&lt;clerks&gt; note") && !page.contains("<clerks>") && !page.contains("<script"), "{page}");
    assert!(page.contains("<b>100%</b>") && page.contains("It can call nothing."), "{page}");
    let again = mcpctl(&["report", "--today", "2026-11-30", "--solver", "none", path]).run().code(0).out;
    assert_eq!(page, again);
}

/// A test that fails is in the report. Of a workspace with other errors there is none.
#[test]
fn a_failing_test_is_reported_and_an_error_is_not_papered_over() {
    let failing = folder(&[("a.yaml", &WORLD.replace("expect: allow", "expect: deny"))]);
    let report = data(failing.path().to_str().unwrap(), "2026-11-30");
    assert_eq!((&list(&report, "tests")[0]["holds"], list(&report, "claims").len()), (&Value::Bool(false), 0));
    let wrong = folder(&[("a.yaml", &WORLD.replace("crm_server/*", "crn_server/*"))]);
    let ran = mcpctl(&["report"]).arg(wrong.path()).run().code(2);
    assert!(ran.out.is_empty() && ran.err.contains("mcpctl validate"), "{}", ran.err);
}
