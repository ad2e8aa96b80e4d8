//! The files, and that the check sees every change that matters.

use super::*;
use crate::targets::cluster::tests::survey;
use crate::targets::tests::built;

const WORLD: &str = "
# file: registry.yaml
zero_trust_config:
  network_segmentation: [{mcp_servers: inner_net}, {gateways: dmz}, {agents: outer}]
  service_mesh: {provider: istio}
mcp_registry:
  business_units: [{name: retail, gateway: 'https://gw.retail.example'}, {name: logistics}]
  servers:
    - {name: site, business_unit: central, url: 'http://site.example:8080/mcp', tools: [{name: t}], labels: {app: site}}
    - {name: crm, business_unit: retail, url: 'https://crm.example/mcp', tools: [{name: t}]}
    - {name: erp, business_unit: retail, url: 'https://erp.example:9000/mcp', tools: [{name: t}], labels: {app: erp, x: y}}
    - {name: depot, business_unit: logistics, url: 'https://depot.example:9000/mcp', tools: [{name: t}]}
bulkhead_config:
  resource_pools:
    - {name: hot, mcp_servers: [crm], resources: {cpu_cores: 2, memory: 1500Mi, connections: 40}}
    - {name: cold, mcp_servers: [site], resources: {cpu_cores: 0.5, memory: 1GB}}
";

fn file(text: &str, name: &str) -> String {
    let built = built(&TARGET, text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    String::from_utf8(built.bundle.artifacts[&format!("kubernetes/{name}")].bytes.clone()).unwrap()
}

#[test]
fn every_change_is_found() {
    let harmless = [
        ("moved *", "no order is of meaning"),
        ("changed *: .metadata.name", "nothing refers to the names of policies and quotas"),
        ("doubled *.from", "a peer twice is let through as once"),
        ("doubled *.to", "a peer twice is let through as once"),
        ("doubled *.ports", "a port twice is open as once"),
        ("doubled *gress", "a rule twice lets through what it does once"),
    ];
    let survey = survey(&TARGET, WORLD);
    let (left, rate) = survey.beyond(&harmless);
    assert!(left.is_empty(), "{rate}; but not {left:#?}");
}

#[test]
fn a_quota_says_what_the_pool_may_have() {
    let quotas = file(WORLD, "quotas.yaml");
    for expected in [
        "namespace: mcp-pool-hot",
        "limits.cpu: '2'",
        "requests.memory: 1500Mi",
        "limits.cpu: 500m",
        "limits.memory: '1000000000'",
    ] {
        assert!(quotas.contains(expected), "{expected} is not in\n{quotas}");
    }
}

#[test]
fn a_server_is_reached_through_its_gateway_alone() {
    let policies = file(WORLD, "network-policies.yaml");
    let of_erp: &str = policies.split("---\n").find(|policy| policy.contains("name: server-erp")).unwrap();
    insta::assert_snapshot!("of_erp", of_erp);
}

#[test]
fn namespaces_have_their_segment_and_subnet() {
    let namespaces = file(WORLD, "namespaces.yaml");
    for expected in
        ["mcpctl.io/subnet: inner-net", "mcpctl.io/segment: gateways", "name: mcp-agents", "name: mcp-logistics"]
    {
        assert!(namespaces.contains(expected), "{expected} is not in\n{namespaces}");
    }
}

#[test]
fn without_urls_it_is_left_out() {
    let text = WORLD.replace(", url: 'https://crm.example/mcp'", "");
    let (checked, _) = crate::targets::tests::checked(&text);
    let needs = needs(checked.model());
    assert_eq!(needs.iter().map(|need| need.what.as_str()).collect::<Vec<_>>(), ["the URL of server `crm`"]);
}
