//! The gate of `mcpctl diff`: budgets and waivers, read from the base.

mod statements;
mod waivers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::diff::{Edit, copy, edit};
use super::{Ran, mcpctl, put};
use waivers::waiver;

/// A second factor less on what holds data of customers: pairs of the sales unit, and of class `confidential`.
const LOWERED: Edit<'_> = (
    "access.yaml",
    "requirements: [service_account_token, user_delegation, mfa]\n",
    "requirements: [service_account_token, user_delegation]\n",
);

/// A claim of another name proves the second factor.
const TRUST: Edit<'_> = ("identity.yaml", "claim: amr, contains: mfa", "claim: groups, contains: staff");

/// The base of `fixtures/review` with another `review`, and changed.
struct Change {
    _folder: tempfile::TempDir,
    base: PathBuf,
    head: PathBuf,
}

impl Change {
    fn of(review: &str, edits: &[Edit<'_>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/review/base");
        let [base, head] = ["base", "head"].map(|name| folder.path().join(name));
        copy(&fixture, &base);
        put(&base, "mcpctl.yaml", &format!("units: {{claims: units/claims}}\n{review}"));
        copy(&base, &head);
        edit(&head, edits);
        Self { _folder: folder, base, head }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let args = [&["--no-artifacts", "--deny", "widening", "--today", "2026-11-22"], args].concat();
        mcpctl(&["diff"]).arg(&self.base).arg(&self.head).args(&args).run()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.run(&["--format", "json"]).out).unwrap()
    }

    /// How many pairs open.
    fn opened(&self) -> u64 {
        let json = self.json();
        let groups = json["access"]["groups"].as_array().unwrap().iter();
        let opens = groups.filter(|group| ["added", "widened", "both"].contains(&group["change"].as_str().unwrap()));
        opens
            .map(|it| (it["principals"].as_array().unwrap().len() * it["tools"].as_array().unwrap().len()) as u64)
            .sum()
    }
}

#[test]
fn without_rules_nothing_may_open() {
    let change = Change::of("", &[LOWERED]);
    let opened = change.opened();
    assert!(opened > 2, "{opened}");
    let ran = change.run(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains(&format!("gate failed: access widens for {opened} pairs, and none is allowed")),
        "{}",
        ran.err
    );
}

#[test]
fn a_budget_lets_so_many_pairs_open_and_says_so() {
    let opened = Change::of("", &[LOWERED]).opened();
    let with = |budget: &str| Change::of(&format!("review: {budget}\n"), &[LOWERED]).run(&[]);
    let enough = with(&format!("{{max_new_allow: {opened}}}"));
    assert_eq!(enough.code, 0, "{enough:?}");
    let said = format!("passed: access widens for {opened} pairs in all, within the limit of {opened}");
    assert!(enough.err.contains(&said) && enough.out.contains(&said), "{enough:?}");
    let short = with(&format!("{{max_new_allow: {}}}", opened - 1));
    assert_eq!(short.code, 1);
    assert!(
        short.err.contains(&format!("access widens for {opened} pairs in all, and the limit is {}", opened - 1)),
        "{}",
        short.err
    );
    // Of the unit whose servers they are, and of the class of its data.
    assert_eq!(with(&format!("{{units: {{sales: {opened}}}}}")).code, 0);
    assert_eq!(with(&format!("{{units: {{sales: {}}}}}", opened - 1)).code, 1);
    assert_eq!(with(&format!("{{classes: {{confidential: {opened}}}}}")).code, 0);
    // Every limit holds, and what none speaks of may not open.
    assert_eq!(with(&format!("{{max_new_allow: {opened}, classes: {{confidential: 0}}}}")).code, 1);
    assert_eq!(with(&format!("{{max_new_allow: 0, classes: {{confidential: {opened}}}}}")).code, 1);
    let other = with(&format!("{{units: {{claims: {opened}}}}}"));
    assert_eq!(other.code, 1);
    assert!(other.err.contains(&format!("access widens for {opened} pairs that no limit covers")), "{}", other.err);
}

#[test]
fn a_limit_for_what_is_not_there_is_an_error() {
    let change = Change::of("review: {max_new_allow: 9, classes: {confidental: 0}}\n", &[]);
    let ran = mcpctl(&["validate"]).arg(&change.head).run();
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("no data class `confidental`") && ran.out.contains("confidential"), "{}", ran.out);
    let change = Change::of("review: {units: {sale: 0}}\n", &[]);
    assert!(mcpctl(&["validate"]).arg(&change.head).run().out.contains("no business unit `sale`"));
}

#[test]
fn trust_is_in_no_budget() {
    let change = Change::of("review: {max_new_allow: 1000}\n", &[TRUST]);
    let ran = change.run(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("1 change of trust counts as widening"), "{}", ran.err);
    let waiver = "{trust: evidence of mfa, to: 'claim groups contains staff', reason: staff have tokens of hardware, owner: sec, expires: 2027-01-31}";
    let waived = Change::of(&format!("review: {{waivers: [{waiver}]}}\n"), &[TRUST]);
    let ran = waived.run(&[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("waived until 2027-01-31 by sec: staff have tokens of hardware (mcpctl.yaml:2)"),
        "{}",
        ran.out
    );
    assert_eq!(waived.json()["trust"][0]["waiver"]["owner"], "sec");
}

#[test]
fn a_change_cannot_excuse_itself() {
    let settings = (
        "mcpctl.yaml",
        "units: {claims: units/claims}\n",
        "units: {claims: units/claims}\nreview: {max_new_allow: 99}\n",
    );
    let ran = Change::of("", &[LOWERED, settings]).run(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("gate: pairs that may widen in all: nothing -> 99"), "{}", ran.out);
    // The next change is judged by it, so by itself it is a widening.
    assert_eq!(Change::of("", &[settings]).run(&[]).code, 1);
    let waiver = waiver("\"*\"", "\"*\"", "", "2027-01-01");
    let settings =
        ("mcpctl.yaml", "units: {claims: units/claims}\n", format!("units: {{claims: units/claims}}\n{waiver}"));
    let ran = Change::of("", &[LOWERED, (settings.0, settings.1, &settings.2)]).run(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("gate: waiver of `*` on `*`: nothing -> until 2027-01-01, sec: a trial"), "{}", ran.out);
    // A server that moves to a class where more may widen counts for the class that it had.
    let budget = "review: {classes: {public: 99}}\n";
    let moved = [
        ("access.yaml", "mcp_servers: [docs_server]", "mcp_servers: [docs_server, crm_server]"),
        ("access.yaml", "mcp_servers: [crm_server]", "mcp_servers: []"),
    ];
    let ran = Change::of(budget, &moved).run(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("that no limit covers"), "{}", ran.err);
}

#[test]
fn a_budget_may_stand_in_a_file_of_its_own() {
    let change = Change::of("", &[LOWERED]);
    let with = |args: &[&str]| change.run(&[&["--budget", ".budget.yaml"], args].concat());
    // In the head alone it judges nothing.
    put(&change.head, ".budget.yaml", "max_new_allow: 99\n");
    let ran = with(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("has no `.budget.yaml`, so no access may widen"), "{}", ran.out);
    put(&change.base, ".budget.yaml", "max_new_allow: 99\n");
    let ran = with(&[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // It takes the place of `review`.
    for side in [&change.base, &change.head] {
        let waiver = "{principals: '*', tools: '*', reason: a trial, owner: sec, expires: 2027-01-01}";
        put(side, ".budget.yaml", &format!("waivers:\n  - {waiver}\n"));
    }
    let ran = with(&[]);
    assert!(ran.code == 0 && ran.out.contains("a trial (.budget.yaml:2)"), "{ran:?}");
    for (text, said) in [
        ("max_new_allow: many\n", "max_new_allow"),
        ("classes: {confidental: 1}\n", "no data class `confidental` is declared in the base"),
        ("max_new_alow: 1\n", "max_new_alow"),
    ] {
        put(&change.base, ".budget.yaml", text);
        let ran = with(&[]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(format!("{}{}", ran.out, ran.err).contains(said), "{said}: {ran:?}");
    }
    let inside = change.head.join(".budget.yaml").display().to_string();
    change.run(&["--budget", &inside]).refused("a change could excuse itself");
    change.run(&["--budget", "../budget.yaml"]).refused("outside of the workspace");
    let elsewhere = tempfile::tempdir().unwrap();
    put(elsewhere.path(), "budget.yaml", "max_new_allow: 99\n");
    assert_eq!(change.run(&["--budget", &elsewhere.path().join("budget.yaml").display().to_string()]).code, 0);
}

#[test]
fn the_rules_of_a_revision_judge_the_tree() {
    let change = Change::of("", &[]);
    let git = |args: &[&str]| {
        let run = Command::new("git").args(args).current_dir(&change.head).output().expect("git runs");
        assert!(run.status.success(), "{run:?}");
    };
    put(&change.head, ".budget.yaml", "max_new_allow: 99\n");
    let author = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&[&author[..], &["commit", "-q", "-m", "base"]].concat());
    edit(&change.head, &[LOWERED]);
    fs::remove_file(change.head.join(".budget.yaml")).unwrap();
    let here = change.head.display().to_string();
    let run =
        |args: &[&str]| mcpctl(&["diff", "main", "--no-artifacts", "-C", &here, "--deny", "widening"]).args(args).run();
    assert_eq!(run(&[]).code, 1);
    let ran = run(&["--budget", ".budget.yaml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("gate: pairs that may widen in all: 99 -> nothing"), "{}", ran.out);
}

/// What the rules of the base become in the head, what is shown of it, and whether it is a widening.
const RULES: &[(&str, &str, &str, bool)] = &[
    ("{max_new_allow: 3}", "{max_new_allow: 4}", "gate: pairs that may widen in all: 3 -> 4", true),
    ("{max_new_allow: 4}", "{max_new_allow: 3}", "gate: pairs that may widen in all: 4 -> 3", false),
    ("{max_new_allow: 3}", "{}", "gate: pairs that may widen in all: gone, was 3", false),
    ("{}", "{max_new_allow: 0}", "gate: pairs that may widen in all: new, 0", false),
    ("{}", "{max_new_allow: 1}", "gate: pairs that may widen in all: new, 1", true),
    ("{max_new_allow: 3, units: {sales: 1}}", "{max_new_allow: 3}", "of unit `sales`: gone, was 1", true),
    ("{max_new_allow: 3}", "{max_new_allow: 3, units: {sales: 1}}", "of unit `sales`: new, 1", false),
    ("{}", "{units: {sales: 1}}", "of unit `sales`: new, 1", true),
    ("{units: {sales: 1}}", "{units: {sales: 2}}", "of unit `sales`: 1 -> 2", true),
    ("{classes: {public: 1}}", "{classes: {public: 2}}", "of class `public`: 1 -> 2", true),
    ("{classes: {public: 1}}", "{}", "of class `public`: gone, was 1", false),
];

#[test]
fn rules_that_let_more_open_are_a_widening() {
    let mut faults = Vec::new();
    for (before, after, said, widens) in RULES {
        let change = Change::of(&format!("review: {before}\n"), &[]);
        put(&change.head, "mcpctl.yaml", &format!("units: {{claims: units/claims}}\nreview: {after}\n"));
        let ran = change.run(&["--format", "short"]);
        let kind = if *widens { "trust widening: " } else { "trust: " };
        let shown = ran.out.lines().any(|line| line.starts_with(kind) && line.contains(said));
        if !shown || ran.code != u8::from(*widens) {
            faults.push(format!("{before} -> {after}: exit {}\n{}", ran.code, ran.out));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
