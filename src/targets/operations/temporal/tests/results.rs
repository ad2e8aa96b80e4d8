//! Steps that go on by results, and batches of runs.

use super::*;

const WORLD: &str = "
# file: all.yaml
mcp_registry:
  agents: [{name: clerk, may_call: ['compliance/*']}]
  servers:
    - name: compliance
      tools: [{name: check}, {name: news}]
    - name: bank
      tools: [{name: transfer}, {name: revert}, {name: close}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
orchestration: {engine: temporal}
batch_processing:
  batch_size: 20
  flush_interval: 10s
  strategies:
    - {name: ticks, trigger: every_second, max_items: 1000}
    - {name: full, trigger: batch_full}
    - {name: urgent, trigger: high_priority_item, max_items: 50}
workflow_definition:
  name: pay
  steps:
    - {name: first, mcp_server: compliance, tools: [check, news]}
    - {name: beside, mcp_server: compliance, tools: [news], optional: true, proceed_if: {step: first, tool: news, field: mood, equals: calm}, depends_on: [first]}
    - name: last
      mcp_server: bank
      tools: [transfer]
      compensation: [revert, close]
      depends_on: [beside]
      proceed_if: {step: first, tool: check, field: score, equals: 7.5}
      arguments:
        - {argument: case, step: first, tool: check, field: id}
        - {argument: transfer, to: close, step: last, field: id}
---
saga_definition:
  name: pay
  steps:
    - {name: first, mcp_server: compliance, action: check, compensation: news}
    - {name: last, mcp_server: bank, action: transfer, compensation: revert, proceed_if: {step: first, field: ok, equals: true}}
";

#[test]
fn a_step_goes_on_by_the_fields_of_results() {
    let pay = plan(WORLD, "workflow-pay");
    let [first, beside, last] = [0, 1, 2].map(|at| &pay["steps"][at]);
    assert_eq!(first["calls"][0]["results"], serde_json::json!(["id", "score"]));
    assert_eq!(first["calls"][1]["results"], serde_json::json!(["mood"]));
    assert_eq!((&beside["optional"], first.get("optional")), (&true.into(), None));
    assert_eq!(beside["proceedIf"], serde_json::json!({"call": "first/2", "field": "mood", "equals": "calm"}));
    assert_eq!(last["proceedIf"], serde_json::json!({"call": "first/1", "field": "score", "equals": 7.5}));
    let call = &last["calls"][0];
    let case = serde_json::json!([{"argument": "case", "call": "first/1", "field": "id"}]);
    assert_eq!((&call["takes"], &call["results"]), (&case, &serde_json::json!(["id"])));
    // What undoes a call takes what the call took, unless it is given something itself.
    assert_eq!(last["compensations"][0]["takes"], case);
    let own = serde_json::json!([{"argument": "transfer", "call": "last/1", "field": "id"}]);
    assert_eq!(last["compensations"][1]["takes"], own);
    let saga = plan(WORLD, "saga-pay");
    assert_eq!(saga["steps"][1]["proceedIf"], serde_json::json!({"call": "first/1", "field": "ok", "equals": true}));
}

#[test]
fn batches_are_sent_by_what_is_declared() {
    let expected = serde_json::json!({"size": 20, "flushIntervalMs": 10_000, "strategies": [
        {"name": "ticks", "everyMs": 1_000, "maxItems": 1000},
        {"name": "full", "on": "full"},
        {"name": "urgent", "on": "highPriority", "maxItems": 50},
    ]});
    assert_eq!(plan(WORLD, "saga-pay")["batching"], expected);
    let world = WORLD.replace("  batch_size: 20\n", "").replace(", trigger: high_priority_item", "");
    let (checked, _) = crate::targets::tests::checked(&world);
    let notes: Vec<String> = unexpressed(checked.model())
        .into_iter()
        .filter(|note| note.family == FamilyId::BatchProcessing)
        .map(|note| note.key)
        .collect();
    assert_eq!(notes, ["strategies[].name: full", "strategies[].name: urgent"]);
    assert_eq!(plan(&world, "saga-pay")["batching"]["strategies"].as_array().unwrap().len(), 1);
}

#[test]
fn every_changed_line_is_noticed() {
    let files = Files::of(&TARGET, WORLD);
    let changes = [("0", "1"), ("e", "x"), ("1", "2"), ("true", "false"), ("full", "highPriority"), ("i", "y")];
    let plans = files.texts().map(|(path, _)| path).filter(|path| path.starts_with("temporal/plans/"));
    let tried: usize = plans.map(|path| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 300, "{tried}");
    let schema = generate::of_file::<super::super::plan::Plan>("temporal-plan");
    for name in ["workflow-pay", "saga-pay"] {
        assert_eq!(generate::faults(&schema, &plan(WORLD, name)), Vec::<String>::new(), "{name}");
    }
}
