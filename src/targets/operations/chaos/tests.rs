use super::*;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::{built, checked};

const WORLD: &str = "
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
zero_trust_config: {network_segmentation: [{mcp_servers: isolated_subnets}]}
connection_pooling: {database_pools: [{mcp_server: pay.eu, pool_size: 2}, {mcp_server: crm_server, pool_size: 2}]}
circuit_breaker_config: {per_mcp_server: {failure_threshold: 5, timeout: 20s}, cascading_protection: {fallback_strategies: [degraded_mode]}}
bulkhead_config: {resource_pools: [{name: all, mcp_servers: [crm_server, pay.eu], resources: {connections: 9}}]}
mcp_registry:
  business_units: [{name: shop, gateway: 'https://shop.example.com'}]
  servers:
    - {name: crm_server, business_unit: central, url: 'http://crm.crm.svc.cluster.local:8080/mcp', labels: {app: crm}, tools: [{name: t}]}
    - {name: pay.eu, business_unit: shop, url: 'http://pay.pay.svc.cluster.local/mcp', tools: [{name: t}]}
    - {name: far_server, business_unit: central, url: 'https://far.example.org/mcp', tools: [{name: t}]}
chaos_experiments:
  network_partitions:
    - {target: mcp_server_subnet, duration: 5m, expected: graceful_degradation}
    - {target: crm_server, duration: 1500ms, expected: success}
    - {target: crm_server}
  resource_exhaustion:
    - {target: crm_server, limit: 90%_memory, duration: 10m, expected: load_shedding}
    - {target: far_server/t, limit: 12.5%_cpu}
    - {target: pay.eu, limit: 12.5%_cpu}
    - {target: 'a $bus', limit: 10%_disk}
  dependency_failures:
    - {target: database_connection, failure_rate: 50%, duration: 2m, expected: circuit_breaker_activation}
    - {target: crm_server, failure_rate: 33.333%, expected: failure}
    - {target: far_server, failure_rate: 50%, expected: compensating_transaction}
# file: units/shop/more.yaml
chaos_experiments: {dependency_failures: [{target: pay.eu, duration: 1h, expected: circuit_breaker_activation}]}
";

#[test]
fn an_experiment_carries_the_fault_the_outcome_and_the_way_back() {
    let file = "chaos/central/dependency-failure-database-connection/experiment.json";
    insta::assert_snapshot!(lines::text(&TARGET, WORLD, file));
    let shown = |file: &str, at: &str| lines::value(&TARGET, WORLD, file).pointer(at).cloned().unwrap_or_default();
    let of = |name: &str, at: &str| shown(&format!("chaos/central/{name}/experiment.json"), at);
    let partition = "network-partition-mcp-server-subnet";
    for (at, proxy) in [(0, "crm-server"), (2, "far-server"), (4, "pay-eu")] {
        let url = of(partition, &format!("/method/{at}/provider/url"));
        assert_eq!(url, format!("${{toxiproxy_url}}/proxies/{proxy}/toxics"));
        assert_eq!(of(partition, &format!("/method/{at}/provider/arguments/type")), "timeout");
    }
    assert_eq!(of(partition, "/method/4/pauses"), serde_json::Value::Null);
    assert_eq!(of(partition, "/method/5/pauses/after"), 300);
    assert_eq!(of(partition, "/steady-state-hypothesis/probes/6/provider/timeout"), 20);
    assert_eq!(of(partition, "/steady-state-hypothesis/probes/6/tolerance"), serde_json::json!([200, 203]));
    assert_eq!(of("network-partition-crm-server", "/method/1/pauses/after"), 1.5);
    assert_eq!(of("network-partition-crm-server", "/steady-state-hypothesis/probes/2/tolerance/0"), 200);
    // The second of a kind for a target. Nothing is expected of it but that the fault is on.
    assert_eq!(of("network-partition--2-crm-server", "/method/1/pauses/after"), 60);
    assert_eq!(of("network-partition--2-crm-server", "/steady-state-hypothesis/probes/2"), serde_json::Value::Null);
    assert_eq!(of("resource-exhaustion-crm-server", "/method/0/provider/arguments/attributes/latency"), 18_000);
    assert_eq!(of("resource-exhaustion-a-bus", "/title"), "resource-exhaustion: a $$bus");
    assert_eq!(
        of("resource-exhaustion-crm-server", "/steady-state-hypothesis/probes/1/provider/arguments/query"),
        "sum(increase(envoy_cluster_upstream_rq_pending_overflow{mcp_server=\"crm_server\"}[600s])) > 0 or \
         sum(increase(envoy_cluster_upstream_rq_active_overflow{mcp_server=\"crm_server\"}[600s])) > 0"
    );
    let unit = "chaos/shop/dependency-failure-pay-eu/experiment.json";
    assert_eq!(shown(unit, "/method/0/provider/arguments/toxicity"), 1);
    assert_eq!(shown(unit, "/method/0/pauses/after"), 3600);
}

#[test]
fn servers_in_the_cluster_have_objects_of_chaos_mesh() {
    let bundle = built(&TARGET, WORLD).unwrap().bundle;
    let files: Vec<&str> = bundle.artifacts.keys().filter(|path| path.ends_with(".yaml")).map(String::as_str).collect();
    let all: Vec<String> =
        files.iter().map(|file| format!("# {file}\n{}", lines::text(&TARGET, WORLD, file))).collect();
    insta::assert_snapshot!(all.join("\n"));
    // A flow ends in this way, and a share of the calls is nothing that Chaos Mesh has.
    assert!(!bundle.artifacts.keys().any(|path| path.contains("dependency-failure-far-server")));
    assert_eq!(waiting(checked(WORLD).0.model()), None);
    let without = WORLD.replace(", url: 'http://crm.crm.svc.cluster.local:8080/mcp'", "");
    assert_eq!(waiting(checked(&without).0.model()).unwrap().needs, "the URL of server `crm_server`");
}

#[test]
fn what_no_product_does_is_named_with_what_comes_nearest() {
    let bundle = built(&TARGET, WORLD).unwrap().bundle;
    let left = bundle.manifest.targets[0].not_expressed.iter().filter(|left| left.family == "chaos_experiments");
    let mut left: Vec<&str> = left.map(|left| left.key.as_str()).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            "dependency_failures[].expected: circuit_breaker_activation",
            "dependency_failures[].expected: circuit_breaker_activation",
            "dependency_failures[].expected: compensating_transaction",
            "dependency_failures[].expected: failure",
            "dependency_failures[].failure_rate: 33.333%",
            "dependency_failures[].failure_rate: 50%",
            "dependency_failures[].failure_rate: 50%",
            "resource_exhaustion[].limit: 10%_disk",
            "resource_exhaustion[].limit: 12.5%_cpu",
            "resource_exhaustion[].target: far_server/t",
        ]
    );
    let names = &bundle.manifest.targets[0].names;
    assert_eq!(names.get("a-bus").map(String::as_str), Some("a $bus"));
    assert_eq!(names.get("pay-eu").map(String::as_str), Some("pay.eu"));
}

#[test]
fn two_proxies_of_one_name_are_refused() {
    let world = WORLD
        .replace("target: 'a $bus'", "target: Crm-server-x")
        .replace("{target: crm_server}", "{target: crm.server_x}");
    let Err(errors) = built(&TARGET, &world) else { panic!("it compiles") };
    let (findings, _) = crate::build::findings(errors);
    assert_eq!(findings[0].message, "`crm.server_x` and `Crm-server-x` are both `crm-server-x` for target `chaos`");
}

/// Every change of a line or of a value of a file is noticed.
#[test]
fn a_changed_file_does_not_verify() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [
        ("0", "1"),
        ("5", "6"),
        ("0s", "0m"),
        ("s\"", "x\""),
        ("upstream", "downstream"),
        ("downstream", "upstream"),
        ("$", "$$"),
        ("_", "-"),
        ("mcp", "x"),
        ("always", "default"),
        ("all", "one"),
        ("e", "E"),
        (": ", ": -"),
        ("max", "min"),
        ("|", "."),
        ("[.]", "."),
    ];
    // One of each kind.
    let kinds = [
        "dependency-failure-database-connection/experiment.json",
        "network-partition-mcp-server-subnet/chaos-mesh.yaml",
        "network-partition-crm-server/experiment.json",
        "resource-exhaustion-crm-server/",
        "resource-exhaustion-pay-eu/chaos-mesh.yaml",
        "shop/dependency-failure-pay-eu/chaos-mesh.yaml",
    ];
    let texts = files.texts().filter(|(path, _)| kinds.iter().any(|kind| path.contains(kind)));
    let tried: usize = texts.map(|(path, _)| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 1000, "{tried}");
    for path in
        ["chaos/central/x/experiment.json", "chaos/central/network-partition-crm-server/more.yaml", "chaos/README"]
    {
        assert!(files.refused(path, Some("{}\n")), "{path}");
    }
}
