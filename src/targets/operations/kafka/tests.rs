use super::*;
use crate::targets::tests::built;
use crate::targets::tests::lines::{self, Files};
use crate::targets::tests::mutations::mutate;

const WORLD: &str = "
targets: {kafka: {cluster: events, replicas: 2}}
units: {shop: units/shop}
# file: all.yaml
federation_config: {business_unit_gateways: {local_policy_override: full}}
identity: {trust_domain: example.org}
mcp_registry:
  central_gateway: https://mcp.example.org
  business_units: [{name: shop}]
  servers:
    - {name: stock, business_unit: central, tools: [{name: reserve}, {name: release}], resources: [{uri: 'docs://stock'}], prompts: [{name: greet}]}
    - {name: mail, business_unit: central, tools: [{name: send}]}
event_driven_config:
  event_bus:
    provider: apache_kafka
    topics:
      - {name: order_events, partitions: 8, retention: 90_days}
      - {name: audit, partitions: 3, retention: {at_least: 1_days}}
      - {name: bare.topic}
  event_processors:
    - {name: fulfil, subscribes_to: [order_events, bare.topic], triggers_mcp: [stock, mail], tools: [reserve, send], resources: ['docs://stock'], prompts: [greet]}
    - {name: auditor, subscribes_to: [audit], triggers_mcp: stock, tools: [release]}
    - {name: asleep, subscribes_to: [audit], triggers_mcp: stock, tools: [release], suspended: for now}
batch_processing: {batch_size: 100, flush_interval: 10s, compression: zstd}
# file: units/shop/events.yaml
event_driven_config:
  event_bus: {provider: apache_kafka, topics: [{name: audit, partitions: 1}]}
  event_processors: [{name: seller, subscribes_to: [audit, order_events], triggers_mcp: stock, tools: [reserve]}]
";

fn text(world: &str, file: &str) -> String {
    lines::text(&TARGET, world, file)
}

fn value(world: &str, file: &str) -> serde_json::Value {
    lines::value(&TARGET, world, file)
}

#[test]
fn topics_are_those_of_the_bus() {
    let topics = value(WORLD, "kafka/central/topics.json");
    let expected = serde_json::json!([
        {"name": "order_events", "partitions": 8, "replicationFactor": 2, "config": {"retention.ms": "7776000000"}},
        {"name": "audit", "partitions": 3, "replicationFactor": 2, "config": {"retention.bytes": "-1", "retention.ms": "86400000"}},
        {"name": "bare.topic", "replicationFactor": 2},
    ]);
    assert_eq!(topics, expected);
    let of_unit = serde_json::json!([{"name": "audit", "partitions": 1, "replicationFactor": 2}]);
    assert_eq!(value(WORLD, "kafka/shop/topics.json"), of_unit);
    let strimzi = text(WORLD, "kafka/central/kafka-topics.yaml");
    let first = "apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata:\n  labels:\n    strimzi.io/cluster: events\n    \
                 mcpctl.io/bundle: workspace\n  name: order-events\nspec:\n  config:\n    retention.ms: 7776000000\n  partitions: 8\n  \
                 replicas: 2\n  topicName: order_events\n";
    assert_eq!(strimzi.split("---\n").next(), Some(first));
    let names = built(&TARGET, WORLD).unwrap().bundle.manifest.targets[0].names.clone();
    let pairs = [("bare-topic", "bare.topic"), ("order-events", "order_events")];
    assert_eq!(names, pairs.map(|(label, name)| (label.to_owned(), name.to_owned())).into());
}

#[test]
fn a_processor_is_a_consumer_group_and_the_calls_of_an_event() {
    let plans = value(WORLD, "kafka/central/processors.json");
    let names: Vec<&String> = plans.as_object().unwrap().keys().collect();
    assert_eq!(names, ["auditor", "fulfil", "seller"], "one that is suspended reads nothing");
    let expected = serde_json::json!({
        "consumer": {"auto.offset.reset": "earliest", "enable.auto.commit": "false", "group.id": "fulfil"},
        "topics": ["order_events", "bare.topic"],
        "idempotency_key": {"header": "ce_id"},
        "calls": [{"server": "stock", "tool": "reserve"}, {"server": "mail", "tool": "send"}],
        "reads": [{"server": "stock", "resource": "docs://stock"}, {"server": "stock", "prompt": "greet"}],
    });
    assert_eq!(plans["fulfil"], expected);
    // A topic of its unit's bus comes before the central one of the same name.
    assert_eq!(plans["seller"]["topics"], serde_json::json!(["order_events"]));
    assert_eq!(value(WORLD, "kafka/shop/processors.json")["seller"]["topics"], serde_json::json!(["audit"]));
}

#[test]
fn each_client_has_properties_by_its_own_names() {
    let librdkafka = "batch.num.messages=100\nlinger.ms=10000\ncompression.type=zstd\n";
    assert_eq!(text(WORLD, "kafka/central/producer.librdkafka.properties"), librdkafka);
    assert_eq!(text(WORLD, "kafka/central/producer.java.properties"), "linger.ms=10000\ncompression.type=zstd\n");
    let long = WORLD.replace("flush_interval: 10s", "flush_interval: 5m");
    let librdkafka = "batch.num.messages=100\nlinger.ms=300000\nmessage.timeout.ms=600000\ncompression.type=zstd\n";
    assert_eq!(text(&long, "kafka/central/producer.librdkafka.properties"), librdkafka);
    assert_eq!(text(&long, "kafka/central/producer.java.properties"), "linger.ms=300000\ncompression.type=zstd\n");
    let size_alone = WORLD.replace(", flush_interval: 10s, compression: zstd", "");
    assert_eq!(text(&size_alone, "kafka/central/producer.librdkafka.properties"), "batch.num.messages=100\n");
    assert!(
        !built(&TARGET, &size_alone).unwrap().bundle.artifacts.contains_key("kafka/central/producer.java.properties")
    );
}

#[test]
fn channels_are_the_topics_and_operations_what_processors_receive() {
    let document: serde_json::Value = serde_yaml::from_str(&text(WORLD, "kafka/central/asyncapi.yaml")).unwrap();
    let operations: Vec<&String> = document["operations"].as_object().unwrap().keys().collect();
    assert_eq!(operations, ["auditor/audit", "fulfil/order_events", "fulfil/bare.topic", "seller/order_events"]);
    let kafka = &document["channels"]["audit"]["bindings"]["kafka"];
    assert_eq!(kafka["topicConfiguration"], serde_json::json!({"retention.bytes": -1, "retention.ms": 86_400_000}));
}

#[test]
fn a_bus_that_is_not_kafka_has_no_files_and_a_note() {
    let world = WORLD.replace("apache_kafka", "nats");
    let built = built(&TARGET, &world).unwrap();
    assert!(built.bundle.artifacts.is_empty());
    let left = &built.bundle.manifest.targets[0].not_expressed;
    assert_eq!(left.iter().filter(|left| left.key == "event_bus.provider: nats").count(), 2);
}

#[test]
fn two_topics_of_one_resource_are_refused() {
    let Err(errors) = built(
        &TARGET,
        &WORLD
            .replace("name: audit, partitions: 3", "name: Order-events, partitions: 3")
            .replace("[audit]", "[order_events]"),
    ) else {
        panic!("it compiles")
    };
    let (findings, _) = crate::build::findings(errors);
    assert_eq!(findings[0].message, "`order_events` and `Order-events` are both `order-events` for target `kafka`");
}

#[test]
fn every_change_of_a_document_is_noticed() {
    for (file, harmless) in [
        ("kafka/central/kafka-topics.yaml", [].as_slice()),
        ("kafka/central/asyncapi.yaml", &[]),
        ("kafka/shop/asyncapi.yaml", &[]),
    ] {
        mutate(&TARGET, WORLD, file, false).assert_only(harmless);
    }
}

/// Every line of the other files, left out, doubled, or with another value.
#[test]
fn every_changed_line_is_noticed() {
    let files = Files::of(&TARGET, WORLD);
    let paths = files.texts().map(|(path, _)| path).filter(|path| !path.ends_with(".yaml"));
    let changes = [("0", "1"), ("e", "x"), ("1", "2"), ("8", "9")];
    let tried: usize = paths.map(|path| files.assert_each_line_counts(path, &changes)).sum();
    assert!(tried > 300, "{tried}");
    assert!(files.refused("kafka/central/other.json", Some("{}\n")));
    assert!(files.refused("kafka/elsewhere/topics.json", Some("[]\n")));
}

#[test]
fn the_document_compiles_without_a_registry() {
    let text_of =
        |name: &str| std::fs::read_to_string(format!("{}/fixtures/seed/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let world = format!(
        "# file: events.yaml\n{}\n# file: batch.yaml\n{}",
        text_of("event-driven.yaml"),
        text_of("batch-processing.yaml")
    );
    let topics = value(&world, "kafka/central/topics.json");
    assert_eq!(topics[0]["config"], serde_json::json!({"retention.ms": "2592000000"}));
    // Two servers could offer the tools of the other processor, so none of them is called.
    let plans = value(&world, "kafka/central/processors.json");
    assert_eq!(plans["customer_lifecycle_processor"]["calls"], serde_json::json!([]));
    assert_eq!(plans["order_fulfillment_processor"]["calls"].as_array().map(Vec::len), Some(2));
}
