//! The documents of Kafka: each key is known, or the document is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Processor, Topic, kept, resource_name, unexpected};
use crate::lift::LiftError;
use crate::lift::operations::scoped::json;
use crate::model::Model;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewTopic {
    name: String,
    partitions: Option<u32>,
    replication_factor: u32,
    #[serde(default)]
    config: TextConfig,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextConfig {
    #[serde(rename = "retention.ms")]
    retention: Option<String>,
    #[serde(rename = "retention.bytes")]
    bytes: Option<String>,
}

/// `topics.json`.
pub(super) fn list(text: &str) -> Result<Vec<Topic>, LiftError> {
    let number = |text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Ok(Some(number)),
            _ => unexpected(format!("`{text}` is not a whole number")),
        },
    };
    let topics: Vec<NewTopic> = json("topics.json", text)?;
    let topic = |topic: NewTopic| {
        let retention = kept(number(topic.config.retention)?, number(topic.config.bytes)?)?;
        Ok(Topic { name: topic.name, partitions: topic.partitions, replicas: topic.replication_factor, retention })
    };
    topics.into_iter().map(topic).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KafkaTopic {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    topic_name: String,
    partitions: Option<u32>,
    replicas: u32,
    #[serde(default)]
    config: Config,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(rename = "retention.ms")]
    retention: Option<i64>,
    #[serde(rename = "retention.bytes")]
    bytes: Option<i64>,
}

/// `kafka-topics.yaml`.
pub(super) fn strimzi(text: &str, model: &Model) -> Result<Vec<Topic>, LiftError> {
    let cluster = model.deployment.kafka.as_ref().and_then(|keys| keys.cluster.as_ref());
    let cluster = cluster.map_or("kafka", |cluster| cluster.value.as_str());
    let labels: BTreeMap<String, String> = [
        ("mcpctl.io/bundle".to_owned(), model.deployment.bundle_name()),
        ("strimzi.io/cluster".to_owned(), cluster.to_owned()),
    ]
    .into();
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let topic = KafkaTopic::deserialize(document)
            .map_err(|cause| LiftError::Unexpected(format!("`kafka-topics.yaml` has another shape: {cause}")))?;
        let is_one = (topic.api_version.as_str(), topic.kind.as_str()) == ("kafka.strimzi.io/v1", "KafkaTopic");
        let Spec { topic_name, partitions, replicas, config } = topic.spec;
        if !is_one || topic.metadata.labels != labels || topic.metadata.name != resource_name(&topic_name) {
            return unexpected(format!("the resource of the topic `{topic_name}` is another one"));
        }
        let retention = kept(config.retention, config.bytes)?;
        found.push(Topic { name: topic_name, partitions, replicas, retention });
    }
    Ok(found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    asyncapi: String,
    info: Info,
    channels: BTreeMap<String, Channel>,
    #[serde(default)]
    operations: BTreeMap<String, Operation>,
    components: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Info {
    title: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    address: String,
    messages: serde_json::Value,
    bindings: Bindings<ChannelBinding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bindings<T> {
    kafka: T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ChannelBinding {
    topic: String,
    partitions: Option<u32>,
    replicas: u32,
    #[serde(default)]
    topic_configuration: Config,
    binding_version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    action: String,
    channel: Reference,
    bindings: Bindings<OperationBinding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    #[serde(rename = "$ref")]
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OperationBinding {
    group_id: Group,
    binding_version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    r#type: String,
    r#enum: Vec<String>,
}

/// Processors, each with a topic that it receives.
type Receives = BTreeSet<(String, String)>;

/// `asyncapi.yaml`: its topics, and each processor with each topic that it receives.
pub(super) fn asyncapi(text: &str, model: &Model) -> Result<(Vec<Topic>, Receives), LiftError> {
    let document: Document = serde_yaml::from_str(text)
        .map_err(|cause| LiftError::Unexpected(format!("`asyncapi.yaml` has another shape: {cause}")))?;
    let Document { asyncapi, info: Info { title, version }, channels, operations, components } = document;
    let event = serde_json::json!({"messages": {"event": {"headers": {
        "type": "object", "properties": {"ce_id": {"type": "string"}}, "required": ["ce_id"],
    }}}});
    let about = (asyncapi.as_str(), title, version.as_str());
    if about != ("3.0.0", model.deployment.bundle_name(), "1.0.0") || components != event {
        return unexpected("the AsyncAPI document has another version, name or event");
    }
    let message = serde_json::json!({"event": {"$ref": "#/components/messages/event"}});
    let mut topics = Vec::new();
    for (name, channel) in channels {
        let kafka = channel.bindings.kafka;
        let same = channel.address == name && kafka.topic == name && channel.messages == message;
        if !same || kafka.binding_version != "0.5.0" {
            return unexpected(format!("the channel `{name}` is not that of its topic"));
        }
        let retention = kept(kafka.topic_configuration.retention, kafka.topic_configuration.bytes)?;
        topics.push(Topic { name, partitions: kafka.partitions, replicas: kafka.replicas, retention });
    }
    let mut receives = BTreeSet::new();
    for (name, operation) in operations {
        let Some((processor, topic)) = name.rsplit_once('/') else {
            return unexpected(format!("the operation `{name}` is not of a processor and a topic"));
        };
        let kafka = operation.bindings.kafka;
        let group = kafka.group_id.r#type == "string" && kafka.group_id.r#enum == [processor];
        let channel = operation.channel.to.strip_prefix("#/channels/") == Some(topic);
        if operation.action != "receive" || !group || !channel || kafka.binding_version != "0.5.0" {
            return unexpected(format!("the operation `{name}` is not what a processor receives"));
        }
        receives.insert((processor.to_owned(), topic.to_owned()));
    }
    Ok((topics, receives))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    consumer: BTreeMap<String, String>,
    topics: Vec<String>,
    idempotency_key: BTreeMap<String, String>,
    calls: Vec<Call>,
    #[serde(default)]
    reads: Vec<Read>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    server: String,
    tool: String,
    only_for: Option<OnlyFor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyFor {
    argument: Vec<String>,
    classes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    server: String,
    resource: Option<String>,
    prompt: Option<String>,
}

/// `processors.json`.
pub(super) fn processors(text: &str) -> Result<BTreeMap<String, Processor>, LiftError> {
    let plans: BTreeMap<String, Plan> = json("processors.json", text)?;
    let mut found = BTreeMap::new();
    for (name, plan) in plans {
        let settings =
            [("group.id", name.as_str()), ("enable.auto.commit", "false"), ("auto.offset.reset", "earliest")];
        let consumer = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        if plan.consumer != consumer || plan.idempotency_key != [("header".to_owned(), "ce_id".to_owned())].into() {
            return unexpected(format!("the consumers of `{name}` have other settings"));
        }
        let (mut resources, mut prompts) = (Vec::new(), Vec::new());
        for read in plan.reads {
            match (read.resource, read.prompt) {
                (Some(uri), None) => resources.push((read.server, uri)),
                (None, Some(prompt)) => prompts.push((read.server, prompt)),
                _ => return unexpected(format!("`{name}` reads what is neither a resource nor a prompt")),
            }
        }
        let only = |only: OnlyFor| (only.argument, only.classes);
        let calls = plan.calls.into_iter().map(|call| (call.server, call.tool, call.only_for.map(only))).collect();
        found.insert(name, Processor { topics: plan.topics, calls, resources, prompts });
    }
    Ok(found)
}
