//! What of each family agentgateway enforces.

use crate::families::FamilyId;
use crate::targets::Covers;
use crate::targets::access::keys;

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        keys::UNITS_AND_GATEWAYS,
        "calls between units and encryption in transit are judged at the gateways; isolation is for the network, and how long audit records are kept for the log store",
    ),
    keys::WORKFLOW_AT_GATEWAYS,
    keys::EVENT_DRIVEN,
    keys::SAGA_AT_GATEWAYS,
    Covers::part(
        FamilyId::ZeroTrust,
        keys::MESH,
        "callers prove themselves to the gateway with certificates; segments, the rotation of certificates and attestation are for the network and the mesh",
    ),
    Covers::all(FamilyId::ProgressiveAuth),
    Covers::part(
        FamilyId::DataRouting,
        keys::CLASSES,
        "classes lead to levels and facts; encryption at rest, location and controls of servers are checked when compiling",
    ),
    Covers::part(
        FamilyId::Registry,
        &[
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
        "servers, their addresses, tools, resources, prompts, grants and denied methods become routes and rules; labels and schemas are for others",
    ),
    Covers::part(
        FamilyId::Identity,
        &[
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
        "tokens, callers and claims are judged; arguments of calls are not seen, and what needs one is denied",
    ),
];
