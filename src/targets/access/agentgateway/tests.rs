//! What the files hold, what the product refuses, and what the lifter finds out.

use super::TARGET;
use crate::build::{BuildError, findings};
use crate::targets::tests::absence::unnoticed;
use crate::targets::tests::built;
use crate::targets::tests::mutations::mutate;

/// Two units, of which one has a gateway; two issuers; every kind of thing and of caller.
const WORLD: &str = r#"
targets: {agentgateway: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}}
# file: all.yaml
federation_config:
  central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}, {encryption_in_transit: required}]}
  business_unit_gateways: {cross_unit_routing: explicit_approval}
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - level: 2
      requirements: [service_account_token, user_delegation]
      alternatives: [{name: alone, requirements: [service_account_token, signed]}]
    - {level: 3, requirements: [service_account_token, user_delegation, mfa, approval_workflow]}
data_routing:
  classifications: [{level: all, mcp_servers: [crm_server, stock], min_auth_level: 1}]
identity:
  issuers:
    - {issuer: "https://idp.example", audiences: [mcp, other], jwks: "https://idp.example/jwks", speaks_for: [agents]}
    - {issuer: "https://flows.example", audience: per_server, jwks: "https://flows.example/jwks", speaks_for: [flows]}
  trust_domain: example.org
  business_unit_claim: bu
  requirements:
    signed: {claim: [order, checks], contains: signature}
mcp_registry:
  central_gateway: https://mcp.example
  business_units: [{name: retail, gateway: "https://gw.retail.example"}, {name: works}]
  servers:
    - name: crm_server
      business_unit: retail
      url: https://crm.example:8443/mcp
      methods: {deny: [ping, resources/subscribe]}
      auth_level: 2
      tools: [{name: get}, {name: put, auth_level: 3}]
      resources: [{uri: "crm://*", auth_level: 2}, {uri: "crm://secret/*", auth_level: 3}]
      prompts: [{name: sum, auth_level: 1}]
    - {name: stock, business_unit: works, url: "https://stock.example/mcp", auth_level: 1, tools: [{name: look, annotations: {read_only: true}}]}
  agents:
    - {name: clerk, business_unit: retail, subject: "sub-clerk", may_call: ["crm_server/*", stock/look]}
    - {name: driver, business_unit: works, subject: "sub-driver", may_call: [stock/look]}
  any_agent: {may_call: [stock/look]}
---
workflow_definition:
  name: tidy
  business_unit: retail
  steps: [{name: a, mcp_server: crm_server, tools: [get]}]
"#;

/// One gateway with certificates, and every kind of evidence.
const ONE: &str = r#"
targets: {agentgateway: {tls: {cert: c.pem, key: k.pem, ca: ca.pem}}}
# file: all.yaml
progressive_auth:
  levels:
    - {level: 1, requirements: [service_account_token]}
    - {level: 2, requirements: [service_account_token, user_delegation, mfa]}
data_routing:
  classifications: [{level: all, mcp_servers: [crm], min_auth_level: 1}]
identity:
  issuer: "https://idp.example"
  audiences: [mcp]
  jwks: "https://idp.example/jwks"
  requirements:
    signed: {claim: [order, checks], contains: signature}
    asked: {claim: ticket, present: true}
mcp_registry:
  servers:
    - name: crm
      url: https://crm.example/mcp
      tools:
        - {name: get, annotations: {read_only: true}}
        - {name: put, auth_level: 2}
        - {name: sign, requires: [signed]}
        - {name: ask, requires: [asked]}
  agents:
    - {name: clerk, subject: "sub-clerk", may_call: ["crm/*"]}
    - {name: other, subject: "sub-other", may_call: [crm/get]}
    - {name: idle, subject: "sub-idle", may_call: []}
  any_agent: {may_call: [crm/get]}
"#;

/// The smallest workspace without certificates.
const SMALL: &str = r#"
# file: all.yaml
identity: {issuer: "https://idp.example", audiences: [mcp], jwks: "https://idp.example/jwks"}
mcp_registry:
  servers: [{name: a_b, url: "http://a.example/mcp", tools: [{name: t}]}]
  agents: [{name: agent, subject: agent, may_call: [a_b/t]}]
"#;

fn text(workspace: &str, file: &str) -> String {
    let built = built(&TARGET, workspace).unwrap();
    String::from_utf8(built.bundle.artifacts[&format!("agentgateway/{file}")].bytes.clone()).unwrap()
}

fn said(workspace: &str) -> Vec<String> {
    let (found, other) = findings(built(&TARGET, workspace).unwrap_err());
    let other = other.into_iter().map(|error: BuildError| format!("{error:?}"));
    found.into_iter().map(|found| format!("{}: {}", found.rule.name, found.message)).chain(other).collect()
}

#[test]
fn a_small_configuration_reads_like_this() {
    insta::assert_snapshot!(text(SMALL, "central/config.yaml"));
}

#[test]
fn the_same_rules_are_policies_in_kubernetes() {
    insta::assert_snapshot!(text(SMALL, "central/kubernetes.yaml"));
}

#[test]
fn a_units_gateway_believes_the_central_one_alone_and_keeps_the_token() {
    let (central, unit) = (text(WORLD, "central/config.yaml"), text(WORLD, "retail/config.yaml"));
    for line in [
        "host: https://gw.retail.example/crm_server/mcp",
        "- spiffe://example.org/mcp/gateway/retail",
        "passthrough: {}",
        "host: https://stock.example/mcp",
    ] {
        assert!(central.contains(line), "{line}\n{central}");
    }
    assert!(
        unit.contains(r#"source.subjectAltNames.exists(name, name == "spiffe://example.org/mcp/gateway/central")"#)
    );
    assert!(unit.contains("host: https://crm.example:8443/mcp") && !unit.contains("passthrough"), "{unit}");
    assert!(!unit.contains("stock"), "{unit}");
}

const ORDER: &str = "all rules allow: their order is the same, and so is one said twice";

/// Changes of a configuration that change no decision.
const HARMLESS: &[(&str, &str)] = &[
    ("swap routes[]", "no request has the paths of two routes"),
    ("swap routes[].policies.authorization.rules[]", ORDER),
    ("swap routes[].policies.mcpAuthorization.rules[]", ORDER),
    ("twice routes[].policies.authorization.rules[]", ORDER),
    ("twice routes[].policies.mcpAuthorization.rules[]", ORDER),
    ("twice gateways.mcp.authorization.rules[]", ORDER),
];

const OPEN: &str = "everybody who may talk to the server may call that tool";

/// Changes of the policies that change no decision.
const HARMLESS_POLICIES: &[(&str, &str)] = &[
    ("drop spec.backend.mcp.authorization.policy.matchExpressions[]", OPEN),
    ("empty metadata.name", "names of policies mean nothing"),
    ("text metadata.name", "names of policies mean nothing"),
    ("open metadata.name", "names of policies mean nothing"),
    ("other spec.backend.mcp.authorization.policy.matchExpressions[]", OPEN),
    (
        "other spec.traffic.authorization.action",
        "what allows nobody, and what requires the impossible, denies everybody",
    ),
    ("swap document", "policies are found by what they are for"),
    ("swap spec.backend.mcp.authorization.policy.matchExpressions[]", ORDER),
    ("swap spec.traffic.authorization.policy.matchExpressions[]", ORDER),
    ("twice spec.backend.mcp.authorization.policy.matchExpressions[]", ORDER),
    ("twice spec.traffic.authorization.policy.matchExpressions[]", ORDER),
];

#[test]
fn every_change_of_a_configuration_is_found_out() {
    let all_required = ("swap gateways.mcp.authorization.rules[]", "all of them must hold");
    let here: Vec<_> = HARMLESS.iter().copied().chain([all_required]).collect();
    mutate(&TARGET, WORLD, "agentgateway/central/config.yaml", false).assert_only(&here);
}

#[test]
fn every_change_of_a_units_configuration_is_found_out() {
    let other: Vec<_> = HARMLESS.iter().copied().filter(|(at, _)| *at != "swap routes[]").collect();
    mutate(&TARGET, WORLD, "agentgateway/retail/config.yaml", false).assert_only(&other);
}

#[test]
fn every_change_of_the_policies_is_found_out() {
    mutate(&TARGET, ONE, "agentgateway/central/kubernetes.yaml", false).assert_only(HARMLESS_POLICIES);
}

#[test]
fn every_change_inside_of_a_rule_is_found_out() {
    let harmless = [
        ("literal gateways.mcp.authorization.rules[].require", "a certificate is none of the texts of the workspace"),
        ("literal routes[].policies.authorization.rules[].allow", "agents with the same rights, by name or as anybody"),
        ("literal routes[].policies.mcpAuthorization.rules[].allow", OPEN),
        ("part routes[].policies.mcpAuthorization.rules[].allow", OPEN),
        (
            "operator routes[].policies.mcpAuthorization.rules[].allow",
            "a caller who acts for itself is a workload, too",
        ),
    ];
    let outcome = mutate(&TARGET, ONE, "agentgateway/central/config.yaml", true);
    let here = HARMLESS.iter().filter(|(at, _)| *at != "swap routes[]").chain(&harmless);
    outcome.assert_only(&here.copied().collect::<Vec<_>>());
    // More than these few would be others.
    assert_eq!(harmless.map(|(at, _)| outcome.count(at)), [2, 6, 4, 4, 1]);
}

#[test]
fn hostile_names_stay_names() {
    for name in
        [r#"t") || true || ("#, "t\\u0022 || true", "t\u{202e}", "t' - allow: true", "\u{1f4a5}", "$HOME", "*/ true"]
    {
        if name.contains('*') {
            continue;
        }
        let quoted = serde_json::to_string(name).unwrap();
        let workspace = SMALL.replace("{name: t}", &format!("{{name: {quoted}}}"));
        let workspace = workspace.replace("may_call: [a_b/t]", "may_call: ['a_b/*']");
        let workspace = workspace.replace("subject: agent", &format!("subject: {quoted}"));
        let built = built(&TARGET, &workspace);
        assert!(built.is_ok(), "{name}: {:?}", built.err());
    }
}

#[test]
fn what_the_product_would_misread_is_refused() {
    assert_eq!(
        said(&SMALL.replace("audiences: [mcp]", "audiences: ['$AUDIENCE']")),
        ["target-limit: audience `$AUDIENCE` holds a `$`, which agentgateway replaces by its environment"]
    );
    let per_server = SMALL.replace("audiences: [mcp]", "audience: per_server");
    let named =
        per_server.replace("mcp_registry:\n", "mcp_registry:\n  central_gateway: 'https://mcp.example/$HOME'\n");
    assert_ne!(named, per_server);
    assert_eq!(
        said(&named),
        ["target-limit: URL `https://mcp.example/$HOME` holds a `$`, which agentgateway replaces by its environment"]
    );
    assert_eq!(
        said(&format!("targets: {{agentgateway: {{listen: '127.0.0.1:80'}}}}{SMALL}")),
        ["target-limit: agentgateway listens on every address, not on `127.0.0.1` alone"]
    );
    assert_eq!(
        said(&SMALL.replace("a_b", "..")),
        ["target-limit: a server called `..` has no path of its own in a gateway"]
    );
    let two = SMALL.replace("servers: [", "servers: [{name: a-b, url: 'http://b.example', tools: [{name: t}]}, ");
    let two = two.replace("may_call: [", "may_call: [a-b/t, ");
    assert_eq!(said(&two), ["name-collision: `a-b` and `a_b` are both `a-b` for target `agentgateway`"]);
    let clear =
        WORLD.replace("https://gw.retail", "http://gw.retail").replace(", {encryption_in_transit: required}", "");
    assert_eq!(
        said(&clear),
        ["target-limit: the gateway of unit `retail` is reached in clear text, and so not known by a certificate"]
    );
}

#[test]
fn keys_in_a_file_stand_in_the_policy_for_kubernetes() {
    let workspace = SMALL.replace(r#"jwks: "https://idp.example/jwks""#, "jwks_file: keys.json");
    let workspace = format!("{workspace}# file: keys.json\n{{\"keys\": [{{\"kty\": \"RSA\"}}]}}\n");
    let files = built(&TARGET, &workspace).unwrap().bundle.artifacts;
    let file = |name: &str| String::from_utf8(files[&format!("agentgateway/central/{name}")].bytes.clone()).unwrap();
    assert!(file("config.yaml").contains("file: keys.json"));
    assert!(file("kubernetes.yaml").contains(r#"inline: '{"keys":[{"kty":"RSA"}]}'"#), "{}", file("kubernetes.yaml"));
}

/// Two servers of the unit, of which one is suspended, and one that nobody is granted.
fn with_closed() -> String {
    let more = "    - {name: old_ledger, business_unit: retail, suspended: 'incident 7', url: 'https://old.example/mcp', \
                tools: [{name: post}]}\n    - {name: spare, business_unit: works, url: 'https://spare.example/mcp', \
                tools: [{name: t}]}\n  agents:\n    - {name: keeper, business_unit: retail, subject: keeper, may_call: \
                ['old_ledger/*']}\n";
    WORLD.replacen("  agents:\n", more, 1).replace("[crm_server, stock]", "[crm_server, stock, old_ledger, spare]")
}

#[test]
fn what_nobody_may_use_is_denied_in_kubernetes_one_by_one() {
    let workspace = with_closed();
    for (gateway, closed) in [("central", &["old-ledger", "spare"][..]), ("retail", &["old-ledger"])] {
        let policies = text(&workspace, &format!("{gateway}/kubernetes.yaml"));
        for server in closed {
            for (kind, form) in [("HTTPRoute", "http"), ("AgentgatewayBackend", "mcp")] {
                let name = format!("name: {gateway}.{server}.{form}-1\n");
                let policy = policies.split("---\n").find(|policy| policy.contains(&name)).unwrap();
                assert!(policy.contains(&format!("kind: {kind}\n    name: {server}\n")), "{policy}");
                assert!(policy.contains("action: Allow\n") && policy.contains("- 'false'\n"), "{policy}");
            }
        }
        assert!(!text(&workspace, &format!("{gateway}/config.yaml")).contains("old"), "no route leads there");
    }
    // One policy less, and a route that leads there is open.
    let unnoticed = unnoticed(&TARGET, &workspace);
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[test]
fn a_gateway_whose_servers_are_all_suspended_is_closed_and_not_forgotten() {
    let workspace = WORLD.replace("[{name: retail, gateway", "[{name: retail, suspended: 'incident 7', gateway");
    assert!(text(&workspace, "retail/config.yaml").contains("routes: []"));
    let policies = text(&workspace, "retail/kubernetes.yaml");
    for name in ["retail.callers", "retail.default-deny", "retail.crm-server.http-1", "retail.crm-server.mcp-1"] {
        assert!(policies.contains(&format!("name: {name}\n")), "{name}\n{policies}");
    }
}

/// What is written is the same for every version that can be named; an absent one is the first.
#[test]
fn the_files_are_the_same_for_both_versions() {
    let files = |settings: &str| {
        let world = WORLD.replacen("agentgateway: {tls", &format!("agentgateway: {{{settings}tls"), 1);
        let files = built(&TARGET, &world).unwrap().bundle.artifacts.into_iter();
        files.map(|(path, file)| (path, file.bytes)).collect::<Vec<_>>()
    };
    let absent = files("");
    for version in ["version: '1.4', ", "version: '1.7', "] {
        assert!(files(version) == absent, "{version}");
    }
}
