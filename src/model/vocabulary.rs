//! Words of closed vocabularies: one enum each, so that no other word can be in the model.
//!
//! A word that only a product, a worker or a test bench acts on is here as well: a word with a typing slip must not pass
//! because no target reads it.

/// Enums whose variants are the legal words. They compare with texts, and are shown as the word.
macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            /// Every word with its meaning, in the order in which they are listed to people.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];

            /// The word as written.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The word as written, as texts call it.
            #[must_use]
            pub fn as_str(&self) -> &'static str {
                self.word()
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                self.word()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.word() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.word() == *other
            }
        }
    )*};
}

mod orchestration;

pub use orchestration::*;

vocabulary! {
    /// `cascading_protection.upstream_failures`.
    UpstreamFailures {
        /// What depends on a failing server is cut off from it.
        IsolateDownstream = "isolate_downstream",
        /// Calls to it fail at once.
        FailFast = "fail_fast",
        /// Failures are handed on.
        Propagate = "propagate",
    }
    /// `cascading_protection.dependency_mapping`.
    DependencyMapping {
        /// Found out while running.
        AutomaticDiscovery = "automatic_discovery",
        /// Those that workflows and sagas declare.
        Declared = "declared",
    }
    /// `cascading_protection.fallback_strategies[]`.
    Fallback {
        /// An earlier answer.
        CachedResponses = "cached_responses",
        /// Less of the service.
        DegradedMode = "degraded_mode",
        /// A fixed answer.
        DefaultResponse = "default_response",
        /// The call waits until the server is back.
        QueueRequests = "queue_requests",
        /// An error at once.
        FailFast = "fail_fast",
    }
    /// `health_monitoring.discovery_service`.
    Discovery {
        /// Consul.
        Consul = "consul",
        /// The names of DNS alone.
        Dns = "dns",
        /// Services of Kubernetes.
        Kubernetes = "kubernetes",
        /// etcd.
        Etcd = "etcd",
        /// Eureka.
        Eureka = "eureka",
        /// ZooKeeper.
        Zookeeper = "zookeeper",
    }
    /// `load_balancing.strategy`.
    Balancing {
        /// In turn, by weight.
        WeightedRoundRobin = "weighted_round_robin",
        /// In turn.
        RoundRobin = "round_robin",
        /// The instance with the fewest calls in hand.
        LeastRequest = "least_request",
        /// By chance.
        Random = "random",
        /// By a hash of the call, on a ring.
        RingHash = "ring_hash",
        /// By a hash of the call, in a table.
        Maglev = "maglev",
    }
    /// `layers[].location` of caches.
    CacheLocation {
        /// In the client.
        Client = "client",
        /// In the gateway.
        Gateway = "gateway",
        /// In the MCP server.
        McpServer = "mcp_server",
        /// In a Redis of one instance.
        Redis = "redis",
        /// In a cluster of Redis.
        RedisCluster = "redis_cluster",
        /// In Memcached.
        Memcached = "memcached",
    }
    /// `layers[].eviction` of caches.
    Eviction {
        /// What was used longest ago.
        Lru = "lru",
        /// What was used least often.
        Lfu = "lfu",
        /// What came first.
        Fifo = "fifo",
        /// By chance.
        Random = "random",
        /// What expires next.
        TtlBased = "ttl_based",
        /// Nothing; a full layer takes nothing in.
        None = "none",
    }
    /// `sampling.strategy`.
    Sampling {
        /// A share of the traces, by chance.
        Probabilistic = "probabilistic",
        /// Every trace.
        AlwaysOn = "always_on",
        /// No trace.
        AlwaysOff = "always_off",
        /// So many traces a second.
        RateLimiting = "rate_limiting",
        /// Decided when a trace is whole.
        Tail = "tail",
    }
    /// `sampling.priority_boost`.
    PriorityBoost {
        /// Traces with an error.
        ErrorSpans = "error_spans",
        /// Traces that took long.
        SlowSpans = "slow_spans",
    }
    /// `type` of a metric.
    MetricKind {
        /// A number that only grows.
        Counter = "counter",
        /// A number that goes up and down.
        Gauge = "gauge",
        /// Counts in buckets.
        Histogram = "histogram",
        /// Quantiles.
        Summary = "summary",
    }
    /// `log_level`.
    LogLevel {
        /// Everything.
        Trace = "trace",
        /// For debugging.
        Debug = "debug",
        /// What happens.
        Info = "info",
        /// What may be wrong.
        Warn = "warn",
        /// What is wrong.
        Error = "error",
    }
    /// `service_mesh.provider`.
    Mesh {
        /// Istio.
        Istio = "istio",
        /// Linkerd.
        Linkerd = "linkerd",
        /// Consul.
        Consul = "consul",
        /// Cilium.
        Cilium = "cilium",
        /// Kuma.
        Kuma = "kuma",
    }
    /// `service_mesh.policy_enforcement`.
    Enforcement {
        /// On every request.
        PerRequest = "per_request",
        /// When a connection is made.
        PerConnection = "per_connection",
    }
    /// `identity_verification.workload_identity`.
    WorkloadIdentity {
        /// SPIFFE.
        Spiffe = "spiffe",
        /// Service accounts of Kubernetes.
        ServiceAccount = "service_account",
        /// Certificates of one's own authority.
        X509 = "x509",
    }
    /// `identity_verification.attestation`.
    Attestation {
        /// Again and again.
        Continuous = "continuous",
        /// When a workload starts.
        AtStartup = "at_startup",
        /// Never.
        None = "none",
    }
    /// `test_environments[].data`.
    TestData {
        /// Made up.
        Synthetic = "synthetic",
        /// Copied from production, with what identifies people taken out.
        SanitizedProduction = "sanitized_production",
        /// Copied from production as it is.
        Production = "production",
    }
    /// `expected_outcome` of test scenarios and `expected` of chaos experiments.
    Outcome {
        /// Everything is done.
        Success = "success",
        /// The flow fails, and what was done stays.
        Failure = "failure",
        /// What was done is undone.
        CompensatingTransaction = "compensating_transaction",
        /// A fallback is served.
        GracefulDegradation = "graceful_degradation",
        /// Calls beyond a bulkhead are refused.
        LoadShedding = "load_shedding",
        /// The breaker cuts a server off.
        CircuitBreakerActivation = "circuit_breaker_activation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_variants_belong_together() {
        for (word, engine) in Engine::WORDS {
            assert_eq!((engine.word(), &**engine, engine.to_string().as_str()), (*word, *word, *word));
        }
        assert!(Outcome::Success == "success" && Outcome::Success != "failure");
    }
}
