//! Absent and empty keys that narrow access: the list of them is complete, and each does what the list says.

use std::collections::{BTreeMap, BTreeSet};

use mcpctl::analysis::Analysis;
use mcpctl::diagnostic::Severity;
use mcpctl::families::FamilyId;
use mcpctl::model::protocol;
use mcpctl::schema::narrowing::{Absent, Empty, NARROWING, Narrowing};
use serde_json::Value;

use crate::memory::Files;

mod samples;

use samples::{SAMPLES, Sample};

/// Families that say nothing of who may call what.
const OPERATION: [&str; 13] = [
    "batch_processing",
    "bulkhead_config",
    "caching_strategy",
    "chaos_experiments",
    "circuit_breaker_config",
    "connection_pooling",
    "health_monitoring",
    "integration_tests",
    "logging_config",
    "metrics_config",
    "orchestration",
    "tracing_config",
    "waivers",
];

/// Optional keys whose absence and emptiness narrow nothing: they hold others, describe, name, or give what would not be there.
const OTHERS: [&str; 51] = [
    "description",
    "business_units",
    "central_gateway",
    "gateway",
    "agents",
    "servers",
    "labels",
    "url",
    "annotations",
    "idempotent",
    "input_schema",
    "issuer",
    "issuers",
    "jwks",
    "jwks_file",
    "caller",
    "requirements",
    "trust_domain",
    "business_unit_claim",
    "mcp_servers",
    "business_unit_gateways",
    "isolation_level",
    "global_policies",
    "audit_retention",
    "identity_verification",
    "attestation",
    "certificate_rotation",
    "workload_identity",
    "network_segmentation",
    "gateways",
    "service_mesh",
    "policy_enforcement",
    "provider",
    "subject",
    "business_unit",
    "compensation",
    "depends_on",
    "event_bus",
    "topics",
    "partitions",
    "retention",
    "event_processors",
    "output_schema",
    "optional",
    "proceed_if",
    "class_from",
    "claim",
    "argument",
    "arguments",
    "to",
    "tool",
];

/// Keys of `mcpctl.yaml` that are about the tool, its targets, or give what would not be there.
const SETTINGS: [&str; 55] = [
    "accept_handwritten",
    "allow_handwritten_permits",
    "bundle",
    "name",
    "checks",
    "docs_url",
    "environments",
    "exclude",
    "output",
    "review",
    "waivers",
    "trust",
    "targets",
    "agentcore",
    "agentgateway",
    "agentic-networking",
    "ai-gateway",
    "cache-plan",
    "cedar",
    "chaos",
    "consul",
    "elasticsearch",
    "envoy",
    "istio",
    "kafka",
    "kubernetes",
    "otel-collector",
    "pools",
    "prometheus",
    "redis",
    "scenarios",
    "temporal",
    "toolhive",
    "assume",
    "assume_reason",
    "gateway_arn",
    "gateways",
    "version",
    "admin",
    "listen",
    "tls",
    "namespace",
    "gateway",
    "deny_status",
    "cluster_domain",
    "verified_headers",
    "egress",
    "cluster",
    "masters",
    "replicas",
    "alertmanager",
    "endpoint",
    "memory",
    "pseudonyms_up_to",
    "slow_after",
];

/// The paths of all keys of a schema that may be absent.
fn optional(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let required = |key: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|known| known == key));
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}/{key}").trim_start_matches('/').to_owned();
        optional(inner, &path, found);
        if !required(key) {
            found.insert(path);
        }
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            optional(&schema[key], &format!("{path}/*"), found);
        }
    }
    for key in ["then", "else"].into_iter().filter(|key| schema[*key].is_object()) {
        optional(&schema[key], path, found);
    }
}

#[test]
fn every_optional_key_that_narrows_access_is_in_the_list() {
    let mut keys = BTreeSet::new();
    for family in FamilyId::ALL.iter().filter(|family| !OPERATION.contains(&family.key())) {
        optional(&serde_json::from_str(family.schema()).unwrap(), "", &mut keys);
    }
    keys.retain(|key| !key.starts_with("policy_tests"));
    let settings: Value = serde_json::from_str(mcpctl::settings::SCHEMA).unwrap();
    optional(&settings, "mcpctl.yaml", &mut keys);
    let listed: BTreeSet<&str> = NARROWING.iter().flat_map(|row| row.paths.iter().copied()).collect();
    let lost: Vec<&&str> = listed.iter().filter(|path| !keys.contains(**path)).collect();
    assert!(lost.is_empty(), "no schema has these optional keys: {lost:?}");
    let last = |path: &str| path.rsplit('/').find(|part| *part != "*").unwrap().to_owned();
    let known = |path: &str| {
        let others: &[&str] = if path.starts_with("mcpctl.yaml") { &SETTINGS } else { &OTHERS };
        // Evidence must say what it compares: `evidence-without-test` and the schema see to that.
        others.contains(&last(path).as_str()) || path.starts_with("identity/requirements") || last(path) == "units"
    };
    let undecided: Vec<&String> = keys.iter().filter(|path| !listed.contains(path.as_str()) && !known(path)).collect();
    assert!(undecided.is_empty(), "say what these mean where they are absent and empty: {undecided:#?}");
}

fn analysed(text: &str, settings: &str) -> Analysis {
    Files::of([("all.yaml", text), ("mcpctl.yaml", settings)].into_iter().filter(|(_, text)| !text.is_empty()))
        .analyse()
}

fn errors(analysis: &Analysis) -> Vec<(&'static str, u32)> {
    let findings = analysis.report().diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    findings.map(|finding| (finding.rule.name, analysis.sources.position(finding.loc).line)).collect()
}

/// Each pair of a principal and an object, with the sets of facts of which each suffices; and the methods that no entry denies.
fn cells(analysis: &Analysis) -> BTreeMap<String, Vec<BTreeSet<String>>> {
    let policy = analysis.policy();
    let names = |set: u64| -> BTreeSet<String> {
        let shown = policy.facts.shown(set);
        shown.trim_matches(['{', '}']).split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let cells = policy.all_cells().map(|(principal, object, cell)| {
        let sets = policy.conditions.get(cell.condition).minimal_sets().iter().map(|set| names(*set)).collect();
        (format!("{} {}", policy.principal_at(principal).id, policy.object_at(object)), sets)
    });
    // What the entry of a server denies of the protocol is in no cell.
    let open = analysis.model().servers.values().flat_map(|server| {
        let methods = protocol::deniable().filter(|row| !server.denies(row.name));
        methods.map(|row| (format!("{} of {}", row.name, server.name.value), vec![BTreeSet::new()]))
    });
    cells.chain(open).collect()
}

/// Whether whatever is allowed by the first is allowed by the second.
fn within(few: &Analysis, many: &Analysis) -> bool {
    let many = cells(many);
    let allows = |pair: &str, set: &BTreeSet<String>| {
        many.get(pair).is_some_and(|sets| sets.iter().any(|known| known.is_subset(set)))
    };
    cells(few).iter().all(|(pair, sets)| sets.iter().all(|set| allows(pair, set)))
}

/// The text without the key, and with an empty value.
fn without(sample: &Sample) -> (String, String) {
    let Sample { text, cut, .. } = sample;
    assert_eq!(text.matches(cut).count(), 1, "`{cut}` is in the sample once:\n{text}");
    let (key, value) = cut.split_once(": ").unwrap();
    let nothing = match value.chars().next().unwrap() {
        '[' => "[]",
        '{' => "{}",
        _ => "''",
    };
    // Where it is all that an element of a list holds, the element goes.
    let forms =
        [format!(", {{{cut}}}"), format!("{{{cut}}}, "), format!(", {cut}"), format!("{cut}, "), (*cut).to_owned()];
    let gone = forms.into_iter().find(|part| text.contains(part.as_str()));
    (text.replace(&gone.unwrap(), ""), text.replace(cut, &format!("{key}: {nothing}")))
}

fn judged(row: &Narrowing, path: &str, wrong: &mut Vec<String>) {
    let Some(sample) = SAMPLES.iter().find(|sample| sample.paths.contains(&path)) else {
        wrong.push(format!("{path} has no sample"));
        return;
    };
    let of = |text: &str| match path.strip_prefix("mcpctl.yaml") {
        Some(_) => analysed(samples::UNITS, text),
        None => analysed(text, ""),
    };
    let (gone, empty) = without(sample);
    let (whole, absent, emptied) = (of(sample.text), of(&gone), of(&empty));
    if !errors(&whole).is_empty() {
        wrong.push(format!("{path}: the sample has errors: {:?}", errors(&whole)));
    }
    let judge = match row.absent {
        Absent::Open => errors(&absent).is_empty() && within(&whole, &absent) && !within(&absent, &whole),
        Absent::Closed => errors(&absent).is_empty() && within(&absent, &whole) && !within(&whole, &absent),
        Absent::Elsewhere => errors(&absent).is_empty() && within(&absent, &whole) && within(&whole, &absent),
        Absent::Refused(rule) => errors(&absent).iter().any(|(found, _)| *found == rule),
    };
    if !judge {
        let both = (within(&whole, &absent), within(&absent, &whole));
        wrong.push(format!("{path}: absent is not {:?}: {:?}, {both:?}", row.absent, errors(&absent)));
    }
    let line = empty.lines().zip(1..).find(|(line, _)| !sample.text.lines().any(|known| known == *line)).unwrap().1;
    let judge = match row.empty {
        Empty::Refused => errors(&emptied).iter().any(|(_, at)| *at == line),
        Empty::AsAbsent => errors(&emptied).len() == errors(&absent).len() && cells(&emptied) == cells(&absent),
    };
    if !judge {
        wrong.push(format!("{path}: empty is not {:?}: {:?}", row.empty, errors(&emptied)));
    }
}

#[test]
fn each_key_does_what_the_list_says_where_it_is_absent_and_where_it_is_empty() {
    let mut wrong = Vec::new();
    for row in NARROWING {
        row.paths.iter().for_each(|path| judged(row, path, &mut wrong));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
