//! What of each family Istio enforces.

use core::net::IpAddr;

use crate::families::FamilyId;
use crate::model::Model;
use crate::model::server::Server;
use crate::model::telemetry::Tracing;
use crate::model::url::Url;
use crate::targets::access::keys;
use crate::targets::{Covers, NotExpressed};

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        &[
            "central_gateway",
            "global_policies",
            "business_unit_gateways",
            "cross_bu_data_sharing",
            "cross_unit_max_class",
            "cross_unit_routing",
            "encryption_in_transit",
            "isolation_level",
            "local_policy_override",
        ],
        "calls between units are decided and encrypted, and a unit's servers answer its gateway alone; audit records are for the log store",
    ),
    Covers::part(
        FamilyId::Workflow,
        keys::WORKFLOW,
        "a workflow may call exactly the tools of its steps; Istio sees single calls, not their order",
    ),
    keys::EVENT_DRIVEN,
    Covers::part(
        FamilyId::Saga,
        keys::SAGA,
        "a saga may call exactly its actions and compensations; Istio sees single calls, and runs no compensation",
    ),
    Covers::part(
        FamilyId::ZeroTrust,
        &[
            "service_mesh",
            "provider",
            "mutual_tls",
            "policy_enforcement",
            "identity_verification",
            "workload_identity",
            "certificate_rotation",
        ],
        "mutual TLS, identities and the age of their certificates; segments are for the target `kubernetes`, and attestation is for SPIRE",
    ),
    Covers::part(
        FamilyId::ProgressiveAuth,
        &["levels", "level", "description", "requirements", "alternatives", "name"],
        "Istio asks for what a token shows; what an argument of a call shows it cannot see, and a tool only by a verified header",
    ),
    Covers::part(
        FamilyId::DataRouting,
        keys::CLASSES,
        "classes lead to levels and facts; encryption at rest, location and controls of servers are properties that no request carries, and are checked when compiling",
    ),
    Covers::part(
        FamilyId::CircuitBreaker,
        &["per_mcp_server", "failure_threshold", "half_open_timeout"],
        "a pod that fails calls in a row is left out for `half_open_timeout`, and for a multiple of it, up to 300 s, when it fails again; an error of a tool is not a failure of HTTP, so it does not count, and there are no trial calls, no fallback and no discovery of dependencies; the time that a call may take is for the gateways",
    ),
    Covers::part(
        FamilyId::Bulkhead,
        &["resource_pools", "name", "mcp_servers", "resources", "connections"],
        "connections are limited for each instance of a gateway, each server getting its share of the pool's; cores and memory are for the target `kubernetes`",
    ),
    Covers::part(
        FamilyId::ConnectionPooling,
        &["http_pools", "mcp_server", "pool_size", "keep_alive"],
        "limits and idle times of connections of HTTP, for each instance of a gateway; timeouts are for gateways, and pools of databases for the servers",
    ),
    Covers::part(
        FamilyId::Tracing,
        &["sampling", "strategy", "rate", "correlation", "request_id_header", "user_id_header", "tenant_id_header"],
        "the share of traces and the tags from headers; where spans go is for the mesh's own configuration, and what is kept more often for the collector",
    ),
    Covers::part(
        FamilyId::Registry,
        &[
            "business_units",
            "name",
            "servers",
            "business_unit",
            "url",
            "labels",
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
        "servers, tools and grants become rules for the servers' pods; schemas and properties of servers are for gateways and clients, and without `verified_headers` tools and methods are told apart by the server alone",
    ),
    Covers::part(
        FamilyId::Identity,
        &[
            "issuer",
            "issuers",
            "audiences",
            "audience",
            "kind",
            "jwks",
            "jwks_file",
            "speaks_for",
            "trust_domain",
            "business_unit_claim",
            "requirements",
            "claim",
            "contains",
            "differs_from",
            "present",
            "caller",
        ],
        "issuers, audiences, keys and claims become rules; Istio sees no arguments, remembers no earlier calls, and sends no step-up challenges",
    ),
];

/// Values in use that Istio does not express: strategies of sampling that are no share of the traces, and addresses.
pub(super) fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let addresses = model.servers.values().filter_map(of_address);
    let values = model.tracing.values().filter_map(of_sampling).chain(addresses);
    values.chain(of_mesh(model)).chain(of_identity(model)).collect()
}

/// A mesh of another product, for which these files are not.
fn of_mesh(model: &Model) -> Option<NotExpressed> {
    let provider = model.topology.mesh.as_ref().filter(|provider| provider.value != "istio")?;
    Some(NotExpressed {
        family: FamilyId::ZeroTrust,
        key: format!("service_mesh.provider: {provider}"),
        loc: provider.loc,
        why: "these files are for a mesh of Istio; no target writes the policies of another product",
        own: false,
    })
}

/// Identities that are not SPIFFE's, which Istio's own authority gives in any case.
fn of_identity(model: &Model) -> Option<NotExpressed> {
    let scheme = model.topology.workload_identity.as_ref().filter(|scheme| scheme.value != "spiffe")?;
    Some(NotExpressed {
        family: FamilyId::ZeroTrust,
        key: format!("identity_verification.workload_identity: {scheme}"),
        loc: scheme.loc,
        why: "workloads of Istio prove themselves by SPIFFE identities that its own authority signs, for as long as it is set to",
        own: false,
    })
}

fn of_address(server: &Server) -> Option<NotExpressed> {
    let url = server.url.as_ref()?;
    let host = Url::parse(&url.value)?.host;
    host.parse::<IpAddr>().is_ok().then(|| NotExpressed {
        family: FamilyId::Registry,
        key: format!("url: {url}"),
        loc: url.loc,
        why: "Istio takes no limits, ejection or TLS for an address, so only the rules of the server itself are written",
        own: false,
    })
}

fn of_sampling(tracing: &Tracing) -> Option<NotExpressed> {
    let strategy = tracing.strategy.as_ref()?;
    let at_strategy = |why| NotExpressed {
        family: FamilyId::Tracing,
        key: format!("sampling.strategy: {strategy}"),
        loc: strategy.loc,
        why,
        own: false,
    };
    match (strategy.value.as_str(), &tracing.rate) {
        ("rate_limiting", _) => Some(at_strategy("Istio keeps shares of traces, not numbers a second")),
        ("tail", _) => {
            Some(at_strategy("Istio decides when a trace begins; what is kept by its end is for a collector"))
        }
        ("probabilistic", None) => Some(at_strategy("there is no `rate`, so the mesh's own share holds")),
        ("always_on" | "always_off", Some(rate)) => Some(NotExpressed {
            family: FamilyId::Tracing,
            key: format!("sampling.rate: {}", rate.value),
            loc: rate.loc,
            why: "it changes nothing beside `always_on` and `always_off`",
            own: false,
        }),
        _ => None,
    }
}
