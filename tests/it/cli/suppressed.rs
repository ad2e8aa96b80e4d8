//! Findings that a comment or the baseline accepts.

use super::{folder, mcpctl, put};

/// A server without a class and one without a pool, each a warning.
const REGISTRY: &str = "mcp_registry:
  servers:
    - name: crm_server
      tools: [{name: get_customer}]
    - name: mail_server
      tools: [{name: send}]
  agents:
    - {name: clerk, may_call: [\"crm_server/*\", \"mail_server/*\"]}
";
const LEVELS: &str = "progressive_auth:\n  levels:\n    - {level: 1, requirements: [service_account_token]}\n";
const POOLS: &str = "bulkhead_config:
  resource_pools:
    - {name: all, mcp_servers: [crm_server], resources: {connections: 10}}
";

fn short(files: &[(&str, &str)], args: &[&str]) -> super::Ran {
    let all = folder(files);
    mcpctl(&["validate", "--format", "short"]).args(args).arg(all.path()).run()
}

fn with(pools: &str) -> super::Ran {
    short(&[("registry.yaml", REGISTRY), ("levels.yaml", LEVELS), ("pools.yaml", pools)], &[])
}

#[test]
fn a_comment_accepts_a_finding_on_its_line_or_the_next() {
    let found = with(POOLS).code(0);
    assert!(found.out.contains("pools.yaml:3:") && found.out.contains("[server-without-pool]"), "{}", found.out);
    let comment = "# mcpctl: ignore[server-without-pool] mail is sent in the night";
    let at_the_end = POOLS.replacen("10}}", &format!("10}}}} {comment}"), 1);
    let above = POOLS.replacen("    - {name", &format!("    {comment}\n    # more\n\n    - {{name"), 1);
    for pools in [at_the_end, above] {
        let ran = with(&pools).code(0);
        assert!(!ran.out.contains("server-without-pool") && !ran.out.contains("unused-ignore"), "{}", ran.out);
        assert!(ran.err.contains("; 1 finding ignored"), "{}", ran.err);
    }
    // It is kept where a format has a place for it.
    let pools = POOLS.replacen("10}}", &format!("10}}}} {comment}"), 1);
    let all = folder(&[("registry.yaml", REGISTRY), ("levels.yaml", LEVELS), ("pools.yaml", &pools)]);
    let json = mcpctl(&["validate", "--format", "json"]).arg(all.path()).run().code(0).json();
    assert_eq!(json["summary"]["suppressed"], 1);
    assert_eq!(json["suppressed"][0]["suppression"]["justification"], "mail is sent in the night");
    let sarif = mcpctl(&["validate", "--format", "sarif"]).arg(all.path()).run().code(0).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let kinds: Vec<_> = results.iter().filter(|result| result["suppressions"][0]["kind"] == "inSource").collect();
    assert_eq!(kinds.len(), 1);
}

#[test]
fn a_comment_that_accepts_nothing_is_found() {
    let cases = [
        ("# mcpctl: ignore[server-without-pool]", "ignore-without-reason", true),
        ("# mcpctl: ignore server-without-pool why", "invalid-ignore", true),
        ("# mcpctl: ignore[] why", "invalid-ignore", true),
        ("# mcpctl: disable[server-without-pool] why", "invalid-ignore", true),
        ("# mcpctl: ignore[server-without-pol] why", "did you mean", true),
        ("# mcpctl: ignore[never-allowed] why", "guarding-check-off", true),
        ("# mcpctl: ignore[dead-retention] why", "unused-ignore", true),
        ("# mcpctl: ignore[server-without-pool, dead-retention] why", "unused-ignore", false),
        ("# mcpctl: ignore[server-without-pool, server-without-pool] why", "unused-ignore", false),
    ];
    for (comment, said, stays) in cases {
        let pools = POOLS.replacen("10}}", &format!("10}}}} {comment}"), 1);
        let all = folder(&[("registry.yaml", REGISTRY), ("levels.yaml", LEVELS), ("pools.yaml", &pools)]);
        let ran = mcpctl(&["validate", "--all"]).arg(all.path()).run();
        assert!(ran.out.contains(said), "{comment}: {}", ran.out);
        let still = ran.out.contains("[server-without-pool]");
        assert_eq!(still, stays, "{comment}: {}", ran.out);
    }
    // The comment of a line is about no other line, and a text is no comment.
    let elsewhere = format!("# mcpctl: ignore[server-without-pool] why\n{POOLS}");
    let ran = with(&elsewhere);
    assert!(ran.out.contains("[server-without-pool]") && ran.out.contains("[unused-ignore]"), "{}", ran.out);
    let text = POOLS.replacen("name: all", "name: \"all # mcpctl: ignore[server-without-pool] why\"", 1);
    let ran = with(&text);
    assert!(ran.out.contains("[server-without-pool]") && !ran.out.contains("ignore]"), "{}", ran.out);
}

/// What only a compile finds can be accepted by a comment, too, and is no unused one to `validate`.
#[test]
fn a_comment_accepts_what_only_a_compile_finds() {
    let out = folder(&[]);
    let plain = folder(&[("registry.yaml", REGISTRY), ("levels.yaml", LEVELS), ("pools.yaml", POOLS)]);
    let compiled = |files: &tempfile::TempDir| {
        let ran = mcpctl(&["compile", "--target", "cedar", "--format", "short", "--force", "--out"]).arg(out.path());
        ran.arg(files.path()).run().code(0)
    };
    let before = compiled(&plain);
    let note = before.out.lines().find(|line| line.contains("[not-expressible]") && line.contains("pools.yaml"));
    let note = note.unwrap_or_else(|| panic!("no note about pools in {}", before.out));
    let line: usize = note.rsplit("pools.yaml:").next().unwrap().split(':').next().unwrap().parse().unwrap();
    let mut lines: Vec<String> = POOLS.lines().map(str::to_owned).collect();
    lines[line - 1].push_str(" # mcpctl: ignore[not-expressible] another team has the pools");
    put(plain.path(), "pools.yaml", &(lines.join("\n") + "\n"));
    let after = compiled(&plain);
    assert!(
        !after.out.contains("pools.yaml:1: note") && after.err.contains("; 1 finding ignored"),
        "{}{}",
        after.out,
        after.err
    );
    let ran = mcpctl(&["validate", "--format", "short"]).arg(plain.path()).run().code(0);
    assert!(!ran.out.contains("unused-ignore"), "{}", ran.out);
}

#[test]
fn a_baseline_lets_old_findings_not_count_and_new_ones_do() {
    let all = folder(&[("registry.yaml", REGISTRY), ("levels.yaml", LEVELS), ("pools.yaml", POOLS)]);
    let run = |action: &str| {
        mcpctl(&["validate", "--format", "short", "--fail-on", "warning", "--baseline", action]).arg(all.path()).run()
    };
    run("check").refused("mcpctl-baseline.json` cannot be used");
    let written = run("write").code(0);
    assert_eq!(written.out, "");
    assert!(written.err.contains("in the baseline") && written.err.contains("wrote"), "{}", written.err);
    let first = std::fs::read(all.path().join("mcpctl-baseline.json")).unwrap();
    run("check").code(0);
    // Other lines and another file change nothing.
    put(all.path(), "pools.yaml", "# empty now\n");
    put(all.path(), "a/b.yaml", &format!("# moved\n\n{POOLS}"));
    let moved = run("check").code(0);
    assert!(!moved.err.contains("no longer there"), "{}", moved.err);
    // Another finding of the same check is new, and so is the same one a second time.
    put(all.path(), "a/b.yaml", &POOLS.replace("crm_server]", "mail_server]"));
    let new = run("check").code(1);
    assert!(new.out.contains("[server-without-pool]"), "{}", new.out);
    assert!(new.err.contains("no longer there"), "{}", new.err);
    assert_eq!(std::fs::read(all.path().join("mcpctl-baseline.json")).unwrap(), first, "a check writes nothing");
    run("prune").code(1);
    assert_ne!(std::fs::read(all.path().join("mcpctl-baseline.json")).unwrap(), first);
    put(all.path(), "a/b.yaml", POOLS);
    assert!(run("check").code(1).out.contains("[server-without-pool]"), "what was pruned counts again");
    // No compile knows the baseline: errors stop it, and what guards access is never part of it.
    put(all.path(), "a/b.yaml", &POOLS.replace("crm_server]", "crm_server, crm_srver]"));
    let written = run("write").code(1);
    assert!(written.out.contains("error["), "{}", written.out);
    let text = std::fs::read_to_string(all.path().join("mcpctl-baseline.json")).unwrap();
    assert!(!text.contains("unknown-server"), "{text}");
}

#[test]
fn a_run_can_be_about_some_checks_and_never_leaves_out_what_guards_access() {
    let pools = POOLS.replace("crm_server]", "crm_server, crm_srver]");
    let files = [("registry.yaml", REGISTRY), ("levels.yaml", LEVELS), ("pools.yaml", pools.as_str())];
    let all = short(&files, &[]).code(1).out;
    let has = |ran: &super::Ran, check: &str| ran.out.contains(&format!("[{check}]"));
    assert!(all.contains("[server-without-pool]") && all.contains("[unknown-server]"), "{all}");
    for args in [["--select", "observability"], ["--ignore", "resilience"], ["--ignore", "server-without-pool"]] {
        let ran = short(&files, &args).code(1);
        assert!(!has(&ran, "server-without-pool") && has(&ran, "unknown-server"), "{args:?}: {}", ran.out);
        assert!(ran.err.contains("not reported, by `--select` and `--ignore`"), "{}", ran.err);
    }
    assert!(has(&short(&files, &["--select", "dead-retention,resilience"]), "server-without-pool"));
    short(&files, &["--select", "resilence"]).refused("did you mean `resilience`?");
    short(&files, &["--ignore", "unknown-server"]).refused("`unknown-server` guards access");
}

/// Checks of design say nothing until somebody asks: in a run, in the settings for all of them, or for one. An entry for one
/// comes before that for all.
#[test]
fn checks_of_design_are_off_until_somebody_asks() {
    let world = "\
mcp_registry:
  servers:
    - name: crm_server
      tools: [{name: look, annotations: {read_only: true}}, {name: erase, auth_level: 2, annotations: {destructive: true}}]
  agents: [{name: clerk, may_call: ['crm_server/*']}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}, {level: 2, requirements: [service_account_token, user_delegation]}]}
data_routing: {classifications: [{level: public, mcp_servers: [crm_server]}]}
";
    let found = |settings: &str, args: &[&str]| {
        let out = short(&[("all.yaml", world), ("mcpctl.yaml", settings)], args).code(0).out;
        let checks = ["server-reads-and-destroys", "server-of-several-levels"];
        checks.map(|check| out.lines().find(|line| line.contains(check)).map(|line| line.contains(" warning[")))
    };
    let (note, warning) = (Some(false), Some(true));
    assert_eq!(found("{}", &[]), [None, None]);
    assert_eq!(found("{}", &["--select", "design"]), [note, note]);
    assert_eq!(found("{}", &["--select", "server-reads-and-destroys"]), [note, None]);
    assert_eq!(found("checks: {design: warning}", &[]), [warning, warning]);
    assert_eq!(found("checks: {design: note, server-reads-and-destroys: off}", &[]), [None, note]);
    assert_eq!(found("checks: {server-reads-and-destroys: warning}", &[]), [warning, None]);
    assert_eq!(found("checks: {design: off}", &["--select", "design"]), [note, note]);
}

#[test]
fn a_baseline_that_is_none_is_refused() {
    let all = folder(&[("registry.yaml", REGISTRY), ("levels.yaml", LEVELS)]);
    let entry = |check: &str| {
        format!(
            "{{\"version\": 1, \"findings\": [{{\"check\": \"{check}\", \"message\": \"\", \"fingerprint\": \"00\", \"count\": 1}}]}}"
        )
    };
    let cases = [
        ("{".to_owned(), "cannot be used"),
        ("{\"version\": 1, \"findings\": [], \"more\": 1}".to_owned(), "unknown field `more`"),
        ("{\"version\": 2, \"findings\": []}".to_owned(), "it has version 2"),
        (entry("never-allowed"), "`never-allowed` guards access"),
    ];
    for (text, said) in cases {
        put(all.path(), "mcpctl-baseline.json", &text);
        mcpctl(&["validate", "--baseline", "check"]).arg(all.path()).run().refused(said);
    }
    put(all.path(), "other.json", &entry("dead-retention"));
    let other = all.path().join("other.json");
    let ran = mcpctl(&["validate", "--baseline", "check", "--baseline-file"]).arg(&other).arg(all.path()).run().code(0);
    assert!(ran.err.contains("1 finding of the baseline"), "{}", ran.err);
    // A merge of two branches may leave an entry twice: a prune takes out one of the two, and the finding still does not count.
    put(all.path(), "pools.yaml", POOLS);
    mcpctl(&["validate", "--baseline", "write"]).arg(all.path()).run().code(0);
    let file = all.path().join("mcpctl-baseline.json");
    let mut known: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let twice: Vec<_> =
        known["findings"].as_array().unwrap().iter().flat_map(|one| [one.clone(), one.clone()]).collect();
    known["findings"] = twice.into();
    put(all.path(), "mcpctl-baseline.json", &known.to_string());
    for action in ["prune", "check"] {
        let args = ["validate", "--fail-on", "warning", "--baseline", action];
        let ran = mcpctl(&args).arg(all.path()).run().code(0);
        assert!(!ran.err.contains("no longer there"), "{}", ran.err);
    }
    // Nothing is learned from a workspace that cannot be read.
    put(all.path(), "broken.yaml", "a: [\n");
    mcpctl(&["validate", "--baseline", "write"]).arg(all.path()).run().refused("cannot be read");
}
