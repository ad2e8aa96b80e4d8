//! A unit's own breaker, pools and bulkheads hold for the unit's servers in every target alike, and the central ones elsewhere.

use serde::Deserialize;
use serde_json::Value;

use super::{build, checked};
use crate::targets::Target;
use crate::targets::access::{envoy, istio};
use crate::targets::operations::kubernetes;

/// Two units with files of their own, of which one has a gateway, and a server of the central configuration.
const WORLD: &str = "
targets:
  envoy: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}
units: {retail: units/retail, works: units/works}
# file: keys.json
{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}
# file: all.yaml
identity: {issuer: 'https://idp.example', audiences: [mcp], jwks_file: keys.json, trust_domain: example.org}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
data_routing: {classifications: [{level: all, mcp_servers: [crm, erp, depot, site]}]}
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}
  business_unit_gateways: {cross_unit_routing: allowed, local_policy_override: full}
mcp_registry:
  central_gateway: https://mcp.example
  business_units: [{name: retail, gateway: 'https://gw.retail.example'}, {name: works}]
  servers:
    - {name: crm, business_unit: retail, url: 'http://crm.shop.svc:8080/mcp', tools: [{name: t}]}
    - {name: erp, business_unit: retail, url: 'http://erp.back.svc:8080/mcp', tools: [{name: t}]}
    - {name: depot, business_unit: works, url: 'http://depot.yard.svc:8080/mcp', tools: [{name: t}]}
    - {name: site, business_unit: central, url: 'http://site.web.svc:8080/mcp', tools: [{name: t}]}
  agents: [{name: x, business_unit: central, subject: x, may_call: ['crm/*', 'erp/*', 'depot/*', 'site/*']}]
circuit_breaker_config: {per_mcp_server: {failure_threshold: 5, half_open_timeout: 30s}}
bulkhead_config:
  resource_pools:
    - {name: crm, mcp_servers: [crm], resources: {cpu_cores: 8, connections: 80}}
    - {name: erp, mcp_servers: [erp], resources: {cpu_cores: 7, connections: 70}}
    - {name: depot, mcp_servers: [depot], resources: {cpu_cores: 6, connections: 60}}
    - {name: site, mcp_servers: [site], resources: {cpu_cores: 5, connections: 50}}
connection_pooling: {http_pools: [{mcp_server: crm, pool_size: 40}, {mcp_server: site, pool_size: 30}]}
# file: units/retail/own.yaml
circuit_breaker_config: {per_mcp_server: {failure_threshold: 2, half_open_timeout: 7s}}
bulkhead_config: {resource_pools: [{name: own, mcp_servers: [crm], resources: {cpu_cores: 2, connections: 9}}]}
connection_pooling: {http_pools: [{mcp_server: crm, pool_size: 4}]}
# file: units/works/own.yaml
circuit_breaker_config: {per_mcp_server: {failure_threshold: 3, half_open_timeout: 11s}}
bulkhead_config: {resource_pools: [{name: yard, mcp_servers: [depot], resources: {cpu_cores: 1, connections: 12}}]}
";

/// Failures, pause, requests and connections of a server, and the cores of its namespace.
type Limits = (u64, String, u64, Option<u64>, String);

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

/// What the gateway in front of each server, the mesh and the namespace are told: Envoy's and Istio's limits are the same.
fn limits(text: &str, server: &str, gateway: &str, namespace: &str) -> Limits {
    let (checked, sources) = checked(text);
    let targets: [&'static Target; 3] = [&envoy::TARGET, &istio::TARGET, &kubernetes::TARGET];
    let built = build(&checked, &sources, &targets, "").map_err(|errors| format!("{errors:#?}")).unwrap();
    let file = |path: &str| String::from_utf8(built.bundle.artifacts[path].bytes.clone()).unwrap();
    let envoy: Value = serde_yaml::from_str(&file(&format!("envoy/{gateway}/envoy.static.yaml"))).unwrap();
    let clusters = envoy["static_resources"]["clusters"].as_array().unwrap();
    let cluster = clusters.iter().find(|cluster| cluster["name"] == format!("{server}/messages")).unwrap();
    let threshold = &cluster["circuit_breakers"]["thresholds"][0];
    let of_envoy = (
        cluster["outlier_detection"]["consecutive_5xx"].as_u64().unwrap(),
        cluster["outlier_detection"]["base_ejection_time"].as_str().unwrap().to_owned(),
        threshold["max_requests"].as_u64().unwrap(),
        threshold["max_connections"].as_u64(),
    );
    let rules = documents(&file(&format!("istio/{gateway}/destination-rules.yaml")));
    let rule = rules.iter().find(|rule| rule["metadata"]["name"] == server).unwrap();
    let policy = &rule["spec"]["trafficPolicy"];
    let pool = &policy["connectionPool"];
    let of_istio = (
        policy["outlierDetection"]["consecutive5xxErrors"].as_u64().unwrap(),
        policy["outlierDetection"]["baseEjectionTime"].as_str().unwrap().to_owned(),
        pool["http"]["http2MaxRequests"].as_u64().unwrap(),
    );
    assert_eq!((of_envoy.0, of_envoy.1.clone(), of_envoy.2), of_istio, "{server}");
    // Where no pool says how many, Istio takes the number of requests.
    assert_eq!(pool["tcp"]["maxConnections"].as_u64(), of_envoy.3.or(Some(of_envoy.2)), "{server}");
    let quotas = documents(&file(&format!("kubernetes/{gateway}/quotas.yaml")));
    let quota = quotas.iter().find(|quota| quota["metadata"]["namespace"] == namespace).unwrap();
    let cores = quota["spec"]["hard"]["limits.cpu"].as_str().unwrap().to_owned();
    (of_envoy.0, of_envoy.1, of_envoy.2, of_envoy.3, cores)
}

#[test]
fn a_units_own_values_hold_for_its_servers_and_the_central_ones_elsewhere() {
    let of = |server, gateway, namespace| limits(WORLD, server, gateway, namespace);
    assert_eq!(of("crm", "retail", "shop"), (2, "7s".to_owned(), 9, Some(4), "2".to_owned()));
    assert_eq!(
        of("erp", "retail", "back"),
        (2, "7s".to_owned(), 70, None, "7".to_owned()),
        "its unit has no pool for it"
    );
    assert_eq!(
        of("depot", "central", "yard"),
        (3, "11s".to_owned(), 12, None, "1".to_owned()),
        "a unit without a gateway"
    );
    assert_eq!(of("site", "central", "web"), (5, "30s".to_owned(), 50, Some(30), "5".to_owned()));
}

#[test]
fn a_units_pool_is_not_for_another_units_servers() {
    let lists = WORLD.replace("{name: own, mcp_servers: [crm]", "{name: own, mcp_servers: [site]");
    assert_ne!(lists, WORLD);
    let (.., requests, _, cores) = limits(&lists, "site", "central", "web");
    assert_eq!((requests, cores.as_str()), (50, "5"));
}
