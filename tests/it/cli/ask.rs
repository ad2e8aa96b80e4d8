//! `mcpctl can`, `who-can` and `what-can`.

use serde_json::json;

use super::{BAD, Ran, folder, good, mcpctl, put};

const FLEET: &str = "fixtures/projects/federation";
const CARD: &str = "payment_server/charge_card";
const ALL_BUT_MFA: &str =
    "service_account_token,user_delegation,approval_workflow,treasury_dealer,amount_within_limit,mtls";

fn ask(args: &[&str]) -> Ran {
    mcpctl(args).arg(FLEET).run()
}

#[test]
fn a_call_is_allowed_denied_or_cannot_be_judged() {
    let with = format!("{ALL_BUT_MFA},mfa");
    let allowed = ask(&["can", "treasury_agent", CARD, "--with", &with]).code(0);
    assert!(allowed.out.starts_with("allow: `treasury_agent` may use"), "{}", allowed.out);
    let denied = ask(&["can", "treasury_agent", CARD, "--with", ALL_BUT_MFA]).code(1);
    insta::assert_snapshot!("can_denied", denied.out);
    assert_eq!(denied.err, "");
    ask(&["can", "treasury_agnt", CARD]).refused("did you mean `treasury_agent`?");
    ask(&["can", "treasury_agent", "payment_server/charge_cards"])
        .refused("did you mean `payment_server/charge_card`?");
    ask(&["can", "treasury_agent", "paymentserver"]).refused("did you mean `payment_server`?");
    ask(&["can", "treasury_agent", CARD, "--with", "mfaa"]).refused("did you mean `mfa`?");
    ask(&["who-can", "payment_server/nothing_like_it"]).refused("mcpctl list tools");
    ask(&["what-can", "nobody_like_it"]).refused("mcpctl list principals");
}

#[test]
fn several_ways_are_all_shown_and_nothing_but_them() {
    let ran = ask(&[
        "can",
        "care_agent",
        "billing_server/get_invoices",
        "--format",
        "json",
        "--with",
        "mtls,user_delegation,service_account_token",
    ]);
    let data = ran.code(1).json();
    assert_eq!(data["missing"], json!([["cross_unit_approval", "mfa"], ["cross_unit_approval", "workflow_ticket"]]));
    assert_eq!((&data["version"], &data["decision"]), (&json!(1), &json!("deny")));
    assert_eq!(data["reasons"][0]["places"][0], json!({"file": "central/access.yaml", "line": 8, "column": 14}));
    assert_eq!(data["reasons"][0]["grants"][0]["line"], 15);
    let scope = data["step_up"].as_array().unwrap().iter().find(|step| step["fact"] == "mfa").unwrap();
    assert_eq!(scope["scope"], "mcp.mfa");
    let short = ask(&["can", "care_agent", "billing_server/get_invoices", "--format", "short"]).code(1).out;
    assert_eq!(short.lines().count(), 1);
    assert!(short.ends_with("; rule `level-2.cross-unit.unit-finance` (central/access.yaml:8)\n"), "{short}");
}

#[test]
fn what_can_never_be_says_why_and_where() {
    let ran = ask(&["can", "care_agent", CARD]).code(1);
    assert!(
        ran.out.contains("because nothing grants it\n    registry/agents.yaml:10: - name: care_agent\n"),
        "{}",
        ran.out
    );
    let text = "\
mcp_registry:
  business_units: [{name: a}, {name: b}]
  servers:
    - {name: s, business_unit: a, url: 'https://s.example.com/mcp', tools: [{name: t}, {name: u, suspended: broken}]}
  agents:
    - {name: x, business_unit: a, may_call: ['s/*']}
    - {name: y, business_unit: b, may_call: ['s/t']}
    - name: z
      business_unit: a
      may_call: ['s/t']
      suspended: lost its key
";
    let workspace = folder(&[("a.yaml", text)]);
    let can = |args: &[&str]| mcpctl(args).arg(workspace.path()).run().code(1).out;
    let suspended = can(&["can", "z", "s/t", "--format", "short"]);
    assert_eq!(suspended, "deny: `z` is suspended: lost its key (a.yaml:11)\n");
    assert!(can(&["can", "x", "s/u"]).contains("because tool `s/u` is suspended: broken\n    a.yaml:4: "));
    assert!(can(&["can", "y", "s/t"]).contains("because no `cross_unit_routing` is set, so it is denied\n"));
    // Everybody's reason is his own.
    let ran = mcpctl(&["who-can", "s/t"]).arg(workspace.path()).run().code(0);
    insta::assert_snapshot!("who_can_never", ran.out);
    can(&["who-can", "s/u"]);
    can(&["what-can", "y"]);
    assert!(can(&["what-can", "z", "--format", "json"]).contains("is suspended: lost its key (a.yaml:11)"));
}

#[test]
fn everybody_and_everything_by_what_it_needs() {
    let who = ask(&["who-can", "billing_server/get_invoices"]).code(0).out;
    let what = ask(&["what-can", "care_agent", "--with", "mtls,service_account_token,workflow_ticket"]).code(0).out;
    let none = ask(&["who-can", CARD, "--with", "mfa"]).code(1).out;
    insta::assert_snapshot!("who_and_what_can", format!("{who}\n{what}\n{none}"));
    let data = ask(&["what-can", "care_agent", "--format", "json"]).code(0).json();
    assert_eq!(data["groups"][0], json!({"never": false, "needs": [["mtls"]], "objects": ["crm_server"]}));
    let short = ask(&["who-can", CARD, "--with", ALL_BUT_MFA, "--format", "short"]).code(1).out;
    assert_eq!(short, "treasury_agent: lacks mfa\n");
    let nobody = ask(&["who-can", "billing_server/prompt:nothing"]);
    assert_eq!(nobody.code, 2);
}

#[test]
fn a_workspace_with_errors_has_no_answer_and_a_failing_test_is_none() {
    let good = good();
    let ask = || mcpctl(&["who-can", "orders_server"]).arg(good.path()).run();
    ask().code(0);
    let test = "policy_tests:\n  - name: wrong\n    principal: support_agent\n    call: orders_server/get_order\n    expect: allow\n";
    put(good.path(), "more.yaml", test);
    let findings = mcpctl(&["validate", "--format", "short"]).arg(good.path()).run().code(1).out;
    assert!(findings.contains("error[failing-policy-test]"), "{findings}");
    ask().code(0);
    put(good.path(), "bad.yaml", BAD);
    ask().refused("the workspace has 1 error, so there is no answer");
}

#[test]
fn what_the_entry_of_a_server_denies_of_the_protocol_is_part_of_the_answer() {
    let facts = "service_account_token,user_delegation,mfa,mtls";
    let of = |object: &str, more: &[&str]| ask(&[&["can", "care_agent", object, "--with", facts], more].concat()).out;
    let methods = "  the server's entry denies every caller `logging/setLevel`, `resources/subscribe` and \
                   `resources/templates/list`:\n    registry/retail.yaml:18: methods: {deny: [logging/setLevel";
    assert!(of("crm_server", &[]).contains(methods), "{}", of("crm_server", &[]));
    let short = of("crm_server", &["--format", "short"]);
    assert!(short.starts_with("allow: ") && short.contains(", except `logging/setLevel`, "), "{short}");
    let resource = of("crm_server/resource:crm://customer/42", &["--format", "json"]);
    let resource: serde_json::Value = serde_json::from_str(&resource).unwrap();
    let denied = &resource["reasons"][0]["denied_methods"];
    assert_eq!(denied.as_array().map(Vec::len), Some(1), "{denied}");
    assert_eq!((&denied[0]["method"], &denied[0]["place"]["line"]), (&json!("resources/subscribe"), &json!(18)));
    for object in ["crm_server/get_customer", "crm_server/prompt:summarize", "billing_server"] {
        assert!(!of(object, &[]).contains("denies every caller"), "{object}");
    }
}
