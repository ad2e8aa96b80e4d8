//! `--env`.

use super::{folder, good, mcpctl, put};

const FEDERATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/projects/federation");

#[test]
fn an_environment_of_the_federation_compiles() {
    let out = folder(&[]);
    let compile = |name: &str, more: &[&str]| {
        let call = mcpctl(&["compile", FEDERATION, "--target", "envoy", "--quiet", "--out"]).arg(out.path().join(name));
        more.iter().fold(call, |call, arg| call.arg(arg)).run().code(0);
        let read = |file: &str| std::fs::read_to_string(out.path().join(name).join(file)).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&read("bundle.json")).unwrap();
        (manifest, read("envoy/retail/envoy.static.yaml"))
    };
    let (base, plain) = compile("base", &[]);
    let (there, staging) = compile("staging", &["--env", "staging"]);
    assert_eq!(there["settings"]["other"]["environment"], "staging");
    assert_eq!(base["settings"]["other"], serde_json::json!({}));
    assert_ne!(base["sources"], there["sources"], "the files of the environment are sources");
    for part in [
        "login.staging.meridian.example",
        "crm.staging.meridian.example",
        "\"port_value\": 18444",
        "gateway.retail.staging",
    ] {
        assert!(staging.contains(part) && !plain.contains(part), "{part}");
    }
    assert!(staging.contains("search.retail.meridian.example"), "what it does not replace stays");
    // The rules are the same, to the letter.
    let rules = |text: &str| text.matches(": \"ALLOW\"").count() + text.matches(": \"DENY\"").count();
    assert!(rules(&plain) > 10);
    assert_eq!(rules(&plain), rules(&staging));
    let files = there["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file["from"].to_string().contains("registry/retail.yaml")));
}

#[test]
fn lists_and_findings_have_its_addresses() {
    let listed = mcpctl(&["--env", "staging", "list", "servers", FEDERATION, "--format", "json"]).run().code(0).out;
    assert!(listed.contains("https://crm.staging.meridian.example:8443/mcp"), "{listed}");
    mcpctl(&["validate", FEDERATION, "--env", "stagin"]).run().refused("did you mean `staging`?");
    let fleet = good();
    mcpctl(&["validate", "--env", "prod"]).arg(fleet.path()).run().refused("there is no environment called `prod`");
    put(fleet.path(), "mcpctl.yaml", "environments: {prod: env/prod}\n");
    let missing = mcpctl(&["validate"]).arg(fleet.path()).run().code(1);
    assert!(missing.out.contains("error[environment-without-files]"), "{}", missing.out);
    mcpctl(&["compile"]).arg(fleet.path()).run().code(0);
    put(fleet.path(), "env/prod/x.yaml", "mcp_registry: {agents: []}\n");
    for args in [&["validate"][..], &["validate", "--env", "prod"], &["compile", "--env", "prod"]] {
        let ran = mcpctl(args).arg(fleet.path()).run().code(1);
        assert!(ran.out.contains("error[environment-overreach]"), "{}", ran.out);
    }
    mcpctl(&["list", "tools", "--env", "prod"]).arg(fleet.path()).run().code(1);
}

#[test]
fn commands_that_read_no_workspace_take_none() {
    for args in [&["explain", "cedar"][..], &["list", "checks"], &["schema"], &["man"], &["completions", "bash"]] {
        mcpctl(args).arg("--env").arg("prod").run().refused("`--env` is for commands that read a workspace");
    }
}
