//! Values with a grammar and words of closed vocabularies: what a product would refuse is refused at the value, with the form
//! that it takes.

mod shown;
mod words;

use mcpctl::analysis::Analysis;

use crate::memory::{Files, shown};

fn analysed(text: &str) -> Analysis {
    Files::of([("a.yaml", text)]).analyse()
}

/// Asserts that a file has this one error of a rule, at the value (as written first in the file), and that message and help
/// say all of this.
fn refused(text: &str, value: &str, rule: &str, says: &[&str]) {
    let offset = text.find(value).unwrap_or_else(|| panic!("{value:?} is not in {text}"));
    let before = &text[..offset];
    let column = offset - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    let finding = format!("{}:{column} {rule}", before.matches('\n').count() + 1);
    let analysis = analysed(text);
    let errors: Vec<_> =
        analysis.report().diagnostics.iter().filter(|d| d.severity == mcpctl::diagnostic::Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{text}\n{errors:#?}");
    let all = shown(&analysis);
    assert!(all.contains(&format!("a.yaml:{finding}")), "{text}\n{all:?}");
    let said = format!("{} {}", errors[0].message, errors[0].help.as_deref().unwrap_or_default());
    for word in says {
        assert!(said.contains(word), "{text}\n{said} does not say {word}");
    }
}

#[test]
fn endpoints_have_a_scheme_a_host_and_a_port_that_there_can_be() {
    let endpoint = |text: &str| format!("tracing_config:\n  exporters:\n    - {{name: a, endpoint: \"{text}\"}}\n");
    for (text, says) in [
        ("jaeger:4317", "no scheme"),
        ("collector", "no scheme"),
        ("udp://jaeger:6831", "scheme `udp`"),
        ("https://collector:0", "no port"),
        ("https://collector:70000", "no port"),
        ("https://collector:43 17", "no port"),
        ("https://", "not a URL"),
        ("https://col lector", "not a URL"),
    ] {
        refused(&endpoint(text), &format!("\"{text}\""), "invalid-value", &[says]);
    }
    refused(&endpoint("https://token@collector"), "token@", "credentials-in-url", &["password"]);
    assert_eq!(shown(&analysed(&endpoint("https://collector:4318/v1/traces"))), Vec::<String>::new());
}

#[test]
fn an_endpoint_in_the_clear_is_seen() {
    let text = "federation_config:\n  central_gateway: {global_policies: {encryption_in_transit: required}}\n\
                zero_trust_config: {}\ntracing_config:\n  exporters:\n    - {name: a, endpoint: \"http://collector:4318\"}\n";
    assert!(
        shown(&analysed(text)).contains(&"a.yaml:6:27 plaintext-in-transit".to_owned()),
        "{:?}",
        shown(&analysed(text))
    );
}

#[test]
fn names_that_products_read_have_their_grammar() {
    let header = |text: &str| format!("tracing_config:\n  correlation: {{user_id_header: \"{text}\"}}\n");
    for text in ["x user", "x:user", ":path", "", "x-ü", "x(y)", "a,b"] {
        refused(&header(text), &format!("\"{text}\""), "invalid-value", &["x-request-id"]);
    }
    let topic = |text: &str| format!("event_driven_config:\n  event_bus: {{topics: [{{name: \"{text}\"}}]}}\n");
    for text in ["customer events", "a/b", "..", "", "ü"] {
        refused(&topic(text), &format!("\"{text}\""), "invalid-value", &["`customer_events`"]);
    }
    let metric = |name: &str, label: &str| {
        format!("metrics_config:\n  custom_metrics: [{{name: \"{name}\", type: counter, labels: [\"{label}\"]}}]\n")
    };
    for text in ["9lives_total", "a-b_total", "a.b", ""] {
        refused(&metric(text, "a"), &format!("\"{text}\""), "invalid-metric-name", &["`mcp_requests_total`"]);
    }
    for text in ["tool-name", "__name__", "a b"] {
        refused(&metric("a_total", text), &format!("\"{text}\""), "invalid-metric-name", &["label"]);
    }
    let probe = |text: &str| format!("health_monitoring:\n  health_checks: [{{type: http, endpoint: \"{text}\"}}]\n");
    for text in ["health", "/a b", "//h/x", "ftp://h/x"] {
        refused(&probe(text), &format!("\"{text}\""), "invalid-value", &["write"]);
    }
    let labels =
        |text: &str| format!("mcp_registry:\n  servers: [{{name: a, tools: [{{name: t}}], labels: {{{text}}}}}]\n");
    refused(&labels("app: 'a b'"), "'a b'", "invalid-value", &["value of a label"]);
    refused(&labels("'a b': c"), "'a b'", "invalid-value", &["key of a label"]);
}

#[test]
fn nothing_is_no_time_no_size_and_no_share() {
    for (text, place) in [
        ("circuit_breaker_config:\n  per_mcp_server: {timeout: 0s}\n", "0s"),
        ("circuit_breaker_config:\n  per_mcp_server: {half_open_timeout: 0_minutes}\n", "0_minutes"),
        ("caching_strategy:\n  layers: [{name: a, size: 0MB}]\n", "0MB"),
        ("caching_strategy:\n  layers: [{name: a, ttl: 0s}]\n", "0s"),
        ("logging_config:\n  retention: {audit_logs: 0_days}\n", "0_days"),
        ("event_driven_config:\n  event_bus: {topics: [{name: a, retention: 0_days}]}\n", "0_days"),
        ("event_driven_config:\n  event_bus: {topics: [{name: a, retention: {at_least: 0_days}}]}\n", "0_days"),
        ("logging_config:\n  retention: {debug_logs: {at_least: 0_days}}\n", "0_days"),
        ("chaos_experiments:\n  dependency_failures: [{target: a, failure_rate: 0%}]\n", "0%"),
        ("batch_processing:\n  flush_interval: 0ms\n", "0ms"),
        ("bulkhead_config:\n  resource_pools: [{name: a, mcp_servers: [s], resources: {memory: 0Gi}}]\n", "0Gi"),
    ] {
        refused(text, place, "invalid-value", &["leave the key out"]);
    }
}

#[test]
fn numbers_beyond_what_products_hold_are_out_of_range_and_of_no_rust_type() {
    for (text, place) in [
        ("circuit_breaker_config:\n  per_mcp_server: {failure_threshold: 4294967296}\n", "4294967296"),
        (
            "circuit_breaker_config:\n  per_mcp_server: {failure_threshold: 99999999999999999999}\n",
            "99999999999999999999",
        ),
        (
            "bulkhead_config:\n  resource_pools: [{name: a, mcp_servers: [s], resources: {connections: 4294967296}}]\n",
            "4294967296",
        ),
        ("connection_pooling:\n  http_pools: [{mcp_server: s, pool_size: 5000000000}]\n", "5000000000"),
        ("event_driven_config:\n  event_bus: {topics: [{name: a, partitions: 2147483648}]}\n", "2147483648"),
        ("orchestration:\n  error_handling: {retry_policy: {max_attempts: 2147483648}}\n", "2147483648"),
        ("batch_processing:\n  batch_size: 1000001\n", "1000001"),
        ("progressive_auth:\n  levels: [{level: 4294967296, requirements: [mfa]}]\n", "4294967296"),
        ("health_monitoring:\n  health_checks: [{type: tcp, port: 65536}]\n", "65536"),
        ("circuit_breaker_config:\n  per_mcp_server: {timeout: 101_years}\n", "101_years"),
        ("caching_strategy:\n  layers: [{name: a, size: 18446744073709551615B}]\n", "18446744073709551615B"),
    ] {
        refused(text, place, "invalid-value", &["the most is"]);
    }
    for text in [
        "circuit_breaker_config:\n  per_mcp_server: {failure_threshold: -1}\n",
        "circuit_breaker_config:\n  per_mcp_server: {failure_threshold: 1.5}\n",
        "circuit_breaker_config:\n  per_mcp_server: {failure_threshold: [1]}\n",
        "identity:\n  requirements: {f: {argument: a, at_least: 9223372036854775808}}\n",
        "tracing_config:\n  sampling: {rate: many}\n",
        "mcp_registry:\n  agents: [{name: a, may_call: [[1]]}]\n",
        "policy_tests:\n  - {name: a, principal: [[b]], call: c/d, expect: deny, with: [[[x]]]}\n",
        "progressive_auth:\n  levels: [{level: 1e300, requirements: [mfa]}]\n",
    ] {
        let analysis = analysed(text);
        assert!(!analysis.report().diagnostics.is_empty(), "{text}");
        for finding in &analysis.report().diagnostics {
            let said = format!("{} {}", finding.message, finding.help.as_deref().unwrap_or_default());
            for name in [
                "u8", "u16", "u32", "u64", "i64", "f64", "struct", "enum", "sequence", "integer", "floating",
                "expected",
            ] {
                assert!(!said.split(|c: char| !c.is_alphanumeric()).any(|word| word == name), "{text}: {said}");
            }
        }
    }
    let whole = "circuit_breaker_config:\n  per_mcp_server: {failure_threshold: 5.0}\n";
    assert_eq!(shown(&analysed(whole)), Vec::<String>::new());
}

#[test]
fn placeholders_are_refused_wherever_a_product_would_read_them() {
    for (text, place) in [
        ("mcp_registry:\n  central_gateway: https://${HOST}/\n", "https://${HOST}/"),
        (
            "mcp_registry:\n  servers: [{name: a, url: \"https://$(HOST)/mcp\", tools: [{name: t}]}]\n",
            "\"https://$(HOST)",
        ),
        ("tracing_config:\n  correlation: {user_id_header: \"{{ header }}\"}\n", "\"{{ header"),
        ("event_driven_config:\n  event_bus: {topics: [{name: \"${TOPIC:-events}\"}]}\n", "\"${TOPIC"),
        ("metrics_config:\n  custom_metrics: [{name: \"{{ x }}_total\", type: counter}]\n", "\"{{ x"),
        ("circuit_breaker_config:\n  per_mcp_server: {timeout: \"${TIMEOUT}\"}\n", "\"${TIMEOUT"),
        ("orchestration:\n  engine: ${ENGINE}\n", "${ENGINE}"),
        ("mcp_registry:\n  servers: [{name: a, tools: [{name: t}], labels: {\"${KEY}\": x}}]\n", "\"${KEY}"),
    ] {
        refused(text, place, "unexpanded-placeholder", &["does not expand", "environments"]);
    }
    let free = "workflow_definition:\n  name: w\n  description: \"costs ${AMOUNT}, see {{ wiki }}\"\n  \
                steps: [{name: s, mcp_server: a, tools: [t]}]\n";
    assert!(!shown(&analysed(free)).iter().any(|finding| finding.ends_with("unexpanded-placeholder")));
    let settings = Files::of([
        ("a.yaml", "batch_processing: {}\n"),
        ("mcpctl.yaml", "targets: {istio: {namespace: \"${NS}\"}}\n"),
    ]);
    assert_eq!(settings.findings(), ["mcpctl.yaml:1:30 unexpanded-placeholder"]);
}

#[test]
fn a_list_that_would_narrow_nothing_is_an_error() {
    for (text, value) in [
        ("progressive_auth:\n  levels: [{level: 1, requirements: []}]\n", "[]"),
        ("progressive_auth:\n  levels: [{level: 1, requirements: [mfa], alternatives: []}]\n", "[]"),
        ("progressive_auth:\n  levels: []\n", "[]"),
        ("data_routing:\n  classifications: [{level: a, mcp_servers: [s], requires: []}]\n", "[]"),
        ("data_routing:\n  classifications: [{level: a, mcp_servers: [s], additional_controls: []}]\n", "[]"),
        ("mcp_registry:\n  servers: [{name: a, tools: [{name: t}], requires: []}]\n", "[]"),
        ("mcp_registry:\n  servers: [{name: a, tools: [{name: t, requires: []}]}]\n", "[]"),
        ("mcp_registry:\n  servers: [{name: a, tools: []}]\n", "[]"),
        (
            "mcp_registry:\n  servers: [{name: a, tools: [{name: t}], resources: [{uri: \"a://b\", requires: []}]}]\n",
            "[]",
        ),
        ("mcp_registry:\n  servers: [{name: a, tools: [{name: t}], prompts: [{name: b, requires: []}]}]\n", "[]"),
        ("mcp_registry:\n  business_units: []\n", "[]"),
        ("bulkhead_config:\n  resource_pools: [{name: a, mcp_servers: []}]\n", "[]"),
        ("integration_tests:\n  test_environments: [{name: a, mcp_servers: []}]\n", "[]"),
    ] {
        refused(text, value, "invalid-value", &["must not be empty", "remove the key"]);
    }
    let granted = "mcp_registry:\n  servers: [{name: a, tools: [{name: t}]}]\n  agents: [{name: b, subject: b, may_call: [{tools: a/t, requires: []}]}]\n";
    refused(granted, "[]", "invalid-value", &["must not be empty"]);
    for settings in [
        "targets: {istio: {assume: []}}\n",
        "review: {waivers: [{principals: a, tools: b/c, facts: [], reason: r, owner: o, expires: \"2099-01-01\"}]}\n",
    ] {
        let files = Files::of([("a.yaml", "batch_processing: {batch_size: 1}\n"), ("mcpctl.yaml", settings)]);
        let column = settings.find("[]").unwrap() + 1;
        assert_eq!(files.findings(), [format!("mcpctl.yaml:1:{column} invalid-value")]);
    }
}

const CLASSED: &str = "data_routing:
  classifications:
    - {level: public, mcp_servers: [open]}
    - {level: internal, mcp_servers: [hr], encryption: WORD}
progressive_auth:
  levels: [{level: 1, requirements: [service_account_token]}]
zero_trust_config: {service_mesh: {mutual_tls: permissive}}
federation_config: {central_gateway: {global_policies: {encryption_in_transit: optional}}}
mcp_registry:
  servers:
    - {name: open, url: \"https://open.example/mcp\", tools: [{name: t}]}
    - {name: hr, url: \"SCHEME://hr.example/mcp\", encryption_at_rest: true, tools: [{name: t}]}
  agents: [{name: a, subject: a, may_call: [open/t, hr/t]}]
policy_tests:
  - {name: public in the clear, principal: a, call: open/t, with: [service_account_token], expect: allow}
  - {name: internal in the clear, principal: a, call: hr/t, with: [service_account_token], expect: deny, missing: [[tls]]}
  - {name: internal over tls, principal: a, call: hr/t, with: [service_account_token, tls], expect: allow}
";

#[test]
fn a_class_with_encryption_asks_every_call_for_tls() {
    for word in ["in_transit", "in_transit_and_at_rest"] {
        let text = CLASSED.replace("WORD", word).replace("SCHEME", "https");
        let found = shown(&analysed(&text));
        assert!(!found.iter().any(|f| f.ends_with("failing-policy-test")), "{found:?}");
        let clear = shown(&analysed(&text.replace("https://hr", "http://hr")));
        assert!(clear.iter().any(|f| f.ends_with(" plaintext-in-transit")), "{clear:?}");
    }
    let without = CLASSED.replace(", encryption: WORD", "").replace("SCHEME", "http");
    let found = shown(&analysed(&without));
    assert!(found.iter().any(|f| f.ends_with(" failing-policy-test")), "{found:?}");
    assert!(!found.iter().any(|f| f.ends_with(" plaintext-in-transit")), "{found:?}");
}

const SAGA: &str = "saga_definition:
  name: s
  compensations_enabled: SWITCH
  steps: [{name: one, mcp_server: pay, action: charge, compensation: refund}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry: {servers: [{name: pay, tools: [{name: charge}, {name: refund}]}]}
policy_tests:
  - {name: the action, principal: \"saga:s\", call: pay/charge, with: [service_account_token], expect: allow}
  - {name: the compensation, principal: \"saga:s\", call: pay/refund, with: [service_account_token], expect: EXPECT}
";

#[test]
fn compensations_that_are_switched_off_are_not_granted_and_a_warning_says_so() {
    for (switch, expect, warned) in [("false", "deny", true), ("true", "allow", false)] {
        let found = shown(&analysed(&SAGA.replace("SWITCH", switch).replace("EXPECT", expect)));
        assert!(!found.iter().any(|f| f.ends_with("failing-policy-test")), "{found:?}");
        assert_eq!(found.contains(&"a.yaml:3:26 compensation-disabled".to_owned()), warned, "{found:?}");
    }
}
