//! What a unit folder may not do, whatever the centre lets it restate.

use crate::memory::Files;

const CENTRE: &str = "\
federation_config:
  business_unit_gateways: {local_policy_override: MODE}
mcp_registry:
  business_units: [{name: retail}, {name: hr}]
  servers:
    - {name: crm, business_unit: retail, location: cloud, tools: [{name: get}]}
    - {name: pay, business_unit: hr, tools: [{name: charge}]}
  agents: [{name: clerk, business_unit: retail, subject: clerk, may_call: [crm/get, pay/charge]}]
data_routing:
  classifications: [{level: internal, mcp_servers: [pay]}, {level: secret, mcp_servers: [crm]}]
progressive_auth:
  levels: [{level: 1, requirements: [service_account_token]}, {level: 2, requirements: [service_account_token, mfa]}]
zero_trust_config: {service_mesh: {mutual_tls: strict}}
";

/// The errors in `units/retail/x.yaml` with that text, as `line:col rule`.
fn errors(mode: &str, text: &str) -> Vec<String> {
    let centre = CENTRE.replace("MODE", mode);
    let files = Files::of([
        ("centre.yaml", centre.as_str()),
        ("mcpctl.yaml", "units: {retail: units/retail}\n"),
        ("units/retail/x.yaml", text),
    ]);
    let analysis = files.analyse();
    let errors = analysis.report().diagnostics.iter().filter(|d| d.severity == mcpctl::diagnostic::Severity::Error);
    errors
        .map(|finding| {
            let at = analysis.sources.position(finding.loc);
            let file = analysis.sources.file(finding.loc.file).name().replace("units/retail/x.yaml", "");
            format!("{file}{}:{} {}", at.line, at.column, finding.rule.name)
        })
        .collect()
}

#[test]
fn modes_say_what_a_folder_may_hold() {
    let level = "progressive_auth:\n  levels: [{level: 1, requirements: [service_account_token, mfa]}]\n";
    let agent = "mcp_registry:\n  agents: [{name: mine, subject: mine, may_call: [crm/get]}]\n";
    assert_eq!(errors("none", level), ["1:1 unit-overrides-forbidden-family"]);
    assert_eq!(errors("security_only", level), Vec::<String>::new());
    assert_eq!(errors("security_only", agent), ["1:1 unit-overrides-forbidden-family"]);
    assert_eq!(errors("full", agent), Vec::<String>::new());
}

#[test]
fn a_unit_cannot_accept_findings_about_itself() {
    let waiver = "waivers:\n  - {name: w, check: unit-overrides-forbidden-family, file: units/retail/x.yaml, reason: r, owner: o, \
                  expires: \"2099-01-01\"}\nmcp_registry: {agents: [{name: evil, subject: e, may_call: [pay/charge]}]}\n";
    assert_eq!(errors("none", waiver), ["1:1 centre-only-section", "3:1 unit-overrides-forbidden-family"]);
    assert_eq!(errors("full", "waivers: []\n"), ["1:1 centre-only-section"]);
}

#[test]
fn nobody_can_accept_or_lower_a_widening() {
    let looser = "progressive_auth:\n  levels: [{level: 2, requirements: [service_account_token]}]\n";
    assert_eq!(errors("security_only", looser), ["2:20 unit-widens-policy"]);
    let centre = CENTRE.replace("MODE", "security_only");
    let waiver = "waivers:\n  - {name: w, check: unit-widens-policy, file: units/retail/x.yaml, reason: r, owner: o, expires: \
                  \"2099-01-01\"}\n";
    let settings = "units: {retail: units/retail}\nchecks: {unit-widens-policy: \"off\"}\n";
    let base = [("centre.yaml", centre.as_str()), ("units/retail/x.yaml", looser)];
    let waived =
        Files::of(base.into_iter().chain([("mcpctl.yaml", "units: {retail: units/retail}\n"), ("w.yaml", waiver)]));
    let findings = waived.findings();
    assert!(findings.contains(&"units/retail/x.yaml:2:20 unit-widens-policy".to_owned()), "{findings:?}");
    assert!(findings.contains(&"w.yaml:2:22 unknown-check".to_owned()), "{findings:?}");
    let lowered = Files::of(base.into_iter().chain([("mcpctl.yaml", settings)])).findings();
    assert_eq!(lowered, ["mcpctl.yaml:2:30 guarding-check-off"]);
}

#[test]
fn what_the_centre_says_of_a_server_stays() {
    let place = "mcp_registry:\n  servers: [{name: crm, location: secure_enclave, tools: [{name: get}]}]\n";
    assert_eq!(errors("full", place), ["2:35 centre-only-section"]);
    let more = "mcp_registry:\n  servers:\n    - name: crm\n      resources: [{uri: \"r://a\"}]\n      tools: [{name: get}, {name: ghost}]\n";
    assert_eq!(errors("full", more), ["4:25 centre-only-section", "5:35 centre-only-section"]);
    let other = "mcp_registry:\n  servers: [{name: pay, tools: [{name: charge}]}]\n";
    assert_eq!(errors("full", other), ["2:20 foreign-unit"]);
}

#[test]
fn classes_are_the_centres_and_other_units_servers_are_not_for_it_to_class() {
    let unknown = "data_routing:\n  classifications: [{level: weird, mcp_servers: [crm], suspended: stop}]\n";
    assert_eq!(errors("security_only", unknown), ["2:29 centre-only-section"]);
    let foreign = "data_routing:\n  classifications: [{level: internal, mcp_servers: [pay]}]\n";
    assert!(errors("security_only", foreign).contains(&"2:53 foreign-unit".to_owned()));
}

#[test]
fn of_zero_trust_a_unit_may_say_its_mutual_tls_alone() {
    for (key, text) in [
        ("provider", "service_mesh: {provider: kuma}"),
        ("policy_enforcement", "service_mesh: {policy_enforcement: per_request}"),
        ("workload_identity", "identity_verification: {workload_identity: x509}"),
        ("certificate_rotation", "identity_verification: {certificate_rotation: 1h}"),
        ("attestation", "identity_verification: {attestation: none}"),
        ("network_segmentation", "network_segmentation: {mcp_servers: inner}"),
    ] {
        let found = errors("security_only", &format!("zero_trust_config:\n  {text}\n"));
        assert!(
            found.iter().any(|one| one.starts_with("2:") && one.ends_with("centre-only-section")),
            "{key}: {found:?}"
        );
    }
    assert_eq!(errors("security_only", "zero_trust_config:\n  service_mesh: {mutual_tls: strict}\n"), [""; 0]);
}

#[test]
fn a_widening_is_shown_where_the_unit_restates() {
    let mesh = "zero_trust_config:\n  service_mesh: {mutual_tls: permissive}\n";
    assert_eq!(errors("security_only", mesh), ["2:30 unit-widens-policy"]);
    let bare = "mcp_registry:\n  servers: [{name: crm, auth_level: 1, tools: [{name: get}]}]\n";
    let found = errors("full", bare);
    assert_eq!(found, ["2:20 unit-widens-policy"]);
    let class = "data_routing:\n  classifications:\n    - {level: internal, mcp_servers: [crm]}\n    - {level: secret, mcp_servers: []}\n";
    assert_eq!(errors("security_only", class), ["3:15 unit-widens-policy"]);
}

#[test]
fn folders_are_where_the_settings_say() {
    let centre = CENTRE.replace("MODE", "none");
    let evil = "mcp_registry:\n  agents: [{name: evil, business_unit: central, subject: e, may_call: [pay/charge]}]\n";
    let with = |settings: &str| {
        Files::of([("centre.yaml", centre.as_str()), ("mcpctl.yaml", settings), ("units/retail/x.yaml", evil)])
            .findings()
    };
    for typo in ["unit/retail", "Units/retail"] {
        let findings = with(&format!("units: {{retail: {typo}}}\n"));
        assert!(findings.contains(&"mcpctl.yaml:1:17 unit-folder-without-files".to_owned()), "{typo}: {findings:?}");
    }
    for same in ["./units//retail", "units/./retail/", "units/retail/."] {
        let findings = with(&format!("units: {{retail: {same}}}\n"));
        assert!(findings.iter().any(|f| f.ends_with("unit-overrides-forbidden-family")), "{same}: {findings:?}");
    }
    for refused in [
        "{retail: .}",
        "{retail: units/retail, hr: units/retail}",
        "{retail: units, hr: units/retail}",
        "{central: units}",
    ] {
        let findings = with(&format!("units: {refused}\n"));
        assert!(findings.iter().any(|f| f.ends_with("invalid-value")), "{refused}: {findings:?}");
    }
}

#[test]
fn names_of_the_centre_and_of_unknown_callers_are_taken() {
    let registry = "mcp_registry:\n  business_units: [{name: central}]\n  agents: [{name: any_agent, subject: s}]\n";
    let findings = Files::of([("a.yaml", registry)]).findings();
    assert!(findings.contains(&"a.yaml:2:27 duplicate-name".to_owned()), "{findings:?}");
    assert!(findings.contains(&"a.yaml:3:19 duplicate-name".to_owned()), "{findings:?}");
}
