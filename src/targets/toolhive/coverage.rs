//! What of each family ToolHive enforces.

use std::collections::BTreeMap;

use super::composite;
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::name::FlowKind;
use crate::source::Loc;
use crate::targets::{Coverage, NotExpressed};

pub(super) fn coverage(family: FamilyId) -> Coverage {
    match family {
        FamilyId::ProgressiveAuth | FamilyId::PolicyTests | FamilyId::Waivers => Coverage::Full,
        FamilyId::Identity => Coverage::Partial(
            "issuers and evidence become policies; audiences, keys and step-up scopes are for the OIDC configuration of \
             each `MCPServer`",
        ),
        FamilyId::Federation => Coverage::Partial(
            "calls between units are decided; ToolHive's policies see no encryption, and gateways, isolation and audit \
             records are for others",
        ),
        FamilyId::Workflow => Coverage::Partial(
            "a workflow may call exactly the tools of its steps, and is a composite tool; compensations have no place in \
             one",
        ),
        FamilyId::Saga => Coverage::Partial(
            "a saga may call exactly its actions and compensations; composite tools have no compensations, so none is made",
        ),
        FamilyId::EventDriven => {
            Coverage::Partial("a processor may call exactly its tools; topics and subscriptions are for the event bus")
        }
        FamilyId::DataRouting => Coverage::Partial(
            "classes lead to levels and facts; encryption, location and controls of servers are properties that no \
             request carries, and are checked when compiling",
        ),
        FamilyId::Registry => Coverage::Partial(
            "servers, tools, resources, prompts and grants become policies; addresses, labels and schemas are for \
             `MCPServer` and for clients, and denied methods for the servers",
        ),
        FamilyId::Orchestration => Coverage::Partial(
            "attempts become retries of the steps of composite tools whose tool is annotated idempotent; everything else is for \
             the engine that runs workflows",
        ),
        FamilyId::ZeroTrust => Coverage::None(
            "ToolHive's policies see no certificate; use the mesh and the network, and `assume` what they do",
        ),
        FamilyId::CircuitBreaker => {
            Coverage::None("circuit breakers of ToolHive are in `VirtualMCPServer`, which mcpctl does not write")
        }
        FamilyId::Bulkhead => Coverage::None("ToolHive's policies hold no resources; use the platform or the mesh"),
        FamilyId::HealthMonitoring => {
            Coverage::None("ToolHive's policies call no server; use the platform or the mesh")
        }
        FamilyId::Caching => {
            Coverage::None("ToolHive's policies see no responses; caches are for gateways and servers")
        }
        FamilyId::ConnectionPooling => {
            Coverage::None("ToolHive's policies open no connections; pools are for gateways and servers")
        }
        FamilyId::BatchProcessing => Coverage::None("policies decide single calls; batching is for the processors"),
        FamilyId::Tracing => Coverage::None("spans are for `MCPTelemetryConfig`, which mcpctl does not write"),
        FamilyId::Metrics => Coverage::None("metrics are for `MCPTelemetryConfig`, which mcpctl does not write"),
        FamilyId::Logging => Coverage::None("policies write no records; use ToolHive's audit log and the log store"),
        FamilyId::IntegrationTests => Coverage::None("tests of the running system are for its test environment"),
        FamilyId::ChaosExperiments => Coverage::None("experiments on the running system are for its platform"),
    }
}

/// The words of the keys that become policies or composite tools.
pub(super) fn expressed(family: FamilyId) -> &'static [&'static str] {
    match family {
        FamilyId::Identity => &[
            "issuer",
            "issuers",
            "speaks_for",
            "trust_domain",
            "business_unit_claim",
            "requirements",
            "caller",
            "claim",
            "contains",
            "differs_from",
            "argument",
            "one_of",
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
            "resources",
            "uri",
            "prompts",
            "agents",
            "any_agent",
            "subject",
            "may_call",
            "only",
            "suspended",
        ],
        FamilyId::Orchestration => &["error_handling", "retry_policy", "max_attempts"],
        FamilyId::ZeroTrust
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

/// Values in use that composite tools do not hold: the compensations of each workflow, and attempts of calls that may not be made
/// twice.
pub(super) fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let mut found = Vec::new();
    let mut limited: BTreeMap<Loc, u32> = BTreeMap::new();
    let workflows =
        model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Workflow && flow.suspended.is_none());
    for flow in workflows {
        let attempts = composite::attempts(model, flow).filter(|attempts| attempts.value.0 > 1);
        for call in flow.steps.iter().flat_map(|step| &step.calls) {
            if call.compensation {
                found.push(NotExpressed {
                    family: FamilyId::Workflow,
                    key: format!("steps[].compensation: {} of {}", call.tool.value, flow.id.value.name),
                    loc: call.tool.loc,
                    why: "the composite tool of this workflow undoes nothing where a step fails; run the workflow by an engine \
                          that does",
                    own: true,
                });
            } else if let Some(attempts) = attempts.filter(|_| !composite::is_idempotent(model, call)) {
                limited.insert(attempts.loc, attempts.value.0);
            }
        }
    }
    found.extend(limited.into_iter().map(|(loc, attempts)| NotExpressed {
        family: FamilyId::Orchestration,
        key: format!("error_handling.retry_policy.max_attempts: {attempts}"),
        loc,
        why: "a step of a composite tool is tried again only where its tool is annotated `idempotent: true`",
        own: true,
    }));
    found
}
