//! `mcpctl list`.

use mcpctl::analysis::rules::all_rules;
use mcpctl::families::FamilyId;
use mcpctl::targets::TARGETS;

use super::{BAD, good, mcpctl, put};

#[test]
fn what_the_binary_knows() {
    for (kind, names) in [
        ("families", FamilyId::ALL.iter().map(|family| family.name()).collect::<Vec<_>>()),
        ("checks", all_rules().iter().map(|rule| rule.name).collect()),
        ("targets", TARGETS.iter().map(|target| target.name()).collect()),
    ] {
        let table = mcpctl(&["list", kind]).run().code(0);
        assert_eq!(table.err, "");
        let mut lines = table.out.lines();
        assert!(lines.next().unwrap().starts_with("NAME "));
        let listed: Vec<&str> = lines.map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(listed, names);
        let data = mcpctl(&["list", kind, "--format", "json"]).run().code(0).json();
        let listed: Vec<&str> = data.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
        assert_eq!(listed, names);
    }
}

#[test]
fn what_a_workspace_holds() {
    let good = good();
    let table = |kind: &str| mcpctl(&["list", kind]).arg(good.path()).run().code(0).out;
    insta::assert_snapshot!(format!("{}\n{}\n{}", table("servers"), table("tools"), table("principals")));
    let data = |kind: &str| mcpctl(&["list", kind, "--format", "json"]).arg(good.path()).run().code(0).json();
    insta::assert_snapshot!(
        "inventory_json",
        serde_json::to_string_pretty(&serde_json::json!({
            "servers": data("servers"), "tools": data("tools"), "principals": data("principals"),
        }))
        .unwrap()
    );
}

#[test]
fn errors_in_the_workspace_are_said() {
    let good = good();
    put(good.path(), "bad.yaml", BAD);
    let ran = mcpctl(&["list", "servers"]).arg(good.path()).run().code(1);
    assert!(ran.out.contains("orders_server"));
    assert!(ran.err.contains("1 error") && ran.err.contains("mcpctl validate"), "{}", ran.err);
}

#[test]
fn a_path_is_read_and_standard_input_too() {
    mcpctl(&["list", "servers", "no-such-folder"]).run().refused("no-such-folder");
    let text = "mcp_registry:\n  servers:\n    - name: a_server\n      url: https://a.example.com/mcp\n";
    let ran = mcpctl(&["list", "servers", "-", "--stdin-filename", "x.yaml"]).stdin(text).run();
    assert!(ran.out.contains("a_server") && ran.out.contains("x.yaml:3"), "{}{}", ran.out, ran.err);
}
