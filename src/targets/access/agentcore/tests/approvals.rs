//! Approvals that are an earlier call: what is emitted, what is refused, and that every change is noticed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{TARGET, texts};
use crate::build::verify;
use crate::bundle::Artifact;
use crate::targets::access::agentcore::limits::name_of;
use crate::targets::access::toolhive;
use crate::targets::seen;
use crate::targets::tests::{built, checked};

const WORLD: &str = r#"
targets: {agentcore: {gateway_arn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g"}}
# file: all.yaml
identity:
  issuer: https://idp.example
  audiences: [mcp]
  requirements:
    approval_workflow: {called: desk/approve, within: 30m, answer: {approved: true, by: a person, level: 3}, same: {claim: claim.id}}
    seen: {called: bank/look, within: 1h}
data_routing: {classifications: [{level: public, mcp_servers: [bank, desk]}]}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - level: 2
      requirements: [service_account_token, approval_workflow]
      alternatives: [{name: strong, requirements: [service_account_token, mfa, seen]}, {name: device, requirements: [service_account_token, device]}]
mcp_registry:
  servers:
    - name: bank
      tools: [{name: look, input_schema: SCHEMA}, {name: pay, auth_level: 2, input_schema: SCHEMA}]
    - {name: desk, tools: [{name: approve, input_schema: SCHEMA}]}
  agents: [{name: clerk, subject: clerk, may_call: ["bank/*", desk/approve]}]
"#;

fn world() -> String {
    // Any tool may need what a level asks for, so all of them declare the argument.
    let schema = "{type: object, properties: {claim: {type: string}}}";
    WORLD.replace("    seen:", "    device: {claim: device, present: true}\n    seen:").replace("SCHEMA", schema)
}

fn approvals(text: &str) -> Vec<String> {
    let files = texts(text).into_iter().filter(|(path, _)| path.starts_with("agentcore/approvals/"));
    let statement = |text: String| {
        let value: Value = serde_json::from_str(&text).unwrap();
        value["definition"]["policy"]["statement"].as_str().unwrap().to_owned()
    };
    files.map(|(_, text)| statement(text)).collect()
}

#[test]
fn each_way_with_a_history_is_a_policy_and_one_without_is_none() {
    let found = approvals(&world());
    let event = |action: &str, within: &str, fields: &str| {
        format!(
            "(formerly within {within} AgentCore::Action::\"{action}\"::response{{ eventResource: resource{fields} }})"
        )
    };
    let approved =
        r#", output.approved: true, output.by: "a person", output.level: 3, output.claim.id: context.input.claim"#;
    let asked = [event("desk___approve", "30m", approved), event("bank___look", "1h", "")];
    assert_eq!(found.len(), 2, "{found:#?}");
    for event in asked {
        let of = found.iter().filter(|policy| policy.contains(&event)).collect::<Vec<_>>();
        assert_eq!(of.len(), 1, "{event}: {found:#?}");
        assert!(of[0].starts_with("permit(") && of[0].contains("\"bank___pay\"") && !of[0].contains("desk___pay"));
        assert_eq!(of[0].contains("context.input has claim"), event.contains("approve"), "{}", of[0]);
    }
}

#[test]
fn every_change_of_what_is_remembered_is_noticed() {
    let text = world();
    let (checked, _) = checked(&text);
    let (_, policy, _) = seen(&TARGET, checked.model(), checked.policy());
    let files = built(&TARGET, &text).unwrap().bundle.artifacts;
    let passes = |files: &BTreeMap<String, Artifact>| verify(TARGET.id, files, checked.model(), &policy).is_ok();
    assert!(passes(&files));
    let mut changed = 0;
    for (path, artifact) in files.iter().filter(|(path, _)| path.starts_with("agentcore/approvals/")) {
        let original: Value = serde_json::from_slice(&artifact.bytes).unwrap();
        let statement = original["definition"]["policy"]["statement"].as_str().unwrap();
        for (from, to) in [
            ("permit(", "forbid("),
            ("when temporal", "unless temporal"),
            ("formerly", "previous"),
            ("30m", "31m"),
            ("1h", "25h"),
            ("1h", "60m "),
            ("desk___approve", "bank___look"),
            ("bank___look", "bank___pay"),
            ("::response", "::request"),
            ("eventResource: resource", "eventResource: _"),
            (", output.approved: true", ""),
            ("output.approved: true", "output.approved: false"),
            ("a person", "a person\\\" "),
            ("output.level: 3", "output.level: 03"),
            ("output.level: 3", "output.level: \"3\""),
            (", output.claim.id: context.input.claim", ""),
            ("context.input.claim", "context.input.other"),
            (" && (context.input has claim)", ""),
            (" })\n};", " })\n} ;"),
        ] {
            if !statement.contains(from) {
                continue;
            }
            let text = statement.replacen(from, to, 1);
            let name = name_of(&text);
            let mut value = original.clone();
            value["name"] = json!(name);
            value["definition"]["policy"]["statement"] = json!(text);
            let mut files = files.clone();
            let mut artifact = files.remove(path).unwrap();
            artifact.bytes = value.to_string().into_bytes();
            files.insert(format!("agentcore/approvals/{name}.json"), artifact);
            assert!(!passes(&files), "{from} for {to}: {text}");
            changed += 1;
        }
        let mut without = files.clone();
        without.remove(path);
        assert!(!passes(&without), "without {path}");
    }
    assert!(changed >= 20, "{changed}");
}

#[test]
fn what_the_product_does_not_hold_is_said() {
    let (checked, _) = checked(&world());
    let reason = |text: &str| -> Option<String> {
        let (checked, _) = crate::targets::tests::checked(text);
        seen(&TARGET, checked.model(), checked.policy()).0.blind.remove("approval_workflow")
    };
    assert_eq!(reason(&world()), None);
    for (from, to, why) in [
        ("within: 30m", "within: 25h", "24 hours"),
        ("within: 30m", "within: 1500ms", "whole seconds"),
        ("claim: claim.id", "claim: claim-id", "letters, digits"),
        ("by: a person", "by: 'a \"person\"'", "quotes"),
        ("{claim: {type: string}}", "{other: {type: string}}", "input_schema"),
    ] {
        let found = reason(&world().replace(from, to));
        assert!(found.as_ref().is_some_and(|found| found.contains(why)), "{to}: {found:?}");
    }
    // What keeps no memory denies.
    let (view, policy, stricter) = seen(&toolhive::TARGET, checked.model(), checked.policy());
    assert!(view.blind.contains_key("approval_workflow") && view.blind.contains_key("seen"), "{view:?}");
    assert!(stricter.facts.contains_key("approval_workflow") && policy.all_cells().count() > 0);
}
