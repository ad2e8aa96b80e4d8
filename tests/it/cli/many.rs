//! What people can read of a great many findings, and what is said of what was not read.

use super::{folder, good, mcpctl, put};

/// A saga with so many unknown keys, and one wrong server.
fn many(unknown: usize) -> String {
    let step =
        |at: usize| format!("    - {{name: s{at}, mcp_server: crm, action: get, compensation: get, colour: red}}\n");
    let steps: String = (0..unknown).map(step).collect();
    format!(
        "mcp_registry:\n  servers:\n    - {{name: crm, tools: [{{name: get}}]}}\nsaga_definition:\n  name: big\n  steps:\n\
         {steps}    - {{name: last, mcp_server: crn, action: get, compensation: get}}\n"
    )
}

#[test]
fn the_first_findings_of_a_check_are_shown_and_the_rest_is_counted() {
    let root = folder(&[("a.yaml", &many(45))]);
    let run = |args: &[&str]| mcpctl(&["validate"]).arg(root.path()).args(args).run().code(1);
    let human = run(&[]);
    assert_eq!(human.out.matches("error[unknown-key]").count(), 20, "{}", human.out);
    assert_eq!(human.out.matches("error[unknown-server]").count(), 1, "a check with few findings is shown whole");
    assert!(
        human.out.contains("\n25 more errors of `unknown-key` not shown\n`--all` shows all findings\n"),
        "{}",
        human.out
    );
    let all = run(&["--all"]);
    assert_eq!(all.out.matches("error[unknown-key]").count(), 45);
    assert!(!all.out.contains("not shown"));
    for (format, mark) in
        [("short", "error[unknown-key]"), ("json", "\"unknown-key\""), ("github", "title=unknown-key")]
    {
        assert_eq!(run(&["--format", format]).out.matches(mark).count(), 45, "{format}");
    }
    for run in [&human, &all] {
        assert!(run.err.starts_with("46 errors"), "{}", run.err);
    }
    let root = folder(&[("a.yaml", &many(20))]);
    let few = mcpctl(&["validate"]).arg(root.path()).run().code(1);
    assert_eq!(few.out.matches("error[unknown-key]").count(), 20);
    assert!(!few.out.contains("not shown"), "{}", few.out);
}

#[test]
fn a_file_that_is_read_alone_is_said_to_be() {
    let root = folder(&[("a.yaml", &many(0)), ("b.yaml", "no_such_family: {}\n")]);
    let said = "; read this file alone: references to the rest of its workspace were not checked\n";
    let alone = mcpctl(&["validate"]).arg(root.path().join("a.yaml")).run();
    assert!(alone.err.contains(said), "{}", alone.err);
    assert!(mcpctl(&["validate", "-"]).stdin(&many(0)).run().err.ends_with(said));
    assert!(!mcpctl(&["validate"]).arg(root.path()).run().err.contains("alone"));
}

#[test]
fn a_bundle_is_not_read_as_configuration_wherever_it_lies() {
    let root = good();
    let before = mcpctl(&["validate"]).arg(root.path()).run().code(0);
    for folder in ["policies/central", "deep/er/bundle"] {
        let out = root.path().join(folder);
        mcpctl(&["compile"]).arg(root.path()).arg("--out").arg(out).run().code(0);
    }
    let after = mcpctl(&["validate"]).arg(root.path()).run().code(0);
    assert_eq!((&after.out, after.code), (&before.out, 0));
    let summary = before.err.trim_end();
    assert!(after.err.starts_with(summary), "{} {}", after.err, summary);
    assert!(after.err.contains(" of compiled bundles"), "{}", after.err);
    // What somebody puts beside it is read.
    put(root.path(), "policies/central/cedar/own.yaml", "no_such_family: {}\n");
    let own = mcpctl(&["validate"]).arg(root.path()).run().code(1);
    assert!(own.out.contains("policies/central/cedar/own.yaml:1:1"), "{}", own.out);
    // A file that only has the name of a manifest hides nothing.
    put(root.path(), "hidden/bundle.json", "{\"files\": [{\"path\": \"own.yaml\"}], \"tool\": {\"name\": \"other\"}}");
    put(root.path(), "hidden/own.yaml", "no_such_family: {}\n");
    let own = mcpctl(&["validate"]).arg(root.path()).run().code(1);
    assert!(own.out.contains("hidden/own.yaml:1:1"), "{}", own.out);
    let bundle = root.path().join("deep/er/bundle");
    mcpctl(&["validate"]).arg(bundle).run().refused("holds a compiled bundle, and no configuration");
}

#[test]
fn a_compile_names_what_every_target_needs_at_once() {
    let root = good();
    put(root.path(), "mcpctl.yaml", "targets: {envoy: {}, agentcore: {}, istio: {}, agentgateway: {}}\n");
    let refused = mcpctl(&["compile"]).arg(root.path()).run().code(2);
    for target in ["envoy", "agentcore", "agentgateway"] {
        assert!(refused.err.contains(&format!("target `{target}` cannot be compiled")), "{target}: {}", refused.err);
    }
}
