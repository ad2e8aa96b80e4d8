//! What an environment may replace, and that nothing else can come in by it.

use mcpctl::analysis::Analysis;
use mcpctl::diagnostic::Severity;
use mcpctl::model::access::Jwks;
use mcpctl::model::deployment::TargetId;
use mcpctl::workspace::{ReadError, Wanted};

use crate::memory::{Files, shown};

const BASE: &str = "\
mcp_registry:
  central_gateway: https://mcp.example
  business_units: [{name: retail, gateway: 'https://retail.example'}, {name: hr}]
  servers:
    - {name: crm, business_unit: retail, url: 'https://crm.example/mcp', location: cloud, tools: [{name: get}]}
    - {name: pay, business_unit: hr, url: 'https://pay.example/mcp', location: cloud, tools: [{name: charge}]}
  agents: [{name: clerk, business_unit: retail, subject: clerk, may_call: [crm/get]}]
identity:
  issuers:
    - {issuer: 'https://a.example', audiences: [gw], jwks: 'https://a.example/keys', speaks_for: [agents]}
    - {issuer: 'https://f.example', audiences: [gw], jwks: 'https://f.example/keys', speaks_for: [flows]}
  trust_domain: example.org
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
data_routing: {classifications: [{level: public, mcp_servers: [crm, pay], encryption: in_transit}]}
workflow_definition: {name: nightly, business_unit: retail, steps: [{name: one, mcp_server: crm, tools: [get]}]}
";
const SETTINGS: &str = "\
environments: {prod: env/prod}
targets:
  envoy: {listen: 0.0.0.0:1, admin: 127.0.0.1:2, gateways: {retail: {listen: 0.0.0.0:3, admin: 127.0.0.1:4}}}
";
const PROD: &str = "mcp_registry: {servers: [{name: crm, url: 'https://crm.prod/mcp'}]}\n";

fn files<'a>(prod: impl IntoIterator<Item = (&'a str, &'a str)>) -> Files {
    let base = [("a.yaml", BASE), ("mcpctl.yaml", SETTINGS)];
    Files::of(base.into_iter().chain(prod))
}

fn in_prod(prod: &[(&str, &str)]) -> Analysis {
    files(prod.iter().copied()).analyse_in(Wanted::One("prod")).unwrap()
}

/// What is wrong with one file of the environment, as `line:col rule`.
fn wrong(text: &str) -> Vec<String> {
    wrong_in("env/prod/x.yaml", text)
}

fn wrong_in(name: &str, text: &str) -> Vec<String> {
    let analysis = in_prod(&[(name, text)]);
    assert_eq!(analysis.report().reaches(Severity::Error), !errors(&analysis).is_empty());
    errors(&analysis).into_iter().map(|found| found.replace(&format!("{name}:"), "")).collect()
}

fn errors(analysis: &Analysis) -> Vec<String> {
    let levels = analysis.report().diagnostics.iter().map(|finding| finding.severity);
    shown(analysis)
        .into_iter()
        .zip(levels)
        .filter(|(_, level)| *level == Severity::Error)
        .map(|(found, _)| found)
        .collect()
}

#[test]
fn addresses_and_issuers_are_replaced_with_their_places() {
    let text = "\
mcp_registry:
  central_gateway: https://mcp.prod
  business_units: [{name: retail, gateway: 'https://retail.prod'}]
  servers: [{name: crm, url: 'https://crm.prod/mcp'}]
identity:
  issuers:
    - {issuer: 'https://a.prod', audiences: [gw-prod], jwks_file: env/prod/keys.json, speaks_for: [agents]}
    - {issuer: 'https://f.prod', audiences: [gw-prod], jwks: 'https://f.prod/keys', speaks_for: [flows]}
";
    let analysis = in_prod(&[("env/prod/x.yaml", text)]);
    assert_eq!(errors(&analysis), Vec::<String>::new());
    let model = analysis.model();
    let url = model.servers["crm"].url.as_ref().unwrap();
    assert_eq!(
        (url.value.as_str(), analysis.sources.file_line(url.loc)),
        ("https://crm.prod/mcp", "env/prod/x.yaml:4".to_owned())
    );
    assert_eq!(model.servers["pay"].url.as_ref().unwrap().value, "https://pay.example/mcp");
    assert_eq!(model.topology.central_gateway.as_ref().unwrap().value, "https://mcp.prod");
    let gateways: Vec<_> =
        model.topology.units.values().map(|unit| unit.gateway.as_ref().map(|url| url.value.as_str())).collect();
    assert_eq!(gateways, [None, Some("https://retail.prod")]);
    let identity = model.identity.as_ref().unwrap();
    assert_eq!(identity.issuers.len(), 2);
    assert_eq!(identity.issuers[0].keys.as_ref().unwrap().value, Jwks::File("env/prod/keys.json".to_owned()));
    assert_eq!(identity.trust_domain.as_ref().unwrap().value, "example.org");
    // What calls need is what it was, and so is who may do what.
    let plain = files([("env/prod/x.yaml", text)]).analyse_in(Wanted::None).unwrap();
    assert_eq!(plain.model().servers["crm"].url.as_ref().unwrap().value, "https://crm.example/mcp");
    assert_eq!(plain.policy().all_cells().count(), analysis.policy().all_cells().count());
    assert!(
        plain.sources.iter().all(|(_, file)| !file.name().starts_with("env/")),
        "it is not an input without `--env`"
    );
    assert_eq!((plain.counts.left_out.excluded, analysis.counts.left_out.excluded), (1, 0));
}

#[test]
fn settings_of_targets_are_laid_over_key_by_key() {
    let own =
        "targets: {envoy: {listen: 0.0.0.0:9, gateways: {retail: {admin: 127.0.0.1:8}}}, istio: {namespace: prod}}\n";
    let analysis = in_prod(&[("env/prod/x.yaml", PROD), ("env/prod/mcpctl.yaml", own)]);
    assert_eq!(errors(&analysis), Vec::<String>::new());
    let envoy = &analysis.model().deployment.envoy.as_ref().unwrap().gateways;
    let ports = |name: &str| {
        let gateway = envoy.of(name).unwrap();
        [&gateway.listen, &gateway.admin].map(|address| address.as_ref().unwrap().value.port)
    };
    assert_eq!((ports("central"), ports("retail")), ([9, 2], [3, 8]));
    assert_eq!(analysis.model().deployment.namespace(TargetId::Istio).unwrap().value, "prod");
    assert_eq!(analysis.settings.deployment.listed.len(), 2, "those of the environment are mandatory, too");
    // The file alone is enough.
    assert_eq!(errors(&in_prod(&[("env/prod/mcpctl.yaml", own)])), Vec::<String>::new());
}

#[test]
fn anything_else_is_an_error_at_its_place() {
    for (text, expected) in [
        ("progressive_auth: {levels: []}\n", "1:1 environment-overreach"),
        ("waivers: []\n", "1:1 environment-overreach"),
        ("mcp_registry: {agents: []}\n", "1:16 environment-overreach"),
        ("mcp_registry: {any_agent: {may_call: [crm/get]}}\n", "1:16 environment-overreach"),
        ("mcp_registry: {servers: [{name: crm, tools: [{name: put}]}]}\n", "1:38 environment-overreach"),
        ("mcp_registry: {servers: [{name: crm, location: cloud}]}\n", "1:38 environment-overreach"),
        ("mcp_registry: {servers: [{name: crm, suspended: stop}]}\n", "1:38 environment-overreach"),
        ("mcp_registry: {business_units: [{name: hr, suspended: stop}]}\n", "1:44 environment-overreach"),
        ("identity: {trust_domain: other.org}\n", "1:12 environment-overreach"),
        ("identity: {requirements: {mfa: {claim: x, present: true}}}\n", "1:12 environment-overreach"),
        ("mcp_registry: {servers: [{name: cmr, url: 'https://x.prod'}]}\n", "1:33 environment-overreach"),
        ("mcp_registry: {business_units: [{name: it, gateway: 'https://x.prod'}]}\n", "1:40 environment-overreach"),
        ("mcp_registry: {servers: [{name: crm, ulr: 'https://x.prod'}]}\n", "1:38 unknown-key"),
        ("mcp_registry: {servers: [{name: crm, url: 7}]}\n", "1:43 wrong-type"),
        ("mcp_regstry: {}\n", "1:1 unknown-family"),
        ("- a list\n", "1:1 not-a-section-map"),
        ("apiVersion: v1\nkind: Secret\n", "1:1 unknown-family"),
        ("a: [\n", "yaml-syntax"),
        ("identity: {jwks: 'https://x.prod'}\n", "1:18 conflicting-values"),
        (
            "mcp_registry: {central_gateway: 'https://x.prod'}\n---\nmcp_registry: {central_gateway: 'https://y.prod'}\n",
            "3:33 conflicting-values",
        ),
        (
            "mcp_registry: {servers: [{name: crm, url: 'https://x'}, {name: crm, url: 'https://y'}]}\n",
            "1:64 duplicate-name",
        ),
        ("identity: {issuer: 'https://x.prod'}\n---\nidentity: {issuer: 'https://y.prod'}\n", "3:1 duplicate-section"),
    ] {
        let found = wrong(text);
        assert!(found.iter().any(|found| found.ends_with(expected)), "{text}: {found:?}");
        // Named without being asked for, it is found as well.
        let all = files([("env/prod/x.yaml", text)]).analyse_in(Wanted::All).unwrap();
        assert!(shown(&all).iter().any(|found| found.ends_with(expected)), "{text}");
    }
    for (text, expected) in [
        ("targets: {envoy: {assume: [mfa], assume_reason: why}}\n", "1:19 environment-overreach"),
        ("targets: {istio: {verified_headers: true}}\n", "1:19 environment-overreach"),
        ("checks: {unclassified-server: \"off\"}\n", "1:1 environment-overreach"),
        ("units: {hr: env/hr}\n", "1:1 environment-overreach"),
        ("exclude: []\n", "1:1 environment-overreach"),
        ("targets: {envoy: {lissten: x}}\n", "1:19 unknown-key"),
        ("targets: {envoy: {listen: here}}\n", "1:27 invalid-value"),
    ] {
        let found = wrong_in("env/prod/mcpctl.yaml", text);
        assert!(found.iter().any(|found| found == expected), "{text}: {found:?}");
    }
    let deeper = wrong_in("env/prod/deep/mcpctl.yaml", "targets: {}\n");
    assert_eq!(deeper, ["1:1 misplaced-settings"]);
}

#[test]
fn such_a_finding_can_be_neither_waived_nor_lowered() {
    let waiver = "waivers:\n  - {name: w, check: environment-overreach, file: env/prod/x.yaml, reason: r, owner: o, expires: \
                  \"2099-01-01\"}\n";
    let bad = ("env/prod/x.yaml", "progressive_auth: {levels: []}\n");
    let found = shown(&in_prod(&[bad, ("w.yaml", waiver)]));
    assert!(found.contains(&"env/prod/x.yaml:1:1 environment-overreach".to_owned()), "{found:?}");
    assert!(found.contains(&"w.yaml:2:22 unknown-check".to_owned()), "{found:?}");
    let settings = format!("{SETTINGS}checks: {{environment-overreach: \"off\"}}\n");
    let lowered = Files::of([("a.yaml", BASE), ("mcpctl.yaml", settings.as_str()), bad]);
    assert!(shown(&lowered.analyse()).iter().any(|found| found.ends_with("guarding-check-off")));
}

#[test]
fn whom_issuers_speak_for_stays() {
    let issuers = |list: &str| wrong(&format!("identity:\n  issuers: [{list}]\n"));
    let one = |name: &str, speaks: &str| {
        format!("{{issuer: 'https://{name}.prod', audiences: [gw], jwks: 'https://x.prod/keys'{speaks}}}")
    };
    let (agents, flows) = (one("a", ", speaks_for: [agents]"), one("f", ", speaks_for: [flows]"));
    assert_eq!(issuers(&format!("{agents}, {flows}")), Vec::<String>::new());
    assert_eq!(issuers(&one("a", "")), ["2:22 environment-changes-access"], "for everybody");
    assert_eq!(issuers(&agents), ["2:22 environment-changes-access"], "nobody speaks for the flow");
    // Two may share what one has.
    assert_eq!(
        issuers(&format!("{agents}, {flows}, {}", one("b", ", speaks_for: [agents, retail]"))),
        Vec::<String>::new()
    );
}

#[test]
fn an_environment_without_files_or_of_an_unknown_name_is_an_error() {
    let empty = in_prod(&[]);
    assert_eq!(errors(&empty), ["mcpctl.yaml:1:22 environment-without-files"]);
    let unknown = files([("env/prod/x.yaml", PROD)]).analyse_in(Wanted::One("prd"));
    assert!(matches!(unknown, Err(ReadError::Environment { help, .. }) if help == "did you mean `prod`?"));
    let none = Files::of([("a.yaml", BASE)]).analyse_in(Wanted::One("prod"));
    assert!(matches!(none, Err(ReadError::Environment { .. })));
    // Faults of the settings are what is reported, where they have any.
    let broken =
        Files::of([("a.yaml", BASE), ("mcpctl.yaml", "environments: [prod]\n")]).analyse_in(Wanted::One("prod"));
    assert_eq!(errors(&broken.unwrap()), ["mcpctl.yaml:1:15 wrong-type"]);
}

#[test]
fn folders_of_environments_are_their_own() {
    for refused in [
        "environments: {prod: .}\n",
        "environments: {prod: ../prod}\n",
        "environments: {prod: env, test: env/test}\n",
        "environments: {prod: units/retail/env}\nunits: {retail: units/retail}\n",
        "environments: {prod: units}\nunits: {retail: units/retail}\n",
    ] {
        let findings = Files::of([("a.yaml", BASE), ("mcpctl.yaml", refused)]).findings();
        assert!(findings.iter().any(|found| found.ends_with("invalid-value")), "{refused}: {findings:?}");
    }
    let settings = SETTINGS.replace("env/prod", "./env//prod/");
    let files = Files::of([("a.yaml", BASE), ("mcpctl.yaml", settings.as_str()), ("env/prod/x.yaml", PROD)]);
    assert_eq!(errors(&files.analyse()), Vec::<String>::new());
    let there = files.analyse_in(Wanted::One("prod")).unwrap();
    assert_eq!(there.model().servers["crm"].url.as_ref().unwrap().value, "https://crm.prod/mcp");
}

#[test]
fn checks_see_the_addresses_of_the_environment() {
    let required = "federation_config: {central_gateway: {global_policies: [{encryption_in_transit: required}]}}\n";
    let plain = "mcp_registry: {servers: [{name: crm, url: 'http://crm.prod/mcp'}]}\n";
    let found = shown(&in_prod(&[("b.yaml", required), ("env/prod/x.yaml", plain)]));
    assert!(found.contains(&"env/prod/x.yaml:1:43 plaintext-in-transit".to_owned()), "{found:?}");
}

#[test]
fn tests_at_the_addresses_of_the_workspace_are_found() {
    let found = |servers: &str, prod: &str| {
        let tests = format!("integration_tests: {{test_environments: [{{name: prod, mcp_servers: {servers}}}]}}\n");
        let files = files([("env/prod/x.yaml", prod), ("tests.yaml", tests.as_str())]);
        let all = shown(&files.analyse_in(Wanted::All).unwrap());
        all.iter().any(|found| found == "tests.yaml:1:48 tests-reach-production")
    };
    let both = PROD.replace("}]}", "}, {name: pay, url: 'https://pay.prod/mcp'}]}");
    assert!(found("full_deployment", PROD), "`pay` stays where it is");
    assert!(found("production_mirror", PROD) && found("[pay]", PROD) && found("[crm, pay]", PROD));
    assert!(!found("[crm]", PROD) && !found("full_deployment", &both));
    let path = both.replace("https://pay.prod/mcp", "https://PAY.example:443/other");
    assert!(found("full_deployment", &path), "the same host and port");
}
