//! Hand-written Cedar on the command line.

use super::{folder, mcpctl, put};

const FLEET: &str = include_str!("../../../fixtures/handwritten/fleet.yaml");
const FREEZE: &str = include_str!("../../../fixtures/handwritten/freeze.cedar");
const ON_CALL: &str = include_str!("../../../fixtures/handwritten/on-call.cedar");

fn fleet(settings: &str) -> tempfile::TempDir {
    folder(&[("fleet.yaml", FLEET), ("freeze.cedar", FREEZE), ("on-call.cedar", ON_CALL), ("mcpctl.yaml", settings)])
}

const PERMITS: &str = "allow_handwritten_permits: true\n";

#[test]
fn can_decides_with_all_policies() {
    let fleet = fleet(PERMITS);
    let can = |principal: &str, tool: &str, with: &str| {
        mcpctl(&["can", principal, tool, "--with", with]).arg(fleet.path()).run()
    };
    let all = "service_account_token,user_delegation,mfa,mtls";
    can("billing_agent", "payment_server/charge_card", all).code(0);
    let frozen = can("billing_agent", "payment_server/charge_card", &format!("{all},frozen")).code(1);
    assert!(frozen.out.starts_with("deny: "), "{}", frozen.out);
    assert!(frozen.out.contains("hand-written Cedar forbids it (`freeze`)"), "{}", frozen.out);
    assert!(frozen.out.contains("freeze.cedar:2"), "{}", frozen.out);
    can("billing_agent", "payment_server/charge_card", &format!("{all},frozen,on_call")).code(0);
    // The relation needs a user; the permit does not.
    can("billing_agent", "crm_server/get_customer", "mtls").code(1);
    let permitted = can("billing_agent", "crm_server/get_customer", "mtls,on_call").code(0);
    assert!(permitted.out.contains("hand-written Cedar permits it (`on-call-reads`)"), "{}", permitted.out);
    let json =
        mcpctl(&["can", "billing_agent", "crm_server/get_customer", "--with", "mtls,on_call", "--format", "json"])
            .arg(fleet.path())
            .run()
            .code(0)
            .json();
    assert_eq!(json["decision"], "allow");
    assert_eq!(json["handwritten"]["relation_alone"], "deny");
    assert_eq!(json["handwritten"]["places"][0]["file"], "on-call.cedar");
}

#[test]
fn who_and_what_can_decide_with_all_policies() {
    let fleet = fleet(PERMITS);
    let run = |args: &[&str]| mcpctl(args).arg(fleet.path()).run();
    // The permit needs a certificate and the duty; the relation a user, too.
    let who = run(&["who-can", "crm_server/get_customer", "--with", "mtls,on_call"]).code(0);
    assert!(who.out.contains("  allowed:\n    billing_agent\n"), "{}", who.out);
    assert!(who.err.contains("hand-written Cedar of 2 files is part of it"), "{}", who.err);
    run(&["who-can", "crm_server/get_customer", "--with", "mtls"]).code(1);
    let what = run(&["what-can", "billing_agent", "--format", "json"]).code(0).json();
    let needs = |object: &str| {
        let of = |group: &&serde_json::Value| group["objects"].as_array().unwrap().iter().any(|it| it == object);
        what["groups"].as_array().unwrap().iter().find(of).map(|group| group["needs"].to_string())
    };
    let both = r#"[["mtls","on_call"],["mtls","service_account_token","user_delegation"]]"#;
    assert_eq!(needs("crm_server/get_customer").as_deref(), Some(both), "{what}");
    // Frozen, and not on call, nobody takes a payment; on call they do.
    let all = "service_account_token,user_delegation,mfa,mtls,frozen";
    let frozen = run(&["who-can", "payment_server/charge_card", "--with", all]).code(1);
    assert!(frozen.out.contains("lacks on_call"), "{}", frozen.out);
    run(&["who-can", "payment_server/charge_card", "--with", &format!("{all},on_call")]).code(0);
    // What a permit alone lets through is listed, and what a forbid alone denies is never.
    let permit = "@id(\"x\")\npermit (principal == Mcp::Agent::\"support_agent\", action, resource == Mcp::Tool::\"payment_server/charge_card\");\n";
    put(fleet.path(), "x.cedar", permit);
    let who = run(&["who-can", "payment_server/charge_card", "--with", "mtls"]).code(0);
    assert!(who.out.contains("allowed:\n    support_agent\n"), "{}", who.out);
    put(
        fleet.path(),
        "x.cedar",
        &permit.replace("permit (principal == Mcp::Agent::\"support_agent\"", "forbid (principal"),
    );
    let who = run(&["who-can", "payment_server/charge_card"]).code(1);
    assert!(who.out.contains("billing_agent: hand-written Cedar forbids it (`freeze`, `x`)"), "{}", who.out);
}

fn test_of(entry: &str) -> String {
    format!("policy_tests:\n  - name: it\n    {entry}\n")
}

#[test]
fn tests_and_invariants_judge_hand_written_policies_too() {
    let fleet = fleet(PERMITS);
    let run = |command: &str| mcpctl(&[command]).arg(fleet.path()).run();
    // A forbid makes an expected allowance fail.
    let with = "[service_account_token, user_delegation, mfa, mtls, frozen]";
    let allow =
        format!("principal: billing_agent\n    call: payment_server/charge_card\n    with: {with}\n    expect: allow");
    put(fleet.path(), "tests.yaml", &test_of(&allow));
    let ran = run("test").code(1);
    assert!(ran.out.contains("it is denied, and should be allowed"), "{}", ran.out);
    assert!(ran.out.contains("hand-written Cedar forbids it (`freeze`, freeze.cedar:2)"), "{}", ran.out);
    let ran = run("validate").code(1);
    assert!(
        ran.out.contains("error[failing-policy-test]") && ran.out.contains("hand-written `freeze` forbids it"),
        "{}",
        ran.out
    );
    put(fleet.path(), "tests.yaml", &test_of(&allow.replace("allow", "deny\n    missing: [[on_call]]")));
    run("test").code(0);
    run("validate").code(0);
    // A permit breaks an invariant that the grants keep.
    put(fleet.path(), "tests.yaml", &test_of("never: {principals: support_agent, calls: payment_server/charge_card}"));
    run("test").code(0);
    let permit = "@id(\"x\")\npermit (principal == Mcp::Agent::\"support_agent\", action, resource == Mcp::Tool::\"payment_server/charge_card\")\nwhen { context.on_call };\n";
    put(fleet.path(), "x.cedar", permit);
    let ran = run("test").code(1);
    let said = "`payment_server/charge_card` with on_call, permitted by hand-written Cedar (`x`, x.cedar:1)";
    assert!(ran.out.contains(said), "{}", ran.out);
    assert!(run("validate").code(1).out.contains("is permitted here"));
    // A forbid keeps one that the grants break.
    put(
        fleet.path(),
        "tests.yaml",
        &test_of("never: {principals: billing_agent, calls: payment_server/refund_charge}"),
    );
    run("test").code(1);
    let forbid = "@id(\"y\")\nforbid (principal == Mcp::Agent::\"billing_agent\", action, resource == Mcp::Tool::\"payment_server/refund_charge\");\n";
    put(fleet.path(), "y.cedar", forbid);
    run("test").code(0);
}

#[test]
fn what_nothing_settles_is_unknown_and_fails() {
    let fleet = fleet(PERMITS);
    let facts: Vec<String> = (0..14).map(|at| format!("fact_{at:02}")).collect();
    let evidence: String =
        facts.iter().map(|fact| format!("    {fact}: {{claim: {fact}, contains: \"yes\"}}\n")).collect();
    put(fleet.path(), "fleet.yaml", &format!("{FLEET}{evidence}"));
    let count = |fact: &String| format!("(if context.{fact} then 1 else 0)");
    let sum = facts.iter().map(count).collect::<Vec<_>>().join(" + ");
    let permit = format!(
        "@id(\"x\")\npermit (principal == Mcp::Agent::\"support_agent\", action, resource == Mcp::Tool::\"payment_server/charge_card\")\nwhen {{ {sum} > 12 }};\n"
    );
    put(fleet.path(), "x.cedar", &permit);
    let run = |args: &[&str]| mcpctl(args).arg(fleet.path()).run();
    put(fleet.path(), "tests.yaml", &test_of("never: {principals: support_agent, calls: payment_server/charge_card}"));
    let ran = run(&["test", "--solver", "none"]).code(1);
    assert!(ran.out.contains("UNKNOWN whether `support_agent` can call `payment_server/charge_card`"), "{}", ran.out);
    assert!(ran.err.contains("1 failed, 1 of them UNKNOWN"), "{}", ran.err);
    assert!(run(&["validate"]).code(1).out.contains("is UNKNOWN"));
    let who = run(&["who-can", "payment_server/charge_card", "--solver", "none"]).code(1);
    assert!(who.out.contains("UNKNOWN, hand-written Cedar depends on 16 facts"), "{}", who.out);
    run(&["what-can", "support_agent", "--solver", "none"]).code(1);
    // One request is settled by Cedar's own authorizer.
    let all = facts.join(",");
    run(&["can", "support_agent", "payment_server/charge_card", "--with", &all]).code(0);
    run(&["can", "support_agent", "payment_server/charge_card", "--with", "fact_00"]).code(1);
    let expect =
        format!("principal: support_agent\n    call: payment_server/charge_card\n    with: [{all}]\n    expect: allow");
    put(fleet.path(), "tests.yaml", &test_of(&expect));
    run(&["test", "--solver", "none"]).code(0);
}

#[test]
fn a_bundle_holds_it_and_other_targets_need_acceptance() {
    let fleet = fleet(PERMITS);
    let out = folder(&[]);
    let out = out.path().join("bundle");
    let plain = mcpctl(&["compile", "--out"]).arg(&out).arg(fleet.path()).run().code(0);
    assert_eq!(std::fs::read_to_string(out.join("cedar/handwritten/freeze.cedar")).unwrap(), FREEZE);
    assert_eq!(std::fs::read_to_string(out.join("cedar/handwritten/on-call.cedar")).unwrap(), ON_CALL);
    assert!(plain.out.contains("target `agentgateway` is left out: it needs"), "{}", plain.out);
    assert!(plain.out.contains("hand-written Cedar"), "{}", plain.out);
    mcpctl(&["compile", "--target", "toolhive", "--out"])
        .arg(&out)
        .arg(fleet.path())
        .run()
        .refused("hand-written Cedar");
    // ToolHive sees no certificate.
    put(fleet.path(), "fleet.yaml", &FLEET.replace("mutual_tls: strict", "mutual_tls: permissive"));
    put(
        fleet.path(),
        "mcpctl.yaml",
        "allow_handwritten_permits: true\naccept_handwritten: [toolhive]\ntargets: {toolhive: {assume: [tls], assume_reason: the mesh}}\n",
    );
    let accepted = mcpctl(&["compile", "--target", "toolhive", "--out"]).arg(&out).arg(fleet.path()).run().code(0);
    let warning =
        "warning[handwritten-left-out]: target `toolhive` enforces nothing of `freeze.cedar` and `on-call.cedar`";
    assert!(accepted.out.contains(warning), "{}", accepted.out);
    assert_eq!(accepted.out.matches("handwritten-left-out").count(), 1, "one for all files: {}", accepted.out);
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("bundle.json")).unwrap()).unwrap();
    let entry = &manifest["targets"][0]["handwritten"];
    assert_eq!(entry[0]["file"], "freeze.cedar");
    assert_eq!(entry[0]["enforced"], false);
}

#[test]
fn prove_says_what_it_cannot_prove_without_a_solver() {
    let fleet = fleet(PERMITS);
    let proved = mcpctl(&["prove", "--solver", "none"]).arg(fleet.path()).run().code(0);
    assert!(proved.out.contains("PROVED    the files of `cedar` decide each of"), "{}", proved.out);
    assert!(proved.out.contains("PROVED    no policy that forbids can fail to evaluate"), "{}", proved.out);
    assert!(proved.out.contains("UNPROVED:"), "{}", proved.out);
    mcpctl(&["prove", "--solver", "none", "--require-proof"]).arg(fleet.path()).run().code(1);
    mcpctl(&["prove", "--solver", "/no/such/solver"]).arg(fleet.path()).run().refused("the solver");
    mcpctl(&["prove", "--solver", "true"]).arg(fleet.path()).run().refused("does not call itself cvc5");
}
