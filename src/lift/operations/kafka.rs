//! Reads the files of the target `kafka` back into topics, processors and batches.
//!
//! A topic is in three files. Each is read by itself, and each has to say what the model says.

mod documents;

use std::collections::{BTreeMap, BTreeSet};

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::label;
use crate::model::flow::{Batch, Flow};
use crate::model::name::FlowKind;
use crate::model::quantity::{Duration, Kept, Retention};
use crate::model::vocabulary::{BusProvider, Compression};
use crate::model::{Model, Scope};
use crate::policy::Policy;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Topic {
    name: String,
    partitions: Option<u32>,
    replicas: u32,
    retention: Option<Kept>,
}

/// The path of the argument that says the class of data, and the classes for which a call is made.
type OnlyFor = (Vec<String>, Vec<String>);

/// What a processor does: by its topics, the tools it calls, and the resources and prompts it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Processor {
    topics: Vec<String>,
    calls: Vec<(String, String, Option<OnlyFor>)>,
    resources: Vec<(String, String)>,
    prompts: Vec<(String, String)>,
}

/// What producers are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Producer {
    size: Option<u64>,
    flush: Option<Duration>,
    compression: Option<Compression>,
}

/// Everything of one folder.
#[derive(Debug, Default, PartialEq, Eq)]
struct Bus {
    topics: Vec<Topic>,
    processors: BTreeMap<String, Processor>,
    /// Of Java, and of librdkafka.
    producers: [Producer; 2],
}

/// The script that applies the list of topics: the bundle has it word for word.
const APPLY: &[u8] = include_bytes!("../../targets/operations/kafka/apply_topics.py");

/// Checks that the files say exactly what the model says of its buses of Kafka.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    let scopes: BTreeSet<&Scope> = model.event_bus.keys().chain(model.batch.keys()).collect();
    for (scope, mut files) in scoped::by_scope(artifacts, "kafka", scopes)? {
        let expected = if is_kafka(scope, model) { expected(scope, model) } else { Bus::default() };
        let found = bus(&mut files, model)?;
        if let Some(path) = files.keys().next() {
            return unexpected(format!("`{path}` is not a file of this target"));
        }
        if found != expected {
            return unexpected("the topics, processors and producers of Kafka are not those of the model");
        }
    }
    Ok(())
}

/// Reads one folder, and takes what was read.
fn bus(files: &mut scoped::Files<'_>, model: &Model) -> Result<Bus, LiftError> {
    let mut take = |path: &str| files.remove(path).map(|bytes| scoped::text(path, bytes)).transpose();
    let list = take("topics.json")?;
    let mut found = Bus::default();
    if let Some(processors) = take("processors.json")? {
        found.processors = documents::processors(processors)?;
    }
    if let Some(list) = list {
        found.topics = documents::list(list)?;
        let missing = |path: &str| LiftError::File(path.to_owned());
        let strimzi = take("kafka-topics.yaml")?.ok_or_else(|| missing("kafka-topics.yaml"))?;
        if documents::strimzi(strimzi, model)? != found.topics {
            return unexpected("the resources of Strimzi are not the topics of `topics.json`");
        }
        let asyncapi = take("asyncapi.yaml")?.ok_or_else(|| missing("asyncapi.yaml"))?;
        let (mut topics, receives) = documents::asyncapi(asyncapi, model)?;
        topics.sort_by_key(|topic| found.topics.iter().position(|known| known.name == topic.name));
        let subscribed = found
            .processors
            .iter()
            .flat_map(|(name, processor)| processor.topics.iter().map(move |topic| (name.clone(), topic.clone())));
        if topics != found.topics || receives != subscribed.collect() {
            return unexpected("the AsyncAPI document is not that of the topics and processors");
        }
        if take("apply_topics.py")?.map(str::as_bytes) != Some(APPLY) {
            return unexpected("the script that applies the topics is another one");
        }
    }
    let java = take("producer.java.properties")?.map(|text| producer(text, false)).transpose()?.unwrap_or_default();
    let librdkafka = take("producer.librdkafka.properties")?.map(|text| producer(text, true)).transpose()?;
    let librdkafka = librdkafka.unwrap_or_default();
    found.producers = [java, librdkafka];
    Ok(found)
}

/// Properties, a line for each.
fn producer(text: &str, librdkafka: bool) -> Result<Producer, LiftError> {
    let mut entries = BTreeMap::new();
    if !text.ends_with('\n') {
        return unexpected("the last line of the properties is cut");
    }
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else {
            return unexpected(format!("the line `{line}` is not a property"));
        };
        if entries.insert(name, value).is_some() {
            return unexpected(format!("the property `{name}` is there twice"));
        }
    }
    let mut number = |name: &str| match entries.remove(name) {
        None => Ok(None),
        Some(value) => match value.parse::<u64>() {
            Ok(number) if number.to_string() == value => Ok(Some(number)),
            _ => unexpected(format!("`{name}` is `{value}`, which is not a whole number")),
        },
    };
    let (size, flush) = (number("batch.num.messages")?, number("linger.ms")?.map(Duration));
    // What waits for its batch is not given up before.
    let patience = number("message.timeout.ms")?;
    let long = flush.map(|flush| flush.0).filter(|flush| librdkafka && *flush >= 300_000);
    if patience != long.map(|flush| flush + 300_000) {
        return unexpected("a message is given up before its batch is sent, or long after");
    }
    let compression = match entries.remove("compression.type") {
        None => None,
        Some(word) => match Compression::WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, compression)) => Some(*compression),
            None => return unexpected(format!("`compression.type` is `{word}`")),
        },
    };
    match entries.keys().next() {
        Some(name) => unexpected(format!("the property `{name}` is none that this target writes")),
        None => Ok(Producer { size, flush, compression }),
    }
}

/// How long events are kept, by the configuration of a topic.
fn kept(milliseconds: Option<i64>, bytes: Option<i64>) -> Result<Option<Kept>, LiftError> {
    match (milliseconds, bytes) {
        (None, None) => Ok(None),
        (Some(time), None | Some(-1)) if time > 0 && time % 1_000 == 0 => {
            let time = Retention(time.unsigned_abs() / 1_000);
            Ok(Some(Kept { time, at_least: bytes.is_some() }))
        }
        _ => unexpected("a topic keeps its events neither for a time nor at least for one"),
    }
}

fn is_kafka(scope: &Scope, model: &Model) -> bool {
    let own = model.event_bus.get(scope).or_else(|| model.event_bus.get(&None));
    own.and_then(|bus| bus.provider.as_ref()).is_some_and(|provider| provider.value == BusProvider::ApacheKafka)
}

fn expected(scope: &Scope, model: &Model) -> Bus {
    let replicas = model.deployment.kafka.as_ref().and_then(|keys| keys.replicas.as_ref());
    let replicas = replicas.map_or(3, |replicas| replicas.value);
    let topics = model.event_bus.get(scope).map(|bus| bus.topics.as_slice()).unwrap_or_default();
    let topics = topics.iter().map(|topic| Topic {
        name: topic.name.value.as_str().to_owned(),
        partitions: topic.partitions.as_ref().map(|partitions| partitions.value),
        replicas,
        retention: topic.retention.as_ref().map(|kept| kept.value),
    });
    let running = model.flows.iter().filter(|(id, flow)| id.kind == FlowKind::Processor && flow.suspended.is_none());
    let processors = running.filter_map(|(id, flow)| Some((id.name.to_string(), processor(flow, scope, model)?)));
    let producers = model.batch.get(scope).map(producers).unwrap_or_default();
    Bus { topics: topics.collect(), processors: processors.collect(), producers }
}

/// What a processor does with the topics of one bus; `None` where it reads none of them.
fn processor(flow: &Flow, scope: &Scope, model: &Model) -> Option<Processor> {
    let declares = |scope: &Scope, topic: &str| {
        let topics = model.event_bus.get(scope).map(|bus| bus.topics.as_slice()).unwrap_or_default();
        topics.iter().any(|known| known.name.value.as_str() == topic)
    };
    let of_unit = Some(flow.unit.value.clone());
    let read = flow.subscribes_to.iter().map(|topic| topic.value.clone()).filter(|topic| {
        let nearest = if declares(&of_unit, topic) { &of_unit } else { &None };
        nearest == scope && declares(scope, topic)
    });
    let topics: Vec<String> = read.collect();
    let mut found = Processor { topics, calls: Vec::new(), resources: Vec::new(), prompts: Vec::new() };
    for step in &flow.steps {
        for call in &step.calls {
            let only_for = call.routed.as_ref().map(|by| (by.argument.clone(), by.classes.clone()));
            found
                .calls
                .extend(call.server.as_ref().map(|server| (server.to_string(), call.tool.to_string(), only_for)));
        }
        for read in &step.reads {
            let Some(server) = &read.server else { continue };
            match &read.what.value {
                crate::model::access::Readable::Resource(uri) => {
                    found.resources.push((server.to_string(), uri.clone()))
                }
                crate::model::access::Readable::Prompt(name) => found.prompts.push((server.to_string(), name.clone())),
            }
        }
    }
    (!found.topics.is_empty()).then_some(found)
}

/// Java has no field for the number of messages in a batch.
fn producers(batch: &Batch) -> [Producer; 2] {
    let whole = Producer {
        size: batch.batch_size.as_ref().map(|size| size.value),
        flush: batch.flush_interval.as_ref().map(|flush| flush.value),
        compression: batch.compression.as_ref().map(|word| word.value),
    };
    [Producer { size: None, ..whole.clone() }, whole]
}

/// The name of a resource for a topic.
fn resource_name(topic: &str) -> String {
    label(topic)
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
