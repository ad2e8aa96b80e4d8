//! What each processor reads, by which settings of a consumer, and what it calls for each event.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Bus, EVENT_ID};
use crate::bundle::Artifact;
use crate::model::access::Readable;
use crate::model::flow::Flow;
use crate::targets::CompileError;

#[derive(Serialize)]
struct Plan<'m> {
    /// By names that consumers of Java and of librdkafka share.
    consumer: BTreeMap<&'static str, String>,
    topics: Vec<&'m str>,
    idempotency_key: IdempotencyKey,
    calls: Vec<Call<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reads: Vec<Read<'m>>,
}

#[derive(Serialize)]
struct IdempotencyKey {
    header: &'static str,
}

#[derive(Serialize)]
struct Call<'m> {
    server: &'m str,
    tool: &'m str,
    /// Where the call goes to one of several servers: for which data it goes to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    only_for: Option<OnlyFor<'m>>,
}

/// Data for which a call is made.
#[derive(Serialize)]
struct OnlyFor<'m> {
    /// The path of the argument that says its class.
    argument: &'m [String],
    classes: &'m [String],
}

#[derive(Serialize)]
struct Read<'m> {
    server: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'m str>,
}

/// `processors.json`.
pub(super) fn plans(bus: &Bus<'_>) -> Result<(String, Artifact), CompileError> {
    let plans: BTreeMap<String, Plan<'_>> =
        bus.processors.iter().map(|(flow, topics)| (flow.id.value.name.to_string(), plan(flow, topics))).collect();
    let from = bus.processors.iter().map(|(flow, _)| flow.id.loc).collect();
    super::json("processors.json", &plans, from)
}

fn plan<'m>(flow: &'m Flow, topics: &[&'m str]) -> Plan<'m> {
    let settings = [
        ("group.id", flow.id.value.name.to_string()),
        // An event counts as read when its calls are done, and one that was there before the processor is read as well.
        ("enable.auto.commit", "false".to_owned()),
        ("auto.offset.reset", "earliest".to_owned()),
    ];
    // A call or a reading that several servers could answer is granted on none of them, and a warning says so.
    let calls = flow.calls().filter_map(|(_, call)| {
        let routed = call.routed.as_ref();
        let only_for = routed.map(|by| OnlyFor { argument: &by.argument, classes: &by.classes });
        Some(Call { server: call.server.as_ref()?.as_str(), tool: call.tool.value.as_str(), only_for })
    });
    let reads = flow.steps.iter().flat_map(|step| &step.reads).filter_map(|read| {
        let server = read.server.as_ref()?.as_str();
        Some(match &read.what.value {
            Readable::Resource(uri) => Read { server, resource: Some(uri.as_str()), prompt: None },
            Readable::Prompt(name) => Read { server, resource: None, prompt: Some(name.as_str()) },
        })
    });
    Plan {
        consumer: settings.into(),
        topics: topics.to_vec(),
        idempotency_key: IdempotencyKey { header: EVENT_ID },
        calls: calls.collect(),
        reads: reads.collect(),
    }
}
