//! Words of closed vocabularies, and that no text of a family is without words or a grammar.

use mcpctl::families::FamilyId;

use super::refused;

#[test]
fn unknown_words_are_refused_in_every_family_with_the_word_that_was_meant() {
    for (text, place, meant) in [
        ("orchestration:\n  engine: temporl\n", "temporl", "temporal"),
        (
            "orchestration:\n  error_handling: {failure_handling: compensating_transaction}\n",
            "compensating_transaction",
            "compensating_transactions",
        ),
        ("orchestration:\n  state_management: {persistence: event_source}\n", "event_source", "event_sourced"),
        ("orchestration:\n  state_management: {checkpointing: per_stp}\n", "per_stp", "per_step"),
        ("event_driven_config:\n  event_bus: {provider: apache_kafak}\n", "apache_kafak", "apache_kafka"),
        (
            "circuit_breaker_config:\n  cascading_protection: {upstream_failures: isolate_downstreem}\n",
            "isolate_downstreem",
            "isolate_downstream",
        ),
        (
            "circuit_breaker_config:\n  cascading_protection: {dependency_mapping: automatic_discovry}\n",
            "automatic_discovry",
            "automatic_discovery",
        ),
        (
            "circuit_breaker_config:\n  cascading_protection: {fallback_strategies: [cached_response]}\n",
            "cached_response",
            "cached_responses",
        ),
        ("health_monitoring:\n  discovery_service: consull\n", "consull", "consul"),
        ("caching_strategy:\n  layers: [{name: a, location: gatway}]\n", "gatway", "gateway"),
        ("tracing_config:\n  sampling: {priority_boost: error_span}\n", "error_span", "error_spans"),
        ("zero_trust_config:\n  service_mesh: {provider: isto}\n", "isto", "istio"),
        ("zero_trust_config:\n  identity_verification: {workload_identity: spife}\n", "spife", "spiffe"),
        ("integration_tests:\n  test_environments: [{name: a, data: synthetik}]\n", "synthetik", "synthetic"),
        ("integration_tests:\n  test_scenarios: [{name: a, expected_outcome: sucess}]\n", "sucess", "success"),
        (
            "chaos_experiments:\n  network_partitions: [{target: a, expected: gracefull_degradation}]\n",
            "gracefull_degradation",
            "graceful_degradation",
        ),
    ] {
        refused(text, place, "unknown-word", &["legal are", &format!("did you mean `{meant}`?")]);
    }
    refused(
        "chaos_experiments:\n  resource_exhaustion: [{target: a, limit: 90%_memroy}]\n",
        "90%_memroy",
        "invalid-value",
        &["`memory`"],
    );
}

#[test]
fn every_family_is_held_to_its_words_and_formats() {
    // Every text in a schema has a grammar of its own, or is a name or a text for people.
    let open = [
        "name",
        "description",
        "reason",
        "owner",
        "suspended",
        "subject",
        "check",
        "file",
        "matches",
        "controls",
        "additional_controls",
        "audiences",
        "cross_unit_max_class",
        "steps",
        "inject_failure",
        "target",
        "subscribes_to",
        "prompts",
        "depends_on",
        "fields",
        "labels",
        "mcp_servers",
        "gateways",
        "agents",
        "speaks_for",
        "business_unit_claim",
        "uri",
        "claim",
        "differs_from",
        "argument",
        "equals_claim",
        "scope",
        "contains",
        "one_of",
        "answer",
        "same",
        "jwks_file",
        "principal",
        "principals",
        "caller",
        "business_unit",
        "outside_unit",
        "level",
        "from_class",
        "to_class",
        "separator",
        "step",
        "field",
    ];
    for family in FamilyId::ALL {
        let schema: serde_json::Value = serde_json::from_str(family.schema()).unwrap();
        let mut loose = Vec::new();
        walk(&schema["properties"][family.key()], family.key(), &mut loose);
        loose.retain(|path| {
            let last = path.rsplit('/').find(|part| *part != "*").unwrap_or_default();
            !open.contains(&last)
        });
        assert!(loose.is_empty(), "{}: texts without a grammar: {loose:?}", family.key());
    }
}

/// The paths of all texts that have no words, no format and no pattern.
fn walk(schema: &serde_json::Value, path: &str, loose: &mut Vec<String>) {
    let is_held = ["enum", "format", "pattern", "const"].iter().any(|word| schema.get(word).is_some());
    if schema.get("type").is_some_and(|kind| kind == "string") && !is_held {
        loose.push(path.to_owned());
    }
    for (key, inner) in schema.get("properties").and_then(|p| p.as_object()).into_iter().flatten() {
        walk(inner, &format!("{path}/{key}"), loose);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
            walk(inner, &format!("{path}/*"), loose);
        }
    }
    for key in ["then", "else"] {
        if let Some(inner) = schema.get(key) {
            walk(inner, path, loose);
        }
    }
}
