//! Labels of metrics, as Envoy can read them.

use super::*;

const GRANTED: &str = "
# file: metrics.yaml
metrics_config: {custom_metrics: [{name: mcp_granted_calls_total, type: counter, labels: [principal]}]}
";

/// The label `principal` at the central gateway.
fn principal(text: &str) -> Value {
    fn find(value: &Value) -> Option<&Value> {
        match value {
            Value::Object(fields) if fields.get("name") == Some(&json!("principal")) => Some(value),
            Value::Object(fields) => fields.values().find_map(find),
            Value::Array(items) => items.iter().find_map(find),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
    let built = built(&TARGET, &format!("{text}{GRANTED}")).unwrap();
    let whole: Value =
        serde_yaml::from_slice(&built.bundle.artifacts["envoy/central/envoy.static.yaml"].bytes).unwrap();
    find(&whole).unwrap().clone()
}

#[test]
fn without_declared_callers_everybody_is_other() {
    let known = principal(WORLD);
    assert!(known["rules"].to_string().contains("spiffe://example.org/seller"), "{known}");
    let (before, after) = WORLD.split_once("  agents:\n").unwrap();
    let (_, any) = after.split_once("  any_agent:").unwrap();
    let (any, _) = any.split_once("workflow_definition").unwrap();
    let without = format!("{before}  any_agent:{any}");
    assert_eq!(principal(&without), json!({"name": "principal", "value_format": "other"}), "an empty table is refused");
}

#[test]
fn what_a_user_writes_ends_no_expression() {
    let odd = WORLD
        .replace("user_delegation, ", "")
        .replace("speaks_for: [flows]", r#"speaks_for: [flows], caller: "it's )%\n\\""#);
    let format = principal(&odd)["value_format"].as_str().unwrap().to_owned();
    let text = r"['it\U00000027s\U00000020\U00000029\U00000025\U0000000a\U0000005c']";
    assert!(format.contains(text), "{format}");
    assert_eq!(format.matches('%').count(), 2, "{format}");
}
