use super::*;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::{built, checked};

const WORLD: &str = "
targets: {otel-collector: {endpoint: 'http://collector:4318', memory: 1Gi}}
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
data_routing:
  classifications:
    - {level: public, mcp_servers: [site, shop_public]}
    - {level: internal, mcp_servers: [crm.v2]}
    - {level: secret, mcp_servers: [vault]}
mcp_registry:
  central_gateway: https://mcp.example.org
  business_units: [{name: shop}]
  servers:
    - {name: site, business_unit: central, tools: [{name: t}]}
    - {name: crm.v2, business_unit: central, tools: [{name: t}]}
    - {name: vault, business_unit: central, tools: [{name: t}]}
    - {name: shop_public, business_unit: shop, tools: [{name: t}]}
circuit_breaker_config: {per_mcp_server: {timeout: 5s}}
batch_processing:
  batch_size: 100
  flush_interval: 1500ms
  compression: zstd
  strategies:
    - {name: full, trigger: batch_full, max_items: 500}
    - {name: timed, trigger: every_minute, max_items: 400}
    - {name: urgent, trigger: high_priority_item, max_items: 300}
tracing_config:
  exporters:
    - {name: old_jaeger, endpoint: 'http://jaeger:14268/api/traces'}
    - {name: zipkin, endpoint: 'http://zipkin:9411/api/v2/spans?$x'}
    - {name: vendor, endpoint: 'https://vendor.example/tenant/v1/traces'}
    - {name: base, endpoint: 'http://base:4318/'}
    - {name: grpc, endpoint: 'https://[::1]:4317'}
    - {name: unknown_jaeger, type: jaeger, endpoint: 'https://traces.example/api'}
  sampling: {strategy: tail, rate: 0.07, priority_boost: error_spans}
  correlation: {request_id_header: X-Request-Id, user_id_header: X-User-Id, tenant_id_header: x-tenant-id}
# file: units/shop/data.yaml
data_routing:
  classifications:
    - {level: public, mcp_servers: []}
    - {level: internal, mcp_servers: []}
    - {level: secret, mcp_servers: [shop_public]}
# file: units/shop/tracing.yaml
tracing_config:
  exporters: [{name: local, endpoint: 'http://localhost:4317'}]
  sampling: {strategy: probabilistic, rate: 0.5}
";

const COLLECTOR: &str = "otel-collector/central/collector.yaml";
const SDK: &str = "otel-collector/central/sdk.env";

fn text(world: &str, file: &str) -> String {
    lines::text(&TARGET, world, file)
}

fn collector(world: &str) -> serde_json::Value {
    serde_yaml::from_str(&text(world, COLLECTOR)).unwrap()
}

fn refused(world: &str) -> (String, String) {
    let Err(errors) = built(&TARGET, world) else { panic!("it compiles") };
    let (findings, others) = crate::build::findings(errors);
    assert!(others.is_empty(), "{others:?}");
    let (_, sources) = checked(world);
    (sources.text_at(findings[0].loc).to_owned(), findings[0].message.clone())
}

#[test]
fn the_files_say_what_the_workspace_says() {
    let bundle = built(&TARGET, WORLD).unwrap().bundle;
    let files: Vec<&str> = bundle.artifacts.keys().map(String::as_str).collect();
    let unit = ["otel-collector/shop/collector.yaml", "otel-collector/shop/sdk.env"];
    assert_eq!(files, [COLLECTOR, SDK, unit[0], unit[1]]);
    insta::assert_snapshot!(text(WORLD, COLLECTOR));
    insta::assert_snapshot!(text(WORLD, SDK));
    let shop: serde_json::Value = serde_yaml::from_str(&text(WORLD, unit[0])).unwrap();
    assert_eq!(shop["processors"]["tail_sampling"], serde_json::Value::Null);
    assert_eq!(shop["exporters"]["otlp_grpc/local"]["tls"]["insecure"], true);
    assert!(
        text(WORLD, unit[1]).contains("OTEL_TRACES_SAMPLER=parentbased_traceidratio\nOTEL_TRACES_SAMPLER_ARG=0.5\n")
    );
    let names = &bundle.manifest.targets[0].names;
    assert_eq!(names.get("old-jaeger").map(String::as_str), Some("old_jaeger"));
    let left: Vec<&str> = bundle.manifest.targets[0]
        .not_expressed
        .iter()
        .filter(|left| ["tracing_config", "batch_processing"].contains(&left.family.as_str()))
        .map(|left| left.key.as_str())
        .collect();
    assert_eq!(
        left,
        [
            "strategies[].trigger: every 1m",
            "strategies[].trigger: high_priority_item",
            "compression: zstd",
            "exporters[].endpoint: http://jaeger:14268/api/traces",
            "exporters[].endpoint: https://traces.example/api",
        ]
    );
}

#[test]
fn traces_are_chosen_once() {
    let with = |sampling: &str| {
        let world = WORLD.replace("{strategy: tail, rate: 0.07, priority_boost: error_spans}", sampling);
        let world = world.replace("memory: 1Gi", "slow_after: 2s");
        let collector = collector(&world);
        let policies = collector["processors"]["tail_sampling"]["policies"].as_array().cloned().unwrap_or_default();
        let policies: Vec<String> = policies.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        let sdk = text(&world, SDK);
        let sampler = sdk.lines().find_map(|line| line.strip_prefix("OTEL_TRACES_SAMPLER=")).unwrap().to_owned();
        (sampler, policies.join(" "))
    };
    for (sampling, sampler, policies) in [
        ("{strategy: tail, rate: 0.1}", "always_on", "share"),
        ("{strategy: tail, rate: 0.1, priority_boost: error_spans}", "always_on", "errors share"),
        ("{strategy: tail, rate: 0.1, priority_boost: slow_spans}", "always_on", "slow share"),
        ("{strategy: probabilistic, rate: 0.1, priority_boost: error_spans}", "always_on", "errors share"),
        ("{rate: 0.1, priority_boost: slow_spans}", "always_on", "slow share"),
        ("{strategy: always_off, priority_boost: error_spans}", "always_on", "errors"),
        ("{strategy: probabilistic, rate: 0.1}", "parentbased_traceidratio", ""),
        ("{rate: 0.1}", "parentbased_traceidratio", ""),
        ("{strategy: tail, rate: 1}", "always_on", ""),
        ("{strategy: tail, priority_boost: error_spans}", "always_on", ""),
        ("{strategy: always_on, rate: 0.1}", "always_on", ""),
        ("{strategy: rate_limiting, rate: 7}", "always_on", ""),
        ("{}", "always_on", ""),
    ] {
        assert_eq!(with(sampling), (sampler.to_owned(), policies.to_owned()), "{sampling}");
    }
}

#[test]
fn where_nothing_is_kept_there_is_no_collector() {
    for sampling in ["{strategy: always_off}", "{strategy: probabilistic, rate: 0}", "{strategy: tail, rate: 0}"] {
        let world = WORLD.replace("{strategy: tail, rate: 0.07, priority_boost: error_spans}", sampling);
        assert!(!built(&TARGET, &world).unwrap().bundle.artifacts.contains_key(COLLECTOR), "{sampling}");
        assert!(text(&world, SDK).contains("OTEL_TRACES_SAMPLER=always_off\n"), "{sampling}");
    }
}

#[test]
fn percents_have_no_dust() {
    for (rate, percent) in [("0.07", 7.0), ("0.29", 29.0), ("0.001", 0.1), ("0.333", 33.3), ("0.00001", 0.001)] {
        let found = collector(&WORLD.replace("0.07", rate));
        let share = &found["processors"]["tail_sampling"]["policies"][1]["probabilistic"]["sampling_percentage"];
        assert_eq!(share.as_f64(), Some(percent), "{rate}");
    }
}

#[test]
fn classes_say_whose_users_keep_a_pseudonym() {
    let hashed = |world: &str| {
        let found = collector(world);
        let span = &found["processors"]["transform/user_ids"]["trace_statements"][2]["statements"];
        let hash = span.as_array().unwrap().iter().find(|it| it.as_str().unwrap().starts_with("set("));
        hash.map(|it| it.as_str().unwrap().split(['[', ']']).nth(7).unwrap().to_owned())
    };
    let up_to = |class: &str| WORLD.replace("memory: 1Gi", &format!("pseudonyms_up_to: {class}"));
    assert_eq!(hashed(WORLD).as_deref(), Some(r#""crm.v2", "site""#));
    assert_eq!(hashed(&up_to("public")).as_deref(), Some(r#""site""#));
    assert_eq!(hashed(&up_to("secret")).as_deref(), Some(r#""crm.v2", "shop_public", "site", "vault""#));
    assert_eq!(hashed(&WORLD.replace("level: internal", "level: inner")), None);
    assert_eq!(refused(&up_to("unheard")), ("unheard".to_owned(), "no data class is called `unheard`".to_owned()));
}

#[test]
fn what_the_collector_would_take_for_something_else_is_refused_at_its_place() {
    let memory = WORLD.replace("1Gi", "1Mi");
    assert_eq!(refused(&memory).0, "1Mi");
    let endpoint = WORLD.replace("http://collector:4318", "http://collector:9411");
    assert_eq!(refused(&endpoint).1, "nothing says that `http://collector:9411` takes OTLP");
    let path = WORLD.replace(
        "name: grpc, endpoint: 'https://[::1]:4317'",
        "name: grpc, type: otlp_grpc, endpoint: 'https://c:4317/x'",
    );
    assert_eq!(refused(&path), ("'https://c:4317/x'".to_owned(), "gRPC has no place for the path `/x`".to_owned()));
    let twice = WORLD.replace("name: vendor", "name: old-jaeger");
    let message = "`old_jaeger` and `old-jaeger` are both `old-jaeger` for target `otel-collector`";
    assert_eq!(refused(&twice).1, message);
}

/// Every change of a line or of a value of a file is noticed.
#[test]
fn a_changed_file_does_not_verify() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [
        ("0", "1"),
        ("7", "70"),
        ("ERROR", "OK"),
        ("true", "false"),
        ("zstd", "gzip"),
        ("not IsString", "IsString"),
        ("\"site\"", "\"vault\""),
        ("delete_key", "keep_keys"),
        ("propagate", "ignore"),
        ("$$", "$"),
        ("span.", "spanevent."),
        ("always_on", "always_off"),
        ("collector:", "elsewhere:"),
        ("jaeger:", "elsewhere:"),
    ];
    let tried: usize = files.texts().map(|(path, _)| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 300, "{tried}");
    let (_, whole) = files.texts().find(|(path, _)| *path == COLLECTOR).unwrap();
    for (old, new) in [
        ("service:\n", "extensions: {}\nservice:\n"),
        ("  - otlp\n", "  - otlp\n      - zipkin\n"),
        (
            "      - memory_limiter\n      - transform/user_ids\n",
            "      - transform/user_ids\n      - memory_limiter\n",
        ),
        ("limit_mib: 1024", "limit_mib: 0"),
        ("sampling_percentage: 7.0", "sampling_percentage: 0.07"),
        ("sampling_percentage: 7.0", "sampling_percentage: 110"),
        ("endpoint: jaeger:4317", "endpoint: jaeger"),
        ("endpoint: jaeger:4317", "endpoint: ${env:X}:4317"),
    ] {
        let spoiled = whole.replacen(old, new, 1);
        assert!(spoiled != whole && files.refused(COLLECTOR, Some(&spoiled)), "{old} -> {new}");
    }
    for path in ["otel-collector/central/other.yaml", "otel-collector/elsewhere/sdk.env", "otel-collector/README"] {
        assert!(files.refused(path, Some("a=b\n")), "{path}");
    }
}

#[test]
fn without_traces_there_is_nothing() {
    let start = WORLD.find("tracing_config:\n  exporters:\n    - {name: old_jaeger").unwrap();
    let end = WORLD.find("# file: units/shop/data.yaml").unwrap();
    let world = format!("{}{}", &WORLD[..start], &WORLD[end..WORLD.find("# file: units/shop/tracing.yaml").unwrap()]);
    assert!(built(&TARGET, &world).unwrap().bundle.artifacts.is_empty());
}
