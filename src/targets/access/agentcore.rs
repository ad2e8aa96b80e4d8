//! The target `agentcore`: Cedar policies for the policy engine of a gateway of Amazon Bedrock AgentCore.

mod approval;
mod coverage;
mod limits;
mod order;
mod page;
mod rules;
mod sight;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dialects::{self, Callers, Who};
use crate::bundle::Artifact;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::policy::ObjectKind;
use crate::source::Loc;
use crate::targets::names::{dns_label, dns_labels};
use crate::targets::{
    CompileError, Decides, Does, Files, Input, LeftOut, Need, Proof, Shown, TARGET_LIMIT, Target, TargetId,
};
use rules::Rules;

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Agentcore,
    summary: "Cedar policies for a gateway of Amazon Bedrock AgentCore",
    doc: page::DOC,
    covers: coverage::COVERS,
    unexpressed: |_| Vec::new(),
    names,
    proof: Proof::Engine(Shown {
        by: "cedar-go, Cedar's own engine and its symbolic compiler with cvc5, and Dogwood's reference \
         interpreter",
        what: "drawn requests are decided by the policies as by the access relation, or denied where its page says so; the policies validate strictly; for those of one workspace no request makes one fail, none \
         fits everything or nothing, and none goes beyond the issuers and the declared actors; what the \
         policies remember is replayed",
        beyond: "how the gateway makes a request for Cedar, and a schema from the tools: both follow its documentation",
    }),
    needs,
    does: Does::Decides(Decides {
        blind_to: sight::blind_to,
        leaves_out,
        unknown_pass: |_| None,
        methods_pass: |_| Some("AgentCore's policies decide calls of tools alone, and no other method"),
        keys_pass: Some("AgentCore is not known to refuse keys of a message in another case"),
        recognises_callers: true,
        reads_caller_claims: false,
        narrows: None,
        spellings_pass: |_| None,
        holds_handwritten: false,
    }),
    compile,
};

fn names(model: &Model) -> BTreeMap<String, String> {
    let servers = model.servers.keys().map(|name| name.as_str());
    servers.map(|name| (dns_label(name), name.to_owned())).filter(|(label, name)| label != name).collect()
}

fn needs(model: &Model) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |what: &str, how: &str, loc| {
        needs.push(Need { what: what.to_owned(), how: how.to_owned(), loc });
    };
    let settings = model.deployment.of(TARGET.id);
    if model.deployment.agentcore.as_ref().is_none_or(|keys| keys.gateway_arn.is_none()) {
        let how = "set `targets.agentcore.gateway_arn` in mcpctl.yaml: every policy names the gateway that it is for";
        need("the ARN of the gateway", how, settings.map(|settings| settings.loc));
    }
    let issuers = || model.identity.iter().flat_map(|identity| &identity.issuers);
    if issuers().next().is_none() {
        let loc = model.identity.as_ref().map(|identity| identity.loc);
        need("a token issuer", "add `issuer` and `audiences` to `identity`", loc);
    }
    for issuer in issuers() {
        if issuer.per_server.is_some() {
            let how = "write `audiences: [...]`: one AgentCore gateway serves every server, and takes a token for all of them";
            need("audiences that are the same at every server", how, issuer.per_server);
        } else if issuer.audiences.is_empty() {
            need("the audiences of its tokens", "add `audiences`", Some(issuer.issuer.loc));
        }
    }
    needs
}

fn leaves_out(_: &Model, kind: &ObjectKind) -> Option<LeftOut> {
    match kind {
        ObjectKind::Tool(_) => None,
        ObjectKind::Protocol => Some(LeftOut::Undecided(
            "AgentCore's policies decide calls of tools alone; its gateway serves the protocol's own methods to every token \
             that it accepts",
        )),
        ObjectKind::Resource(_) | ObjectKind::Prompt(_) => {
            Some(LeftOut::Undecided("AgentCore's policies decide calls of tools alone"))
        }
    }
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let Input { model, policy, .. } = input;
    let arn = model.deployment.agentcore.as_ref().and_then(|keys| keys.gateway_arn.as_ref());
    let arn = arn.ok_or_else(|| CompileError::Refused("there is no ARN of a gateway".to_owned()))?;
    let mut faults = Vec::new();
    if !is_arn(&arn.value) {
        let message = format!("`{arn}` is not an ARN of a gateway of AgentCore");
        let help = "it is like `arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/NAME`";
        faults.push(Diagnostic::new(&TARGET_LIMIT, arn.loc, message).help(help));
    }
    for unit in model.topology.units.values().filter(|unit| !sight::is_plain(unit.name.value.as_str())) {
        let message = format!("AgentCore cannot tell the unit `{}` from another claim", unit.name.value);
        faults.push(Diagnostic::new(&TARGET_LIMIT, unit.name.loc, message));
    }
    // Policies are created with no finding allowed, and Cedar's validator finds text that looks like other text.
    let tools = model.servers.values().flat_map(|server| server.tools.values());
    let tools = tools.map(|tool| (tool.name.value.as_str(), tool.name.loc, "tool"));
    let subjects = policy.principals.iter().filter_map(|p| Some((p.subject.as_deref()?, p.loc, "subject")));
    for (name, loc, what) in
        tools.chain(subjects).filter(|(name, ..)| name.chars().any(|c| !(c == ' ' || c.is_ascii_graphic())))
    {
        let message = format!("AgentCore refuses the {what} `{name}`, which holds something else than printable ASCII");
        faults.push(Diagnostic::new(&TARGET_LIMIT, loc, message));
    }
    let places = model.servers.values().map(|server| (server.name.value.as_str(), server.name.loc));
    let targets = match dns_labels(TARGET.id, places) {
        Ok(targets) => targets,
        Err(collisions) => {
            faults.extend(collisions);
            BTreeMap::new()
        }
    };
    if !faults.is_empty() {
        return Err(CompileError::Findings(faults));
    }
    let rules = Rules { model, policy, arn: &arn.value, subjects: policy.subjects() };
    let mut statements: BTreeMap<String, String> = BTreeMap::new();
    let mut approvals: BTreeMap<String, String> = BTreeMap::new();
    for grant in dialects::grants(model, policy, true) {
        if matches!(grant.callers.who, Who::Stranger(_)) && !dialects::by_delegation(&grant.ways).0.is_empty() {
            return Err(CompileError::Beyond {
                what: "callers that are no declared principal never to act for a user: AgentCore cannot tell who acts"
                    .to_owned(),
                how: "grant `any_agent` only what needs no `user_delegation`".to_owned(),
            });
        }
        let actions: Vec<String> = grant
            .objects
            .iter()
            .filter_map(|object| {
                let object = policy.object_at(*object);
                let ObjectKind::Tool(tool) = &object.kind else { return None };
                Some(format!("{}___{tool}", targets.get(object.server.as_str())?))
            })
            .collect();
        for (calls, ways) in approval::by_history(&grant.ways).iter().filter(|_| !actions.is_empty()) {
            let print = |actions: &[String], callers: &Callers<'_>| {
                approval::after(&rules.permit(actions, callers, ways).print()?, calls, &targets)
            };
            let made = if calls.is_empty() { &mut statements } else { &mut approvals };
            limits::split(&actions, &grant.callers, &print, made)?;
        }
    }
    let temporal = order::policies(&rules, &targets)?;
    limits::policies(&statements, &approvals, &temporal)?;
    limits::schema(model)?;
    let from: Vec<Loc> = std::iter::once(arn.loc).chain(model.servers.values().map(|server| server.name.loc)).collect();
    let mut files = Vec::new();
    let describe = "Made by mcpctl from the access relation";
    for (name, statement) in &statements {
        let definition = json!({"cedar": {"statement": statement}});
        files.push(file(&format!("policies/{name}.json"), &policy_input(name, describe, &definition), &from)?);
    }
    for (folder, describe, made) in [
        ("approvals", "Made by mcpctl from what needs an earlier call", &approvals),
        ("temporal", "Made by mcpctl from the order of a workflow", &temporal),
    ] {
        for (name, statement) in made {
            let definition = json!({"policy": {"statement": statement}});
            files.push(file(&format!("{folder}/{name}.json"), &policy_input(name, describe, &definition), &from)?);
        }
    }
    for (issuer, number) in model.identity.iter().flat_map(|identity| &identity.issuers).zip(1..) {
        let audiences: Vec<&str> = issuer.audiences.iter().map(|audience| audience.value.as_str()).collect();
        let discovery = format!("{}/.well-known/openid-configuration", issuer.issuer.value.trim_end_matches('/'));
        let authorizer = json!({"customJWTAuthorizer": {"discoveryUrl": discovery, "allowedAudience": audiences}});
        files.push(file(&format!("authorizers/{number}.json"), &authorizer, &[issuer.issuer.loc])?);
    }
    Ok(files)
}

fn policy_input(name: &str, description: &str, definition: &Value) -> Value {
    json!({
        "name": name,
        "description": description,
        "definition": definition,
        "validationMode": "FAIL_ON_ANY_FINDINGS",
    })
}

fn file(path: &str, value: &Value, from: &[Loc]) -> Result<(String, Artifact), CompileError> {
    let printed = serde_json::to_string_pretty(value)
        .map_err(|cause| CompileError::Refused(format!("`{path}` has no JSON form: {cause}")))?;
    Ok((path.to_owned(), Artifact { bytes: format!("{printed}\n").into_bytes(), from: from.to_vec() }))
}

/// `arn:aws:bedrock-agentcore:REGION:ACCOUNT:gateway/NAME`.
fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return false };
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    *arn == "arn"
        && partition.starts_with("aws")
        && *service == "bedrock-agentcore"
        && is_name(region)
        && account.len() == 12
        && account.chars().all(|c| c.is_ascii_digit())
        && resource.strip_prefix("gateway/").is_some_and(is_name)
        && text.len() <= 1011
}
