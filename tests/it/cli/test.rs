//! `mcpctl test`.

use std::fs;
use std::path::Path;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicyId, PolicySet, Request, Schema};
use serde_json::Value;

use super::{BAD, Ran, folder, good, mcpctl, put};

const FAILING: &str = "fixtures/checks/failing-policy-test/fail";
const PASSING: &str = "fixtures/checks/failing-policy-test/pass";

fn test(path: impl AsRef<Path>, args: &[&str]) -> Ran {
    mcpctl(&["test"]).arg(path.as_ref()).args(args).run()
}

#[test]
fn what_fails_shows_the_rule_its_line_and_the_nearest_permission() {
    let ran = test(FAILING, &[]).code(1);
    insta::assert_snapshot!("test_failures", ran.out);
    assert_eq!(ran.err, "7 tests and 6 invariants, 13 requests: 11 failed\n");
    let short = test(FAILING, &["--format", "short"]).code(1).out;
    assert_eq!(short.lines().count(), 11);
    assert!(
        short.contains("tests.yaml:35: fail: nobody reads and writes: `clerk` can call `crm/read` and `crm/write`\n")
    );
    let ran = test(PASSING, &[]).code(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "6 tests and 3 invariants, 21 requests: all hold\n"));
}

#[test]
fn a_failing_test_or_invariant_stops_a_compile() {
    let good = good();
    let out = good.path().join("out");
    let compile = || mcpctl(&["compile"]).arg(good.path()).arg("--out").arg(&out).run();
    let with = |entry: &str| put(good.path(), "more.yaml", &format!("policy_tests:\n  - name: it\n    {entry}\n"));
    with("never_both: [docs_server/search, orders_server/get_order]");
    compile().code(0);
    fs::remove_dir_all(&out).unwrap();
    with("never: {principals: \"*\", calls: \"orders_server/*\"}");
    let ran = compile().code(1);
    assert!(ran.out.contains("error[failing-policy-test]") && !out.exists(), "{}", ran.out);
    with(
        "{principal: support_agent, call: orders_server/get_order, expect: allow}"
            .trim_matches(['{', '}'])
            .replace(", ", "\n    ")
            .as_str(),
    );
    let ran = compile().code(1);
    assert!(ran.out.contains("error[failing-policy-test]") && !out.exists(), "{}", ran.out);
}

#[test]
fn an_entry_is_a_test_or_one_invariant() {
    let good = good();
    for (entry, saying) in [
        ("never_both: [docs_server/search]", "`never_both` takes at least 2 elements"),
        ("expect: deny", "error[missing-key]"),
        (
            "never: {principals: \"*\", calls: \"docs_server/*\"}\n    expect: deny",
            "at most 2 of these keys stand together: `name`, `never` and `expect`",
        ),
        ("never: {principals: nobody, calls: \"docs_server/*\"}", "error[unknown-principal]"),
        ("never: {principals: \"no*\", calls: \"docs_server/*\"}", "error[unknown-principal]"),
        ("never: {principals: {outside_unit: nowhere}, calls: \"docs_server/*\"}", "error[unknown-unit]"),
        ("never: {principals: \"*\", calls: \"dox_server/*\"}", "error[unknown-server]"),
        ("never: {principals: \"*\", calls: docs_server/serch}", "error[unknown-tool]"),
        ("never: {principals: \"*\", calls: \"*\"}", "error[invalid-wildcard]"),
        ("never_flow: {from_class: nothing, to_class: internal}", "error[unknown-class]"),
        ("never_flow: {from_class: internal}", "`never_flow` takes at least 2 keys"),
        (
            "principal: support_agent\n    call: docs_server/search\n    with: [mfa, [mtls]]\n    expect: deny",
            "error[wrong-type]",
        ),
        (
            "principal: support_agent\n    call: docs_server/search\n    with: [[mfaa]]\n    expect: deny",
            "error[unknown-fact]",
        ),
    ] {
        put(good.path(), "more.yaml", &format!("policy_tests:\n  - name: it\n    {entry}\n"));
        let ran = mcpctl(&["validate", "--format", "short"]).arg(good.path()).run().code(1);
        assert!(ran.out.contains(saying), "{entry}: {}", ran.out);
        assert!(ran.out.contains("more.yaml:"), "{entry}: {}", ran.out);
        test(good.path(), &[]).refused("so there is no answer");
    }
}

#[test]
fn coverage_and_its_threshold() {
    let covered = test(FAILING, &["--min-coverage", "75", "--filter", "s"]);
    assert!(covered.out.contains("coverage: 3 of 4 cells (75%), 1 of 1 level, 1 of 1 rule\n"), "{}", covered.out);
    let good = good();
    let ran = test(good.path(), &["--coverage"]).code(0);
    insta::assert_snapshot!("test_coverage", ran.out);
    test(good.path(), &["--min-coverage", "66"]).code(0);
    let ran = test(good.path(), &["--min-coverage", "67"]).code(1);
    assert!(ran.err.contains("2 of 3 cells are covered, 66%, and 67% are asked for"), "{}", ran.err);
    // Asking for no test at all is a slip of the pen; having none is not.
    test(good.path(), &["--filter", "no such test"])
        .refused("no policy test or invariant has `no such test` in its name");
    let ran = test("fixtures/seed", &["--coverage"]).code(0);
    assert!(ran.out.starts_with("coverage: 0 of 18 cells (0%)"), "{}", ran.out);
}

#[test]
fn what_no_test_notices() {
    let ran = test(good().path(), &["--mutate"]).code(0);
    insta::assert_snapshot!("test_mutation", ran.out);
    let ran = test(PASSING, &["--mutate", "--format", "json"]).code(0).json();
    // A second factor and the mesh are held by tests; that a token is needed at all is not.
    assert_eq!(ran["mutation"]["scores"]["drop"], serde_json::json!({"made": 3, "noticed": 2}));
    let survivors: Vec<&str> =
        ran["mutation"]["survivors"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    // What an invariant forbids is noticed; what nothing speaks of is not.
    assert!(!survivors.contains(&"`reader` may also call `crm/write`"), "{survivors:?}");
    assert!(survivors.contains(&"`reader` may also call `mail/list`"), "{survivors:?}");
}

#[test]
fn data_has_every_request_that_fails() {
    let data = test(FAILING, &["--format", "json", "--coverage"]).code(1).json();
    assert_eq!((&data["version"], &data["summary"]["failed"]), (&1.into(), &11.into()));
    let of = |list: &str, name: &str| -> Value {
        data[list].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone()
    };
    assert_eq!(of("tests", "some of many")["failures"].as_array().unwrap().len(), 5);
    let first = &of("tests", "a clerk needs no second factor")["failures"][0];
    assert_eq!(first["missing"], serde_json::json!([["mfa"]]));
    assert_eq!((&first["rule"], &first["places"][0]["line"]), (&"level-1".into(), &3.into()));
    assert_eq!(first["nearest"], "the same with mfa, too");
    assert_eq!(of("tests", "nothing is tested")["empty_calls"], serde_json::json!(["bare/*"]));
    assert_eq!(of("invariants", "nobody reads and writes")["violations"][0]["calls"][1]["object"], "crm/write");
    assert_eq!(data["coverage"]["untested"][0]["object"], "mail/send");
    assert_eq!(data["mutation"], Value::Null);
}

#[test]
fn a_report_for_ci_is_well_formed_whatever_the_names() {
    let good = good();
    let evil = "policy_tests:\n  - name: \"<b>&\\\"' [0m ]]>\"\n    principal: support_agent\n    call: docs_server/search\n    expect: allow\n";
    put(good.path(), "more.yaml", evil);
    let report = good.path().join("report.xml");
    let ran = mcpctl(&["test", "--junit"]).arg(&report).arg(good.path()).run().code(1);
    assert!(ran.out.starts_with("FAIL <b>&\"' [0m ]]>"), "{}", ran.out);
    let text = fs::read_to_string(&report).unwrap();
    assert!(text.contains(r#"<testsuites name="mcpctl test" tests="4" failures="1" errors="0">"#), "{text}");
    assert!(
        text.contains(r#"<testcase name="&lt;b&gt;&amp;&quot;&apos; [0m ]]&gt;" classname="more.yaml">"#),
        "{text}"
    );
    assert_eq!(text.matches("<testcase ").count(), 4);
    let opened = text.matches("<failure ").count();
    assert_eq!((opened, text.matches("</failure>").count()), (1, 1));
    let nowhere = good.path().join("no/such/folder.xml");
    mcpctl(&["test", "--junit"]).arg(&nowhere).arg(good.path()).run().refused("could not write");
}

/// What `cedar run-tests` does with the exported files.
#[test]
fn cedar_decides_the_exported_tests_as_they_say() {
    let out = folder(&[]);
    let exported = out.path().join("cedar");
    let ran = mcpctl(&["test", "fixtures/projects/enterprise", "--export-cedar"]).arg(&exported).run().code(0);
    assert!(ran.err.contains("requests to "), "{}", ran.err);
    let file = |name: &str| fs::read_to_string(exported.join(name)).unwrap();
    let (schema, _) = Schema::from_cedarschema_str(&file("schema.cedarschema")).unwrap();
    let policies: PolicySet = file("policies.cedar").parse().unwrap();
    let named = |id: &PolicyId| policies.policy(id).unwrap().annotation("id").unwrap().to_owned();
    let entities = Entities::from_json_str(&file("entities.json"), Some(&schema)).unwrap();
    let tests: Vec<Value> = serde_json::from_str(&file("tests.json")).unwrap();
    let (mut allowed, mut denied) = (0, 0);
    for test in &tests {
        let uid = |key: &str| test["request"][key].as_str().unwrap().parse::<EntityUid>().unwrap();
        let action = uid("action");
        let context = Context::from_json_value(test["request"]["context"].clone(), Some((&schema, &action))).unwrap();
        let request = Request::new(uid("principal"), action, uid("resource"), context, Some(&schema)).unwrap();
        let response = Authorizer::new().is_authorized(&request, &policies, &entities);
        let decision = if response.decision() == Decision::Allow { "allow" } else { "deny" };
        assert_eq!(test["decision"], decision, "{test:#}");
        let reasons: Vec<String> = response.diagnostics().reason().map(named).collect();
        for reason in test["reason"].as_array().unwrap() {
            assert!(reasons.iter().any(|it| *it == reason.as_str().unwrap()), "{test:#}: {reasons:?}");
        }
        assert_eq!(test["reason"].as_array().unwrap().is_empty(), decision == "deny");
        assert_eq!((test["entities"].as_str(), test["num_errors"].as_u64()), (Some("entities.json"), Some(0)));
        *(if decision == "allow" { &mut allowed } else { &mut denied }) += 1;
    }
    assert!(allowed > 0 && denied > 0, "{allowed} {denied}");
    // What fails is not handed on.
    let failing = out.path().join("failing");
    let ran = mcpctl(&["test", FAILING, "--export-cedar"]).arg(&failing).run().code(1);
    assert!(ran.err.contains("nothing was exported") && !failing.exists(), "{}", ran.err);
    let ran = mcpctl(&["test", PASSING, "--export-cedar"]).arg(&failing).run().code(0);
    assert!(ran.err.contains("left out 3 requests") || ran.err.contains("left out 2 requests"), "{}", ran.err);
    assert!(ran.err.contains("left out 3 invariants"), "{}", ran.err);
}

#[test]
fn another_error_in_the_workspace_is_2() {
    let good = good();
    test(good.path(), &[]).code(0);
    put(good.path(), "bad.yaml", BAD);
    test(good.path(), &[]).refused("the workspace has 1 error");
}
