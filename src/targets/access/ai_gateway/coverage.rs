//! What of each family the Envoy AI Gateway enforces.

use crate::families::FamilyId;
use crate::targets::Covers;
use crate::targets::access::keys;

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        keys::UNITS,
        "calls between units are judged; encryption in transit is for the listener of the gateway, isolation for the network, and audit records for the log store",
    ),
    keys::WORKFLOW_AT_GATEWAYS,
    keys::EVENT_DRIVEN,
    keys::SAGA_AT_GATEWAYS,
    Covers::all(FamilyId::ProgressiveAuth),
    Covers::part(
        FamilyId::DataRouting,
        keys::CLASSES,
        "classes lead to levels and facts; encryption, location and controls of servers are checked when compiling",
    ),
    Covers::part(
        FamilyId::Registry,
        &[
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
        "servers, their addresses, tools and grants become routes, backends and rules; the gateway has no rules on resources, prompts and methods, and labels and schemas are for others",
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
            "scope",
            "argument",
            "at_least",
            "at_most",
            "one_of",
        ],
        "one issuer, callers, claims, arguments and scopes are judged; how the connection was made is not seen",
    ),
];
