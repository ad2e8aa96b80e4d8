use serde_json::{Value, json};

use super::*;
use crate::schema::generate;
use crate::targets::tests::built;
use crate::targets::tests::lines::{self, Files as Changed};
use crate::targets::tests::mutations::mutate;

const WORLD: &str = "
units: {shop: units/shop-floor}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
mcp_registry:
  central_gateway: 'https://mcp.example.org'
  business_units: [{name: shop, gateway: 'https://shop.example.org'}]
  servers:
    - {name: pay, url: 'https://pay.example.org/mcp', business_unit: central, tools: [{name: charge}, {name: refund}]}
    - {name: pay_audit, business_unit: central, tools: [{name: look, annotations: {read_only: true}}]}
    - {name: stock, business_unit: central, tools: [{name: reserve}, {name: release}]}
orchestration: {engine: temporal}
saga_definition:
  name: order
  compensations_enabled: true
  steps:
    - {name: hold, mcp_server: stock, action: reserve, compensation: release}
    - {name: pay, mcp_server: pay, action: charge, compensation: refund}
---
workflow_definition: {name: look_up, steps: [{name: look, mcp_server: pay_audit, tools: [look]}]}
---
workflow_definition: {name: pay_only, steps: [{name: pay, mcp_server: pay, tools: [charge]}]}
---
integration_tests:
  test_environments:
    - {name: staging, mcp_servers: full_deployment, data: synthetic}
    - {name: mirror, mcp_servers: production_mirror, data: sanitized_production}
    - {name: lab, mcp_servers: [pay, stock]}
  test_scenarios:
    - {name: good, steps: [hold, pay], expected_outcome: success}
    - {name: bad, inject_failure: pay_timeout, expected_outcome: compensating_transaction}
    - {name: worse, inject_failure: pay_down, expected_outcome: failure}
    - {name: audit, inject_failure: pay_audit_error, expected_outcome: circuit_breaker_activation}
    - {name: unsaid, steps: [hold]}
    - {name: nobody, steps: [hold, look], expected_outcome: success}
# file: units/shop-floor/tests.yaml
workflow_definition: {name: of_shop, steps: [{name: look, mcp_server: pay_audit, tools: [look]}]}
---
integration_tests: {test_scenarios: [{name: own, expected_outcome: success}]}
";

fn list(world: &str, folder: &str) -> Value {
    lines::value(&TARGET, world, &format!("scenarios/{folder}/scenarios.json"))
}

fn flows(list: &Value, scenario: &str) -> Vec<String> {
    let found = list["scenarios"].as_array().unwrap().iter().find(|one| one["name"] == scenario);
    let flows = found.map(|one| one["flows"].as_array().unwrap().clone()).unwrap_or_default();
    flows.iter().map(|one| one["flow"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_scenario_is_about_the_flows_that_can_go_through_it() {
    let central = list(WORLD, "central");
    for (scenario, wanted) in [
        ("good", &["saga:order"][..]),
        ("bad", &["saga:order"]),
        ("worse", &["saga:order", "workflow:pay_only"]),
        ("audit", &["workflow:look_up", "workflow:of_shop"]),
        ("unsaid", &[]),
        ("nobody", &[]),
    ] {
        let mut found = flows(&central, scenario);
        found.sort();
        assert_eq!(found, wanted, "{scenario}");
    }
    assert_eq!(flows(&list(WORLD, "shop"), "own"), ["workflow:of_shop"]);
    let bad = central["scenarios"].as_array().unwrap().iter().find(|one| one["name"] == "audit").unwrap();
    assert_eq!(bad["failure"], json!({"server": "pay_audit", "fault": "error"}));
    assert_eq!(bad["flows"][0]["readsOnly"], true);
    assert_eq!(
        central["addresses"],
        json!(["https://mcp.example.org", "https://pay.example.org/mcp", "https://shop.example.org"])
    );
    let servers: Vec<&Value> = central["environments"].as_array().unwrap().iter().map(|one| &one["servers"]).collect();
    assert_eq!(servers, ["full_deployment", "production_mirror", "listed"]);
    assert_eq!(central["environments"][2]["only"], json!(["pay", "stock"]));
}

#[test]
fn what_is_not_run_is_said_with_the_reason() {
    let left = |world: &str| -> Vec<(String, String)> {
        let manifest = built(&TARGET, world).unwrap().bundle.manifest;
        let own = manifest.targets[0].not_expressed.iter().filter(|left| left.family == "integration_tests");
        own.map(|left| (left.key.clone(), left.why.to_string())).collect()
    };
    let found = left(WORLD);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].0.ends_with("unsaid") && found[0].1.contains("expected_outcome"), "{found:?}");
    assert!(found[1].0.ends_with("nobody") && found[1].1.contains("all its steps"), "{found:?}");
    // In another engine nothing of it is run, and no file is written.
    let other = WORLD.replace("engine: temporal", "engine: camunda");
    assert_eq!(left(&other).len(), 7);
    assert!(built(&TARGET, &other).unwrap().bundle.artifacts.is_empty());
}

#[test]
fn lists_fit_the_published_schema() {
    let schema = generate::of_file::<list::List>("scenarios");
    assert!(generate::is_fresh("scenarios", &schema), "rerun with MCPCTL_BLESS=1");
    assert_eq!(generate::undescribed(&schema, "list"), Vec::<String>::new());
    let good = list(WORLD, "central");
    assert_eq!(generate::faults(&schema, &good), Vec::<String>::new());
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/environments/0/servers", json!("some_deployment")),
        ("/environments/2/only", json!([])),
        ("/scenarios/0/flows", json!([])),
        ("/scenarios/0/flows/0/flow", json!("order")),
        ("/scenarios/1/failure/fault", json!("")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!generate::faults(&schema, &bad).is_empty(), "{pointer}");
    }
}

#[test]
fn every_change_of_a_file_is_noticed() {
    mutate(&TARGET, WORLD, "scenarios/central/scenarios.json", false).assert_only(&[]);
    let files = Changed::of(&TARGET, WORLD);
    for name in ["inputs.py", "run_scenarios.py", "trials.py", "scenarios.schema.json"] {
        let path = format!("scenarios/central/{name}");
        let text = files.texts().find(|(known, _)| *known == path).unwrap().1.to_owned();
        assert!(files.refused(&path, Some(&format!("{text}\n"))) && files.refused(&path, None), "{name}");
    }
}
