//! What of each family agentgateway enforces.

use crate::families::FamilyId;
use crate::targets::Coverage;

pub(super) fn coverage(family: FamilyId) -> Coverage {
    match family {
        FamilyId::ProgressiveAuth | FamilyId::PolicyTests | FamilyId::Waivers => Coverage::Full,
        FamilyId::Identity => Coverage::Partial(
            "tokens, callers and claims are judged; arguments of calls are not seen, and what needs one is denied",
        ),
        FamilyId::Federation => Coverage::Partial(
            "calls between units and encryption in transit are judged at the gateways; isolation is for the network, and \
             how long audit records are kept for the log store",
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
        FamilyId::ZeroTrust => Coverage::Partial(
            "callers prove themselves to the gateway with certificates; segments, the rotation of certificates and \
             attestation are for the network and the mesh",
        ),
        FamilyId::DataRouting => Coverage::Partial(
            "classes lead to levels and facts; encryption at rest, location and controls of servers are checked when \
             compiling",
        ),
        FamilyId::Registry => Coverage::Partial(
            "servers, their addresses, tools, resources, prompts, grants and denied methods become routes and rules; labels and \
             schemas are for others",
        ),
        FamilyId::Orchestration => {
            Coverage::None("the gateway passes single calls; running workflows is for their engine")
        }
        FamilyId::CircuitBreaker => Coverage::None(
            "agentgateway evicts failing backends that stand in a list of their own, which is not written",
        ),
        FamilyId::Bulkhead => Coverage::None(
            "agentgateway has one limit for all its connections and none for each backend; use the platform",
        ),
        FamilyId::HealthMonitoring => Coverage::None("agentgateway probes no MCP server; use the platform"),
        FamilyId::Caching => Coverage::None("agentgateway keeps no responses; caches are for the servers"),
        FamilyId::ConnectionPooling => {
            Coverage::None("agentgateway has one pool for all its connections and none for each backend")
        }
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
            "encryption_in_transit",
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
        FamilyId::ZeroTrust => &["service_mesh", "mutual_tls"],
        FamilyId::DataRouting => {
            &["classifications", "level", "mcp_servers", "min_auth_level", "requires", "suspended"]
        }
        FamilyId::Registry => &[
            "central_gateway",
            "business_units",
            "gateway",
            "name",
            "servers",
            "business_unit",
            "url",
            "auth_level",
            "requires",
            "tools",
            "annotations",
            "read_only",
            "resources",
            "uri",
            "prompts",
            "agents",
            "any_agent",
            "subject",
            "may_call",
            "only",
            "suspended",
            "methods",
            "deny",
        ],
        FamilyId::Orchestration
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
