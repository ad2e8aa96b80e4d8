//! `mcpctl validate --fix` and `mcpctl fmt`.

use std::fs;
use std::path::Path;

use super::{folder, mcpctl};

/// A duplicate dependency, which has a safe fix, and a label that was likely meant otherwise, which has a guess.
const FLOW: &str = "workflow_definition:   # the flow
  name: onboarding
  steps:
    - name: check
      mcp_server: crm_server   # one
      tools: [get_customer]
    - name: mail
      mcp_server: crm_server
      tools: [send]
      depends_on:
        - check   # kept
        - 'check'   # goes
        # stays
";
const METRICS: &str =
    "metrics_config:\n  custom_metrics:\n  - {name: mcp_calls_total, type: counter, labels: [mcp_sever]}\n";

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn safe_changes_are_made_and_the_rest_of_a_file_stays() {
    let text = FLOW.replace('\n', "\r\n");
    let all = folder(&[("flow.yaml", &format!("\u{feff}{text}")), ("metrics.yaml", METRICS)]);
    let shown = mcpctl(&["validate"]).arg(all.path()).run();
    assert!(shown.out.contains("fix: remove the second `check` (`--fix`)"), "{}", shown.out);
    assert!(shown.err.contains("1 finding can be fixed with `--fix`, and 1 more with `--fix=unsafe`"), "{}", shown.err);
    let ran = mcpctl(&["validate", "--fix"]).arg(all.path()).run();
    assert!(ran.err.contains("fixed 1 finding in 1 file"), "{}", ran.err);
    assert!(!ran.out.contains("duplicate-dependency") && ran.out.contains("misspelt-label"), "{}", ran.out);
    let expected = format!("\u{feff}{}", text.replace("        - 'check'   # goes\r\n", ""));
    assert_eq!(read(all.path(), "flow.yaml"), expected);
    assert_eq!(read(all.path(), "metrics.yaml"), METRICS);
    let again = mcpctl(&["validate", "--fix"]).arg(all.path()).run();
    assert!(again.err.contains("fixed 0 findings in 0 files"), "{}", again.err);
}

#[test]
fn guesses_are_made_where_they_are_asked_for() {
    let all = folder(&[("flow.yaml", FLOW), ("metrics.yaml", METRICS)]);
    let ran = mcpctl(&["validate", "--fix=unsafe", "--format", "short"]).arg(all.path()).run();
    assert!(ran.err.contains("fixed 2 findings in 2 files"), "{}", ran.err);
    assert_eq!(read(all.path(), "metrics.yaml"), METRICS.replace("mcp_sever]", "mcp_server]"));
}

#[test]
fn a_diff_changes_nothing() {
    let all = folder(&[("flow.yaml", FLOW), ("metrics.yaml", METRICS)]);
    let ran = mcpctl(&["validate", "--fix=unsafe", "--diff"]).arg(all.path()).run().code(1);
    assert!(ran.out.contains("\n-        - 'check'   # goes\n"), "{}", ran.out);
    assert!(ran.out.contains("\n+  - {name: mcp_calls_total, type: counter, labels: [mcp_server]}\n"), "{}", ran.out);
    assert!(ran.err.contains("2 findings would be fixed in 2 files"), "{}", ran.err);
    assert_eq!((read(all.path(), "flow.yaml"), read(all.path(), "metrics.yaml")), (FLOW.into(), METRICS.into()));
    let fine = super::good();
    assert_eq!(mcpctl(&["validate", "--diff"]).arg(fine.path()).run().code(0).out, "");
    mcpctl(&["validate", "--fix", "-"]).stdin(FLOW).run().refused("standard input is none");
    mcpctl(&["validate", "--diff", "--format", "json"]).arg(all.path()).run().refused("in the form of `diff -u` alone");
}

#[test]
fn a_change_that_does_not_hold_is_left_out() {
    // The class that holds is the most sensitive one, but its servers may not be in a cloud.
    let access = "mcp_registry:
  servers:
    - {name: vault, location: secure_enclave, encryption_at_rest: true, tools: [{name: get}]}
    - {name: wiki, location: cloud, tools: [{name: get}]}
  agents:
    - {name: clerk, may_call: [vault/get, wiki/get]}
data_routing:
  classifications:
    - {level: restricted, mcp_servers: [vault], location: secure_enclave}
";
    let all = folder(&[("access.yaml", access)]);
    let before = mcpctl(&["validate"]).arg(all.path()).run();
    assert!(before.out.contains("fix: list `wiki` in class `restricted` (`--fix=unsafe`)"), "{}", before.out);
    let ran = mcpctl(&["validate", "--fix=unsafe"]).arg(all.path()).run();
    assert!(ran.err.contains("left out 1 change that running again did not confirm"), "{}", ran.err);
    assert_eq!(read(all.path(), "access.yaml"), access);
    let single = mcpctl(&["validate", "--fix"]).arg(all.path().join("access.yaml")).run();
    assert!(single.err.contains("fixed 0 findings"), "{}", single.err);
}

#[cfg(unix)]
#[test]
fn a_changed_file_keeps_its_permissions_and_a_link_stays_a_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let all = folder(&[("flow.yaml", FLOW)]);
    let path = all.path().join("flow.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    mcpctl(&["validate", "--fix", "--quiet"]).arg(all.path()).run();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let elsewhere = folder(&[]);
    symlink(&path, elsewhere.path().join("linked.yaml")).unwrap();
    fs::write(&path, FLOW).unwrap();
    mcpctl(&["validate", "--fix", "--quiet"]).arg(elsewhere.path().join("linked.yaml")).run();
    assert!(fs::symlink_metadata(elsewhere.path().join("linked.yaml")).unwrap().is_symlink());
    assert!(!read(all.path(), "flow.yaml").contains("goes"));
}

#[test]
fn programs_get_the_text_of_each_change() {
    let all = folder(&[("metrics.yaml", METRICS)]);
    let run = |format: &str| mcpctl(&["validate", "--format", format]).arg(all.path()).run().json();
    let json = run("json");
    let findings = json["diagnostics"].as_array().unwrap();
    let fix = &findings.iter().find(|one| one["check"] == "misspelt-label").unwrap()["fix"];
    assert_eq!((&fix["safe"], &fix["edits"][0]["text"]), (&false.into(), &"mcp_server".into()));
    let sarif = run("sarif");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|one| one["ruleId"] == "misspelt-label").unwrap();
    let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["insertedContent"]["text"], "mcp_server");
    assert_eq!(replacement["deletedRegion"], result["locations"][0]["physicalLocation"]["region"]);
    let rdjson = run("rdjson");
    let found = rdjson["diagnostics"].as_array().unwrap();
    let found = found.iter().find(|one| one["code"]["value"] == "misspelt-label").unwrap();
    assert_eq!(found["suggestions"][0]["text"], "mcp_server");
}

#[test]
fn files_are_laid_out_checked_and_shown() {
    let laid = METRICS.replace("  - {", "    - {");
    let all = folder(&[("metrics.yaml", METRICS), ("flow.yaml", FLOW), ("mcpctl.yaml", "out:   build\n")]);
    let check = mcpctl(&["fmt", "--check"]).arg(all.path()).run().code(1);
    assert_eq!(check.out, "mcpctl.yaml\nmetrics.yaml\n");
    assert!(check.err.contains("2 of 3 files would change"), "{}", check.err);
    let diff = mcpctl(&["fmt", "--diff"]).arg(all.path()).run().code(1);
    assert!(diff.out.contains("\n-out:   build\n+out: build\n"), "{}", diff.out);
    assert_eq!(read(all.path(), "metrics.yaml"), METRICS);
    mcpctl(&["fmt"]).arg(all.path()).run().code(0);
    assert_eq!(read(all.path(), "metrics.yaml"), laid);
    assert_eq!(mcpctl(&["fmt", "--check"]).arg(all.path()).run().code(0).out, "");
    assert_eq!(mcpctl(&["fmt", "-"]).stdin(METRICS).run().code(0).out, laid);
    assert_eq!(mcpctl(&["fmt", "-"]).stdin(&laid).run().code(0).out, laid);
    mcpctl(&["fmt", "-"]).stdin("a: [").run().refused("stays as it is");
    super::put(all.path(), "broken.yaml", "a: [\n");
    let broken = mcpctl(&["fmt"]).arg(all.path()).run().code(2);
    assert!(broken.err.contains("broken.yaml` is not YAML that can be laid out"), "{}", broken.err);
    assert_eq!(read(all.path(), "broken.yaml"), "a: [\n");
}
