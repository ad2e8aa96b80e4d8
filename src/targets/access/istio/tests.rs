//! The files, what they refuse, and that the lifter sees every change that matters.

mod files;
mod limits;
mod mutations;

/// A workspace in which everything that Istio can express is used.
const WORLD: &str = "
targets: {istio: {verified_headers: true}}
# file: keys.json
{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}
# file: central.yaml
identity:
  issuers:
    - {issuer: 'https://idp.example', audiences: [mcp, other], jwks: 'https://idp.example/keys', speaks_for: [agents]}
    - {issuer: 'https://flows.example', audience: per_server, jwks_file: keys.json, speaks_for: [flows]}
  trust_domain: example.org
  business_unit_claim: bu
  requirements:
    service_account_token: {caller: known}
    user_delegation: {claim: [act, sub], differs_from: sub}
    mfa: {claim: amr, contains: mfa}
    approval_workflow: {claim: approvals, contains: '{server}/{tool}'}
    device: {claim: [device, id], present: true}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - level: 2
      requirements: [service_account_token, user_delegation]
      alternatives: [{name: unattended, requirements: [service_account_token, device]}]
    - {level: 3, requirements: [service_account_token, user_delegation, mfa, approval_workflow]}
data_routing:
  classifications:
    - {level: public, mcp_servers: [site, crm], min_auth_level: 1}
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}, {encryption_in_transit: required}]}
  business_unit_gateways: {cross_unit_routing: explicit_approval}
zero_trust_config:
  network_segmentation: [{mcp_servers: inner}, {gateways: dmz}, {agents: outer}]
  service_mesh: {provider: istio, mutual_tls: strict}
  identity_verification: {workload_identity: spiffe, certificate_rotation: 24_hours}
# file: registry.yaml
mcp_registry:
  servers:
    - name: site
      url: 'http://site.mcp.svc.cluster.local:8080/mcp'
      methods: {deny: [ping, resources/subscribe, resources/templates/list]}
      tools: [{name: search, annotations: {read_only: true}}, {name: publish, auth_level: 3}]
      prompts: [{name: greet}]
      resources: [{uri: 'site://*', auth_level: 1}, {uri: 'site://members/*', auth_level: 2}]
    - name: crm
      url: 'http://crm.mcp.svc.cluster.local:8080/mcp'
      labels: {app: crm, tier: core}
      tools: [{name: get, auth_level: 2}]
  agents:
    - {name: clerk, subject: 'spiffe://example.org/ns/x/sa/clerk', may_call: ['site/*', 'crm/get']}
    - {name: seller, subject: seller, may_call: ['crm/get']}
  any_agent: {may_call: [site/search]}
# file: flows.yaml
workflow_definition:
  name: nightly
  steps: [{name: one, mcp_server: crm, tools: [get]}]
# file: operations.yaml
circuit_breaker_config: {per_mcp_server: {failure_threshold: 5, timeout: 1m}}
bulkhead_config:
  resource_pools: [{name: crm, mcp_servers: [crm], resources: {cpu_cores: 2, memory: 4Gi, connections: 40}}]
connection_pooling:
  http_pools: [{mcp_server: site, pool_size: 10, keep_alive: 90s}]
tracing_config:
  sampling: {strategy: probabilistic, rate: 0.1}
  correlation: {tenant_id_header: x-tenant}
";

/// Two units, and no headers to tell tools apart.
fn whole() -> String {
    let units = "business_units: [{name: retail, gateway: 'https://gw.retail.example'}]\n  servers:";
    WORLD
        .replace("verified_headers: true", "verified_headers: false")
        .replace("  servers:", &format!("  {units}"))
        .replace("- name: site\n", "- name: site\n      business_unit: central\n")
        .replace("- name: crm\n", "- name: crm\n      business_unit: retail\n")
        .replace("{name: publish, auth_level: 3}", "{name: browse, annotations: {read_only: true}}")
        .replace("name: clerk,", "name: clerk, business_unit: central,")
        .replace("name: seller,", "name: seller, business_unit: retail,")
        .replace("may_call: [site/search]", "may_call: [crm/get]")
        .replace("{name: get, auth_level: 2}", "{name: get, auth_level: 1, annotations: {read_only: true}}")
}
