//! The one list of targets: their numbers and names. What each of them does is in [`crate::targets`].

/// Hands the list of all targets to a macro. A row is the kind of target, which is also the folder of its modules
/// (`targets/KIND/MODULE.rs`, `lift/KIND/MODULE.rs`), its variant, its module, its name, whether it has settings of its `own` (in
/// `settings/targets/MODULE.rs`), and what it gives, for people who write settings. The rows are sorted by name.
macro_rules! targets {
    ($with:ident) => {
        $with! {
            access Agentcore agentcore "agentcore" own "Cedar policies for AgentCore gateways of Amazon Bedrock.";
            access Agentgateway agentgateway "agentgateway" own "Configuration of agentgateway.";
            access AgenticNetworking agentic_networking "agentic-networking" own "Access policies of Kubernetes' agentic networking.";
            access AiGateway ai_gateway "ai-gateway" own "Routes of the Envoy AI Gateway.";
            operations CachePlan cache_plan "cache-plan" plain "Which results each cache layer may keep, how long, and for whom.";
            access Cedar cedar "cedar" plain "Cedar schema, policies, entities and evidence.";
            operations Chaos chaos "chaos" plain "Experiments of Chaos Toolkit with faults of Toxiproxy, and objects of Chaos Mesh.";
            operations Consul consul "consul" plain "Services of Consul with their health checks.";
            operations Elasticsearch elasticsearch "elasticsearch" plain "Lifecycles and templates of Elasticsearch for log records, and rsyslog that ships them.";
            access Envoy envoy "envoy" own "Configuration of Envoy, a folder for each gateway.";
            access Istio istio "istio" own "Policies of the Istio mesh.";
            operations Kafka kafka "kafka" own "Topics of Apache Kafka, settings of its clients, and plans of event processors.";
            operations Kubernetes kubernetes "kubernetes" own "Namespaces, network policies and quotas of Kubernetes.";
            operations OtelCollector otel_collector "otel-collector" own "An OpenTelemetry Collector for traces, and the environment of SDKs.";
            operations Pools pools "pools" plain "Pools of connections: SQLAlchemy, PgBouncer and httpx.";
            operations Prometheus prometheus "prometheus" own "Scrapes, rules, alerts and a dashboard of Prometheus.";
            operations Redis redis "redis" own "Nodes of Redis and their clients, for the cache layers in Redis.";
            operations Scenarios scenarios "scenarios" plain "Scenarios of integration tests, and what runs them by the worker of `temporal`.";
            operations Temporal temporal "temporal" plain "Plans of workflows and sagas for Temporal, and the worker that runs them.";
            access Toolhive toolhive "toolhive" own "Cedar policies for ToolHive.";
        }
    };
}
pub(crate) use targets;

macro_rules! ids {
    ($($kind:ident $variant:ident $module:ident $name:literal $settings:ident $summary:tt;)*) => {
        /// A target by number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TargetId {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )*
        }

        impl TargetId {
            /// Every target, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name: on the command line, in `mcpctl.yaml`, and the folder of its files in a bundle.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}
targets!(ids);

impl TargetId {
    /// The target of a name that a person or a file gives.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|target| target.name() == name)
    }
}

impl core::fmt::Display for TargetId {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.name())
    }
}
