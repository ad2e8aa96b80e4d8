//! One mistake is one finding: it hides nothing beside it, and nothing else is found because of it.

use std::collections::BTreeSet;

use mcpctl::analysis::Analysis;
use mcpctl::diagnostic::Diagnostic;

use crate::checks::{fixtures, folders, of_files, pointed_at, without_waivers};

/// What a schema finds.
const OF_SHAPE: [&str; 7] =
    ["invalid-name", "invalid-value", "invalid-wildcard", "missing-key", "unknown-key", "unknown-word", "wrong-type"];

/// Every how many-th mistake is made; `MCPCTL_EVERY=1` makes all of them.
const EVERY: usize = 29;

const REGISTRY: &str = "\
mcp_registry:
  servers:
    - name: crm_server
      url: https://crm.example.com/mcp
      tools: [{name: get_customer}, {name: send_mail}]
    - name: billing_server
      url: https://billing.example.com/mcp
      tools: [{name: refund}]
  agents:
    - {name: desk, subject: desk, may_call: [crm_server/get_customer]}
data_routing:
  classifications:
    - {level: internal, mcp_servers: [crm_server, billing_server]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
identity:
  issuer: https://idp.example.com
  audiences: [gateway]
";

fn analysed(files: &[(&str, &str)]) -> Analysis {
    let files: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    of_files(&files)
}

/// `check at line: text`, in order, without notes and warnings.
fn errors(analysis: &Analysis) -> Vec<String> {
    let shown = |finding: &Diagnostic| {
        let line = analysis.sources.position(finding.loc).line;
        format!("{} at {line}: {}", finding.rule.name, analysis.sources.text_at(finding.loc))
    };
    let all = analysis.report().diagnostics.iter();
    all.filter(|finding| finding.severity == mcpctl::diagnostic::Severity::Error).map(shown).collect()
}

fn of_flow(flow: &str) -> Vec<String> {
    errors(&analysed(&[("flow.yaml", flow), ("registry.yaml", REGISTRY)]))
}

#[test]
fn the_base_has_no_error() {
    assert_eq!(errors(&analysed(&[("registry.yaml", REGISTRY)])), [""; 0]);
}

#[test]
fn an_unknown_key_does_not_hide_an_unknown_server_beside_it() {
    let flow = "\
workflow_definition:
  name: onboarding
  colour: red
  steps:
    - name: read
      mcp_server: crm_srever
      tools: [get_customer]
      shade: {of: red}
    - name: pay
      mcp_server: billing_server
      tools: [refnud]
      depends_on: [raed]
";
    let expected = [
        "unknown-key at 3: colour",
        "unknown-server at 6: crm_srever",
        "unknown-key at 8: shade",
        "unknown-tool at 11: refnud",
    ];
    assert_eq!(of_flow(flow), expected, "a map under an unknown key may have declared a step");
    let flow = flow.replace("      shade: {of: red}\n", "      shade: red\n");
    assert!(of_flow(&flow).contains(&"unknown-step at 12: raed".to_owned()), "{:?}", of_flow(&flow));
}

#[test]
fn one_wrong_value_does_not_hide_what_is_wrong_beside_it() {
    for (wrong, place) in [
        ("      tools: get_customer\n", "wrong-type at 5: get_customer"),
        ("      tools: 12\n", "wrong-type at 5: 12"),
        ("      tools: [{name: x}]\n", "wrong-type at 5: {name: x}"),
        ("      tools: []\n", "invalid-value at 5: []"),
        ("      tools: [get_customer]\n      depends_on: {}\n", "wrong-type at 6: {}"),
        ("      toosl: [get_customer]\n", "unknown-key at 5: toosl"),
        ("      things: [get_customer]\n", "unknown-key at 5: things"),
    ] {
        let flow = format!(
            "workflow_definition:\n  name: onboarding\n  steps:\n    - name: read\n{wrong}      mcp_server: crm_server\n\
             \x20   - name: pay\n      mcp_server: biling_server\n      tools: [refund]\n"
        );
        let found = of_flow(&flow);
        assert_eq!(found.len(), 2, "{wrong}{found:#?}");
        assert_eq!(found[0], place, "{wrong}");
        assert!(found[1].starts_with("unknown-server"), "{found:#?}");
    }
}

#[test]
fn what_is_wrong_in_the_registry_makes_nothing_else_unknown() {
    let flow = "\
workflow_definition:
  name: refunds
  steps:
    - {name: read, mcp_server: crm_server, tools: [get_customer]}
    - {name: pay, mcp_server: billing_server, tools: [refund]}
";
    let policy = r#"@id("no-refunds") forbid(principal == Mcp::Agent::"desk", action, resource == Mcp::Tool::"billing_server/refund");"#;
    for (right, wrong, text) in [
        ("url: https://crm.example.com/mcp", "url: crm", "crm"),
        ("url: https://billing.example.com/mcp", "url: 12", "12"),
        ("{name: send_mail}", "{nmae: send_mail}", "nmae"),
        ("{name: send_mail}", "12", "12"),
        ("tools: [{name: refund}]", "tols: [{name: refund}]", "tols"),
        ("tools: [{name: refund}]", "functions: [{name: refund}]", "functions"),
        ("  servers:", "  server:", "server"),
        ("  servers:", "  things:", "things"),
        ("name: billing_server", "name: []", "[]"),
        ("name: billing_server", "name: billing_server\n      colour: red", "colour"),
        ("subject: desk", "subjekt: desk", "subjekt"),
        ("  agents:", "  agents: 12\n  principals:", "12"),
    ] {
        let registry = REGISTRY.replacen(right, wrong, 1);
        assert_ne!(registry, REGISTRY);
        let found =
            errors(&analysed(&[("flow.yaml", flow), ("no-refunds.cedar", policy), ("registry.yaml", &registry)]));
        let own = if wrong.contains("principals") { 2 } else { 1 };
        assert_eq!(found.len(), own, "{wrong}: {found:#?}");
        assert!(found[0].ends_with(&format!(": {text}")), "{wrong}: {found:#?}");
    }
}

#[test]
fn a_misspelt_key_is_not_also_a_missing_one() {
    let found = of_flow(
        "workflow_definition:\n  name: a\n  steps:\n    - name: read\n      server: crm_server\n      tools: [get_customer]\n",
    );
    assert_eq!(found, ["unknown-key at 5: server"]);
    let identity = REGISTRY.to_owned() + "  requirements:\n    dealer: {klaim: groups, contains: dealers}\n";
    assert_eq!(errors(&analysed(&[("registry.yaml", &identity)])), ["unknown-key at 21: klaim"]);
}

#[test]
fn an_element_of_a_list_is_called_one() {
    let flow = "workflow_definition:\n  name: a\n  steps:\n    - {name: b, mcp_server: crm_server, tools: [get_customer, 12]}\n    - {name: c}\n";
    let analysis = analysed(&[("flow.yaml", flow), ("registry.yaml", REGISTRY)]);
    let messages: Vec<&str> = analysis.report().diagnostics.iter().map(|finding| finding.message.as_str()).collect();
    assert!(messages.contains(&"element 2 of `tools` must be a string, not the number `12`"), "{messages:#?}");
    assert!(messages.contains(&"the key `tools` is missing in element 2 of `steps`"), "{messages:#?}");
}

/// A mistake in one line of a fixture: the line, and what takes its place.
fn mistakes(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let inner = line.trim_start().trim_start_matches("- ");
        let indent = &line[..line.len() - inner.len()];
        let word = |c: char| c.is_ascii_lowercase() || c == '_';
        let Some((key, value)) = inner.split_once(':').filter(|(key, _)| !key.is_empty() && key.chars().all(word))
        else {
            continue;
        };
        found.push((at, format!("{indent}{key}x:{value}")));
        if !indent.is_empty() {
            let spaces = " ".repeat(indent.len());
            found.push((at, format!("{indent}zz_unknown: 1\n{spaces}{inner}")));
        }
        let value = value.split(" #").next().unwrap_or_default().trim();
        if !value.is_empty() && !value.starts_with(['&', '|', '>', '*']) {
            found.push((at, format!("{indent}{key}: 12.5")));
            found.push((at, format!("{indent}{key}: {{zz: [1]}}")));
            found.push((at, format!("{indent}{key}:")));
        }
    }
    found
}

#[test]
fn one_mistake_in_a_fixture_is_one_finding() {
    let every = std::env::var("MCPCTL_EVERY").map_or(EVERY, |text| text.parse().unwrap());
    let root = fixtures();
    let mut workspaces: Vec<_> = folders(&root.join("checks")).iter().flat_map(|check| folders(check)).collect();
    workspaces.push(root.join("seed"));
    workspaces.extend(folders(&root.join("projects")));
    let (mut made, mut faults) = (0, Vec::new());
    for folder in workspaces {
        let files = without_waivers(&folder);
        let base = of_files(&files);
        let before = pointed_at(&base);
        for (of, (name, text)) in files.iter().enumerate().filter(|(_, (name, _))| name != "mcpctl.yaml") {
            for (line, instead) in mistakes(text) {
                made += 1;
                if made % every != 0 {
                    continue;
                }
                let mut changed = files.clone();
                let lines = text.lines().enumerate().map(|(at, old)| if at == line { instead.as_str() } else { old });
                changed[of].1 = lines.collect::<Vec<_>>().join("\n");
                let after = of_files(&changed);
                let here = |finding: &Diagnostic| {
                    let at = after.sources.position(finding.loc);
                    let lines = line as u32 + 1..=line as u32 + instead.lines().count() as u32;
                    after.sources.file(finding.loc.file).name() == name && lines.contains(&at.line)
                };
                let all = after.report().diagnostics.iter();
                // Where the names of keys are free, the change may be no mistake of shape.
                let of_shape = all.clone().filter(|finding| OF_SHAPE.contains(&finding.rule.name)).collect::<Vec<_>>();
                if !of_shape.iter().any(|finding| here(finding)) {
                    continue;
                }
                let new = all.filter(|finding| {
                    let texts = [after.sources.text_at(finding.loc).to_owned(), finding.message.clone()];
                    !texts.map(|text| before.contains(&(finding.rule.name, text))).contains(&true)
                });
                let new: BTreeSet<String> =
                    new.map(|f| format!("{} {} {}", after.sources.file_line(f.loc), f.rule.name, f.message)).collect();
                // A map with one wrong key instead of a value lacks keys, too; and where it lacks one, the wrong key is taken for it.
                let lacks = |found: &&String| {
                    let more = [" missing-key ", " wrong-type element 1 of "].iter().any(|more| found.contains(more));
                    instead.contains("zz: [1]") && more
                };
                let new: Vec<&String> = new.iter().filter(|found| !lacks(found)).collect();
                if new.len() != 1 {
                    faults.push(format!("{}/{name}:{}: {instead:?}: {new:#?}", folder.display(), line + 1));
                }
            }
        }
    }
    assert!(made > 10_000, "{made}");
    assert!(faults.is_empty(), "{} of {}\n{}", faults.len(), made / every, faults.join("\n"));
}
