//! Topics: as a list for `apply_topics.py`, and as resources of Strimzi.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Bus;
use crate::bundle::Artifact;
use crate::model::flow::Topic;
use crate::targets::names::dns_labels;
use crate::targets::objects::{Metadata, Spec, document, objects};
use crate::targets::{CompileError, Input, TargetId};

/// A topic as an administrator of Kafka creates it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewTopic<'m> {
    name: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<u32>,
    replication_factor: u32,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    config: BTreeMap<&'static str, String>,
}

/// The configuration of a topic by Kafka's names, with whole numbers. Where events are kept at least for a time, no size cuts it short.
pub(super) fn config(topic: &Topic) -> BTreeMap<&'static str, i64> {
    let Some(kept) = topic.retention.as_ref().map(|kept| kept.value) else { return BTreeMap::new() };
    // At most a hundred years, by the grammar of quantities.
    let milliseconds = i64::try_from(kept.time.0.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let mut config = BTreeMap::from([("retention.ms", milliseconds)]);
    if kept.at_least {
        config.insert("retention.bytes", -1);
    }
    config
}

/// `topics.json`.
pub(super) fn list(bus: &Bus<'_>) -> Result<(String, Artifact), CompileError> {
    let topics: Vec<NewTopic<'_>> = bus
        .topics
        .iter()
        .map(|topic| NewTopic {
            name: topic.name.value.as_str(),
            partitions: topic.partitions.as_ref().map(|partitions| partitions.value),
            replication_factor: bus.replicas,
            config: config(topic).into_iter().map(|(key, value)| (key, value.to_string())).collect(),
        })
        .collect();
    super::json("topics.json", &topics, bus.places())
}

/// `KafkaTopic` of Strimzi.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KafkaTopic<'m> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    config: BTreeMap<&'static str, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<u32>,
    replicas: u32,
    topic_name: &'m str,
}

impl Spec for KafkaTopic<'_> {
    const API_VERSION: &'static str = "kafka.strimzi.io/v1";
    const KIND: &'static str = "KafkaTopic";
}

/// `kafka-topics.yaml`.
pub(super) fn strimzi(input: &Input<'_>, bus: &Bus<'_>) -> Result<(String, Artifact), CompileError> {
    let names = bus.topics.iter().map(|topic| (topic.name.value.as_str(), topic.name.loc));
    let names = dns_labels(TargetId::Kafka, names).map_err(CompileError::Findings)?;
    let cluster = input.model.deployment.kafka_cluster();
    let documents = bus.topics.iter().filter_map(|topic| {
        let name = topic.name.value.as_str();
        let labels = BTreeMap::from([("strimzi.io/cluster".to_owned(), cluster.to_owned())]);
        let metadata = Metadata { labels, name: names.get(name)?.clone(), namespace: None };
        let resource = KafkaTopic {
            config: config(topic),
            partitions: topic.partitions.as_ref().map(|partitions| partitions.value),
            replicas: bus.replicas,
            topic_name: name,
        };
        Some(document(&metadata, &resource))
    });
    let documents = documents.collect::<Result<Vec<Value>, _>>()?;
    objects(input.model, "kafka-topics.yaml", documents, bus.places())
}
