//! What of each family AgentCore enforces.

use crate::families::FamilyId;
use crate::targets::Coverage;

pub(super) fn coverage(family: FamilyId) -> Coverage {
    match family {
        FamilyId::ProgressiveAuth | FamilyId::PolicyTests | FamilyId::Waivers => Coverage::Full,
        FamilyId::Identity => Coverage::Partial(
            "issuers, audiences and evidence become policies and authorizers; keys are found by OpenID discovery, and step-up \
             scopes have no place",
        ),
        FamilyId::Federation => Coverage::Partial(
            "calls between units are decided; AgentCore's endpoints take HTTPS alone, and gateways, isolation and audit \
             records are for others",
        ),
        FamilyId::Workflow => Coverage::Partial(
            "a workflow may call exactly the tools of its steps; their order is a temporal policy, which takes sessions",
        ),
        FamilyId::Saga => {
            Coverage::Partial("a saga may call exactly its actions and compensations; AgentCore runs no compensation")
        }
        FamilyId::EventDriven => {
            Coverage::Partial("a processor may call exactly its tools; topics and subscriptions are for the event bus")
        }
        FamilyId::DataRouting => Coverage::Partial(
            "classes lead to levels and facts; encryption, location and controls of servers are properties that no \
             request carries, and are checked when compiling",
        ),
        FamilyId::Registry => Coverage::Partial(
            "servers, tools and grants become policies; addresses, labels, resources and prompts are for the targets of the \
             gateway and for others, and denied methods for the servers",
        ),
        FamilyId::Orchestration => {
            Coverage::None("policies decide single calls; running workflows is for their engine")
        }
        FamilyId::ZeroTrust => {
            Coverage::None("AgentCore's policies see no certificate; its gateway takes HTTPS from anywhere")
        }
        FamilyId::CircuitBreaker => {
            Coverage::None("AgentCore's policies keep no state of servers; circuit breakers are for the servers")
        }
        FamilyId::Bulkhead => Coverage::None("AgentCore's policies hold no resources; use the platform or the mesh"),
        FamilyId::HealthMonitoring => {
            Coverage::None("AgentCore's policies call no server; use the platform or the mesh")
        }
        FamilyId::Caching => {
            Coverage::None("AgentCore's policies see no responses; caches are for gateways and servers")
        }
        FamilyId::ConnectionPooling => {
            Coverage::None("AgentCore's policies open no connections; pools are for gateways and servers")
        }
        FamilyId::BatchProcessing => Coverage::None("policies decide single calls; batching is for the processors"),
        FamilyId::Tracing => Coverage::None("spans are for AgentCore's own observability"),
        FamilyId::Metrics => Coverage::None("metrics are for AgentCore's own observability"),
        FamilyId::Logging => Coverage::None("policies write no records; use AgentCore's logs and the log store"),
        FamilyId::IntegrationTests => Coverage::None("tests of the running system are for its test environment"),
        FamilyId::ChaosExperiments => Coverage::None("experiments on the running system are for its platform"),
    }
}

/// The words of the keys that become policies.
pub(super) fn expressed(family: FamilyId) -> &'static [&'static str] {
    match family {
        FamilyId::Identity => &[
            "issuer",
            "issuers",
            "audiences",
            "speaks_for",
            "trust_domain",
            "business_unit_claim",
            "requirements",
            "caller",
            "claim",
            "contains",
            "differs_from",
            "argument",
            "at_least",
            "at_most",
            "one_of",
            "called",
            "within",
            "answer",
            "same",
        ],
        FamilyId::Federation => &[
            "central_gateway",
            "global_policies",
            "business_unit_gateways",
            "cross_bu_data_sharing",
            "cross_unit_max_class",
            "cross_unit_routing",
            "local_policy_override",
        ],
        FamilyId::Workflow => &[
            "name",
            "description",
            "business_unit",
            "subject",
            "suspended",
            "steps",
            "mcp_server",
            "tools",
            "depends_on",
        ],
        FamilyId::Saga => &[
            "name",
            "description",
            "business_unit",
            "subject",
            "suspended",
            "steps",
            "mcp_server",
            "action",
            "compensation",
        ],
        FamilyId::EventDriven => &[
            "event_processors",
            "name",
            "description",
            "business_unit",
            "subject",
            "suspended",
            "triggers_mcp",
            "tools",
        ],
        FamilyId::DataRouting => {
            &["classifications", "level", "mcp_servers", "min_auth_level", "requires", "suspended"]
        }
        FamilyId::Registry => &[
            "business_units",
            "name",
            "servers",
            "business_unit",
            "auth_level",
            "requires",
            "tools",
            "annotations",
            "read_only",
            "input_schema",
            "agents",
            "any_agent",
            "subject",
            "may_call",
            "only",
            "suspended",
        ],
        FamilyId::ZeroTrust
        | FamilyId::Orchestration
        | FamilyId::ProgressiveAuth
        | FamilyId::CircuitBreaker
        | FamilyId::Bulkhead
        | FamilyId::HealthMonitoring
        | FamilyId::Caching
        | FamilyId::ConnectionPooling
        | FamilyId::BatchProcessing
        | FamilyId::Tracing
        | FamilyId::Metrics
        | FamilyId::Logging
        | FamilyId::IntegrationTests
        | FamilyId::ChaosExperiments
        | FamilyId::PolicyTests
        | FamilyId::Waivers => &[],
    }
}
