//! Headers of correlation, spans and metrics.

use super::*;

#[test]
fn user_and_tenant_are_the_tokens_and_never_the_callers_words() {
    let files = files(&world(OPERATIONS));
    for whole in files.values() {
        let manager = manager(whole);
        let removed = &manager["early_header_mutation_extensions"][0]["typed_config"]["mutations"];
        assert_eq!(*removed, json!([{"remove": "x-user-id"}, {"remove": "x-tenant-id"}]));
        let added = manager["route_config"]["request_headers_to_add"].as_array().unwrap();
        let each: Vec<_> = added
            .iter()
            .map(|one| (one["header"]["key"].as_str().unwrap(), one["header"]["value"].as_str().unwrap()))
            .collect();
        assert_eq!(
            each,
            [
                ("x-user-id", "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:claims:sub)%"),
                ("x-tenant-id", "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:claims:bu)%"),
                ("x-correlation-id", "%REQ(X-REQUEST-ID)%"),
            ]
        );
        let text = manager["access_log"].to_string() + &manager["tracing"].to_string();
        for header in ["x-user-id", "x-tenant-id", "X-USER-ID", "X-TENANT-ID"] {
            assert!(!text.contains(header), "{header} is read from the request");
        }
    }
}

#[test]
fn exporters_are_spoken_to_as_they_are_written() {
    let provider = |exporter: &str| {
        let text = OPERATIONS.replace("type: otlp, endpoint: 'https://collector.example:4318/v1/traces'", exporter);
        let files = files(&world(&text));
        let whole = &files["central"];
        let provider = &manager(whole)["tracing"]["provider"];
        let config = &provider["typed_config"];
        let spans = cluster(whole, "spans");
        let port = &spans["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"];
        let kind = if config.get("http_service").is_some() {
            "otlp over http"
        } else if config.get("grpc_service").is_some() {
            "otlp over grpc"
        } else {
            provider["name"].as_str().unwrap()
        };
        (kind.to_owned(), port["socket_address"]["port_value"].as_u64().unwrap())
    };
    for (exporter, kind, port) in [
        ("type: otlp, endpoint: 'https://c.example:4318/v1/traces'", "otlp over http", 4318),
        ("endpoint: 'https://c.example:4318'", "otlp over http", 4318),
        ("endpoint: 'https://c.example:4317'", "otlp over grpc", 4317),
        ("type: otlp_grpc, endpoint: 'https://c.example'", "otlp over grpc", 443),
        ("type: otlp, endpoint: 'https://c.example:4319'", "otlp over grpc", 4319),
        ("endpoint: 'https://c.example/api/v2/spans'", "envoy.tracers.zipkin", 443),
        ("type: zipkin, endpoint: 'https://c.example:4317/'", "envoy.tracers.zipkin", 4317),
    ] {
        assert_eq!(provider(exporter), (kind.to_owned(), port), "{exporter}");
    }
}

#[test]
fn metrics_count_what_they_say_and_keep_no_names_of_callers() {
    let files = files(&world(OPERATIONS));
    let retail = &files["retail"];
    let loggers = manager(retail)["access_log"].as_array().unwrap();
    let text = |part: &str| loggers.iter().map(Value::to_string).find(|text| text.contains(part)).unwrap();
    let seconds = text("mcp_tool_duration_seconds");
    assert!(seconds.contains("request.duration.getSeconds()") && seconds.contains("\"exact\":\"tools/call\""));
    // Only tools of the gateway's own servers have labels of their own.
    for (label, there) in [("crm/get", true), ("crm/pay", true), ("crm/-", true), ("faq/ask", false), ("other", true)] {
        assert_eq!(seconds.contains(&format!("\"{label}\"")), there, "{label}");
    }
    let requests = text("mcp_requests_total");
    assert!(requests.contains("\"tools/call\"") && requests.contains("\"other\"") && !requests.contains("crm/get"));
    assert_eq!(
        retail["stats_config"]["histogram_bucket_settings"][0]["match"]["prefix"],
        "mcpctl.mcp_tool_duration_seconds"
    );
}

#[test]
fn sampling_is_the_share_that_is_written() {
    for (sampling, percent) in [
        ("strategy: probabilistic, rate: 0.1", 10.0),
        ("rate: 0.05", 5.0),
        ("strategy: probabilistic", 100.0),
        ("strategy: always_on, rate: 0.1", 100.0),
        ("strategy: always_off", 0.0),
        ("strategy: tail, rate: 0.1", 100.0),
        ("strategy: rate_limiting, rate: 20", 100.0),
    ] {
        let files = files(&world(&OPERATIONS.replace("strategy: probabilistic, rate: 0.1", sampling)));
        let found = manager(&files["central"])["tracing"]["random_sampling"]["value"].as_f64();
        assert_eq!(found, Some(percent), "{sampling}");
    }
}

/// A collector that chooses has to get every trace, and sends spans on to the exporters.
#[test]
fn spans_go_to_the_collector_where_it_is_known_how_it_is_reached() {
    let found = |endpoint: &str, sampling: &str| {
        let operations = OPERATIONS.replace("strategy: probabilistic, rate: 0.1", sampling);
        let settings = format!("targets:\n  otel-collector: {{endpoint: '{endpoint}'}}\n");
        let files = files(&world(&operations).replacen("targets:\n", &settings, 1));
        let tracing = &manager(&files["central"])["tracing"];
        let config = &tracing["provider"]["typed_config"];
        let uri = config["http_service"]["http_uri"]["uri"].as_str().unwrap_or("gRPC").to_owned();
        (uri, tracing["random_sampling"]["value"].as_f64().unwrap())
    };
    for (endpoint, sampling, uri, percent) in [
        ("http://c:4317", "strategy: probabilistic, rate: 0.1", "gRPC", 10.0),
        ("http://c:4318", "strategy: tail, rate: 0.1", "http://c:4318/v1/traces", 100.0),
        ("http://c:4318/v1/traces", "rate: 0.1, priority_boost: error_spans", "http://c:4318/v1/traces", 100.0),
        ("http://c:4318/", "rate: 0.1, priority_boost: slow_spans", "http://c:4318/v1/traces", 10.0),
        ("http://c:4318", "strategy: always_off", "http://c:4318/v1/traces", 0.0),
    ] {
        assert_eq!(found(endpoint, sampling), (uri.to_owned(), percent), "{endpoint} {sampling}");
    }
}
