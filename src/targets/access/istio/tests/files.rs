//! What the files say.

use std::collections::BTreeMap;

use super::{WORLD, whole};
use crate::bundle::Artifact;
use crate::targets::access::istio::TARGET;
use crate::targets::tests::built;

fn files(text: &str) -> BTreeMap<String, Artifact> {
    built(&TARGET, text).unwrap_or_else(|errors| panic!("{errors:#?}")).bundle.artifacts
}

fn file(text: &str, name: &str) -> String {
    let files = files(text);
    let here = files.iter().filter(|(path, _)| path.splitn(3, '/').nth(2) == Some(name));
    here.map(|(_, artifact)| std::str::from_utf8(&artifact.bytes).unwrap()).collect::<Vec<_>>().join("---\n")
}

#[test]
fn the_folder_is_whole() {
    let listed = file(WORLD, "kustomization.yaml");
    for path in files(WORLD).keys().filter(|path| !path.ends_with("kustomization.yaml")) {
        assert!(listed.contains(path.strip_prefix("istio/central/").unwrap()), "{path}");
    }
    insta::assert_snapshot!("tokens", file(WORLD, "request-authentication.yaml").split("---").next().unwrap());
    insta::assert_snapshot!("connections", file(WORLD, "destination-rules.yaml").split("---").next().unwrap());
}

#[test]
fn limits_are_those_of_the_unit_where_it_has_its_own() {
    let rules = |text: &str| -> BTreeMap<String, serde_yaml::Value> {
        serde_yaml::Deserializer::from_str(&file(text, "destination-rules.yaml"))
            .map(|rule| <serde_yaml::Value as serde::Deserialize>::deserialize(rule).unwrap())
            .map(|rule| (rule["metadata"]["name"].as_str().unwrap().to_owned(), rule["spec"]["trafficPolicy"].clone()))
            .collect()
    };
    let of = |rules: &BTreeMap<String, serde_yaml::Value>, name: &str| {
        let (ejected, pool) = (&rules[name]["outlierDetection"], &rules[name]["connectionPool"]);
        let open = ejected["baseEjectionTime"].as_str().unwrap().to_owned();
        (ejected["consecutive5xxErrors"].as_u64(), open, pool["http"]["http2MaxRequests"].as_u64())
    };
    let central = rules(&whole());
    assert_eq!(of(&central, "crm"), (Some(5), "30s".to_owned(), Some(40)));
    assert_eq!(central["crm"]["outlierDetection"]["splitExternalLocalOriginErrors"].as_bool(), Some(false));
    // A limit of time for calls is not a breaker, and `half_open_timeout` is how long it stays open.
    let open = whole().replace("timeout: 1m}", "timeout: 1m, half_open_timeout: 90s}");
    assert_eq!(of(&rules(&open), "crm"), (Some(5), "90s".to_owned(), Some(40)));
    let only = whole().replace("failure_threshold: 5, timeout: 1m", "timeout: 1m");
    assert!(rules(&only)["crm"].get("outlierDetection").is_none());
    let unit = whole()
        .replace("crm.mcp.svc", "crm.retail.svc")
        .replace("targets: {istio", "units: {retail: units/retail}\ntargets: {istio")
        .replace(
            "cross_unit_routing: explicit_approval",
            "cross_unit_routing: explicit_approval, local_policy_override: full",
        )
        + "# file: units/retail/own.yaml
circuit_breaker_config: {per_mcp_server: {failure_threshold: 2, half_open_timeout: 7s}}
bulkhead_config: {resource_pools: [{name: own, mcp_servers: [crm], resources: {connections: 9}}]}
tracing_config: {sampling: {strategy: always_on}}
";
    let shares: Vec<String> = file(&unit, "telemetry.yaml")
        .lines()
        .filter_map(|line| {
            line.trim().trim_start_matches("- ").strip_prefix("randomSamplingPercentage: ").map(str::to_owned)
        })
        .collect();
    assert_eq!(
        shares.iter().filter(|share| *share == "100.0").count(),
        2,
        "the unit's namespace and gateway: {shares:?}"
    );
    assert!(
        shares.len() > 2 && shares.iter().filter(|share| *share == "10.0").count() == shares.len() - 2,
        "{shares:?}"
    );
    let unit = rules(&unit);
    assert_eq!(of(&unit, "crm"), (Some(2), "7s".to_owned(), Some(9)));
    assert_eq!(of(&unit, "site"), (Some(5), "30s".to_owned(), Some(10)));
}

#[test]
fn a_rule_asks_for_gateway_issuer_caller_claims_and_headers() {
    let rules = file(WORLD, "servers/site.yaml");
    let publish: Vec<&str> = rules.split("  - from:").filter(|rule| rule.contains("- publish")).collect();
    assert_eq!(publish.len(), 1, "delegation shows in one way alone");
    insta::assert_snapshot!("publish", publish[0]);
}

#[test]
fn a_resource_leaves_its_narrower_ones_out() {
    let rules = file(WORLD, "servers/site.yaml");
    let wide = rules.split("  - from:").find(|rule| rule.contains("- site://*")).unwrap();
    assert!(wide.contains("notValues:\n      - site://members/*"), "{wide}");
}

#[test]
fn what_is_narrower_is_in_the_manifest() {
    let built = built(&TARGET, &whole()).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let stricter = &built.bundle.manifest.targets[0].stricter;
    assert!(stricter.iter().any(|narrowed| narrowed.why.contains("as far as it may use everything")), "{stricter:#?}");
}

#[test]
fn hostile_names_stay_names() {
    let nasty = "a\"b'c: [x] - key: y \u{202e} \u{1f600} #";
    let quoted = serde_json::to_string(nasty).unwrap();
    let text = WORLD
        .replace("subject: seller", &format!("subject: {quoted}"))
        .replace("contains: mfa}", &format!("contains: {quoted}}}"))
        .replace("{name: publish,", &format!("{{name: {quoted}, auth_level: 3}}, {{name: publish,"));
    // The build itself reads them back, and compares every cell.
    let rules = file(&text, "servers/crm.yaml");
    let read: serde_yaml::Value = serde_yaml::from_str(&rules).unwrap();
    assert!(serde_json::to_string(&read).unwrap().contains(&quoted));
    assert!(!file(&text, "servers/site.yaml").contains("- publish\\n"));
}

#[test]
fn one_server_may_have_more_rules_than_a_policy_holds() {
    let agents: String =
        (0..300).map(|n| format!("    - {{name: a{n}, subject: a{n}, may_call: [crm/get]}}\n")).collect();
    let text = WORLD.replace("  any_agent:", &format!("{agents}  any_agent:"));
    let rules = file(&text, "servers/crm.yaml");
    let counts: Vec<usize> = rules.split("---\n").map(|policy| policy.matches("- from:").count()).collect();
    assert!(counts.iter().all(|count| *count <= 512), "{counts:?}");
    assert!(rules.contains("- a299"));
}
