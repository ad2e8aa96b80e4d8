//! The target `agentic-networking`: for each server the `XAccessPolicy` of Kubernetes' agentic networking.

mod api;
mod coverage;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::Evidence;
use crate::policy::visibility::Narrowed;
use crate::policy::{ObjectKind, Policy, Principal, PrincipalId};
use crate::source::Loc;
use crate::targets::gateways::CENTRAL;
use crate::targets::names::{dns_label, dns_labels};
use crate::targets::objects::{NAMESPACE, document, folder, metadata, objects};
use crate::targets::visibility::closed;
use crate::targets::{
    CompileError, Decides, Does, Files, Input, LeftOut, Need, Proof, Shown, TARGET_LIMIT, Target, TargetId,
};
use api::{AccessPolicy, TargetRef};
use rules::{MOST_OF_CEL, MOST_RULES};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::AgenticNetworking,
    summary: "Access policies of Kubernetes' agentic networking",
    doc: coverage::DOC,
    covers: coverage::COVERS,
    unexpressed: |_| Vec::new(),
    names: |model| labels(model).unwrap_or_default(),
    proof: Proof::Model(Shown {
        by: "our reading of the sources of kube-agentic-networking 0.1.0, and the definition of its resource",
        what: "the rules decide every cell as the access relation, and the definition takes every policy",
        beyond: "the controller and its gateway, which are not run",
    }),
    needs,
    does: Does::Decides(Decides {
        blind_to,
        leaves_out: |_, kind| match kind {
            ObjectKind::Protocol => Some(LeftOut::Undecided(
                "who may call some tool or get some prompt of a server may use the methods of the protocol there: all that \
                 begin with `notifications/`, `logging/` and `completion/`, and `initialize`, `ping`, `tools/list`, GET and \
                 DELETE",
            )),
            ObjectKind::Tool(tool) => (!rules::is_plain(tool.as_str())).then_some(LeftOut::Denied(rules::STRANGE)),
            ObjectKind::Prompt(prompt) => (!rules::is_short(prompt)).then_some(LeftOut::Denied(rules::LONG)),
            ObjectKind::Resource(_) => {
                Some(LeftOut::Denied("an XAccessPolicy compares names alone, and a resource is named by `params.uri`"))
            }
        },
        unknown_pass: |_| None,
        methods_pass: |_| Some("an XAccessPolicy lets all methods of the protocol through, or none of them"),
        keys_pass: Some("the gateways of an XAccessPolicy are not known to refuse keys of a message in another case"),
        recognises_callers: true,
        reads_caller_claims: true,
        narrows: Some(narrows),
        spellings_pass: |_| None,
        holds_handwritten: false,
    }),
    compile,
};

fn blind_to(_model: &Model, _fact: &str, evidence: &Evidence) -> Option<&'static str> {
    match evidence {
        // Its rules name certificates, so what they let through came over mutual TLS.
        Evidence::KnownCaller | Evidence::Transport | Evidence::All(_) => None,
        Evidence::Claim(_) | Evidence::Issuer(_) | Evidence::NotWorkload => {
            Some("an XAccessPolicy knows the certificate of the caller, and reads no token")
        }
        Evidence::Argument(_) => Some("an XAccessPolicy sees the name of a tool, and not the arguments of the call"),
        Evidence::Called(_) => Some("an XAccessPolicy keeps no memory of earlier calls"),
    }
}

/// The name of each server's policy, with the name in YAML where the two differ.
fn labels(model: &Model) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let names = model.servers.values().map(|server| (server.name.value.as_str(), server.name.loc));
    let renamed = dns_labels(TARGET.id, names)?.into_iter().filter(|(name, label)| name != label);
    Ok(renamed.map(|(name, label)| (label, name.to_owned())).collect())
}

fn trust_domain(model: &Model) -> Option<&str> {
    let identity = model.identity.as_ref()?;
    identity.trust_domain.as_ref().map(|domain| domain.value.as_str())
}

fn needs(model: &Model) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |what: &str, how: &str, loc| {
        needs.push(Need { what: what.to_owned(), how: how.to_owned(), loc });
    };
    if model.deployment.namespace(TARGET.id).is_none() {
        let how = "add `namespace` to `targets.agentic-networking` in mcpctl.yaml: a policy is in the namespace of the `XBackend` \
                   that it is for";
        need("the namespace of the `XBackend`s", how, model.deployment.of(TARGET.id).map(|settings| settings.loc));
    }
    if trust_domain(model).is_none() {
        let how = "add `trust_domain` to `identity`: callers are known by certificates in it";
        need("a trust domain", how, model.identity.as_ref().map(|identity| identity.loc));
    }
    if let Some(gateway) = model.topology.units.values().find_map(|unit| unit.gateway.as_ref()) {
        let how = "behind another gateway the certificate is that of the gateway, and not of the caller; remove the gateways of the \
                   units, or use another gateway";
        need("units without gateways of their own", how, Some(gateway.loc));
    }
    needs
}

/// Callers whom no certificate names.
fn narrows(model: &Model, policy: &Policy) -> Vec<Narrowed> {
    closed(policy, |principal| unnamed(model, policy, principal))
}

/// Why no rule can name a principal; `None` where one can.
fn unnamed(model: &Model, policy: &Policy, principal: &Principal) -> Option<&'static str> {
    if matches!(principal.id, PrincipalId::AnyAgent(_)) {
        return Some("a rule of an XAccessPolicy names one caller, so none is for undeclared agents");
    }
    // Those without a subject are denied in every target.
    let subject = principal.subject.as_deref()?;
    let others = policy.principals.iter().filter(|other| other.subject.as_deref() == Some(subject)).count();
    if !trust_domain(model).is_some_and(|domain| rules::is_in(subject, domain)) {
        Some(
            "a rule of an XAccessPolicy names callers by SPIFFE IDs, which have to be in the trust domain of the workspace",
        )
    } else if principal.issuer.is_some() || others > 1 {
        Some("the agent is bound to an issuer of tokens, or shares its subject, and a certificate tells neither")
    } else {
        None
    }
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let Input { model, policy, .. } = *input;
    let namespace = model.deployment.namespace(TARGET.id);
    let namespace = namespace.map_or(NAMESPACE, |namespace| namespace.value.as_str());
    labels(model).map_err(CompileError::Findings)?;
    let domain = trust_domain(model).unwrap_or_default();
    if !rules::is_in(&rules::nobody(domain), domain) {
        let loc = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref()).map(|domain| domain.loc);
        let message = format!("an XAccessPolicy cannot name callers in the trust domain `{domain}`");
        let finding = Diagnostic::new(&TARGET_LIMIT, loc.or(model.registry).unwrap_or_default(), message);
        return Err(CompileError::Findings(vec![finding]));
    }
    let mut documents = Vec::new();
    let mut from: Vec<Loc> = Vec::new();
    for server in model.servers.values() {
        let name = server.name.value.as_str();
        let label = dns_label(name);
        let rules = rules::of(policy, &server.name.value, domain);
        if rules.len() > MOST_RULES {
            let how = "a rule is for one caller, and a caller with tools of long names, with more than 10 tools or with more than 10 \
                       prompts takes several; grant the server to fewer callers, or serve its tools from several servers";
            return Err(CompileError::Beyond {
                what: format!("servers of at most {MOST_RULES} rules; `{name}` takes {}", rules.len()),
                how: how.to_owned(),
            });
        }
        if rules.iter().filter_map(api::Rule::expression).any(|cel| cel.chars().count() > MOST_OF_CEL) {
            return Err(CompileError::Beyond {
                what: format!("the tools of a caller on `{name}` to take at most {MOST_OF_CEL} characters"),
                how: "grant fewer tools of that server to one caller".to_owned(),
            });
        }
        let spec = AccessPolicy { action: api::Action::Allow, rules, target_refs: vec![TargetRef::backend(&label)] };
        documents.push(document(&metadata(&label, namespace), &spec)?);
        from.extend(std::iter::once(server.name.loc).chain(server.access.at));
    }
    if documents.is_empty() {
        return Ok(Files::new());
    }
    folder(CENTRAL, vec![objects(model, "access-policies.yaml", documents, from.clone())?], from)
}
