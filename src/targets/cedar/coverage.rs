//! What of each family Cedar enforces. Cedar decides single requests, from what they carry and from who may use what.

use crate::families::FamilyId;
use crate::targets::Coverage;

pub(super) fn coverage(family: FamilyId) -> Coverage {
    match family {
        FamilyId::ProgressiveAuth | FamilyId::Identity | FamilyId::PolicyTests | FamilyId::Waivers => Coverage::Full,
        FamilyId::Federation => Coverage::Partial(
            "Cedar decides calls between units and asks for encryption; isolation and audit records are for the network \
             and the log store",
        ),
        FamilyId::Workflow => Coverage::Partial(
            "a workflow may call exactly the tools of its steps; Cedar sees single calls, not their order",
        ),
        FamilyId::Saga => Coverage::Partial(
            "a saga may call exactly its actions and compensations; Cedar sees single calls, and runs no compensation",
        ),
        FamilyId::EventDriven => {
            Coverage::Partial("a processor may call exactly its tools; topics and subscriptions are for the event bus")
        }
        FamilyId::ZeroTrust => Coverage::Partial(
            "Cedar asks for the fact `mtls`; segments, certificates and attestation are for the network and the mesh",
        ),
        FamilyId::DataRouting => Coverage::Partial(
            "classes lead to levels and facts; encryption, location and controls of servers are properties that no \
             request carries, and are checked when compiling",
        ),
        FamilyId::Registry => Coverage::Partial(
            "servers, tools and grants become entities, and denied methods are in the map of evidence; addresses, labels and schemas \
             are for gateways and clients",
        ),
        FamilyId::Orchestration => Coverage::None("Cedar decides single calls; running workflows is for their engine"),
        FamilyId::CircuitBreaker => Coverage::None("Cedar keeps no state between calls; use a gateway or a mesh"),
        FamilyId::Bulkhead => Coverage::None("Cedar holds no resources; use the platform, a gateway or a mesh"),
        FamilyId::HealthMonitoring => Coverage::None("Cedar calls no server; use the platform, a gateway or a mesh"),
        FamilyId::Caching => Coverage::None("Cedar sees no responses; caches are for gateways and servers"),
        FamilyId::ConnectionPooling => Coverage::None("Cedar opens no connections; pools are for gateways and servers"),
        FamilyId::BatchProcessing => Coverage::None("Cedar decides single calls; batching is for the processors"),
        FamilyId::Tracing => Coverage::None("Cedar emits no spans; use the gateway and the collector"),
        FamilyId::Metrics => Coverage::None("Cedar emits no metrics; use the gateway and the servers"),
        FamilyId::Logging => Coverage::None("Cedar writes no records; use the gateway and the log store"),
        FamilyId::IntegrationTests => Coverage::None("tests of the running system are for its test environment"),
        FamilyId::ChaosExperiments => Coverage::None("experiments on the running system are for its platform"),
    }
}

/// The words of the keys that become policies, entities or evidence.
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
            "business_units",
            "name",
            "servers",
            "business_unit",
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
        | FamilyId::Identity
        | FamilyId::PolicyTests
        | FamilyId::Waivers => &[],
    }
}
