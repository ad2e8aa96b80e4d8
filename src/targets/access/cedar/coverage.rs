//! What of each family Cedar enforces. Cedar decides single requests, from what they carry and from who may use what.

use crate::families::FamilyId;
use crate::targets::Covers;
use crate::targets::access::keys;

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        keys::UNITS_AND_GATEWAYS,
        "Cedar decides calls between units and asks for encryption; isolation and audit records are for the network and the log store",
    ),
    Covers::part(
        FamilyId::Workflow,
        keys::WORKFLOW,
        "a workflow may call exactly the tools of its steps; Cedar sees single calls, not their order",
    ),
    keys::EVENT_DRIVEN,
    Covers::part(
        FamilyId::Saga,
        keys::SAGA,
        "a saga may call exactly its actions and compensations; Cedar sees single calls, and runs no compensation",
    ),
    Covers::part(
        FamilyId::ZeroTrust,
        keys::MESH,
        "Cedar asks for the fact `mtls`; segments, certificates and attestation are for the network and the mesh",
    ),
    Covers::all(FamilyId::ProgressiveAuth),
    keys::DATA_ROUTING,
    Covers::part(
        FamilyId::Registry,
        &[
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
        "servers, tools and grants become entities, and denied methods are in the map of evidence; addresses, labels and schemas are for gateways and clients",
    ),
    Covers::all(FamilyId::Identity),
];
