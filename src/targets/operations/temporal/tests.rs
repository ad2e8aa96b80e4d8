mod results;
mod routed;

use super::*;
use crate::schema::generate;
use crate::targets::tests::built;
use crate::targets::tests::lines::{self, Files};

const WORLD: &str = "
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
identity:
  trust_domain: example.org
  issuers:
    - {issuer: 'https://a.example.org', audience: per_server, jwks: 'https://a.example.org/keys', speaks_for: [agents, flows]}
    - {issuer: 'https://b.example.org', audiences: [gw], jwks: 'https://b.example.org/keys', speaks_for: [agents]}
mcp_registry:
  central_gateway: https://MCP.example.org/
  business_units: [{name: shop}]
  servers:
    - name: stock
      business_unit: central
      url: https://stock.example.org/mcp
      tools: [{name: reserve}, {name: release}, {name: count, annotations: {read_only: true}}]
    - name: bank
      business_unit: shop
      tools: [{name: charge, annotations: {idempotent: false}}, {name: refund, annotations: {idempotent: true}}]
orchestration:
  engine: temporal
  error_handling: {retry_policy: {max_attempts: 3, backoff: exponential}, failure_handling: compensating_transactions}
circuit_breaker_config: {per_mcp_server: {failure_threshold: 5, timeout: 30s, half_open_max_calls: 3, half_open_timeout: 60s}}
saga_definition:
  name: buy it
  compensations_enabled: true
  steps:
    - {name: take, mcp_server: stock, action: reserve, compensation: release}
    - {name: pay, mcp_server: bank, action: charge, compensation: refund}
---
workflow_definition:
  name: look
  subject: spiffe://example.org/looker
  steps:
    - {name: first, mcp_server: stock, tools: [count, reserve], compensation: [release]}
    - {name: beside, mcp_server: stock, tools: [count]}
    - {name: last, mcp_server: stock, tools: [count], depends_on: [first, beside]}
---
workflow_definition:
  name: asleep
  suspended: for now
  steps: [{name: only, mcp_server: stock, tools: [count]}]
# file: units/shop/flows.yaml
orchestration:
  engine: temporal
  error_handling: {retry_policy: {max_attempts: 1, backoff: fixed}, failure_handling: manual_intervention}
circuit_breaker_config: {per_mcp_server: {timeout: 2s}}
workflow_definition: {name: sell, steps: [{name: only, mcp_server: bank, tools: [charge]}]}
";

fn plan(world: &str, name: &str) -> serde_json::Value {
    lines::value(&TARGET, world, &format!("temporal/plans/{name}.json"))
}

#[test]
fn a_saga_is_a_sequence_of_calls_each_with_its_undoing() {
    let plan = plan(WORLD, "saga-buy-it");
    let expected = serde_json::json!({
        "version": 1,
        "flow": "saga:buy it",
        "identity": {
            "subject": "spiffe://example.org/mcp/saga/buy it",
            "issuers": [{"issuer": "https://a.example.org", "audiencePerServer": true}],
        },
        "onFailure": "compensate",
        "retry": {"maximumAttempts": 3, "initialIntervalMs": 1000, "backoffCoefficient": 2, "maximumIntervalMs": 100_000},
        "compensationRetry": {"maximumAttempts": 10, "initialIntervalMs": 1000, "backoffCoefficient": 2, "maximumIntervalMs": 100_000},
        "servers": {
            "bank": {"callTimeoutMs": 2_000, "startToCloseMs": 7_000, "heartbeatMs": 10_000},
            "stock": {
                "url": "https://mcp.example.org/stock/mcp",
                "callTimeoutMs": 30_000,
                "startToCloseMs": 35_000,
                "heartbeatMs": 10_000,
                "breaker": {"failureThreshold": 5, "openMs": 60_000, "halfOpenCalls": 3},
            },
        },
        "steps": [
            {
                "id": "take",
                "dependsOn": [],
                "calls": [{"server": "stock", "tool": "reserve", "key": "take/1", "argumentsOf": ["reserve"], "inDoubt": "repeat"}],
                "compensations": [{
                    "server": "stock", "tool": "release", "key": "take/undo-1", "argumentsOf": ["release", "reserve"], "inDoubt": "repeat",
                }],
            },
            {
                "id": "pay",
                "dependsOn": ["take"],
                "calls": [{"server": "bank", "tool": "charge", "key": "pay/1", "argumentsOf": ["charge"], "inDoubt": "fail"}],
                "compensations": [{
                    "server": "bank", "tool": "refund", "key": "pay/undo-1", "argumentsOf": ["refund", "charge"], "inDoubt": "repeat",
                }],
            },
        ],
    });
    assert_eq!(plan, expected);
    let names = &built(&TARGET, WORLD).unwrap().bundle.manifest.targets[0].names;
    let pairs =
        [("saga-buy-it", "saga:buy it"), ("workflow-look", "workflow:look"), ("workflow-sell", "workflow:sell")];
    assert_eq!(*names, pairs.map(|(label, name)| (label.to_owned(), name.to_owned())).into());
}

#[test]
fn steps_of_a_workflow_wait_for_what_they_name_alone() {
    let look = plan(WORLD, "workflow-look");
    let waits: Vec<(&str, Vec<&str>)> = look["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let on = step["dependsOn"].as_array().unwrap();
            (step["id"].as_str().unwrap(), on.iter().map(|on| on.as_str().unwrap()).collect())
        })
        .collect();
    assert_eq!(waits, [("first", vec![]), ("beside", vec![]), ("last", vec!["first", "beside"])]);
    let keys: Vec<&str> =
        look["steps"][0]["calls"].as_array().unwrap().iter().map(|call| call["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["first/1", "first/2"]);
    // Which of two calls it undoes is not known, so it takes the arguments of neither.
    assert_eq!(look["steps"][0]["compensations"][0]["argumentsOf"], serde_json::json!(["release"]));
    assert_eq!(look["identity"]["subject"], "spiffe://example.org/looker");
}

#[test]
fn a_unit_folder_has_its_own_engine_and_limits() {
    let sell = plan(WORLD, "workflow-sell");
    assert_eq!((&sell["onFailure"], &sell["retry"]["maximumAttempts"]), (&"wait".into(), &1.into()));
    assert_eq!((&sell["retry"]["backoffCoefficient"], &sell["retry"]["maximumIntervalMs"]), (&1.into(), &1000.into()));
    assert_eq!(sell["servers"]["bank"].get("breaker"), None);
}

#[test]
fn what_is_done_on_failure() {
    let handled = |handling: &str, name: &str| {
        let world = WORLD.replace("failure_handling: compensating_transactions", handling);
        plan(&world, name)["onFailure"].as_str().unwrap().to_owned()
    };
    for (handling, saga, workflow) in [
        ("failure_handling: compensating_transactions", "compensate", "compensate"),
        ("failure_handling: abort", "compensate", "stop"),
        ("failure_handling: continue", "compensate", "continue"),
        ("failure_handling: manual_intervention", "compensate", "wait"),
    ] {
        assert_eq!(
            (handled(handling, "saga-buy-it").as_str(), handled(handling, "workflow-look").as_str()),
            (saga, workflow)
        );
    }
    let off = WORLD.replace("compensations_enabled: true", "compensations_enabled: false");
    let saga = plan(&off, "saga-buy-it");
    assert_eq!((&saga["onFailure"], &saga["steps"][0]["compensations"]), (&"stop".into(), &serde_json::json!([])));
}

#[test]
fn a_flow_of_another_engine_has_no_plan_and_a_note() {
    let of = |world: &str| -> Vec<String> {
        let manifest = built(&TARGET, world).unwrap().bundle.manifest;
        let left = &manifest.targets[0].not_expressed;
        left.iter()
            .map(|left| left.key.clone())
            .filter(|key| key.starts_with("name: ") || key.starts_with("engine: "))
            .collect()
    };
    assert_eq!(of(WORLD), Vec::<String>::new());
    assert_eq!(of(&WORLD.replacen("engine: temporal", "engine: camunda", 1)), ["engine: camunda"]);
    let none = WORLD.replacen("  engine: temporal\n", "", 1);
    assert_eq!(of(&none), ["name: asleep", "name: look", "name: buy it"]);
    let plans = built(&TARGET, &none).unwrap().bundle.artifacts;
    let plans: Vec<&String> = plans.keys().filter(|path| path.starts_with("temporal/plans/")).collect();
    assert_eq!(plans, ["temporal/plans/workflow-sell.json"]);
}

#[test]
fn words_of_cascading_protection_say_whose_breaker_it_is_and_what_it_holds_back() {
    for (words, per, when_open) in [
        ("upstream_failures: isolate_downstream", "flow", ""),
        ("upstream_failures: propagate", "", ""),
        ("upstream_failures: fail_fast", "", "fail"),
        ("upstream_failures: fail_fast, fallback_strategies: [degraded_mode, queue_requests]", "", ""),
        ("upstream_failures: isolate_downstream, fallback_strategies: [fail_fast, queue_requests]", "flow", "fail"),
        ("fallback_strategies: [queue_requests, fail_fast]", "", ""),
    ] {
        let breaker = "half_open_timeout: 60s}";
        let world = WORLD.replacen(breaker, &format!("{breaker}, cascading_protection: {{{words}}}"), 1);
        let stock = plan(&world, "saga-buy-it")["servers"]["stock"]["breaker"].clone();
        let said = |key: &str| stock.get(key).map_or("", |word| word.as_str().unwrap()).to_owned();
        assert_eq!((said("per").as_str(), said("whenOpen").as_str()), (per, when_open), "{words}");
    }
    let world = WORLD.replacen("60s}}", "60s}, cascading_protection: {fallback_strategies: [default_response]}}", 1);
    let left = built(&TARGET, &world).unwrap().bundle.manifest.targets[0].not_expressed.clone();
    assert!(left.iter().any(|left| left.key.ends_with("default_response")), "{left:?}");
}

#[test]
fn one_note_says_which_plans_wait_for_which_addresses() {
    let notes = |world: &str| -> Vec<String> {
        let notes = built(&TARGET, world).unwrap().notes;
        let notes = notes.into_iter().filter(|note| note.rule.name == "file-waits");
        notes.map(|note| note.message).collect()
    };
    let message =
        "`temporal/plans/saga-buy-it.json` and `temporal/plans/workflow-sell.json` wait for the address of `bank`";
    assert_eq!(notes(WORLD), [message]);
    let known =
        WORLD.replace("business_unit: shop\n", "business_unit: shop\n      url: https://bank.example.org/mcp\n");
    assert_eq!(notes(&known), Vec::<String>::new());
    let message = "`temporal/plans/saga-buy-it.json`, `temporal/plans/workflow-look.json` and `1 more` wait for the addresses of `bank` and `stock`";
    assert_eq!(
        notes(&known.replace("  central_gateway: https://MCP.example.org/\n", "")),
        [message.replace("`1 more`", "1 more")]
    );
}

#[test]
fn two_flows_of_one_file_are_refused() {
    let world = WORLD.replace("name: asleep\n  suspended: for now", "name: Look");
    let Err(errors) = built(&TARGET, &world) else { panic!("it compiles") };
    let (findings, _) = crate::build::findings(errors);
    assert_eq!(
        findings[0].message,
        "`workflow:Look` and `workflow:look` are both `workflow-look` for target `temporal`"
    );
}

#[test]
fn what_temporal_does_not_take_is_refused_at_its_place() {
    let fault = |world: &str| {
        let Err(errors) = built(&TARGET, world) else { panic!("it compiles") };
        let (mut findings, _) = crate::build::findings(errors);
        findings.remove(0).message
    };
    let name = "x".repeat(951);
    let message = "the name of a step has 951 bytes, and Temporal takes 950 of it";
    assert_eq!(fault(&WORLD.replace("name: take", &format!("name: {name}"))), message);
    let tools = vec!["count"; 20_000].join(", ");
    let long = fault(&WORLD.replace(
        "name: beside, mcp_server: stock, tools: [count]",
        &format!("name: beside, mcp_server: stock, tools: [{tools}]"),
    ));
    assert!(
        long.starts_with("the plan of `workflow:look` has ") && long.ends_with(" at most 1500000 to start a run"),
        "{long}"
    );
}

/// Every plan fits the published schema, and every line of it counts: left out, doubled, or with another value.
#[test]
fn every_changed_line_is_noticed() {
    let files = Files::of(&TARGET, WORLD);
    let changes =
        [("0", "1"), ("e", "x"), ("1", "2"), ("true", "false"), ("repeat", "fail"), ("compensate", "continue")];
    let plans = files.texts().map(|(path, _)| path).filter(|path| path.starts_with("temporal/plans/"));
    let tried: usize = plans.map(|path| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 500, "{tried}");
    for path in ["temporal/plans/other.json", "temporal/other.json", "temporal/plans/saga-buy-it"] {
        let (_, text) = files.texts().find(|(path, _)| path.ends_with("saga-buy-it.json")).unwrap();
        assert!(files.refused(path, Some(text)), "{path}");
    }
    for (path, text) in files.texts().filter(|(path, _)| path.starts_with("temporal/worker/")) {
        assert!(files.refused(path, None) && files.refused(path, Some(&text.replacen('e', "x", 1))), "{path}");
    }
    assert!(files.refused("temporal/worker/other.py", Some("")));
}

#[test]
fn plans_fit_the_published_schema() {
    let schema = generate::of_file::<super::plan::Plan>("temporal-plan");
    assert!(generate::is_fresh("temporal-plan", &schema), "rerun with MCPCTL_BLESS=1");
    assert_eq!(generate::undescribed(&schema, "plan"), Vec::<String>::new());
    let good = plan(WORLD, "saga-buy-it");
    for name in ["saga-buy-it", "workflow-look", "workflow-sell"] {
        assert_eq!(generate::faults(&schema, &plan(WORLD, name)), Vec::<String>::new(), "{name}");
    }
    for (pointer, value) in [
        ("/retry/maximumAttempts", serde_json::json!(0)),
        ("/servers/stock/callTimeoutMs", "30s".into()),
        ("/steps/0/calls/0/inDoubt", "never".into()),
        ("/steps/0/dependsOn", "pay".into()),
        ("/version", 2.into()),
        ("/flow", "processor:x".into()),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!generate::faults(&schema, &bad).is_empty(), "{pointer}");
    }
    let mut bad = good.clone();
    bad["token"] = "secret".into();
    assert_eq!(generate::faults(&schema, &bad).len(), 1);
}

#[test]
fn the_document_compiles_without_a_registry() {
    let text_of =
        |name: &str| std::fs::read_to_string(format!("{}/fixtures/seed/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let world: String = ["workflow.yaml", "saga.yaml", "orchestration.yaml", "circuit-breaker.yaml"]
        .map(|name| format!("# file: {name}\n{}\n", text_of(name)))
        .concat();
    let saga = plan(&world, "saga-order-processing-saga");
    let undone: Vec<&str> = saga["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["compensations"][0]["tool"].as_str().unwrap())
        .collect();
    assert_eq!(undone, ["release_reservation", "refund_charge", "cancel_shipment", "revert_purchase_record"]);
    assert_eq!(saga["servers"]["payment_server"].get("url"), None);
    let onboarding = plan(&world, "workflow-customer-onboarding");
    assert_eq!(onboarding["steps"].as_array().unwrap().len(), 4);
}
