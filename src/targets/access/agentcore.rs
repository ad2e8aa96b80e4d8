//! The target `agentcore`: Cedar policies for the policy engine of a gateway of Amazon Bedrock AgentCore.

mod approval;
mod coverage;
mod order;
mod rules;
mod sight;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dialects::{self, Callers, Who};
use crate::bundle::{Artifact, manifest};
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
    doc: "\
For one gateway, whose ARN `targets.agentcore.gateway_arn` gives:

- `policies/NAME.json`: one policy each, as input of `aws bedrock-agentcore-control create-policy --policy-engine-id ID \
--cli-input-json file://NAME.json`. The name is made from the statement, so a policy of another name is another policy: \
create what the engine lacks, and then delete what the bundle no longer holds.
- `authorizers/N.json`: one for each issuer, for `--authorizer-configuration` of `update-gateway`. A gateway takes one of \
them; callers of the other issuers are then denied by the gateway itself.
- `approvals/NAME.json`: policies in Dogwood, for what needs an earlier call (`called` in `identity`): they permit it only where \
the same policy session holds that call, let through and answered without an error, within the time and with the answer that the \
requirement asks for. Without them it is denied. The target of the earlier call must declare, as the schema of its output, the \
fields that `answer` and `same` name.
- `temporal/NAME.json`: policies in Dogwood that forbid a workflow a step before the steps that it depends on are done, within an \
hour of one policy session. They are made from `depends_on`, for `create-policy` like the others. They only forbid, so that \
without them everything else holds.

Load `approvals` and `temporal` only where every client sends `x-amzn-bedrock-agentcore-policy-session-id`, the same for all calls \
of one piece of work: with any such policy in the engine, AgentCore refuses requests without it. A session is of one caller: an \
approval is a call that the caller itself makes, of a tool that asks a person and answers with what the person said, and no \
call of somebody else. A new or changed policy of this kind ends all sessions, and their history with them.

A target of the gateway must have the name of its server as the manifest gives it (`payment_server` is `payment-server`), so \
that a tool is the action `TARGET___TOOL`, with three underscores. Attach the engine in the mode `ENFORCE`.

The caller is `act.sub` where the token has `act`, else `sub`. A user is told from a workload by how `sub` begins, which the policies \
read as `principal.id`. AgentCore hands every claim to its policies as a text, lists and \
objects as their JSON text. Of a list, the element is looked for so that no other element can pass for it, whatever it holds; a \
list with lists or objects in it holds nothing. What AgentCore cannot tell apart is a text from a list that reads like it: let no \
issuer put a text that a user chooses into a claim that is evidence, `act` or the claim of the unit. \
Where AgentCore differs from the access relation, it denies: an `act` in which something is nested before `sub`; \
a token without `sub`; a caller that is not a declared principal and acts for a user; a list with lists or objects in a claim that is evidence; an argument \
of another type than the schema of its tool gives. \
What the entry of a server denies of the protocol (`methods`) is not denied there: policies decide calls of tools alone, and \
`target-undecided` names it. No rule here reads the headers `Mcp-Param-*`, in which clients of 2026-07-28 repeat arguments: the server has to compare \
them with the body.

**Scopes.** What a gateway answers to a missing token, or to a denied call, is AgentCore's own: the files that are written here have no field \
for the scopes that a client should ask for, so no challenge names them.

Limits are checked when compiling: 10,000 characters a policy, 1,000 policies and 200,000 bytes in all, 20 policies with a history \
of at most 3 earlier calls each, 400,000 bytes of the schema that AgentCore makes from the tools (estimated). \
Where a workspace is beyond them, a plain compile leaves this target out with a warning.",
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

/// Most characters of a policy.
const MOST_CHARACTERS: usize = 10_000;
/// Most policies of an engine.
const MOST_POLICIES: usize = 1_000;
/// Most bytes of the schema that AgentCore makes from the tools.
const MOST_SCHEMA: usize = 400_000;
/// About what a tool takes there beside its name, which is there twice, and its arguments.
const SCHEMA_OF_TOOL: usize = 160;
/// Most policies of an engine that look back.
const MOST_TEMPORAL: usize = 20;
/// Most earlier calls that one policy looks for.
const MOST_EVENTS: usize = 3;
/// Most bytes of all policies for one gateway.
const MOST_BYTES: usize = 200_000;

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
            split(&actions, &grant.callers, &print, made)?;
        }
    }
    let temporal = order::policies(&rules, &targets)?;
    limits(&statements, &approvals, &temporal)?;
    let schema = schema_size(model);
    if schema > MOST_SCHEMA {
        return Err(CompileError::Beyond {
            what: format!(
                "a schema of at most {MOST_SCHEMA} bytes, which the tools make; it would have about {schema}"
            ),
            how: "compile a part of the workspace for each of several policy engines".to_owned(),
        });
    }
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

type Print<'a> = dyn Fn(&[String], &Callers<'_>) -> Result<String, CompileError> + 'a;

/// Prints a policy, or several where one would be too long: for fewer actions each, and then for fewer callers.
fn split(
    actions: &[String],
    callers: &Callers<'_>,
    print: &Print<'_>,
    statements: &mut BTreeMap<String, String>,
) -> Result<(), CompileError> {
    let statement = print(actions, callers)?;
    if statement.chars().count().max(statement.len()) <= MOST_CHARACTERS {
        statements.insert(name_of(&statement), statement);
        return Ok(());
    }
    if actions.len() > 1 {
        let (left, right) = actions.split_at(actions.len() / 2);
        split(left, callers, print, statements)?;
        return split(right, callers, print, statements);
    }
    match &callers.who {
        Who::Declared(subjects) if subjects.len() > 1 => {
            let (left, right) = subjects.split_at(subjects.len() / 2);
            for part in [left, right] {
                let callers = Callers { who: Who::Declared(part.to_vec()), issuers: callers.issuers.clone() };
                split(actions, &callers, print, statements)?;
            }
            Ok(())
        }
        Who::Declared(_) | Who::Stranger(_) => Err(CompileError::Beyond {
            what: format!(
                "policies of at most {MOST_CHARACTERS} characters; the one for `{}` has {}",
                actions.first().map_or("", String::as_str),
                statement.len()
            ),
            how: "declare fewer principals beside `any_agent`, or ask for fewer alternatives".to_owned(),
        }),
    }
}

/// A name that changes with the statement: a policy's name cannot be changed, and is not used again for another.
fn name_of(statement: &str) -> String {
    let digest = manifest::sha256(statement.as_bytes());
    format!("mcp_{}", digest.get(..16).unwrap_or_default())
}

/// About how long the schema is that AgentCore makes from the tools.
fn schema_size(model: &Model) -> usize {
    let tools = model.servers.values().flat_map(|server| server.tools.values().map(move |tool| (server, tool)));
    let sizes = tools.map(|(server, tool)| {
        let name = server.name.value.as_str().len() + 3 + tool.name.value.as_str().len();
        SCHEMA_OF_TOOL + 2 * name + tool.input_schema.and_then(|at| model.input_schemas.get(&at)).map_or(0, String::len)
    });
    sizes.sum()
}

fn limits(
    statements: &BTreeMap<String, String>,
    approvals: &BTreeMap<String, String>,
    temporal: &BTreeMap<String, String>,
) -> Result<(), CompileError> {
    let looking_back = approvals.len() + temporal.len();
    let count = statements.len() + looking_back;
    let bytes: usize = statements.values().chain(approvals.values()).chain(temporal.values()).map(String::len).sum();
    let how = || "compile a part of the workspace for each of several gateways".to_owned();
    if count > MOST_POLICIES {
        return Err(CompileError::Beyond {
            what: format!("at most {MOST_POLICIES} policies; there are {count}"),
            how: how(),
        });
    }
    if looking_back > MOST_TEMPORAL {
        return Err(CompileError::Beyond {
            what: format!("at most {MOST_TEMPORAL} policies that look back; there are {looking_back}"),
            how: "let fewer callers differ in what they need beside an earlier call, and fewer steps of workflows in what \
                  they depend on; or compile a part of the workspace for each of several gateways"
                .to_owned(),
        });
    }
    if bytes > MOST_BYTES {
        let what = format!("policies of at most {MOST_BYTES} bytes in all; they have {bytes}");
        return Err(CompileError::Beyond { what, how: how() });
    }
    Ok(())
}
