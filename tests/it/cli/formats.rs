//! `--format`, on standard output and into files.

use super::{BAD, folder, good, mcpctl, put};

const OF_FINDINGS: [&str; 10] =
    ["human", "short", "json", "jsonl", "sarif", "github", "gitlab", "junit", "rdjson", "azure"];

#[test]
fn a_file_gets_what_standard_output_would() {
    let bad = folder(&[("a.yaml", BAD)]);
    let out = folder(&[]);
    for format in OF_FINDINGS {
        let shown = mcpctl(&["validate", "--format", format]).arg(bad.path()).run().code(1).out;
        assert!(!shown.is_empty(), "{format}");
        let file = out.path().join(format!("out.{format}"));
        let given = format!("{format}={}", file.display());
        let ran = mcpctl(&["validate", "--format", &given, "--format", "json"]).arg(bad.path()).run().code(1);
        assert!(ran.out.starts_with('{'), "standard output has the other format: {}", ran.out);
        let written = std::fs::read_to_string(&file).unwrap();
        // What people read names files as the format of standard output does.
        if !matches!(format, "human" | "short") {
            let below = format!("{}/", bad.path().display());
            assert_eq!(written.replace(&below, ""), shown, "{format}");
        }
    }
    // Nothing else is left beside the files.
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), OF_FINDINGS.len());
}

#[test]
fn standard_output_is_for_people_where_files_alone_are_given() {
    let (bad, out) = (folder(&[("a.yaml", BAD)]), folder(&[]));
    let given = format!("sarif={}", out.path().join("a").display());
    let ran = mcpctl(&["validate", "--format", &given]).arg(bad.path()).run().code(1);
    assert_eq!(ran.out, mcpctl(&["validate"]).arg(bad.path()).run().code(1).out);
    // A compile that writes nothing reports, too.
    mcpctl(&["compile", "--format", &given]).arg(bad.path()).run().code(1);
}

/// People read what no target expresses as a table; a file has each of these notes.
#[test]
fn a_file_of_a_compile_has_what_people_read_as_a_table() {
    let out = folder(&[]);
    let seed = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/seed");
    let (json, bundle) = (out.path().join("out.json"), out.path().join("bundle"));
    let given = format!("json={}", json.display());
    let ran =
        mcpctl(&["compile", "--target", "cedar", "--format", &given, "--out"]).arg(&bundle).arg(&seed).run().code(0);
    assert!(!ran.out.contains("not-expressible"), "{}", ran.out);
    assert!(std::fs::read_to_string(&json).unwrap().contains("\"check\": \"not-expressible\""));
}

#[test]
fn a_link_stays_a_link() {
    let (good, out) = (good(), folder(&[("real.json", "old")]));
    let (link, real) = (out.path().join("link.json"), out.path().join("real.json"));
    std::os::unix::fs::symlink(&real, &link).unwrap();
    mcpctl(&["validate", "--format", &format!("json={}", link.display())]).arg(good.path()).run().code(0);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().starts_with('{'));
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_read() {
    let good = good();
    let refused = |args: &[&str], saying: &str| mcpctl(args).arg(good.path()).run().refused(saying);
    refused(&["validate", "--format", "json", "--format", "short"], "standard output has one format");
    refused(&["validate", "--format", "json=./a", "--format", "short=a"], "two formats are for the file `a`");
    refused(&["validate", "--format", "html=a"], "only `mcpctl diff` writes this format");
    refused(&["validate", "--format", "sarif="], "names no file");
    refused(&["validate", "--format", "sarf=a"], "sarif");
    refused(&["test", "--format", "sarif"], "`sarif` is a format of findings");
    refused(&["test", "--format", "json=a"], "this command writes to standard output alone");
    let file = good.path().join("none/out.sarif");
    refused(&["validate", "--format", &format!("sarif={}", file.display())], "could not write");
}

#[test]
fn a_file_that_is_there_is_replaced_as_a_whole() {
    let (good, out) = (good(), folder(&[]));
    let file = out.path().join("out.json");
    put(out.path(), "out.json", &"x".repeat(100_000));
    mcpctl(&["validate", "--format", &format!("json={}", file.display())]).arg(good.path()).run().code(0);
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["summary"]["errors"], 0);
    // What is no file is written to.
    mcpctl(&["validate", "--format", "json=/dev/null"]).arg(good.path()).run().code(0);
}

#[test]
fn a_comparison_is_written_as_results_too() {
    let fleet = |calls: &str| {
        let server = "{name: crm_server, tools: [{name: get}, {name: put}]}";
        let agent = format!("{{name: clerk, may_call: [{calls}]}}");
        let levels = "progressive_auth:\n  levels: [{level: 1, requirements: [service_account_token]}]\n";
        let registry = format!("mcp_registry:\n  servers: [{server}]\n  agents:\n    - {agent}\n{levels}");
        folder(&[("registry.yaml", registry.as_str())])
    };
    let (before, after) = (fleet("crm_server/get"), fleet("crm_server/get, crm_server/put"));
    let out = folder(&[]);
    let sarif = out.path().join("out.sarif");
    let comment = out.path().join("comment.md");
    let ran = mcpctl(&["diff", "--format", "short"])
        .args(&["--format", &format!("sarif={}", sarif.display())])
        .args(&["--format", &format!("markdown={}", comment.display())])
        .arg(before.path())
        .arg(after.path())
        .run();
    let log: serde_json::Value = serde_json::from_slice(&std::fs::read(&sarif).unwrap()).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results[0]["ruleId"], "access-widens", "{}", ran.out);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 4);
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("registry.yaml"));
    let waived = |more: &str| {
        put(before.path(), "mcpctl.yaml", more);
        let given = ["--format", "json", "--format", &format!("junit={}", out.path().join("junit").display())];
        mcpctl(&["diff"]).args(&given).arg(before.path()).arg(after.path()).run();
        std::fs::read_to_string(out.path().join("junit")).unwrap()
    };
    assert!(!waived("").contains("<skipped"));
    let waiver = "review: {waivers: [{principals: clerk, tools: crm_server/put, owner: crm, reason: asked for, \
                  expires: 2999-01-01}]}\n";
    assert!(waived(waiver).contains("<skipped message=\"asked for"), "{}", waived(waiver));
    assert!(std::fs::read_to_string(&comment).unwrap().starts_with('#'));
}
