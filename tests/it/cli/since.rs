//! `mcpctl validate --changed-since`.

use std::path::Path;
use std::process::Command;

use super::{Ran, folder, mcpctl};

const REGISTRY: &str = "\
mcp_registry:
  servers:
    - {name: crm_server, tools: [{name: note}]}
    - {name: pay_server, tools: [{name: charge}]}
  agents: [{name: clerk, may_call: ['crm_server/*', 'pay_server/*']}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
";

fn git(at: &Path, args: &[&str]) {
    let author = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
    let run = Command::new("git").args(author).args(args).current_dir(at).output().expect("git runs");
    assert!(run.status.success(), "{args:?}: {}", String::from_utf8_lossy(&run.stderr));
}

fn since(at: &Path, revision: &str) -> Ran {
    mcpctl(&["validate", "--format", "short", "--changed-since", revision]).arg(at).run()
}

/// A workspace in a folder of a repository, as it was committed.
fn committed(files: &[(&str, &str)]) -> tempfile::TempDir {
    let scratch = folder(files);
    git(scratch.path(), &["init", "-q", "-b", "main"]);
    git(scratch.path(), &["add", "-A"]);
    git(scratch.path(), &["commit", "-q", "-m", "base"]);
    scratch
}

fn write(at: &Path, file: &str, text: &str) {
    std::fs::write(at.join(file), text).unwrap();
}

#[test]
fn what_a_revision_has_too_is_not_reported() {
    let bulkhead =
        "bulkhead_config: {resource_pools: [{name: pool, mcp_servers: [crm_server], resources: {connections: 10}}]}\n";
    let scratch = committed(&[("fleet/all.yaml", REGISTRY), ("fleet/pools.yaml", bulkhead)]);
    let fleet = scratch.path().join("fleet");
    let all = mcpctl(&["validate", "--format", "short"]).arg(&fleet).run().code(0).out;
    let count = all.lines().count();
    assert!(all.contains("[server-without-pool]") && count > 0, "{all}");
    let same = since(&fleet, "HEAD").code(0);
    assert_eq!(same.out, "", "{}", same.err);
    assert!(same.err.contains("in `HEAD`, too, not reported"), "{}", same.err);
    // A finding that moved to another line and file is no new one; one more of its kind is.
    write(&fleet, "pools.yaml", "# nothing here\n");
    write(&fleet, "other.yaml", &format!("\n\n# moved\n{bulkhead}"));
    assert_eq!(since(&fleet, "HEAD").code(0).out, "");
    let more = REGISTRY
        .replace("    - {name: pay_server", "    - {name: tax_server, tools: [{name: file}]}\n    - {name: pay_server");
    write(&fleet, "all.yaml", &more);
    let found = since(&fleet, "main").code(0).out;
    assert!(found.lines().count() == 2 && found.lines().all(|line| line.contains("tax_server")), "{found}");
}

/// What guards access is always reported, and so is what the revision could not have.
#[test]
fn what_guards_access_is_reported_though_the_revision_has_it() {
    let wrong = REGISTRY.replace("'pay_server/*'", "'pay_srver/*'");
    let scratch = committed(&[("all.yaml", &wrong)]);
    let found = since(scratch.path(), "HEAD").code(1).out;
    assert!(found.contains("[unknown-server]"), "{found}");
}

#[test]
fn a_revision_that_is_none_and_a_file_are_refused() {
    let scratch = committed(&[("all.yaml", REGISTRY)]);
    since(scratch.path(), "no-such-branch").refused("no-such-branch");
    since(&scratch.path().join("all.yaml"), "HEAD").refused("give the folder of the workspace");
    let alone = folder(&[("all.yaml", REGISTRY)]);
    since(alone.path(), "HEAD").code(2);
}

/// A check that is off by default compares with what it would have found in the revision.
#[test]
fn what_a_run_asks_for_is_compared_as_well() {
    let flow = |name: &str| {
        format!("workflow_definition: {{name: {name}, steps: [{{name: s, mcp_server: crm_server, tools: [note]}}]}}\n")
    };
    let flows: Vec<String> = ["a", "b", "c", "d", "e"].map(flow).to_vec();
    let scratch = committed(&[("all.yaml", REGISTRY), ("flows.yaml", &flows.join("---\n"))]);
    let run = |args: &[&str]| {
        let ran = mcpctl(&["validate", "--format", "short", "--select", "design"]).args(args).arg(scratch.path()).run();
        ran.code(0).out.contains("server-with-many-callers")
    };
    assert!(run(&[]) && !run(&["--changed-since", "HEAD"]));
}
