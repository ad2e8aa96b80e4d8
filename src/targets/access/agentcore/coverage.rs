//! What of each family AgentCore enforces.

use crate::families::FamilyId;
use crate::targets::Covers;
use crate::targets::access::keys;

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        keys::UNITS,
        "calls between units are decided; AgentCore's endpoints take HTTPS alone, and gateways, isolation and audit records are for others",
    ),
    Covers::part(
        FamilyId::Workflow,
        keys::ORDERED_WORKFLOW,
        "a workflow may call exactly the tools of its steps; their order is a temporal policy, which takes sessions",
    ),
    keys::EVENT_DRIVEN,
    Covers::part(
        FamilyId::Saga,
        keys::SAGA,
        "a saga may call exactly its actions and compensations; AgentCore runs no compensation",
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
            "input_schema",
            "agents",
            "any_agent",
            "subject",
            "may_call",
            "only",
            "suspended",
        ],
        "servers, tools and grants become policies; addresses, labels, resources and prompts are for the targets of the gateway and for others, and denied methods for the servers",
    ),
    Covers::part(
        FamilyId::Identity,
        &[
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
        "issuers, audiences and evidence become policies and authorizers; keys are found by OpenID discovery, and step-up scopes have no place",
    ),
];
