//! The files for small workspaces, and what is refused.

use super::*;
use crate::targets::tests::built;

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
    device: {claim: device}
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
      tools: [{name: pay, requires: [currency]}, {name: look, auth_level: 1, requires: [ticket]}]
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
            "toolhive/authz/bank-server.yaml",
            "toolhive/authz/crm.yaml",
            "toolhive/authz/idle.yaml",
            "toolhive/authz/open.yaml",
            "toolhive/composite-tools.yaml"
        ]
    );
    insta::assert_snapshot!("crm", files["toolhive/authz/crm.yaml"]);
    insta::assert_snapshot!("open", files["toolhive/authz/open.yaml"]);
    insta::assert_snapshot!("idle", files["toolhive/authz/idle.yaml"]);
    insta::assert_snapshot!("composite", files["toolhive/composite-tools.yaml"]);
}

mod decisions;
mod tampering;
