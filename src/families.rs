//! The families of configuration: every top-level key that a workspace may use.

macro_rules! family_ids {
    ($($variant:ident $name:literal $key:literal,)*) => {
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
        }
    };
}

family_ids! {
    Federation "federation" "federation_config",
    Workflow "workflow" "workflow_definition",
    Orchestration "orchestration" "orchestration",
    EventDriven "event-driven" "event_driven_config",
    Saga "saga" "saga_definition",
    ZeroTrust "zero-trust" "zero_trust_config",
    ProgressiveAuth "progressive-auth" "progressive_auth",
    DataRouting "data-routing" "data_routing",
    CircuitBreaker "circuit-breaker" "circuit_breaker_config",
    Bulkhead "bulkhead" "bulkhead_config",
    HealthMonitoring "health-monitoring" "health_monitoring",
    Caching "caching" "caching_strategy",
    ConnectionPooling "connection-pooling" "connection_pooling",
    BatchProcessing "batch-processing" "batch_processing",
    Tracing "tracing" "tracing_config",
    Metrics "metrics" "metrics_config",
    Logging "logging" "logging_config",
    IntegrationTests "integration-tests" "integration_tests",
    ChaosExperiments "chaos-experiments" "chaos_experiments",
    Registry "registry" "mcp_registry",
    Identity "identity" "identity",
    PolicyTests "policy-tests" "policy_tests",
    Waivers "waivers" "waivers",
}
