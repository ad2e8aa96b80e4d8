//! `event_driven_config`. Source: the document, "Event-Driven Integration Pattern".

use super::decode::OneOrMany;
use crate::lower::{At, Lowering};
use crate::model::flow::{Call, Flow, Step, Topic};
use crate::model::name::{FlowId, FlowKind, ServerName, ToolName, UnitName};
use crate::model::quantity::Kept;
use crate::model::value::{ResourceUri, TopicName};
use crate::model::vocabulary::BusProvider;
use crate::source::Spanned;

/// The event bus, its topics, and the processors that call tools when events come. A processor is a principal of its
/// own, granted exactly its tools. May stand many times; the lists are joined.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventDrivenConfig {
    /// The bus.
    event_bus: Option<EventBusSection>,
    /// Who reads which topics, and what they call.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<EventProcessor>"))]
    event_processors: Vec<Ready>,
}

/// The bus.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct EventBusSection {
    /// The product, such as `apache_kafka`.
    provider: Option<Spanned<BusProvider>>,
    /// Its topics.
    #[serde(default)]
    topics: Vec<TopicSection>,
}

/// A topic.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct TopicSection {
    /// Its name, unique on the bus.
    name: Spanned<TopicName>,
    /// How many partitions it has. A broker of Kafka makes 10000 records at once: one for each, one for the topic, and one for each
    /// setting of it.
    #[cfg_attr(test, schemars(range(min = 1, max = 9997)))]
    partitions: Option<Spanned<u32>>,
    /// How long events are kept: at most `30_days`, or `{at_least: 30_days}`.
    retention: Option<Spanned<Kept>>,
}

/// An event processor.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct EventProcessor {
    /// Its name, unique among processors.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// Topics that it reads.
    subscribes_to: Vec<Spanned<String>>,
    /// The server or servers whose tools it calls. With several, the registry must tell which one owns each tool.
    triggers_mcp: OneOrMany<ProcessorServer>,
    /// The tools it calls.
    #[cfg_attr(test, schemars(length(min = 1)))]
    tools: Vec<Spanned<ToolName>>,
    /// Resources of its servers that it reads, each a URI or a pattern of the registry's.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    resources: Vec<Spanned<ResourceUri>>,
    /// Prompts of its servers that it gets.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    prompts: Vec<Spanned<String>>,
    /// The unit it belongs to; by default that of its folder, else `central`.
    business_unit: Option<Spanned<UnitName>>,
    /// The token subject it runs as; by default derived from the trust domain of `identity`.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-subject")))]
    subject: Option<Spanned<String>>,
    /// Switches the processor off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    suspended: Option<Spanned<String>>,
}

/// A processor as the model has it, and the unit that it names. Files are read in parallel and lowered one after the
/// other, so this is made while reading.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(from = "EventProcessor")]
struct Ready(Flow, Option<Spanned<UnitName>>);

impl From<EventProcessor> for Ready {
    fn from(processor: EventProcessor) -> Self {
        let calls =
            processor.tools.into_iter().map(|tool| Call { tool, server: None, compensation: false, routed: None });
        let step = Step {
            name: processor.name.clone(),
            servers: processor.triggers_mcp.0,
            calls: calls.collect(),
            reads: super::reads(processor.resources, processor.prompts),
            depends_on: Vec::new(),
            optional: None,
            proceed_if: None,
            takes: Vec::new(),
        };
        let flow = Flow {
            id: processor.name.map(|name| FlowId { kind: FlowKind::Processor, name: name.into() }),
            unit: super::no_unit(),
            unit_written: false,
            subject: processor.subject,
            steps: vec![step],
            compensations_enabled: None,
            subscribes_to: processor.subscribes_to,
            suspended: processor.suspended,
        };
        Self(flow, processor.business_unit)
    }
}

type ProcessorServer = Spanned<ServerName>;

impl EventDrivenConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        if let Some(section) = self.event_bus {
            let mut topics = Vec::new();
            for topic in section.topics {
                if out.declare_as(
                    "topic",
                    format!("{:?}\u{0}{}", at.scope, topic.name),
                    &topic.name.value,
                    topic.name.loc,
                ) {
                    topics.push(Topic { name: topic.name, partitions: topic.partitions, retention: topic.retention });
                }
            }
            let bus = out.model.event_bus.entry(at.scope.clone()).or_default();
            Lowering::join(&mut out.report, &mut bus.provider, section.provider, "event_bus.provider");
            bus.topics.extend(topics);
        }
        for Ready(flow, unit) in self.event_processors {
            for server in flow.steps.iter().flat_map(|step| &step.servers) {
                out.mention(server.clone(), "triggered by an event processor");
            }
            super::add_flow(at, out, flow, unit);
        }
    }
}
