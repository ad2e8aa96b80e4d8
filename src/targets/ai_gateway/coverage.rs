//! What of each family the Envoy AI Gateway enforces.

use crate::families::FamilyId;
use crate::targets::Coverage;

pub(super) fn coverage(family: FamilyId) -> Coverage {
    match family {
        FamilyId::ProgressiveAuth | FamilyId::PolicyTests | FamilyId::Waivers => Coverage::Full,
        FamilyId::Identity => Coverage::Partial(
            "one issuer, callers, claims, arguments and scopes are judged; how the connection was made is not seen",
        ),
        FamilyId::Federation => Coverage::Partial(
            "calls between units are judged; encryption in transit is for the listener of the gateway, isolation for the \
             network, and audit records for the log store",
        ),
        FamilyId::Workflow => Coverage::Partial(
            "a workflow may call exactly the tools of its steps; the gateway sees single calls, not their order",
        ),
        FamilyId::Saga => Coverage::Partial(
            "a saga may call exactly its actions and compensations; the gateway sees single calls, and runs no compensation",
        ),
        FamilyId::EventDriven => {
            Coverage::Partial("a processor may call exactly its tools; topics and subscriptions are for the event bus")
        }
        FamilyId::ZeroTrust => {
            Coverage::None("the gateway's rules see no certificates, and it sets up neither segments nor the mesh")
        }
        FamilyId::DataRouting => Coverage::Partial(
            "classes lead to levels and facts; encryption, location and controls of servers are checked when compiling",
        ),
        FamilyId::Registry => Coverage::Partial(
            "servers, their addresses, tools and grants become routes, backends and rules; the gateway has no rules on \
             resources, prompts and methods, and labels and schemas are for others",
        ),
        FamilyId::Orchestration => {
            Coverage::None("the gateway passes single calls; running workflows is for their engine")
        }
        FamilyId::CircuitBreaker | FamilyId::Bulkhead | FamilyId::HealthMonitoring | FamilyId::ConnectionPooling => {
            Coverage::None("such limits are policies on the traffic to backends, which are not written here")
        }
        FamilyId::Caching => Coverage::None("the gateway keeps no responses; caches are for the servers"),
        FamilyId::BatchProcessing => Coverage::None("the gateway passes single calls; batching is for the processors"),
        FamilyId::Tracing => {
            Coverage::None("traces are set up where the gateway is deployed, and are not written here")
        }
        FamilyId::Metrics => Coverage::None("the gateway has metrics of its own; it knows none of other names"),
        FamilyId::Logging => Coverage::None("logs are set up where the gateway is deployed, and are not written here"),
        FamilyId::IntegrationTests => Coverage::None("tests of the running system are for its test environment"),
        FamilyId::ChaosExperiments => Coverage::None("experiments on the running system are for its platform"),
    }
}

/// The words of the keys that become routes and rules.
pub(super) fn expressed(family: FamilyId) -> &'static [&'static str] {
    match family {
        FamilyId::Federation => &[
            "central_gateway",
            "global_policies",
            "business_unit_gateways",
            "cross_bu_data_sharing",
            "cross_unit_max_class",
            "cross_unit_routing",
            "local_policy_override",
        ],
        FamilyId::Identity => &[
            "issuer",
            "audiences",
            "audience",
            "kind",
            "jwks",
            "jwks_file",
            "issuers",
            "speaks_for",
            "trust_domain",
            "business_unit_claim",
            "requirements",
            "caller",
            "claim",
            "contains",
            "differs_from",
            "scope",
            "argument",
            "at_least",
            "at_most",
            "one_of",
        ],
        FamilyId::Workflow => {
            &["name", "description", "business_unit", "subject", "suspended", "steps", "mcp_server", "tools"]
        }
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
            "central_gateway",
            "business_units",
            "name",
            "servers",
            "business_unit",
            "url",
            "auth_level",
            "requires",
            "tools",
            "annotations",
            "read_only",
            "agents",
            "any_agent",
            "subject",
            "may_call",
            "only",
            "suspended",
        ],
        FamilyId::Orchestration
        | FamilyId::ZeroTrust
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
