//! The keys that a change is about, where they are many.

/// Keys that took any word.
pub(super) const OPEN_WORDS: &[&str] = &[
    "orchestration/engine",
    "orchestration/error_handling/failure_handling",
    "orchestration/state_management/persistence",
    "orchestration/state_management/checkpointing",
    "event_driven_config/event_bus/provider",
    "circuit_breaker_config/cascading_protection/upstream_failures",
    "circuit_breaker_config/cascading_protection/dependency_mapping",
    "circuit_breaker_config/cascading_protection/fallback_strategies/*",
    "health_monitoring/discovery_service",
    "caching_strategy/layers/*/location",
    "tracing_config/sampling/priority_boost",
    "zero_trust_config/service_mesh/provider",
    "zero_trust_config/identity_verification/workload_identity",
    "integration_tests/test_environments/*/data",
    "integration_tests/test_scenarios/*/expected_outcome",
    "chaos_experiments/*/*/expected",
];

/// Times, sizes and shares that took zero, or any number.
pub(super) const NOTHING: &[&str] = &[
    "batch_processing/flush_interval",
    "caching_strategy/layers/*/ttl",
    "caching_strategy/layers/*/size",
    "bulkhead_config/resource_pools/*/resources/memory",
    "circuit_breaker_config/per_mcp_server/timeout",
    "circuit_breaker_config/per_mcp_server/half_open_timeout",
    "connection_pooling/*/*/recycle_time",
    "connection_pooling/*/*/keep_alive",
    "connection_pooling/*/*/timeout",
    "chaos_experiments/*/*/duration",
    "chaos_experiments/*/*/limit",
    "chaos_experiments/*/*/failure_rate",
    "event_driven_config/event_bus/topics/*/retention",
    "federation_config/central_gateway/global_policies/audit_retention",
    "federation_config/central_gateway/global_policies/*/audit_retention",
    "health_monitoring/health_checks/*/interval",
    "health_monitoring/health_checks/*/timeout",
    "logging_config/retention/audit_logs",
    "logging_config/retention/operational_logs",
    "logging_config/retention/debug_logs",
    "zero_trust_config/identity_verification/certificate_rotation",
];

/// Texts with a grammar that a product reads.
pub(super) const GRAMMAR: &[&str] = &[
    "tracing_config/exporters/*/endpoint",
    "tracing_config/correlation/request_id_header",
    "tracing_config/correlation/user_id_header",
    "tracing_config/correlation/tenant_id_header",
    "health_monitoring/health_checks/*/endpoint",
    "event_driven_config/event_bus/topics/*/name",
    "mcp_registry/servers/*/labels",
    "mcp_registry/servers/*/labels/*",
    "mcp_registry/servers/*/resources/*/uri",
    "mcp_registry/servers/*/prompts/*/name",
    "mcp_registry/agents/*/subject",
    "workflow_definition/subject",
    "saga_definition/subject",
    "event_driven_config/event_processors/*/subject",
    "identity/audiences/*",
    "identity/issuers/*/audiences/*",
    "identity/business_unit_claim",
];

/// Lists that may not be empty.
pub(super) const EMPTY_LIST: &[&str] = &[
    "progressive_auth/levels/*/requirements",
    "progressive_auth/levels/*/alternatives",
    "data_routing/classifications/*/requires",
    "data_routing/classifications/*/additional_controls",
    "mcp_registry/business_units",
    "mcp_registry/servers/*/requires",
    "mcp_registry/servers/*/tools/*/requires",
    "mcp_registry/servers/*/resources/*/requires",
    "mcp_registry/servers/*/prompts/*/requires",
    "mcp_registry/agents/*/may_call/*/requires",
    "mcp_registry/any_agent/may_call/*/requires",
    "bulkhead_config/resource_pools/*/mcp_servers",
    "integration_tests/test_environments/*/mcp_servers",
];
