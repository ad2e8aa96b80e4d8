use super::*;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::{built, checked};

const WORLD: &str = "
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
mcp_registry:
  business_units: [{name: shop}]
  servers:
    - {name: near_server, business_unit: central, url: 'https://near.example.org/mcp', tools: [{name: t}]}
    - {name: six, business_unit: shop, url: 'http://[::1]:81/mcp', tools: [{name: t}]}
    - {name: nowhere, business_unit: central, tools: [{name: t}]}
health_monitoring:
  discovery_service: consul
  health_checks:
    - {type: http, endpoint: /health, interval: 10s, timeout: 2500ms}
    - {type: http, endpoint: 'https://other.example.org/up'}
    - {type: tcp, port: 8080, interval: 1d, timeout: 3s}
    - {type: tcp}
    - {type: grpc, interval: 30s}
  load_balancing: {strategy: weighted_round_robin, health_factor: 0.7, latency_factor: 0.3}
# file: units/shop/more.yaml
health_monitoring: {discovery_service: consul, health_checks: [{type: grpc, port: 9090, interval: 2m}], load_balancing: {strategy: random}}
";

#[test]
fn each_server_with_a_place_is_a_service() {
    let bundle = built(&TARGET, WORLD).unwrap().bundle;
    assert_eq!(bundle.artifacts.keys().collect::<Vec<_>>(), ["consul/near-server.json", "consul/six.json"]);
    let near = lines::value(&TARGET, WORLD, "consul/near-server.json");
    assert_eq!(
        near,
        serde_json::json!({
            "Name": "near-server", "Tags": ["mcp"], "Meta": {"mcp_server": "near_server"}, "Address": "near.example.org", "Port": 443,
            "Weights": {"Passing": 100, "Warning": 30},
            "Checks": [
                {"HTTP": "https://near.example.org:443/health", "Interval": "10s", "Timeout": "2500ms"},
                {"HTTP": "https://other.example.org/up", "Interval": "10s", "Timeout": "5s"},
                {"TCP": "near.example.org:8080", "Interval": "86400s", "Timeout": "3s"},
                {"TCP": "near.example.org:443", "Interval": "10s", "Timeout": "5s"},
                {"GRPC": "near.example.org:443", "GRPCUseTLS": true, "Interval": "30s", "Timeout": "5s"},
            ],
        })
    );
    let six = lines::value(&TARGET, WORLD, "consul/six.json");
    assert_eq!(six["Checks"], serde_json::json!([{"GRPC": "[::1]:9090", "Interval": "120s", "Timeout": "5s"}]));
    assert_eq!((six.get("Weights"), &six["Address"]), (None, &serde_json::json!("::1")));
    assert_eq!(bundle.manifest.targets[0].names, [("near-server".to_owned(), "near_server".to_owned())].into());
    let left = bundle.manifest.targets[0].not_expressed.iter().filter(|left| left.family == "health_monitoring");
    assert_eq!(left.map(|left| left.key.as_str()).collect::<Vec<_>>(), ["load_balancing.strategy: random"]);
    let waits = waiting(checked(WORLD).0.model()).unwrap();
    assert_eq!(waits.needs, "the URL of server `nowhere`");
}

#[test]
fn another_product_of_discovery_has_no_service_here() {
    let world = WORLD.replace("discovery_service: consul", "discovery_service: dns");
    assert!(built(&TARGET, &world).unwrap().bundle.artifacts.is_empty());
    assert_eq!(waiting(checked(&world).0.model()), None);
}

#[test]
fn two_services_of_one_name_are_refused() {
    let world = WORLD.replace("name: six", "name: near.server");
    let Err(errors) = built(&TARGET, &world) else { panic!("it compiles") };
    let (findings, _) = crate::build::findings(errors);
    assert_eq!(findings[0].message, "`near.server` and `near_server` are both `near-server` for target `consul`");
}

/// Every change of a line or of a value of a file is noticed.
#[test]
fn a_changed_file_does_not_verify() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [
        ("0", "1"),
        ("s\"", "m\""),
        ("https", "http"),
        ("mcp", "x"),
        ("P", "p"),
        ("true", "false"),
        ("e", "E"),
        (": ", ": -"),
    ];
    let tried: usize = files.texts().map(|(path, _)| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 150, "{tried}");
    for path in ["consul/nowhere.json", "consul/central/six.json", "consul/README"] {
        assert!(files.refused(path, Some("{}\n")), "{path}");
    }
}
