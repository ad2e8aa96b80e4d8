//! `mcpctl diff`: what a change to the federation fixture does to access.

mod trust;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Ran, mcpctl};

/// A file, what stands in it once, and what stands there after the change.
pub(super) type Edit<'a> = (&'a str, &'a str, &'a str);

const LEVEL: Edit<'_> = (
    "central/access.yaml",
    "requirements: [service_account_token, user_delegation, mfa]\n",
    "requirements: [service_account_token, user_delegation]\n",
);

/// The fixture twice in a folder of its own: as it is, and changed.
struct Change {
    _folder: tempfile::TempDir,
    base: PathBuf,
    head: PathBuf,
}

impl Change {
    fn of(edits: &[Edit<'_>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/federation");
        let [base, head] = ["base", "head"].map(|name| folder.path().join(name));
        copy(&fixture, &base);
        copy(&fixture, &head);
        edit(&head, edits);
        Self { _folder: folder, base, head }
    }

    fn diff(&self, args: &[&str]) -> Ran {
        mcpctl(&["diff", "--no-artifacts", "--today", "2026-11-22"]).arg(&self.base).arg(&self.head).args(args).run()
    }

    fn json(&self) -> Value {
        let ran = self.diff(&["--format", "json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    }

    /// What a person sees, without the names of the folders.
    fn human(&self) -> String {
        let ran = self.diff(&[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let shown = format!("{}{}", ran.out, ran.err);
        shown.replace(&self.base.display().to_string(), "BASE").replace(&self.head.display().to_string(), "HEAD")
    }
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(super) fn edit(folder: &Path, edits: &[Edit<'_>]) {
    for (file, from, to) in edits {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {file}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn a_workspace_does_not_differ_from_itself() {
    let change = Change::of(&[]);
    let ran = change.diff(&["--deny", "any"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("allows exactly what"), "{}", ran.out);
    let json = change.json();
    assert_eq!(
        (&json["access"]["groups"], &json["trust"], &json["operation"]),
        (&serde_json::json!([]), &serde_json::json!([]), &serde_json::json!([]))
    );
    assert!(json["access"]["cells_compared"].as_u64().unwrap() > 40);
}

#[test]
fn a_lowered_level() {
    insta::assert_snapshot!(Change::of(&[LEVEL]).human());
}

#[test]
fn a_reclassified_server() {
    let edits = [
        ("central/access.yaml", "mcp_servers: [search_server]", "mcp_servers: [search_server, notice_server]"),
        ("central/access.yaml", "mcp_servers: [notice_server]", "mcp_servers: []"),
    ];
    insta::assert_snapshot!(Change::of(&edits).human());
}

#[test]
fn a_loosened_unit_folder() {
    let edits = [
        ("units/finance/access.yaml", "user_delegation, mfa]", "user_delegation]"),
        ("assurance/policy-tests.yaml", "missing: [[cross_unit_approval, mfa], ", "missing: [[cross_unit_approval], "),
        (
            "assurance/policy-tests.yaml",
            "    with: [service_account_token, user_delegation, mtls]\n    expect: deny\n    missing: [[cross_unit_approval], [cross_unit_approval, workflow_ticket]]",
            "    with: [service_account_token, user_delegation, mtls]\n    expect: deny",
        ),
    ];
    insta::assert_snapshot!(Change::of(&edits).human());
}

#[test]
fn another_step_of_a_workflow() {
    let step = "    - name: invoice\n";
    let more = "    - name: nearby\n      mcp_server: search_server\n      tools: [find_store]\n    - name: invoice\n";
    insta::assert_snapshot!(Change::of(&[("flows/onboarding.yaml", step, more)]).human());
}

#[test]
fn a_smaller_pool_and_a_time_in_other_words() {
    let edits = [
        ("operations/resilience.yaml", "resources: {connections: 60}", "resources: {connections: 30}"),
        ("operations/resilience.yaml", "half_open_timeout: 60s", "half_open_timeout: 1m"),
    ];
    insta::assert_snapshot!(Change::of(&edits).human());
}

#[test]
fn two_elements_of_one_name_are_both_compared() {
    let check = "    - {type: http, endpoint: /health, interval: 10s, timeout: 3s}\n";
    let two = |first: &str| {
        format!("{}    - {{type: http, endpoint: /ready, interval: 10s, timeout: 3s}}\n", check.replace("10s", first))
    };
    let change = Change::of(&[("operations/resilience.yaml", check, &two("5s"))]);
    edit(&change.base, &[("operations/resilience.yaml", check, &two("99s"))]);
    assert!(change.human().contains("interval: 99s -> 5s"), "{}", change.human());
}

#[test]
fn every_format_says_the_same() {
    let change = Change::of(&[LEVEL]);
    let json = change.json();
    let groups = json["access"]["groups"].as_array().unwrap();
    assert!(groups.iter().all(|group| group["change"] == "widened"
        && group["causes"] == serde_json::json!([{"file": "central/access.yaml", "line": 15, "side": "base"}])
        && group["example"]["before"] == "deny"
        && group["example"]["after"] == "allow"));
    for format in ["human", "short", "markdown", "html"] {
        let ran = change.diff(&["--format", format, "--deny", "widening"]);
        assert_eq!(ran.code, 1, "{format}");
        for said in ["care_agent", "crm_server/update_customer", "central/access.yaml", "mfa"] {
            let plain = ran.out.replace('\\', "");
            assert!(plain.contains(said), "`{said}` in {format}:\n{}", ran.out);
        }
    }
}

#[test]
fn a_change_that_only_closes_passes_the_gate() {
    let change = Change::of(&[
        (
            "central/access.yaml",
            "requirements: [service_account_token]\n",
            "requirements: [service_account_token, mfa]\n",
        ),
        (
            "assurance/policy-tests.yaml",
            "    with: [service_account_token, mtls]",
            "    with: [service_account_token, mtls, mfa]",
        ),
    ]);
    let ran = change.diff(&["--deny", "widening"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("narrowed") && !ran.out.contains("widened"), "{}", ran.out);
    assert_eq!(change.diff(&["--deny", "any"]).code, 1);
}

/// The base states that no agent outside finance moves money. The change lets one, and deletes the statement and a test with it.
#[test]
fn a_change_that_deletes_what_it_breaks_is_found() {
    let tests = "assurance/policy-tests.yaml";
    let stated = "  - name: anyone of the retail unit may search\n";
    let invariant = format!(
        "  - name: only finance moves money\n    never: {{principals: [care_agent, storefront_agent], calls: \"payment_server/*\"}}\n{stated}"
    );
    let refund = (
        "registry/agents.yaml",
        "        - billing_server/get_invoices\n        - {tools: \"notice",
        "        - billing_server/get_invoices\n        - payment_server/refund_charge\n        - {tools: \"notice",
    );
    let crossing =
        ("central/federation.yaml", "cross_unit_max_class: confidential", "cross_unit_max_class: restricted");
    let looser = (
        "units/finance/access.yaml",
        "requirements: [service_account_token, user_delegation, mfa]",
        "requirements: [service_account_token, user_delegation]",
    );
    let expectation = (
        tests,
        "    with: [service_account_token, user_delegation, mtls]\n    expect: deny\n    missing: [[cross_unit_approval, mfa], [cross_unit_approval, workflow_ticket]]\n",
        "    with: [service_account_token, user_delegation, mtls]\n    expect: deny\n",
    );
    let change = Change::of(&[refund, crossing, looser, expectation]);
    edit(&change.base, &[(tests, stated, &invariant)]);
    let ran = change.diff(&["--format", "short", "--deny", "widening"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for said in [
        "trust widening: invariant `only finance moves money` of the base: holds -> broken by `care_agent`",
        "policy test `invoices of the other unit need its approval, and a second factor` of the base: holds -> fails",
    ] {
        assert!(ran.out.contains(said), "{said}\n{}", ran.out);
    }
}

#[test]
fn a_revision_is_read_from_the_object_database() {
    let change = Change::of(&[]);
    let git = |args: &[&str]| {
        let run = Command::new("git").args(args).current_dir(&change.head).output().expect("git runs");
        assert!(run.status.success(), "{run:?}");
    };
    let author = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&[&author[..], &["commit", "-q", "-m", "base"]].concat());
    edit(&change.head, &[LEVEL]);
    let here = change.head.display().to_string();
    let against = |base: &str| mcpctl(&["diff", base, "--no-artifacts", "-C", &here, "--deny", "widening"]).run();
    // The dirty tree against the last commit; then two revisions, and the tree against itself.
    let dirty = against("HEAD");
    assert_eq!(dirty.code, 1, "{dirty:?}");
    assert!(dirty.out.contains("central/access.yaml:15"), "{}", dirty.out);
    git(&["add", "-A"]);
    git(&[&author[..], &["commit", "-q", "-m", "head"]].concat());
    assert_eq!(against("HEAD").code, 0);
    let two = mcpctl(&["diff", "HEAD~1", "main", "--no-artifacts", "-C", &here, "--deny", "widening"]).run();
    assert_eq!((two.code, &two.out), (1, &dirty.out));
    fs::create_dir(change.head.join("main")).unwrap();
    let ambiguous = against("main");
    assert_eq!(ambiguous.code, 2);
    assert!(ambiguous.err.contains("a folder, and a git revision, too"), "{}", ambiguous.err);
    let unknown = against("no-such-branch");
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("neither a folder nor a git revision"), "{}", unknown.err);
}

#[test]
fn a_head_with_errors_fails_and_a_base_with_errors_is_said() {
    let broken = ("central/access.yaml", "- level: 3", "- level: three");
    let change = Change::of(&[broken]);
    let ran = change.diff(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.out.contains("three") && ran.err.contains("has 1 error, 1 new"), "{ran:?}");
    let turned = Change { base: change.head.clone(), head: change.base.clone(), ..change };
    let ran = turned.diff(&["--format", "json"]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(json["base_errors"].as_u64().unwrap() > 0);
    assert!(turned.diff(&[]).out.starts_with("caution:"));
}

#[test]
fn names_cannot_break_out_of_a_page_or_a_comment() {
    let name = "x</code><script>alert(1)</script>|`y`";
    let agent = format!(
        "    - name: {}\n      business_unit: retail\n      subject: sloppy\n      may_call: [search_server/find_store]\n    - name: care_agent\n",
        serde_json::to_string(name).unwrap()
    );
    let change = Change::of(&[("registry/agents.yaml", "    - name: care_agent\n", &agent)]);
    let html = change.diff(&["--format", "html"]);
    assert_eq!(html.code, 0, "{html:?}");
    assert!(html.out.contains("&lt;script&gt;") && !html.out.contains("<script"), "{}", html.out);
    let markdown = change.diff(&["--format", "markdown"]).out;
    assert!(!markdown.replace("``", "").contains("`y`") || markdown.contains("`` x</code>"), "{markdown}");
    assert!(
        !markdown.lines().any(|line| line.starts_with("| ") && line.replace("\\|", "").matches('|').count() != 6),
        "{markdown}"
    );
}

#[test]
fn other_commands_write_no_page() {
    let ran = mcpctl(&["list", "checks", "--format", "html"]).run();
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("only `mcpctl diff`"), "{}", ran.err);
}

#[test]
fn files_to_roll_out_are_those_that_differ() {
    let change = Change::of(&[LEVEL]);
    let diff = |args: &[&str]| mcpctl(&["diff"]).arg(&change.base).arg(&change.head).args(args).run();
    let json: Value = serde_json::from_str(&diff(&["--format", "json"]).out).unwrap();
    let files: Vec<&str> =
        json["artifacts"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap()).collect();
    assert!(
        files.contains(&"cedar/policies.cedar") && files.iter().any(|file| file.starts_with("envoy/central/")),
        "{files:?}"
    );
    assert!(!files.contains(&"cedar/evidence.json"), "{files:?}");
}
