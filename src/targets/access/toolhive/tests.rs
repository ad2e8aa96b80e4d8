//! The files for small workspaces, and what is refused.

use super::*;
use crate::build::BuildError;
use crate::targets::tests::{built, checked};

/// A workspace with every kind of evidence, caller and object that this target knows.
pub(crate) const WORLD: &str = r#"
targets: {toolhive: {namespace: tools, assume: [tls, mtls], assume_reason: the mesh}}
# file: all.yaml
identity:
  issuers:
    - {issuer: 'https://idp.example', audiences: [mcp], speaks_for: [agents]}
    - {issuer: 'https://flows.example', audiences: [mcp], speaks_for: [flows]}
  trust_domain: example
  business_unit_claim: bu
  requirements:
    ticket: {claim: [work, tickets], contains: "{server}/{tool}"}
    device: {claim: device, present: true}
    currency: {argument: currency, one_of: [EUR, CHF]}
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}
  business_unit_gateways: {cross_unit_routing: explicit_approval}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - level: 2
      requirements: [service_account_token, user_delegation, mfa]
      alternatives: [{name: unattended, requirements: [service_account_token, device]}]
data_routing: {classifications: [{level: public, mcp_servers: [bank_server, crm, open]}]}
mcp_registry:
  business_units: [{name: retail}, {name: money}]
  servers:
    - name: bank_server
      business_unit: money
      auth_level: 2
      tools: [{name: pay, requires: [currency]}, {name: look, auth_level: 1, requires: [ticket], annotations: {idempotent: true}}]
      prompts: [{name: explain, auth_level: 1}]
      resources: [{uri: "bank://*", auth_level: 1}, {uri: "bank://accounts/*", auth_level: 2}]
    - {name: crm, business_unit: retail, tools: [{name: find}]}
    - {name: open, business_unit: retail, tools: [{name: ask}]}
    - {name: idle, business_unit: retail, tools: [{name: nothing}]}
  agents:
    - {name: teller, business_unit: money, subject: "spiffe://example/teller", may_call: ["bank_server/*", "crm/find"]}
    - {name: clerk, business_unit: retail, subject: clerk, may_call: [crm/find]}
  any_agent: {may_call: [open/ask]}
orchestration: {engine: temporal, error_handling: {retry_policy: {max_attempts: 3}}}
workflow_definition:
  name: month_end
  steps:
    - {name: check, mcp_server: bank_server, tools: [look]}
    - {name: note, mcp_server: crm, tools: [find]}
    - {name: settle, mcp_server: bank_server, tools: [pay], depends_on: [check, note], compensation: [look]}
"#;

pub(crate) fn texts(text: &str) -> BTreeMap<String, String> {
    let built = built(&TARGET, text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let files = built.bundle.artifacts.into_iter();
    files.map(|(path, artifact)| (path, String::from_utf8(artifact.bytes).unwrap())).collect()
}

#[test]
fn a_server_has_its_policies_and_a_workflow_its_tool() {
    let files = texts(WORLD);
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "toolhive/central/authz/bank-server.yaml",
            "toolhive/central/authz/crm.yaml",
            "toolhive/central/authz/idle.yaml",
            "toolhive/central/authz/open.yaml",
            "toolhive/central/composite-tools.yaml",
            "toolhive/central/kustomization.yaml",
        ]
    );
    insta::assert_snapshot!("crm", files["toolhive/central/authz/crm.yaml"]);
    insta::assert_snapshot!("open", files["toolhive/central/authz/open.yaml"]);
    insta::assert_snapshot!("idle", files["toolhive/central/authz/idle.yaml"]);
    insta::assert_snapshot!("composite", files["toolhive/central/composite-tools.yaml"]);
}

#[test]
fn only_what_may_be_done_twice_is_tried_again_and_what_is_not_undone_is_said() {
    let composite = &texts(WORLD)["toolhive/central/composite-tools.yaml"];
    let retried: Vec<bool> = composite.split("- id:").skip(1).map(|step| step.contains("retryCount: 2")).collect();
    assert_eq!(retried, [true, false, false], "{composite}");
    let (checked, sources) = checked(WORLD);
    let said: Vec<(String, &str)> = coverage::unexpressed(checked.model())
        .into_iter()
        .map(|found| (found.key, sources.text_at(found.loc).to_owned()))
        .map(|(key, text)| {
            (
                key,
                if text == "3" {
                    "attempts"
                } else if text == "look" {
                    "compensation"
                } else {
                    ""
                },
            )
        })
        .collect();
    let expected = [
        ("steps[].compensation: look of month_end".to_owned(), "compensation"),
        ("error_handling.retry_policy.max_attempts: 3".to_owned(), "attempts"),
    ];
    assert_eq!(said, expected);
    // That another target grants the compensation does not run it.
    let targets = [&TARGET, &crate::targets::access::envoy::TARGET];
    let notes: Vec<_> = crate::targets::left_by_all(&targets, checked.model()).iter().map(|left| left.note()).collect();
    assert!(notes.iter().any(|note| note.message.contains("steps[].compensation: look of month_end")), "{notes:#?}");
}

#[test]
fn what_the_engine_of_composite_tools_does_not_run_is_beyond_the_product() {
    let beyond = |text: &str| match built(&TARGET, text).unwrap_err().as_slice() {
        [BuildError::Compile { cause: CompileError::Beyond { what, .. }, .. }] => what.clone(),
        other => panic!("{other:#?}"),
    };
    let attempts = |number: u32| WORLD.replace("max_attempts: 3", &format!("max_attempts: {number}"));
    assert!(built(&TARGET, &attempts(11)).is_ok());
    assert_eq!(beyond(&attempts(12)), "a step of a composite tool to be retried at most 10 times, and not 11");

    let steps = |number: u32| {
        let all = (0..number).map(|n| format!("    - {{name: more{n}, mcp_server: crm, tools: [find]}}\n"));
        format!("{WORLD}{}", all.collect::<String>())
    };
    assert!(built(&TARGET, &steps(97)).is_ok());
    assert_eq!(beyond(&steps(98)), "workflow `month_end` to take at most 100 calls as a composite tool; it takes 101");
}

mod decisions;
mod tampering;

#[test]
fn a_workflow_that_goes_by_results_is_no_composite_tool() {
    for (key, left) in [
        ("proceed_if: {step: first, field: ok, equals: true}", "name: "),
        ("arguments: [{argument: a, step: first, field: ok}]", "name: "),
        ("optional: true", "steps[].optional: true"),
    ] {
        let world = format!(
            "
# file: all.yaml
mcp_registry: {{servers: [{{name: a_server, tools: [{{name: one}}, {{name: two}}]}}]}}
workflow_definition:
  name: by_results
  steps:
    - {{name: first, mcp_server: a_server, tools: [one]}}
    - {{name: last, mcp_server: a_server, tools: [two], depends_on: [first], {key}}}
"
        );
        let written = texts(&world).contains_key("toolhive/central/composite-tools.yaml");
        assert_eq!(written, key.starts_with("optional"), "{key}");
        let (checked, _) = checked(&world);
        let said: Vec<String> = coverage::unexpressed(checked.model()).into_iter().map(|found| found.key).collect();
        assert!(said.len() == 1 && said[0].starts_with(left), "{key}: {said:?}");
    }
}
