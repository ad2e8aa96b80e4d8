//! The AsyncAPI document: topics as channels, and what each processor receives.

use serde_json::{Map, Value, json};

use super::topics::config;
use super::{Bus, EVENT_ID};
use crate::bundle::Artifact;
use crate::targets::{CompileError, Input, object, yaml};

/// The version of the bindings of Kafka: <https://github.com/asyncapi/bindings/tree/master/kafka>.
const BINDING: &str = "0.5.0";

/// `asyncapi.yaml`.
pub(super) fn asyncapi(input: &Input<'_>, bus: &Bus<'_>) -> Result<(String, Artifact), CompileError> {
    let mut channels = Map::new();
    for topic in &bus.topics {
        let name = topic.name.value.as_str();
        let mut kafka = object([("topic", Value::from(name)), ("replicas", Value::from(bus.replicas))]);
        if let (Some(kafka), Some(partitions)) = (kafka.as_object_mut(), &topic.partitions) {
            kafka.insert("partitions".to_owned(), Value::from(partitions.value));
        }
        let config = config(topic);
        if let (Some(kafka), false) = (kafka.as_object_mut(), config.is_empty()) {
            kafka.insert("topicConfiguration".to_owned(), json!(config));
        }
        let channel = object([
            ("address", Value::from(name)),
            ("messages", json!({"event": {"$ref": "#/components/messages/event"}})),
            ("bindings", object([("kafka", bound(kafka))])),
        ]);
        channels.insert(name.to_owned(), channel);
    }
    let mut operations = Map::new();
    for (flow, topics) in &bus.processors {
        let name = flow.id.value.name.to_string();
        for topic in topics {
            let group = json!({"groupId": {"type": "string", "enum": [name]}});
            let operation = object([
                ("action", Value::from("receive")),
                ("channel", json!({"$ref": format!("#/channels/{topic}")})),
                ("bindings", object([("kafka", bound(group))])),
            ]);
            operations.insert(format!("{name}/{topic}"), operation);
        }
    }
    let headers = json!({"type": "object", "properties": {EVENT_ID: {"type": "string"}}, "required": [EVENT_ID]});
    let mut document = object([
        ("asyncapi", Value::from("3.0.0")),
        ("info", json!({"title": input.model.deployment.bundle_name(), "version": "1.0.0"})),
        ("channels", Value::Object(channels)),
    ]);
    if let Some(document) = document.as_object_mut() {
        if !operations.is_empty() {
            document.insert("operations".to_owned(), Value::Object(operations));
        }
        document.insert("components".to_owned(), json!({"messages": {"event": {"headers": headers}}}));
    }
    yaml("asyncapi.yaml", &[document], bus.places())
}

/// Bindings with their version.
fn bound(mut bindings: Value) -> Value {
    if let Some(bindings) = bindings.as_object_mut() {
        bindings.insert("bindingVersion".to_owned(), Value::from(BINDING));
    }
    bindings
}
