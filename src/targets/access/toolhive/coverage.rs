//! What of each family ToolHive enforces.

use std::collections::BTreeMap;

use super::composite;
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::name::FlowKind;
use crate::source::Loc;
use crate::targets::access::keys;
use crate::targets::{Covers, NotExpressed};

/// What it covers.
pub(super) const COVERS: &[Covers] = &[
    Covers::part(
        FamilyId::Federation,
        keys::UNITS,
        "calls between units are decided; ToolHive's policies see no encryption, and gateways, isolation and audit records are for others",
    ),
    Covers::part(
        FamilyId::Workflow,
        keys::ORDERED_WORKFLOW,
        "a workflow may call exactly the tools of its steps, and is a composite tool; compensations have no place in one",
    ),
    Covers::part(
        FamilyId::Orchestration,
        &["error_handling", "retry_policy", "max_attempts"],
        "attempts become retries of the steps of composite tools whose tool is annotated idempotent; everything else is for the engine that runs workflows",
    ),
    keys::EVENT_DRIVEN,
    Covers::part(
        FamilyId::Saga,
        keys::SAGA,
        "a saga may call exactly its actions and compensations; composite tools have no compensations, so none is made",
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
        ],
        "servers, tools, resources, prompts and grants become policies; addresses, labels and schemas are for `MCPServer` and for clients, and denied methods for the servers",
    ),
    Covers::part(
        FamilyId::Identity,
        &[
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
        "issuers and evidence become policies; audiences, keys and step-up scopes are for the OIDC configuration of each `MCPServer`",
    ),
];

/// Values in use that composite tools do not hold: the compensations of each workflow, and attempts of calls that may not be made
/// twice.
pub(super) fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let mut found = Vec::new();
    let mut limited: BTreeMap<Loc, u32> = BTreeMap::new();
    let workflows =
        model.flows.values().filter(|flow| flow.id.value.kind == FlowKind::Workflow && flow.suspended.is_none());
    for flow in workflows {
        if flow.goes_by_results() {
            found.push(NotExpressed {
                family: FamilyId::Workflow,
                key: format!("name: {}", flow.id.value.name),
                loc: flow.id.loc,
                why: "its steps go by results (`proceed_if`, `arguments`), so no composite tool is written for it; run it by an engine \
                      of workflows",
                own: true,
            });
            continue;
        }
        if flow.goes_by_classes() {
            found.push(NotExpressed {
                family: FamilyId::Workflow,
                key: format!("name: {}", flow.id.value.name),
                loc: flow.id.loc,
                why: "calls of it go to one of several servers by the class of their data, so no composite tool is written for it; \
                      run it with a workflow engine",
                own: true,
            });
            continue;
        }
        let optional = flow.steps.iter().filter_map(|step| step.optional.as_ref().filter(|optional| optional.value));
        found.extend(optional.map(|optional| NotExpressed {
            family: FamilyId::Workflow,
            key: "steps[].optional: true".to_owned(),
            loc: optional.loc,
            why: "a composite tool ends with an error where any step of it fails; run the workflow by an engine of workflows",
            own: true,
        }));
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
