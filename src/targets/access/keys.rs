//! What several targets cover alike: the keys that lead to the access relation.

use crate::families::FamilyId;
use crate::targets::Covers;

/// Of data classes, what tells the facts that calls need.
pub const CLASSES: &[&str] = &["classifications", "level", "mcp_servers", "min_auth_level", "requires", "suspended"];
/// Of zero trust, that callers show certificates.
pub const MESH: &[&str] = &["service_mesh", "mutual_tls"];
/// Of workflows, what makes them callers, and the order of their steps.
pub const ORDERED_WORKFLOW: &[&str] =
    &["name", "description", "business_unit", "subject", "suspended", "steps", "mcp_server", "tools", "depends_on"];
/// Of event processors, what makes them callers.
const PROCESSOR: &[&str] =
    &["event_processors", "name", "description", "business_unit", "subject", "suspended", "triggers_mcp", "tools"];
/// Of sagas, what makes them callers.
pub const SAGA: &[&str] =
    &["name", "description", "business_unit", "subject", "suspended", "steps", "mcp_server", "action", "compensation"];
/// Of federation, what tells who may call across units.
pub const UNITS: &[&str] = &[
    "central_gateway",
    "global_policies",
    "business_unit_gateways",
    "cross_bu_data_sharing",
    "cross_unit_max_class",
    "cross_unit_routing",
    "local_policy_override",
];
/// The same, and how gateways are connected.
pub const UNITS_AND_GATEWAYS: &[&str] = &[
    "central_gateway",
    "global_policies",
    "business_unit_gateways",
    "cross_bu_data_sharing",
    "cross_unit_max_class",
    "cross_unit_routing",
    "encryption_in_transit",
    "local_policy_override",
];
/// Of workflows, what makes them callers.
pub const WORKFLOW: &[&str] =
    &["name", "description", "business_unit", "subject", "suspended", "steps", "mcp_server", "tools"];

/// Workflows at gateways, as callers.
pub const WORKFLOW_AT_GATEWAYS: Covers = Covers::part(
    FamilyId::Workflow,
    WORKFLOW,
    "a workflow may call exactly the tools of its steps; the gateway sees single calls, not their order",
);
/// Sagas at gateways, as callers.
pub const SAGA_AT_GATEWAYS: Covers = Covers::part(
    FamilyId::Saga,
    SAGA,
    "a saga may call exactly its actions and compensations; the gateway sees single calls, and runs no compensation",
);
/// Event processors, as callers.
pub const EVENT_DRIVEN: Covers = Covers::part(
    FamilyId::EventDriven,
    PROCESSOR,
    "a processor may call exactly its tools; topics and subscriptions are for the event bus",
);
/// Data classes, as far as calls are concerned.
pub const DATA_ROUTING: Covers = Covers::part(
    FamilyId::DataRouting,
    CLASSES,
    "classes lead to levels and facts; encryption, location and controls of servers are properties that no request carries, and \
     are checked when compiling",
);
