//! What the configuration means, decided on small workspaces: the clauses of the access model one by one.

use mcpctl::policy::{Object, ObjectKind};

use crate::memory::Files;

/// Two units and the centre, four classes with one server each in unit `hr`, and callers of unit `retail`, of `hr` and of
/// the centre who are granted everything. `RULES` are the federation's.
const WORLD: &str = "\
federation_config:
RULES
mcp_registry:
  business_units: [{name: retail}, {name: hr}]
  servers:
    - {name: open, business_unit: hr, tools: [{name: t}]}
    - {name: inner, business_unit: hr, tools: [{name: t}]}
    - {name: secret, business_unit: hr, tools: [{name: t}]}
    - {name: unlisted, business_unit: hr, tools: [{name: t}]}
  agents:
    - {name: buyer, business_unit: retail, subject: a, may_call: [open/t, inner/t, secret/t, unlisted/t]}
    - {name: clerk, business_unit: hr, subject: b, may_call: [open/t, inner/t, secret/t, unlisted/t]}
    - {name: chief, business_unit: central, subject: c, may_call: [open/t, inner/t, secret/t, unlisted/t]}
data_routing:
  classifications:
    - {level: public, mcp_servers: [open]}
    - {level: internal, mcp_servers: [inner]}
    - {level: confidential, mcp_servers: [secret]}
progressive_auth:
  levels: [{level: 1, requirements: [service_account_token]}]
";

/// Which of the four servers a caller may call with these facts.
fn reach(rules: &[&str], caller: &str, facts: &[&str]) -> Vec<&'static str> {
    let rules: String = rules.iter().map(|rule| format!("  {rule}\n")).collect();
    let text = WORLD.replace("RULES\n", if rules.is_empty() { "  {}\n" } else { &rules });
    let analysis = Files::of([("a.yaml", text.as_str())]).analyse();
    let errors: Vec<_> = analysis.report().diagnostics.iter().filter(|d| d.severity.word() == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let policy = analysis.policy();
    let mask = facts.iter().map(|fact| policy.facts.mask(fact).unwrap()).fold(0, |all, bit| all | bit);
    let may = |server: &str| {
        let object = Object { server: server.into(), kind: ObjectKind::Tool("t".into()) };
        policy.decide(policy.principal(caller).unwrap(), policy.object(&object).unwrap(), mask)
    };
    ["open", "inner", "secret", "unlisted"].into_iter().filter(|server| may(server)).collect()
}

const ALL: [&str; 4] = ["open", "inner", "secret", "unlisted"];
const TOKEN: &[&str] = &["service_account_token"];
const APPROVED: &[&str] = &["service_account_token", "cross_unit_approval"];

#[test]
fn a_call_within_a_unit_or_from_the_centre_needs_no_rule_between_units() {
    for caller in ["clerk", "chief"] {
        assert_eq!(reach(&[], caller, TOKEN), ALL, "{caller}");
        assert_eq!(reach(&[], caller, &[]), [""; 0], "{caller}");
    }
}

#[test]
fn what_no_rule_permits_between_units_is_denied() {
    let free = "business_unit_gateways: {cross_unit_routing: allowed}";
    let shared = "central_gateway: {global_policies: {cross_bu_data_sharing: allowed}}";
    for rules in [&[][..], &[free], &[shared]] {
        assert_eq!(reach(rules, "buyer", APPROVED), [""; 0], "{rules:?}");
    }
    assert_eq!(reach(&[free, shared], "buyer", TOKEN), ALL);
    let denied = "business_unit_gateways: {cross_unit_routing: denied}";
    assert_eq!(reach(&[denied, shared], "buyer", APPROVED), [""; 0]);
    let prohibited = "central_gateway: {global_policies: {cross_bu_data_sharing: prohibited}}";
    assert_eq!(reach(&[free, prohibited], "buyer", APPROVED), [""; 0]);
}

#[test]
fn explicit_approval_is_a_fact() {
    let approval = "business_unit_gateways: {cross_unit_routing: explicit_approval}";
    let shared = "central_gateway: {global_policies: [{cross_bu_data_sharing: allowed}]}";
    assert_eq!(reach(&[approval, shared], "buyer", TOKEN), [""; 0]);
    assert_eq!(reach(&[approval, shared], "buyer", APPROVED), ALL);
}

#[test]
fn restricted_sharing_stops_at_a_class() {
    let free = "business_unit_gateways: {cross_unit_routing: allowed}";
    let restricted =
        |more: &str| format!("central_gateway: {{global_policies: {{cross_bu_data_sharing: restricted{more}}}}}");
    // The class named `internal` by default; a server without a class counts as the most sensitive one.
    assert_eq!(reach(&[free, &restricted("")], "buyer", TOKEN), ["open", "inner"]);
    assert_eq!(reach(&[free, &restricted(", cross_unit_max_class: public")], "buyer", TOKEN), ["open"]);
    assert_eq!(reach(&[free, &restricted(", cross_unit_max_class: confidential")], "buyer", TOKEN), ALL);
}

#[test]
fn transport_rules_are_facts_and_mtls_implies_tls() {
    let encrypted = "central_gateway: {global_policies: {encryption_in_transit: required}}";
    assert_eq!(reach(&[encrypted], "clerk", TOKEN), [""; 0]);
    assert_eq!(reach(&[encrypted], "clerk", &["service_account_token", "tls"]), ALL);
    assert_eq!(reach(&[encrypted], "clerk", &["service_account_token", "mtls"]), ALL);
}
