//! Limits, headers and reports: what is emitted for each value, what is said of those that Envoy cannot express, and that the
//! lifter knows every number.

mod telemetry;

use super::*;
use crate::targets::{NotExpressed, not_expressed};

/// What a unit's folder and the central configuration say of the same world.
const OPERATIONS: &str = r#"
# file: operations.yaml
circuit_breaker_config: {per_mcp_server: {failure_threshold: 4, timeout: 20s, half_open_timeout: 45s}}
bulkhead_config: {resource_pools: [{name: all, mcp_servers: [crm, faq], resources: {connections: 100}}]}
connection_pooling:
  http_pools: [{mcp_server: crm, pool_size: 60, keep_alive: 90s, timeout: 25s}]
health_monitoring:
  health_checks:
    - {type: http, endpoint: /health, interval: 10s, timeout: 3s}
    - {type: tcp, port: 8080}
  load_balancing: {strategy: least_request}
tracing_config:
  exporters: [{name: spans, type: otlp, endpoint: 'https://collector.example:4318/v1/traces'}]
  sampling: {strategy: probabilistic, rate: 0.1}
  correlation: {request_id_header: x-correlation-id, user_id_header: x-user-id, tenant_id_header: x-tenant-id}
metrics_config:
  custom_metrics:
    - {name: mcp_requests_total, type: counter, labels: [mcp_server, method]}
    - {name: mcp_tool_duration_seconds, type: histogram, labels: [mcp_server, tool]}
    - {name: mcp_active_requests, type: gauge, labels: [gateway]}
logging_config: {fields: [request_id, user_id, tenant_id, tool_name]}
"#;

fn world(operations: &str) -> String {
    let without = WORLD.replace("circuit_breaker_config: {per_mcp_server: {failure_threshold: 5, timeout: 30s}}\n", "");
    format!("{without}{operations}")
}

/// The static files, by gateway.
fn files(text: &str) -> BTreeMap<String, Value> {
    let built = built(&TARGET, text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let files = built.bundle.artifacts.into_iter().filter_map(|(path, artifact)| {
        let gateway = path.strip_prefix("envoy/")?.strip_suffix("/envoy.static.yaml")?.to_owned();
        Some((gateway, serde_yaml::from_slice(&artifact.bytes).unwrap()))
    });
    files.collect()
}

fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn cluster<'v>(whole: &'v Value, name: &str) -> &'v Value {
    named(&whole["static_resources"]["clusters"], name)
}

fn manager(whole: &Value) -> &Value {
    &whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

fn route<'v>(whole: &'v Value, name: &str) -> &'v Value {
    named(&manager(whole)["route_config"]["virtual_hosts"][0]["routes"], name)
}

#[test]
fn failures_of_any_kind_open_the_breaker_for_the_declared_time() {
    let files = files(&world(OPERATIONS));
    for (gateway, open) in [("retail", "45s"), ("central", "45.500s")] {
        let found = &cluster(&files[gateway], "crm/messages")["outlier_detection"];
        assert_eq!(found["consecutive_5xx"], 4, "{gateway}");
        assert_eq!(found["split_external_local_origin_errors"], false, "{gateway}");
        assert_eq!(found["successful_active_health_check_uneject_host"], false, "{gateway}");
        assert_eq!([&found["base_ejection_time"], &found["max_ejection_time"]], [open, open], "{gateway}");
    }
    // The time of a call is for each pause in its answer; the pool's is for the whole. Nothing is tried again.
    let messages = &route(&files["retail"], "crm/messages")["route"];
    assert_eq!(messages["retry_policy"], json!({"num_retries": 0, "per_try_idle_timeout": "20s"}));
    assert_eq!([&messages["timeout"], &messages["idle_timeout"]], ["25s", "80s"]);
    let stream = &route(&files["retail"], "crm/stream")["route"];
    assert_eq!(stream["cluster"], messages["cluster"]);
    assert_eq!([&stream["timeout"], &stream["idle_timeout"]], ["0s", "3600s"]);
    assert_eq!(stream.get("retry_policy"), None);
}

#[test]
fn a_time_limit_alone_is_no_breaker() {
    let only = "\ncircuit_breaker_config: {per_mcp_server: {timeout: 20s}}\n";
    let files = files(&world(only));
    assert_eq!(cluster(&files["central"], "crm/messages").get("outlier_detection"), None);
    assert_eq!(route(&files["central"], "crm/messages")["route"]["retry_policy"]["per_try_idle_timeout"], "20s");
}

#[test]
fn the_attempts_of_the_workflow_engine_are_no_retries_of_a_gateway() {
    let engine = "\norchestration: {engine: temporal, error_handling: {retry_policy: {max_attempts: 5}}}\n";
    assert_eq!(files(&world(engine)), files(&world("")));
}

#[test]
fn calls_and_streams_share_a_budget_that_pools_divide() {
    let files = files(&world(OPERATIONS));
    let threshold = |gateway: &str, name: &str| {
        let found = &cluster(&files[gateway], name)["circuit_breakers"]["thresholds"][0];
        (found["max_requests"].as_u64(), found["max_connections"].as_u64())
    };
    assert_eq!(threshold("retail", "crm/messages"), (Some(60), Some(60)));
    assert_eq!(threshold("central", "faq/messages"), (Some(40), None));
    let servers = |gateway: &str| {
        let clusters = files[gateway]["static_resources"]["clusters"].as_array().unwrap();
        clusters.iter().filter(|cluster| cluster["name"].as_str().unwrap().ends_with("/messages")).count()
    };
    assert_eq!((servers("central"), servers("retail")), (2, 1), "one cluster for each server");
}

#[test]
fn a_units_own_limits_hold_in_its_gateway_and_the_central_ones_elsewhere() {
    let (settings, rest) = WORLD.split_once("# file: keys.json").unwrap();
    let unit = "# file: units/retail/own.yaml
circuit_breaker_config: {per_mcp_server: {failure_threshold: 2, timeout: 7s}}
bulkhead_config: {resource_pools: [{name: own, mcp_servers: [crm], resources: {connections: 9}}]}
";
    let text = format!(
        "units: {{retail: units/retail}}\n{settings}# file: keys.json{}{unit}{OPERATIONS}",
        rest.replace("circuit_breaker_config: {per_mcp_server: {failure_threshold: 5, timeout: 30s}}\n", "").replace(
            "cross_unit_routing: explicit_approval",
            "cross_unit_routing: explicit_approval, local_policy_override: full"
        )
    );
    let files = files(&text);
    let of = |gateway: &str| {
        let found = cluster(&files[gateway], "crm/messages");
        let requests = found["circuit_breakers"]["thresholds"][0]["max_requests"].as_u64();
        let pause = &route(&files[gateway], "crm/messages")["route"]["retry_policy"]["per_try_idle_timeout"];
        (found["outlier_detection"]["consecutive_5xx"].as_u64(), requests, pause.as_str().unwrap().to_owned())
    };
    assert_eq!(of("retail"), (Some(2), Some(9), "7s".to_owned()));
    assert_eq!(of("central"), (Some(4), Some(60), "20s".to_owned()));
}

#[test]
fn every_key_that_is_expressed_changes_the_files() {
    let before = files(&world(OPERATIONS));
    for (from, to) in [
        ("failure_threshold: 4", "failure_threshold: 7"),
        ("timeout: 20s", "timeout: 21s"),
        ("half_open_timeout: 45s", "half_open_timeout: 46s"),
        ("connections: 100", "connections: 99"),
        ("mcp_servers: [crm, faq]", "mcp_servers: [crm]"),
        ("mcp_server: crm, pool_size", "mcp_server: faq, pool_size"),
        ("pool_size: 60", "pool_size: 61"),
        ("keep_alive: 90s", "keep_alive: 91s"),
        ("timeout: 25s", "timeout: 26s"),
        ("endpoint: /health", "endpoint: /alive"),
        ("interval: 10s", "interval: 11s"),
        ("timeout: 3s", "timeout: 4s"),
        ("port: 8080", "port: 8081"),
        ("strategy: least_request", "strategy: maglev"),
        ("type: otlp,", "type: zipkin,"),
        ("collector.example", "other.example"),
        ("rate: 0.1", "rate: 0.2"),
        ("strategy: probabilistic", "strategy: always_on"),
        ("x-correlation-id", "x-number"),
        ("x-user-id", "x-person"),
        ("x-tenant-id", "x-unit"),
        ("mcp_requests_total, type: counter", "mcp_tool_calls_total, type: counter"),
        ("mcp_active_requests, type: gauge", "mcp_active_requests, type: counter"),
        ("labels: [mcp_server, method]", "labels: [mcp_server]"),
        ("tenant_id, tool_name]", "tenant_id, tool_name, execution_time]"),
    ] {
        let text = OPERATIONS.replace(from, to);
        assert_ne!(text, OPERATIONS, "{from}");
        assert_ne!(files(&world(&text)), before, "{from} -> {to}");
    }
}

/// What is said of the operations of a world, with the line of each place.
fn said(operations: &str) -> Vec<String> {
    let text = world(operations);
    let (checked, sources) = checked(&text);
    let of = ["health_monitoring", "tracing_config", "metrics_config", "logging_config"];
    let found = not_expressed(&TARGET, checked.model());
    let found = found.into_iter().filter(|found| of.contains(&found.family.key()));
    found.map(|NotExpressed { key, loc, .. }| format!("{key} @ {}", sources.text_at(loc))).collect()
}

#[test]
fn values_that_envoy_lacks_are_said_at_their_place() {
    assert_eq!(said(OPERATIONS), Vec::<String>::new());
    let other = r#"
health_monitoring:
  health_checks: [{type: grpc, port: 9000}, {type: http, endpoint: 'https://monitor.example/health'}]
  load_balancing: {strategy: weighted_round_robin}
tracing_config:
  exporters:
    - {name: old, endpoint: 'http://jaeger:14268/api/traces'}
    - {name: first, endpoint: 'https://c.example:4317'}
    - {name: second, endpoint: 'https://d.example:4317'}
  sampling: {strategy: rate_limiting, rate: 20}
metrics_config:
  custom_metrics:
    - {name: mcp_active_sessions, type: gauge, labels: [mcp_server]}
    - {name: mcp_tool_duration_seconds, type: histogram, labels: [mcp_server, status, agent_type, user_id]}
    - {name: mcp_request_errors_total, type: counter}
    - {name: mcp_request_duration_seconds, type: summary}
logging_config: {fields: [request_id, customer_segment]}
"#;
    assert_eq!(
        said(other),
        [
            "health_checks[].type: grpc @ {type: grpc, port: 9000}",
            "health_checks[].endpoint: https://monitor.example/health @ 'https://monitor.example/health'",
            "load_balancing.strategy: weighted_round_robin @ weighted_round_robin",
            "exporters[].name: old @ old",
            "exporters[].name: second @ second",
            "sampling.strategy: rate_limiting @ rate_limiting",
            "custom_metrics[].name: mcp_active_sessions @ mcp_active_sessions",
            "custom_metrics[].labels: status of mcp_tool_duration_seconds @ status",
            "custom_metrics[].labels: agent_type of mcp_tool_duration_seconds @ agent_type",
            "custom_metrics[].labels: user_id of mcp_tool_duration_seconds @ user_id",
            "custom_metrics[].name: mcp_request_errors_total @ mcp_request_errors_total",
            "custom_metrics[].name: mcp_request_duration_seconds @ mcp_request_duration_seconds",
            "fields: customer_segment @ customer_segment",
        ]
    );
}

#[test]
fn reports_of_a_unit_without_a_gateway_are_said() {
    let (settings, rest) = WORLD.split_once("# file: keys.json").unwrap();
    let unit = "\n# file: units/plain/own.yaml\nlogging_config: {fields: [request_id]}\n";
    let text = format!("units: {{plain: units/plain}}\n{settings}# file: keys.json{rest}{unit}").replace(
        "cross_unit_routing: explicit_approval",
        "cross_unit_routing: explicit_approval, local_policy_override: full",
    );
    let (checked, _) = checked(&text);
    let found = not_expressed(&TARGET, checked.model());
    assert!(found.iter().any(|found| found.key == "logging_config of plain"), "{found:#?}");
}

#[test]
fn what_cannot_be_divided_or_sent_is_refused_at_its_place() {
    for (from, to, what) in [
        ("connections: 100", "connections: 1", "1 connections for 2 servers"),
        ("x-user-id", "x_user_id", "because of its `_`"),
    ] {
        let errors = built(&TARGET, &world(&OPERATIONS.replace(from, to))).unwrap_err();
        let (findings, other) = crate::build::findings(errors);
        assert!(other.is_empty() && findings.iter().any(|found| found.message.contains(what)), "{what}: {findings:?}");
    }
}

#[test]
fn every_number_and_header_of_operation_is_known_to_the_lifter() {
    const KNOWN: [&str; 12] = [
        "circuit_breakers",
        "common_lb_config",
        "early_header_mutation_extensions",
        "generate_request_id",
        "health_checks",
        "idle_timeout",
        "lb_policy",
        "outlier_detection",
        "preserve_external_request_id",
        "request_headers_to_add",
        "retry_policy",
        "stats_config",
    ];
    let text = world(OPERATIONS);
    let (checked, _) = checked(&text);
    let policy = crate::targets::seen(&TARGET, checked.model(), checked.policy()).1;
    for (name, whole) in files(&text) {
        let files = built(&TARGET, &text).unwrap().bundle.artifacts;
        let bootstrap = serde_yaml::from_slice(&files[&format!("envoy/{name}/bootstrap.yaml")].bytes).unwrap();
        let mut count = 0;
        for change in changes(&whole) {
            let path = slashed(&change);
            let below = |word: &&str| path.split('/').any(|part| part == *word || part == format!("(drop {word})"));
            // The other services of a gateway have no limits of their own, and Envoy's own defaults of them change nothing.
            let other = ["spans", "issuer_1"].iter().any(|service| {
                let cluster = path.strip_prefix("static_resources/clusters/").and_then(|rest| rest.split('/').next());
                let at = cluster.and_then(|at| at.parse::<usize>().ok());
                at.is_some_and(|at| whole["static_resources"]["clusters"][at]["name"] == *service)
            });
            if other || !KNOWN.iter().any(below) {
                continue;
            }
            let changed = Folders::from([(name.clone(), folder_of(&change.of(&whole), &bootstrap))]);
            assert!(judge_one(&changed, &name, checked.model(), &policy).is_err(), "{name}: {path}");
            count += 1;
        }
        assert!(count > 60, "{name}: {count}");
    }
}

#[test]
fn each_replica_of_a_gateway_has_its_part_of_a_bulkhead() {
    let of = |replicas: u32, connections: u32| {
        let text = world(OPERATIONS).replace("connections: 100", &format!("connections: {connections}"));
        text.replace("    listen: 127.0.0.1:8443\n", &format!("    listen: 127.0.0.1:8443\n    replicas: {replicas}\n"))
    };
    let most = |text: &str| {
        let files = files(text);
        ["crm/messages", "faq/messages"]
            .map(|name| cluster(&files["central"], name)["circuit_breakers"]["thresholds"][0]["max_requests"].clone())
    };
    // `crm` has a pool of 60, and `faq` the rest; where that does not fit, each gets its part.
    assert_eq!(most(&of(1, 100)), [60, 40]);
    assert_eq!(most(&of(4, 400)), [60, 40]);
    assert_eq!(most(&of(5, 100)), [19, 1]);
    let errors = format!("{:?}", built(&TARGET, &of(3, 5)).unwrap_err());
    assert!(errors.contains("pool `all` has 5 connections for 2 servers at 3 replicas of a gateway"), "{errors}");
}
