//! The files for small workspaces, and what is refused.

use std::collections::BTreeMap;

use super::*;
use crate::targets::tests::built;

mod approvals;
mod decisions;
mod solver;
mod tampering;

/// A workspace with every kind of evidence and caller that this target knows.
pub(crate) const WORLD: &str = r#"
targets:
  agentcore:
    gateway_arn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/bank-a1b2c3"
    assume: [tls, mtls]
    assume_reason: private endpoint
# file: all.yaml
identity:
  issuers:
    - {issuer: 'https://idp.example', audiences: [mcp], speaks_for: [agents]}
    - {issuer: 'https://flows.example/', audiences: [mcp, jobs], speaks_for: [flows]}
  trust_domain: example
  business_unit_claim: bu
  requirements:
    ticket: {claim: tickets, contains: "{server}/{tool}"}
    device: {claim: device, present: true}
    small: {argument: amount, at_least: 1, at_most: 10000}
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
      tools:
        - name: pay
          requires: [currency, small]
          input_schema:
            type: object
            properties: {amount: {type: integer}, currency: {type: string}}
            required: [amount]
        - {name: look, auth_level: 1, requires: [ticket]}
    - {name: crm, business_unit: retail, tools: [{name: find}]}
    - {name: open, business_unit: retail, tools: [{name: ask}]}
    - {name: idle, business_unit: retail, tools: [{name: nothing}]}
  agents:
    - {name: teller, business_unit: money, subject: "spiffe://example/teller", may_call: ["bank_server/*", "crm/find"]}
    - {name: second, business_unit: money, subject: "spiffe://example/second", may_call: ["bank_server/*", "crm/find"]}
    - {name: clerk, business_unit: retail, subject: clerk, may_call: [crm/find]}
  any_agent: {may_call: [open/ask]}
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
fn policies_are_inputs_of_the_command_line() {
    let files = texts(WORLD);
    let statements: Vec<String> = files
        .iter()
        .filter(|(path, _)| path.starts_with("agentcore/policies/"))
        .map(|(_, text)| {
            let value: Value = serde_json::from_str(text).unwrap();
            value["definition"]["cedar"]["statement"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut sorted = statements.clone();
    sorted.sort();
    insta::assert_snapshot!("policies", sorted.join("\n\n"));
    insta::assert_snapshot!("authorizer", files["agentcore/authorizers/2.json"]);
    let temporal: Vec<&String> =
        files.iter().filter(|(path, _)| path.starts_with("agentcore/temporal/")).map(|(_, text)| text).collect();
    assert_eq!(temporal.len(), 1);
    let value: Value = serde_json::from_str(temporal[0]).unwrap();
    insta::assert_snapshot!("temporal", value["definition"]["policy"]["statement"].as_str().unwrap());
}

mod refusals;
