use super::*;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::{built, checked};

const WORLD: &str = "
docs_url: https://docs.example.org/mcpctl/
units: {shop: units/shop, bank: units/bank}
targets:
  envoy: {admin: '127.0.0.1:9901', gateways: {shop: {admin: '0.0.0.0:9902'}}}
  prometheus: {alertmanager: 'https://alerts.example.org/am/'}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
mcp_registry:
  central_gateway: 'https://mcp.example.org'
  business_units: [{name: shop, gateway: 'https://shop.example.org'}, {name: bank}]
  servers:
    - {name: a, business_unit: central, url: 'https://a.example.org/mcp', tools: [{name: t}]}
    - {name: b, business_unit: shop, url: 'http://[::1]:81/mcp', tools: [{name: t}]}
    - {name: c, business_unit: bank, tools: [{name: t}]}
metrics_config:
  custom_metrics:
    - {name: calls_total, type: counter, labels: [mcp_server, gateway]}
    - {name: wait_seconds, type: histogram, labels: [tool]}
    - {name: size_bytes, type: summary}
    - {name: open_sessions, type: gauge}
circuit_breaker_config: {per_mcp_server: {failure_threshold: 3, timeout: 1500ms, half_open_timeout: 90s}}
bulkhead_config: {resource_pools: [{name: all of it, mcp_servers: [a, b, c], resources: {connections: 11}}]}
health_monitoring: {health_checks: [{type: http, endpoint: /health, interval: 15s, timeout: 2s}, {type: tcp, interval: 2m, timeout: 2s}]}
# file: units/shop/more.yaml
circuit_breaker_config: {per_mcp_server: {failure_threshold: 7}}
bulkhead_config: {resource_pools: [{name: own, mcp_servers: [b], resources: {connections: 5}}]}
metrics_config: {custom_metrics: [{name: calls_total, type: counter, labels: [mcp_server]}]}
# file: units/bank/more.yaml
health_monitoring: {health_checks: [{type: tcp, timeout: 2s}]}
bulkhead_config: {resource_pools: [{name: bank, mcp_servers: [c], resources: {connections: 1}}]}
";

fn text(world: &str, file: &str) -> String {
    lines::text(&TARGET, world, file)
}

#[test]
fn each_metric_and_each_limit_has_its_rules() {
    let rules = text(WORLD, "prometheus/rules.yaml");
    for line in [
        "record: gateway_mcp_server:calls:rate5m\n    expr: sum by (gateway, mcp_server) (rate(calls_total[5m]))",
        "expr: histogram_quantile(0.99, sum by (gateway, tool, le) (rate(wait_seconds_bucket[5m])))",
        "record: gateway:open_sessions:sum",
        "(envoy_cluster_outlier_detection_ejections_active{gateway!~\"shop\"}) > 0",
        "(envoy_cluster_outlier_detection_ejections_active{gateway=\"shop\"}) > 0",
        "for 1m30s, after 3 failures in a row",
        "after 7 failures in a row",
        "get no answer for 1500ms",
        "(envoy_cluster_upstream_rq_active{gateway!~\"shop\", mcp_server=~\"a|b\"}) > 8",
        "(envoy_cluster_upstream_rq_active{gateway=\"shop\", mcp_server=~\"b\"}) > 4",
        "(envoy_cluster_upstream_rq_active{mcp_server=~\"c\"}) > 0",
        "(envoy_cluster_membership_healthy{mcp_server!~\"c\"}) == 0",
        "(envoy_cluster_membership_healthy{mcp_server=~\"c\"}) == 0",
        "for: 2m\n",
        "for: 10s\n",
        "runbook_url: https://docs.example.org/mcpctl/families/circuit-breaker.html",
    ] {
        let line = line.replace("1m30s", "90s");
        assert!(rules.contains(&line), "{line}\n{rules}");
    }
    // The unit counts what the central configuration counts.
    assert_eq!(rules.matches("gateway_mcp_server:calls:rate5m").count(), 1);
}

#[test]
fn a_bulkhead_with_less_than_one_call_for_each_process_has_no_alert() {
    let two = WORLD.replace("envoy: {admin", "envoy: {replicas: 2, admin");
    assert_ne!(two, WORLD);
    let rules = text(&two, "prometheus/rules.yaml");
    assert!(
        rules.contains("(envoy_cluster_upstream_rq_active{gateway!~\"shop\", mcp_server=~\"a|b\"}) > 4"),
        "{rules}"
    );
    assert!(!rules.contains("(envoy_cluster_upstream_rq_active{mcp_server=~\"c\"})"), "{rules}");
}

#[test]
fn gateways_and_servers_are_scraped_where_they_are() {
    let config = text(WORLD, "prometheus/prometheus.yaml");
    for part in [
        "127.0.0.1:9901",
        "shop.example.org:9902",
        "a.example.org:443",
        "'[::1]:81'",
        "__scheme__: http\n",
        "path_prefix: /am",
    ] {
        assert!(config.contains(part), "{part}\n{config}");
    }
    let (model, _) = checked(WORLD);
    assert_eq!(waiting(model.model()), None);
    // Two gateways of one address cannot be told apart.
    let world = WORLD.replace(", gateways: {shop: {admin: '0.0.0.0:9902'}}", "");
    let config = text(&world, "prometheus/prometheus.yaml");
    assert!(!config.contains("mcp-gateways") && config.contains("mcp-servers"), "{config}");
    let waits = waiting(checked(&world).0.model()).unwrap();
    assert_eq!(waits.needs, "an `admin` address of its own for gateway `central` and `shop`");
}

/// A warning says that the name of a summary does not end in `_total`; it is recorded under its whole name all the same.
#[test]
fn a_summary_is_recorded_by_its_whole_name() {
    let rules = text(&WORLD.replace("name: size_bytes", "name: size_total"), "prometheus/rules.yaml");
    assert!(rules.contains("size_total:mean_rate5m"), "{rules}");
}

#[test]
fn metrics_of_one_recorded_name_are_refused_at_their_place() {
    for (name, other) in [("calls", "counter, labels: [mcp_server, gateway]"), ("a_total", "counter, labels: [x_y]")] {
        let more = format!("    - {{name: {name}, type: {other}}}\n    - {{name: a, type: counter, labels: [x, y]}}\n");
        let world = WORLD.replace("    - {name: open_sessions", &format!("{more}    - {{name: open_sessions"));
        let Err(errors) = built(&TARGET, &world) else { panic!("it compiles: {name}") };
        let (findings, _) = crate::build::findings(errors);
        assert!(findings[0].message.contains("is recorded as `gateway"), "{}", findings[0].message);
    }
}

/// A server can give no series of a gateway's.
#[test]
fn of_servers_the_declared_metrics_alone_are_kept() {
    let config = text(WORLD, "prometheus/prometheus.yaml");
    let (_, of_servers) = config.split_once("job_name: mcp-servers").expect("the job of servers");
    let operations = ["bucket", "count", "sum"].map(|part| format!("mcp_server_operation_duration_seconds_{part}|"));
    assert!(of_servers.contains(&format!("calls_total|{}open_sessions|", operations.concat())), "{of_servers}");
    let kept = "open_sessions|size_bytes|size_bytes_count|size_bytes_sum|wait_seconds_bucket|wait_seconds_count|wait_seconds_sum";
    assert!(of_servers.contains(kept) && of_servers.contains("action: keep"), "{of_servers}");
}

#[test]
fn a_name_that_is_a_program_is_refused_at_its_place() {
    let world = WORLD.replace("name: all of it", "name: 'a {{b'");
    let Err(errors) = built(&TARGET, &world) else { panic!("it compiles") };
    let (findings, _) = crate::build::findings(errors);
    assert_eq!(findings[0].message, "the name of pool `a {{b` holds `{{`, which Prometheus takes for a template");
}

#[test]
fn a_server_with_a_dot_is_said_to_have_no_alert() {
    let world = WORLD.replace("name: a, ", "name: a.b, ").replace("[a, b, c]", "[a.b, b, c]");
    let bundle = built(&TARGET, &world).unwrap().bundle;
    let left = &bundle.manifest.targets[0].not_expressed;
    assert!(left.iter().any(|left| left.key == "servers[].name: a.b"));
    assert!(text(&world, "prometheus/rules.yaml").contains("a[.]b|b"));
}

/// Every change of a line or of a value of a file is noticed.
#[test]
fn a_changed_file_does_not_verify() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [
        ("0", "1"),
        ("5", "6"),
        ("shop", "bank"),
        ("page", "ticket"),
        ("gateway", "instance"),
        ("mcp_server", "server"),
        ("sum", "avg"),
        ("a", "A"),
        ("true", "false"),
        (">", ">="),
        ("==", "!="),
        ("=~", "!~"),
        ("_", "-"),
    ];
    let tried: usize = files.texts().map(|(path, _)| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 2000, "{tried}");
    for path in ["prometheus/other.yaml", "prometheus/central/rules.yaml"] {
        assert!(files.refused(path, Some("groups: []\n")), "{path}");
    }
}

#[test]
fn without_its_families_there_is_nothing() {
    let world = "# file: all.yaml\ncaching_strategy: {layers: [{name: far, location: redis}]}\n";
    assert!(built(&TARGET, world).unwrap().bundle.artifacts.is_empty());
}

#[test]
fn the_document_compiles_without_a_registry() {
    let text_of =
        |name: &str| std::fs::read_to_string(format!("{}/fixtures/seed/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let world = format!(
        "# file: metrics.yaml\n{}# file: breaker.yaml\n{}",
        text_of("metrics.yaml"),
        text_of("circuit-breaker.yaml")
    );
    let bundle = built(&TARGET, &world).unwrap().bundle;
    let files: Vec<&str> = bundle.artifacts.keys().map(String::as_str).collect();
    assert_eq!(
        files,
        ["alertmanager.yaml", "dashboard.json", "rules.yaml", "rules_test.yaml"]
            .map(|name| format!("prometheus/{name}"))
    );
    assert!(text(&world, "prometheus/rules.yaml").contains("mcp_server_method_status_code:mcp_requests:rate5m"));
    assert!(waiting(checked(&world).0.model()).is_some());
}
