//! `mcpctl diff`: the headline, the answers and the exit code agree, whatever changes; and a head with errors is compared as far
//! as it was read.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diff::{Edit, copy, edit};
use super::{Ran, mcpctl};

const OPENS: Edit<'_> = (
    "access.yaml",
    "requirements: [service_account_token, user_delegation, mfa]\n",
    "requirements: [service_account_token, user_delegation]\n",
);
const CLOSES: Edit<'_> = ("registry.yaml", ", mail_server/send_mail]", "]");
const TRUSTS: Edit<'_> = ("identity.yaml", "claim: amr, contains: mfa", "claim: groups, contains: staff");
const ASKS_MORE: Edit<'_> =
    ("identity.yaml", "scope: mcp.mfa}", "scope: mcp.mfa, issuer: https://login.harbor.example}");
const RULES: Edit<'_> = ("mcpctl.yaml", "max_new_allow: 0", "max_new_allow: 9");
const LOSES: Edit<'_> = ("operations.yaml", "resources: {connections: 40}", "resources: {connections: 20}");
const GAINS: Edit<'_> = ("operations.yaml", "resources: {connections: 40}", "resources: {connections: 80}");
const BREAKS: Edit<'_> = ("registry.yaml", "business_unit: claims\n      url", "business_unit: claim\n      url");

const NO_REVIEW: &str = "units: {claims: units/claims}\n";
const BUDGET: &str = "units: {claims: units/claims}\nreview: {max_new_allow: 99}\n";
const WAIVED: &str = "units: {claims: units/claims}\nreview:\n  max_new_allow: 0\n  waivers:\n    - {principals: '*', tools: '*', reason: r, owner: o, expires: 2027-01-31}\n    - {trust: evidence of mfa, to: claim groups contains staff, reason: r, owner: o, expires: 2027-01-31}\n";
const FEW_LOSSES: &str = "units: {claims: units/claims}\nreview: {max_lost_operation: 0}\n";

struct Change {
    _folder: tempfile::TempDir,
    base: PathBuf,
    head: PathBuf,
}

impl Change {
    fn of(settings: Option<&str>, edits: &[Edit<'_>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/review/base");
        let [base, head] = ["base", "head"].map(|name| folder.path().join(name));
        copy(&fixture, &base);
        if let Some(settings) = settings {
            std::fs::write(base.join("mcpctl.yaml"), settings).unwrap();
        }
        copy(&base, &head);
        edit(&head, edits);
        Self { _folder: folder, base, head }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let args = [&["--no-artifacts", "--today", "2026-11-22"], args].concat();
        mcpctl(&["diff"]).arg(&self.base).arg(&self.head).args(&args).run()
    }
}

/// What changes: the settings of the base and the edits; what is denied; how the headline begins, and the exit code.
type Case<'a> = (Option<&'a str>, &'a [Edit<'a>], &'a str, &'a str, u8);

const CASES: &[Case<'_>] = &[
    (None, &[], "widening", "This change changes nothing.", 0),
    (None, &[], "any", "This change changes nothing.", 0),
    (None, &[OPENS], "widening", "This change widens access: ", 1),
    (Some(BUDGET), &[OPENS], "widening", "This change widens access within the budget: ", 0),
    (Some(BUDGET), &[OPENS], "any", "This change widens access within the budget: ", 1),
    (Some(WAIVED), &[OPENS], "widening", "This change widens only what is waived: ", 0),
    (None, &[CLOSES], "widening", "This change only narrows access: ", 0),
    (None, &[CLOSES], "any", "This change only narrows access: ", 1),
    (Some(WAIVED), &[CLOSES, OPENS], "widening", "This change widens only what is waived: ", 0),
    (None, &[TRUSTS], "widening", "This change widens access: 1 change of trust.", 1),
    (Some(BUDGET), &[TRUSTS], "widening", "This change widens access: 1 change of trust.", 1),
    (Some(WAIVED), &[TRUSTS], "widening", "This change widens only what is waived: 1 change of trust.", 0),
    (Some(WAIVED), &[TRUSTS, OPENS], "widening", "This change widens only what is waived: ", 0),
    (None, &[RULES], "widening", "This change widens access: 1 change of trust.", 1),
    (None, &[ASKS_MORE], "widening", "This change widens and narrows no access.", 0),
    (None, &[ASKS_MORE], "any", "This change widens and narrows no access.", 1),
    (
        None,
        &[LOSES],
        "widening",
        "This change widens and narrows no access. It takes away from operation: 1 change.",
        0,
    ),
    (
        None,
        &[LOSES],
        "operation",
        "This change widens and narrows no access. It takes away from operation: 1 change.",
        1,
    ),
    (None, &[LOSES], "widening,operation", "This change widens and narrows no access. It takes away", 1),
    (Some(FEW_LOSSES), &[LOSES], "widening", "This change widens and narrows no access. It takes away", 1),
    (None, &[GAINS], "widening,operation", "This change widens and narrows no access.", 0),
    (Some(FEW_LOSSES), &[GAINS], "widening", "This change widens and narrows no access.", 0),
    (Some(NO_REVIEW), &[OPENS], "operation", "This change widens access: ", 0),
];

#[test]
fn headline_answers_and_exit_code_agree() {
    let mut faults = Vec::new();
    for (settings, edits, deny, headline, code) in CASES {
        let change = Change::of(*settings, edits);
        let mut fault = |text: &str| faults.push(format!("{edits:?} --deny {deny}: {text}"));
        let json: Value = change.run(&["--format", "json", "--deny", deny]).json();
        let answers = json["answers"].as_array().unwrap();
        let fails = answers.iter().any(|answer| answer["asked"] == true && answer["fails"] == true);
        if fails != (*code == 1) {
            fault(&format!("answers {answers:?}"));
        }
        for format in ["human", "short", "markdown", "html", "json"] {
            let ran = change.run(&["--format", format, "--deny", deny]);
            let shows = matches!(format, "markdown" | "html" | "json");
            if ran.code != *code || (shows && !ran.out.contains(headline)) {
                fault(&format!("{format}: exit {}\n{}{}", ran.code, ran.out, ran.err));
            }
            // Whoever reads the end of a log reads why.
            if ran.err.contains("failed: ") != (*code == 1) {
                fault(&format!("{format}: {}", ran.err));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_gate_that_was_not_asked_says_what_it_would_say() {
    let ran = Change::of(None, &[OPENS]).run(&[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("would fail with `--deny widening`: ") && !ran.err.contains("gate"), "{ran:?}");
}

#[test]
fn lost_capacity_names_the_change_and_is_a_limit_of_its_own() {
    let two = [LOSES, ("operations.yaml", "failure_threshold: 5", "failure_threshold: 50")];
    let ran = Change::of(None, &two).run(&["--deny", "operation"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("deny operation failed: 2 changes take away from operation, and none may"), "{}", ran.err);
    let some = FEW_LOSSES.replace(": 0}", ": 2}");
    assert_eq!(Change::of(Some(&some), &two).run(&["--deny", "widening,operation"]).code, 0);
    let some = FEW_LOSSES.replace(": 0}", ": 1}");
    let ran = Change::of(Some(&some), &two).run(&["--deny", "widening"]);
    assert!(ran.code == 1 && ran.err.contains("gate failed: 2 changes take away from operation, and 1 may"), "{ran:?}");
    let more = ("mcpctl.yaml", "max_lost_operation: 0", "max_lost_operation: 1");
    let ran = Change::of(Some(FEW_LOSSES), &[more]).run(&["--deny", "widening", "--format", "short"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("trust widening: gate: changes that may take away from operation: 0 -> 1"), "{}", ran.out);
}

#[test]
fn a_head_with_errors_shows_the_new_ones_and_what_changes() {
    let change = Change::of(None, &[BREAKS, OPENS]);
    for format in ["human", "short", "markdown", "html", "json", "github"] {
        let ran = change.run(&["--format", format, "--deny", "widening"]);
        assert_eq!(ran.code, 2, "{format}: {ran:?}");
        let error = ran.out.find("no business unit").unwrap_or_else(|| panic!("{format}: {}", ran.out));
        let changed = ran.out.find("crm_server/get_customer").unwrap_or_else(|| panic!("{format}: {}", ran.out));
        assert!(error < changed, "{format}: errors come first\n{}", ran.out);
        assert!(ran.err.contains("comparison failed: ") && ran.err.contains("new"), "{}", ran.err);
    }
    let json = change.run(&["--format", "json"]).json();
    let errors = json["new_errors"].as_array().unwrap();
    let unit = errors.iter().find(|error| error["check"] == "unknown-unit").unwrap();
    assert_eq!((&unit["file"], &unit["line"]), (&"registry.yaml".into(), &30.into()));
    // An error that the base has is none of the change's, wherever its line is now.
    edit(&change.base, &[BREAKS]);
    edit(&change.head, &[("registry.yaml", "# Servers, and", "# A line more.\n# Servers, and")]);
    let ran = change.run(&["--deny", "widening"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(!ran.out.contains("NEW ERRORS") && ran.err.contains("none new: `"), "{ran:?}");
    assert_eq!(change.run(&["--format", "json"]).json()["new_errors"], serde_json::json!([]));
}

#[test]
fn a_head_with_failing_policy_tests_shows_what_changes() {
    let change = Change::of(None, &[OPENS]);
    let known = "# What must hold, whoever edits the rules.\npolicy_tests:\n";
    let test = "  - name: customers need a second factor\n    principal: sales_agent\n    call: crm_server/get_customer\n    with: [service_account_token, user_delegation, mtls]\n    expect: deny\n";
    for folder in [&change.base, &change.head] {
        edit(folder, &[("policy-tests.yaml", known, &format!("{known}{test}"))]);
    }
    let ran = change.run(&["--deny", "widening"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let at = |text: &str| ran.out.find(text).unwrap_or_else(|| panic!("{text}: {}", ran.out));
    assert!(at("error[failing-policy-test]") < at("crm_server/update_customer"), "{}", ran.out);
    let said = "policy test `customers need a second factor` of the base: holds -> fails: it is allowed";
    assert!(at("widened") < at(said), "{}", ran.out);
    assert!(ran.err.contains("1 new") && ran.err.contains("gate failed: "), "{}", ran.err);
}

#[test]
fn a_head_that_is_no_yaml_is_compared_as_far_as_it_was_read() {
    let ran = Change::of(None, &[("flows.yaml", "workflow_definition:", "workflow_definition: [")]).run(&[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("flows.yaml:") && ran.out.contains("removed"), "{ran:?}");
    assert!(ran.out.contains("has errors: what it means is compared as far as it was read"), "{ran:?}");
}

/// Nothing is decided differently, and there is something to roll out all the same.
#[test]
fn a_change_of_files_alone_says_so_and_is_any_change() {
    let settings = "units: {claims: units/claims}\nbundle: {name: one}\ntargets: {kubernetes: {}}\n";
    let change = Change::of(Some(settings), &[("mcpctl.yaml", "name: one", "name: two")]);
    for (deny, code) in [("widening", 0), ("any", 1)] {
        let args = ["--deny", deny, "--format", "markdown", "--today", "2026-11-22"];
        let ran = mcpctl(&["diff"]).arg(&change.base).arg(&change.head).args(&args).run().code(code);
        assert!(ran.out.contains("**This change changes no access, no trust and no operation, only "), "{}", ran.out);
    }
}
