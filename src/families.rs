//! The families of configuration: every top-level key that a workspace may use, one file each.
//!
//! The table below is the only list of them. A family's file holds its as-written types, whose doc comments become the
//! schema's descriptions, and `lower`, which turns a section into its part of the model.

mod batch_processing;
mod bulkhead;
mod caching;
mod chaos_experiments;
mod circuit_breaker;
mod connection_pooling;
mod data_routing;
pub mod decode;
mod event_driven;
mod federation;
mod handover;
mod health_monitoring;
mod identity;
mod integration_tests;
pub mod kept;
pub mod keys;
mod logging;
mod metrics;
mod orchestration;
mod policy_tests;
mod progressive_auth;
mod registry;
mod saga;
pub mod text;
mod tracing;
mod waivers;
pub mod words;
mod workflow;
mod zero_trust;

use crate::lower::{At, Lowering};
use crate::model::access::{AccessRules, Readable};
use crate::model::flow::{Flow, Read};
use crate::model::name::UnitName;
use crate::model::value::ResourceUri;
use crate::source::yaml::{NodeId, Tree};
use crate::source::{Loc, Spanned};

/// How often a family may stand in one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    Once,
    /// Many times, each under its own name.
    Named,
    /// Many times; the lists are joined.
    Joined,
}

macro_rules! families {
    ($($variant:ident $module:ident::$type:ident $name:literal $key:literal $repeat:ident $usually:literal,)*) => {

        /// A family by number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FamilyId {
            $(
                #[doc = concat!("`", $key, "`.")]
                $variant,
            )*
        }

        impl FamilyId {
            /// Every family, in the order of the document, our own last.
            pub const ALL: &'static [FamilyId] = &[$(Self::$variant,)*];

            /// The top-level key in YAML.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// The short name: schema file, book page, `mcpctl explain`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How often it may stand in one scope.
            #[must_use]
            pub fn repeat(self) -> Repeat {
                match self { $(Self::$variant => Repeat::$repeat,)* }
            }

            /// Who carries out what no target expresses: a sentence without a capital and a stop.
            #[must_use]
            pub fn usually(self) -> &'static str {
                match self { $(Self::$variant => $usually,)* }
            }

            /// Its JSON Schema (2020-12), as committed under `schemas/`.
            #[must_use]
            pub fn schema(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../schemas/", $name, ".schema.json")),)* }
            }
        }

        /// A section as written, of any family.
        #[derive(Debug, Clone)]
        pub enum Section {
            $(
                #[doc = concat!("`", $key, "`.")]
                $variant(Box<$module::$type>),
            )*
        }

        /// Decodes the body of a section. Schemas run first, so an error here is rare.
        ///
        /// # Errors
        /// The first value that does not fit, with its place.
        pub fn decode(family: FamilyId, tree: &Tree<'_>, body: NodeId) -> Result<Section, decode::Error> {
            match family {
                $(FamilyId::$variant => decode::decode(tree, body).map(|section| Section::$variant(Box::new(section))),)*
            }
        }

        impl Section {
            /// Adds its meaning to the model.
            pub fn lower(self, at: &At, out: &mut Lowering) {
                match self { $(Self::$variant(section) => section.lower(at, out),)* }
            }
        }

        #[cfg(test)]
        pub(crate) fn generate_schema(family: FamilyId) -> serde_json::Value {
            match family { $(FamilyId::$variant => crate::schema::generate::of::<$module::$type>($name, $key),)* }
        }
    };
}

families! {
    Federation federation::FederationConfig "federation" "federation_config" Once
        "the log store keeps audit records as long as this says, and the network keeps units apart",
    Workflow workflow::WorkflowDefinition "workflow" "workflow_definition" Named
        "a workflow engine runs the steps in their order",
    Orchestration orchestration::OrchestrationConfig "orchestration" "orchestration" Once
        "the workflow engine is configured with these values",
    EventDriven event_driven::EventDrivenConfig "event-driven" "event_driven_config" Joined
        "the event bus has these topics, and the processors subscribe to them",
    Saga saga::SagaDefinition "saga" "saga_definition" Named
        "a workflow engine runs the steps and their compensations",
    ZeroTrust zero_trust::ZeroTrustConfig "zero-trust" "zero_trust_config" Once
        "the network, the mesh and the issuer of workload identities are configured with these values",
    ProgressiveAuth progressive_auth::ProgressiveAuth "progressive-auth" "progressive_auth" Once
        "a gateway enforces it",
    DataRouting data_routing::DataRouting "data-routing" "data_routing" Once
        "a gateway enforces it",
    CircuitBreaker circuit_breaker::CircuitBreakerConfig "circuit-breaker" "circuit_breaker_config" Once
        "the callers of the servers do it",
    Bulkhead bulkhead::BulkheadConfig "bulkhead" "bulkhead_config" Joined
        "the platform that runs the servers is configured with these values",
    HealthMonitoring health_monitoring::HealthMonitoring "health-monitoring" "health_monitoring" Once
        "the platform that runs the servers is configured with these values",
    Caching caching::CachingStrategy "caching" "caching_strategy" Once
        "the servers and the edge keep these caches",
    ConnectionPooling connection_pooling::ConnectionPooling "connection-pooling" "connection_pooling" Joined
        "the servers open these pools to their databases",
    BatchProcessing batch_processing::BatchProcessing "batch-processing" "batch_processing" Once
        "the processors collect their items in these batches",
    Tracing tracing::TracingConfig "tracing" "tracing_config" Once
        "the collector and the servers are configured with these values",
    Metrics metrics::MetricsConfig "metrics" "metrics_config" Joined
        "the servers and the collector export these metrics",
    Logging logging::LoggingConfig "logging" "logging_config" Once
        "the log store and the servers are configured with these values",
    IntegrationTests integration_tests::IntegrationTestsConfig "integration-tests" "integration_tests" Once
        "a test runner runs them in the test environment",
    ChaosExperiments chaos_experiments::ChaosExperiments "chaos-experiments" "chaos_experiments" Once
        "a chaos platform runs them in the test environment",
    Registry registry::McpRegistry "registry" "mcp_registry" Joined
        "the servers and their platform do it",
    Identity identity::IdentityConfig "identity" "identity" Once
        "a gateway enforces it",
    PolicyTests policy_tests::PolicyTests "policy-tests" "policy_tests" Named
        "`mcpctl test` runs them",
    Waivers waivers::Waivers "waivers" "waivers" Named
        "`mcpctl validate` judges them",
}

/// One schema for a file with sections of any families, as editors use it.
pub const COMBINED_SCHEMA: &str = include_str!("../schemas/mcpctl.schema.json");

impl FamilyId {
    /// Whether its sections define flows and what they listen to, which no other family does. They are lowered beside the
    /// others.
    #[must_use]
    pub fn is_of_flows(self) -> bool {
        matches!(self, Self::Workflow | Self::Saga | Self::EventDriven)
    }

    /// The family of a top-level key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|family| family.key() == key)
    }
}

/// The access rules that a section's scope sets.
fn rules_of<'a>(at: &At, out: &'a mut Lowering) -> &'a mut AccessRules {
    match &at.scope {
        None => &mut out.model.access,
        Some(unit) => out.model.overlays.entry(unit.clone()).or_default(),
    }
}

/// Stands for a unit that is not known yet.
fn no_unit() -> Spanned<UnitName> {
    Spanned::new(UnitName::from(""), Loc::default())
}

/// What a step reads, as the model has it.
fn reads(resources: Vec<Spanned<ResourceUri>>, prompts: Vec<Spanned<String>>) -> Vec<Read> {
    let resources = resources.into_iter().map(|uri| uri.map(|uri| Readable::Resource(uri.to_string())));
    let prompts = prompts.into_iter().map(|name| name.map(Readable::Prompt));
    resources.chain(prompts).map(|what| Read { what, server: None }).collect()
}

/// Adds a flow under its unit, if its name is new.
fn add_flow(at: &At, out: &mut Lowering, mut flow: Flow, unit: Option<Spanned<UnitName>>) {
    flow.unit_written = unit.is_some();
    if let Some(unit) = out.unit_of(at, unit, "a flow") {
        flow.unit = unit;
    }
    let id = flow.id.value.clone();
    if out.declare(id.kind.word(), &id.name, flow.id.loc) {
        out.model.flows.insert(id, flow);
    }
}
