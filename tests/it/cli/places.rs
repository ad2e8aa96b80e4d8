//! Paths are those that the reader can open: people's from the folder that they are in, annotations' in the repository.

use std::path::Path;
use std::process::Command;

use super::{folder, put};

/// Runs the real program in a folder: standard output, then standard error.
fn run_in(folder: &Path, args: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpctl"));
    let done =
        command.current_dir(folder).args(args).env_remove("GITHUB_WORKSPACE").output().expect("the program runs");
    (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
}

const TWICE: [(&str, &str); 2] = [
    (
        "services/fleet/a.yaml",
        "mcp_registry:\n  servers:\n    - {name: crm, tools: [{name: read}]}\n  agents:\n    - {name: desk, may_call: [crm/raed]}\n",
    ),
    (
        "services/fleet/flows/b.yaml",
        "workflow_definition:\n  name: a\n  steps:\n    - {name: x, mcp_server: crm, tools: [raed]}\n",
    ),
];

#[test]
fn people_are_shown_paths_from_the_folder_that_they_are_in() {
    let root = folder(&TWICE);
    let services = root.path().join("services");
    for (from, args, shown) in [
        ("fleet", vec!["validate"], ""),
        ("fleet", vec!["validate", "."], ""),
        ("fleet", vec!["validate", "./"], ""),
        (".", vec!["validate", "fleet"], "fleet/"),
        (".", vec!["validate", "./fleet/"], "fleet/"),
        (".", vec!["validate", "-C", "fleet"], "fleet/"),
        ("fleet/flows", vec!["validate", ".."], "../"),
        ("fleet/flows", vec!["validate", "../../fleet"], "../../fleet/"),
    ] {
        let (out, _) = run_in(&services.join(from), &[args.as_slice(), &["--format", "short"]].concat());
        assert!(out.contains(&format!("\n{shown}a.yaml:5:")), "{args:?} in {from}: {out}");
        let (out, _) = run_in(&services.join(from), &args);
        for name in ["a.yaml", "flows/b.yaml"] {
            assert!(out.contains(&format!("─ {shown}{name}:")), "{args:?} in {from}: {name} in {out}");
        }
        assert!(!out.contains(&format!("─ {shown}{shown}a")) || shown.is_empty(), "{out}");
    }
    let fleet = services.join("fleet");
    let (out, _) = run_in(&services, &["validate", fleet.to_str().unwrap(), "--format", "short"]);
    assert!(out.contains("\nfleet/a.yaml:5:"), "{out}");
    let (out, _) = run_in(&fleet.join("flows"), &["validate", fleet.to_str().unwrap(), "--format", "short"]);
    assert!(out.contains(&format!("\n{}/a.yaml:5:", fleet.display())), "{out}");
    let (out, _) = run_in(&fleet, &["validate", "flows/b.yaml", "--format", "short"]);
    assert!(out.lines().all(|line| line.starts_with("flows/b.yaml:")), "{out}");
}

#[test]
fn programs_are_shown_paths_in_the_workspace() {
    let root = folder(&TWICE);
    let (out, _) = run_in(&root.path().join("services"), &["validate", "fleet", "--format", "json"]);
    assert!(out.contains("\"file\": \"a.yaml\"") && !out.contains("fleet/a.yaml"), "{out}");
}

#[test]
fn annotations_are_at_paths_in_the_repository() {
    let root = folder(&TWICE);
    put(root.path(), ".git/HEAD", "ref: refs/heads/main\n");
    for (from, path) in [
        (".", "services/fleet"),
        ("services", "fleet"),
        ("services/fleet", "."),
        ("services/fleet/flows", ".."),
        ("services/fleet/flows", "../../../services/fleet"),
    ] {
        let (out, _) = run_in(&root.path().join(from), &["validate", path, "--format", "github"]);
        assert!(out.contains("file=services/fleet/a.yaml,line=5"), "{path} in {from}: {out}");
        assert!(out.contains("%0Aservices/fleet/flows/b.yaml:4: "), "{path} in {from}, in labels: {out}");
        assert!(!out.contains("file=a.yaml") && !out.contains("%0Aflows/"), "{out}");
    }
}

const DESK: &str = "\
mcp_registry:
  servers:
    - {name: crm, url: \"https://crm.example.com/mcp\", tools: [{name: read}, {name: write}]}
  agents:
    - {name: desk, subject: desk, may_call: [crm/read]}
data_routing:
  classifications:
    - {level: internal, mcp_servers: [crm]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
identity:
  issuer: https://idp.example.com
  audiences: [gateway]
";

#[test]
fn failing_tests_are_annotations() {
    let tests = "policy_tests:\n  - {name: reads, principal: desk, call: crm/read, with: [service_account_token], expect: deny}\n";
    let root = folder(&[("fleet/a.yaml", DESK), ("fleet/tests.yaml", tests), (".git/HEAD", "ref: refs/heads/main\n")]);
    let (out, _) = run_in(&root.path().join("fleet"), &["test", "--format", "github"]);
    let expected = "::error file=fleet/tests.yaml,line=2,endLine=2,col=12,endColumn=17,title=failing policy test::reads%0A`desk` calls";
    assert!(out.starts_with(expected), "{out}");
    assert!(out.contains("granted at fleet/a.yaml:5"), "{out}");
}

#[test]
fn changes_are_annotations_and_lines_of_the_base_are_marked() {
    let wider = DESK.replace("[crm/read]", "[crm/read, crm/write]");
    let files = [("old/a.yaml", DESK), ("new/a.yaml", wider.as_str()), (".git/HEAD", "ref: refs/heads/main\n")];
    let root = folder(&files);
    let diff = |base, head, more: &[&str]| {
        run_in(root.path(), &[&["diff", base, head, "--no-artifacts", "--format", "github"], more].concat()).0
    };
    let opened = diff("old", "new", &[]);
    let expected = "::warning file=new/a.yaml,line=5,endLine=5,title=access ";
    assert!(opened.starts_with(expected) && !opened.contains("(base)"), "{opened}");
    assert!(diff("old", "new", &["--deny", "widening"]).starts_with("::error file=new/a.yaml,line=5"));
    let closed = diff("new", "old", &[]);
    assert!(closed.starts_with("::notice file=new/a.yaml,line=5,"), "{closed}");
    assert!(closed.contains("(line of the base)::") && closed.contains("%0Anew/a.yaml:5 (base): "), "{closed}");
}
