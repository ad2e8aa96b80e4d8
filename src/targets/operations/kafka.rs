//! The target `kafka`: topics, what producers and consumers are configured with, and what processors call.

mod asyncapi;
mod processors;
mod properties;
mod topics;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::scopes;
use crate::bundle::Artifact;
use crate::families::FamilyId;
use crate::model::flow::{Flow, Topic};
use crate::model::name::FlowKind;
use crate::model::vocabulary::BusProvider;
use crate::model::{Model, Scope};
use crate::source::Loc;
use crate::targets::names::renamed;
use crate::targets::{CompileError, Covers, Does, Files, Input, NotExpressed, Proof, Shown, Target, TargetId};

/// The header of a record that names the event, as the Kafka binding of CloudEvents has it.
const EVENT_ID: &str = "ce_id";

/// The script that applies `topics.json`.
const APPLY: &[u8] = include_bytes!("kafka/apply_topics.py");

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Kafka,
    summary: "Topics of Apache Kafka 4, settings of its clients, and plans of event processors",
    doc: "\
A folder for each event bus whose `provider` is `apache_kafka`: `central`, and `UNIT` for the bus of a unit folder.

- `topics.json`, and `apply_topics.py CLIENT.properties`, which makes the topics of a cluster what the list says. It creates topics, \
adds partitions and sets configuration. It deletes nothing, and changes nothing where a topic would lose partitions. `--dry-run` \
asks the brokers and changes nothing.
- `kafka-topics.yaml`: the same topics as resources of Strimzi, for its Topic Operator. Apply one of the two. Names are DNS labels \
there, and `spec.topicName` is the topic's own.
- `asyncapi.yaml`: the topics as channels of AsyncAPI 3.0, and what each processor receives.
- `processors.json`: for each event processor the settings of its consumers, its topics, and the tools it calls for an event.
- `producer.librdkafka.properties` and `producer.java.properties`: how events are batched, for either client.

| configuration | Kafka | |
|---|---|---|
| `topics[].partitions` | partitions | they can only grow; without it the brokers decide |
| `topics[].retention: 30_days` | `retention.ms=2592000000` | |
| `retention: {at_least: 30_days}` | the same, and `retention.bytes=-1` | no size cuts it short |
| `targets.kafka.replicas` | replication factor | 3 by default |
| `event_processors[].name` | `group.id` | |
| `batch_processing.batch_size` | `batch.num.messages` of librdkafka | the `batch.size` of Java is a number of bytes |
| `flush_interval: 10s` | `linger.ms=10000` | at most `15m`; from `5m` on with a longer `message.timeout.ms` |
| `compression: gzip` | `compression.type=gzip` | |

Brokers remove whole segments, so an event may be there for up to `segment.ms` longer than `retention`: a week by default.

**What to do.** Write what clients of your cluster need into a file beside the bundle: `bootstrap.servers`, and how the client proves \
who it is. No password is in the bundle.

```sh
pip install confluent-kafka
python3 bundle/kafka/central/apply_topics.py client.properties --dry-run
python3 bundle/kafka/central/apply_topics.py client.properties
```

With Strimzi: set `targets.kafka.cluster` to the name of the `Kafka` resource (`kafka` by default), and apply \
`kafka-topics.yaml` in its namespace. Deleting a `KafkaTopic` deletes the topic with its events, so `mcpctl diff --format prune` \
lists none.

**Processors.** Whatever runs a processor reads `topics` with the settings under `consumer`, makes the `calls` for each event in \
their order (one with `only_for` where the argument is one of those classes), and commits the event when they are done. An event may therefore come twice. Its id is in the header `ce_id` of the \
record (the Kafka binding of CloudEvents), and is the idempotency key of each call. A tool that several servers may offer is in no \
plan; the warning `ambiguous-tool` names it.

**What is not there.** Other buses than Kafka; a note says so. No producer flushes by the `strategies` of `batch_processing`: what \
collects the items does that. Who may read and write a topic is for the access lists of the cluster.",
    covers: &[
        Covers::part(
            FamilyId::EventDriven,
            &[
                "event_bus",
                "provider",
                "topics",
                "name",
                "partitions",
                "retention",
                "at_least",
                "event_processors",
                "subscribes_to",
                "triggers_mcp",
                "tools",
                "resources",
                "prompts",
                "suspended",
            ],
            "topics, subscriptions and the calls of processors are there; as whom a processor calls is for the gateways",
        ),
        Covers::part(
            FamilyId::BatchProcessing,
            &["batch_size", "flush_interval", "compression"],
            "producers batch by number and time; what collects the items flushes by `strategies`",
        ),
    ],
    unexpressed,
    names,
    proof: Proof::Run(Shown {
        by: "a broker of Apache Kafka 4.4, both client libraries, AsyncAPI's own parser, and Strimzi's published \
         schema",
        what: "the broker takes every topic and reports it as declared, processors read by their settings, both \
         clients take their properties, and the parser takes the document",
        beyond: "Strimzi's operator, several brokers, and what happens when one fails",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// A bus of Kafka, and who reads from it.
struct Bus<'m> {
    topics: Vec<&'m Topic>,
    /// Processors that are not suspended, each with its topics on this bus.
    processors: Vec<(&'m Flow, Vec<&'m str>)>,
    replicas: u32,
}

impl<'m> Bus<'m> {
    /// The bus of a scope.
    fn of(scope: &Scope, model: &'m Model) -> Self {
        let topics: Vec<&Topic> = model.event_bus.get(scope).into_iter().flat_map(|bus| &bus.topics).collect();
        let flows = model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Processor);
        let processors = flows.filter(|flow| flow.suspended.is_none()).filter_map(|flow| {
            let here = |topic: &&'m str| home(flow, topic, model) == Some(scope);
            let topics: Vec<&str> = flow.subscribes_to.iter().map(|topic| topic.value.as_str()).filter(here).collect();
            (!topics.is_empty()).then_some((flow, topics))
        });
        Self { topics, processors: processors.collect(), replicas: model.deployment.kafka_replicas() }
    }

    /// The places of its topics.
    fn places(&self) -> Vec<Loc> {
        let of = |topic: &&Topic| {
            let more = [topic.partitions.as_ref().map(|it| it.loc), topic.retention.as_ref().map(|it| it.loc)];
            std::iter::once(topic.name.loc).chain(more.into_iter().flatten()).collect::<Vec<_>>()
        };
        self.topics.iter().flat_map(of).collect()
    }
}

/// Whose bus has the topic that a processor reads: its unit's, else the central one.
fn home<'m>(flow: &Flow, topic: &str, model: &'m Model) -> Option<&'m Scope> {
    let has = |scope: &Scope| {
        let bus = model.event_bus.get_key_value(scope)?;
        bus.1.topics.iter().any(|known| known.name.value.as_str() == topic).then_some(bus.0)
    };
    has(&Some(flow.unit.value.clone())).or_else(|| has(&None))
}

fn is_kafka(scope: &Scope, model: &Model) -> bool {
    let provider = Model::in_scope(&model.event_bus, scope).and_then(|bus| bus.provider.as_ref());
    provider.is_some_and(|provider| provider.value == BusProvider::ApacheKafka)
}

/// Every scope that says something of a bus of Kafka.
fn used(model: &Model) -> impl Iterator<Item = &Scope> {
    let scopes: std::collections::BTreeSet<&Scope> = model.event_bus.keys().chain(model.batch.keys()).collect();
    scopes.into_iter().filter(|scope| is_kafka(scope, model))
}

fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let others = model.event_bus.values().filter_map(|bus| {
        let provider = bus.provider.as_ref().filter(|provider| provider.value != BusProvider::ApacheKafka)?;
        let why = "the bus is not Kafka; its own tools make the topics, or it moves to `apache_kafka`";
        let key = format!("event_bus.provider: {provider}");
        Some(NotExpressed { family: FamilyId::EventDriven, key, loc: provider.loc, why, own: false })
    });
    others.collect()
}

fn names(model: &Model) -> BTreeMap<String, String> {
    let topics = used(model).flat_map(|scope| model.event_bus.get(scope)).flat_map(|bus| &bus.topics);
    topics.filter_map(|topic| renamed(topic.name.value.as_str())).chain(scopes::renamed(used(model))).collect()
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let folders = scopes::folders(TargetId::Kafka, model, used(model))?;
    let mut files = Files::new();
    for (scope, folder) in folders {
        let bus = Bus::of(scope, model);
        let mut own = Files::new();
        if !bus.topics.is_empty() {
            own.push(topics::list(&bus)?);
            own.push(("apply_topics.py".to_owned(), Artifact { bytes: APPLY.to_vec(), from: bus.places() }));
            own.push(topics::strimzi(input, &bus)?);
            own.push(asyncapi::asyncapi(input, &bus)?);
        }
        if !bus.processors.is_empty() {
            own.push(processors::plans(&bus)?);
        }
        if let Some(batch) = model.batch.get(scope) {
            own.extend(properties::producers(batch)?);
        }
        files.extend(own.into_iter().map(|(path, artifact)| (format!("{folder}/{path}"), artifact)));
    }
    Ok(files)
}

/// A file of JSON.
fn json(path: &str, value: &impl Serialize, from: Vec<Loc>) -> Result<(String, Artifact), CompileError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|cause| CompileError::Refused(format!("`{path}` has no JSON form: {cause}")))?;
    bytes.push(b'\n');
    Ok((path.to_owned(), Artifact { bytes, from }))
}
