//! The target `toolhive`: for each server the authorization of ToolHive's proxy in front of it, and for each workflow a
//! composite tool.
//!
//! ToolHive's Cedar has no schema, types without a namespace, and one rule of its own: a policy that fails to evaluate
//! denies the whole request. So every attribute is asked for before it is read.

mod arguments;
mod composite;
mod coverage;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::json;

use super::dialects::{self, Grant, Rows};
use crate::cedar::dialect::Statement;
use crate::model::Model;
use crate::model::access::{ArgumentTest, ClaimTest, Evidence};
use crate::model::name::ServerName;
use crate::policy::ObjectKind;
use crate::source::Loc;
use crate::targets::gateways::{cluster_of, clusters};
use crate::targets::names::{dns_label, dns_labels};
use crate::targets::objects::{NAMESPACE, folder, objects};
use crate::targets::{CompileError, Decides, Does, Files, Input, LeftOut, Need, Proof, Shown, Target, TargetId};
use rules::Rules;

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Toolhive,
    summary: "Authorization of ToolHive's proxies, and composite tools",
    doc: "\
For ToolHive's operator, resources of `toolhive.stacklok.dev/v1beta1` in the namespace that `targets.toolhive.namespace` names \
(`mcp` by default). There is a folder for Kustomize for each cluster: `central`, and one for each unit that has a gateway of its \
own, with that unit's servers and workflows:

- `authz/SERVER.yaml`: one `MCPAuthzConfig` for each server. Name it in `authzConfigRef` of the `MCPServer` or \
`MCPRemoteProxy` in front of that server, which must have the same name as the `MCPAuthzConfig`: its policies hold for \
`MCP::\"SERVER\"` alone, so that attached to another server they permit nothing. A server that nobody may use has one \
policy, which forbids everything.
- `composite-tools.yaml`: one `VirtualMCPCompositeToolDefinition` for each workflow, for a `VirtualMCPServer`: the steps in \
their order, each retried as `orchestration` says. Under the name of each step the composite tool takes what the tool of that \
step requires by its `input_schema`, and hands it on. Lists, objects and arguments that are not required are for you to add, \
and all arguments of a tool without a schema; what a later step takes from the answer of an earlier one, too. A \
compensation has no place in a composite tool and is left out. ToolHive runs at most 100 steps of a composite tool, and retries \
each at most ten times: a workspace with more is beyond it. A composite tool decides nothing: each of its calls is \
judged by the server's own `MCPAuthzConfig`.

Load them with `kubectl apply -k toolhive/CLUSTER`.

What the policies ask of a token is in its claims: the caller is `act.sub` where there is `act`, else `sub`; the issuer \
is `iss`. They are only as good as the authentication before them: the `oidcConfigRef` of each `MCPServer` must accept the \
issuers and audiences of `identity` and no others, which mcpctl does not write. With `audience: per_server`, give each \
`MCPServer` an `oidcConfigRef` whose `audience` is the URL of that server alone. Do not set `multi_valued_claims`: it splits \
a text at its spaces, so that `claim: amr, contains: mfa` would hold for the text `no mfa`.

Where ToolHive differs from the access relation, it denies: a token without `sub`, although it names an actor; and any \
request whose token has, in a claim that some policy for that tool reads, a text other than the one asked for, a number or an \
object. Arguments can be compared with texts only: ToolHive cuts numbers after four decimals before the policies see them.

ToolHive itself lets through the protocol's own methods for every token that it accepts, whoever it names: `initialize`, \
`server/discover`, `ping`, `logging/setLevel`, `completion/complete`, `subscriptions/listen` and notifications. \
What the entry of a server denies of them (`methods`) the server has to refuse itself; `target-undecided` names it. It filters for each caller the lists \
of tools, prompts and resources by what may be called, got and read, but not `resources/templates/list`: any accepted token sees the \
patterns of all resources. It does not judge GET and DELETE. Let nobody reach another path of the proxy than `/mcp`: the policies are asked about messages there. No rule here reads the headers `Mcp-Param-*`, in which clients of 2026-07-28 repeat arguments: the server has to compare them with the body. It drops the responses of clients (400), so sampling and elicitation of \
2025-11-25 do not work through it (measured with ToolHive 0.44.0). URIs that are not in normal form are \
forbidden; `like` cannot tell a path from a query, so a dot segment in a query is forbidden, too.",
    covers: coverage::COVERS,
    unexpressed: coverage::unexpressed,
    names,
    proof: Proof::Engine(Shown {
        by: "ToolHive 0.44's own packages",
        what: "its operator takes every compiled file, and its authorizer decides drawn requests for each cell as \
         the access relation, or denies them where its page says so; a few go through its proxy, for \
         both revisions of the protocol",
        beyond: "the operator in a cluster, and what the proxy lets through without asking the policies, which \
         `target-undecided` lists",
    }),
    needs,
    does: Does::Decides(Decides {
        blind_to,
        leaves_out,
        unknown_pass: |_| None,
        methods_pass: |_| Some("ToolHive has no rules on the protocol's own methods: it lets them through by rules of its own"),
        keys_pass: Some("ToolHive is not known to refuse keys of a message in another case"),
        recognises_callers: true,
        reads_caller_claims: false,
        narrows: None,
        spellings_pass: |_| None,
        holds_handwritten: false,
    }),
    compile,
};

/// The API of the resources.
const API: &str = "toolhive.stacklok.dev/v1beta1";

/// Most bytes of one resource: what Kubernetes stores of a `ConfigMap`, which the operator makes of it.
const MOST_BYTES: usize = 1_000_000;

/// Deepest path of a claim that ToolHive hands to Cedar.
const DEEPEST: usize = 10;

fn names(model: &Model) -> BTreeMap<String, String> {
    let servers = model.servers.keys().map(|name| name.as_str());
    let pairs = servers.map(|name| (dns_label(name), name.to_owned())).filter(|(label, name)| label != name);
    pairs.collect()
}

fn needs(model: &Model) -> Vec<Need> {
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers).count();
    if issuers > 0 {
        return Vec::new();
    }
    let loc = model.identity.as_ref().map(|identity| identity.loc);
    vec![Need {
        what: "a token issuer".to_owned(),
        how: "add `issuer` and `audience: per_server` to `identity`: without it, the policies could not tell whose tokens name a \
              caller"
            .to_owned(),
        loc,
    }]
}

fn blind_to(_: &Model, _: &str, evidence: &Evidence) -> Option<&'static str> {
    match evidence {
        Evidence::KnownCaller => None,
        Evidence::Transport => Some("ToolHive's policies do not see how the connection is encrypted"),
        Evidence::Argument(argument) if matches!(argument.test, ArgumentTest::Within { .. }) => {
            Some("ToolHive cuts numbers after four decimals before its policies see them, so a bound is not exact")
        }
        Evidence::Argument(_) | Evidence::Issuer(_) | Evidence::NotWorkload | Evidence::All(_) => {
            dialects::unseen(evidence)
        }
        Evidence::Called(_) => Some("ToolHive's policies keep no memory of earlier calls"),
        Evidence::Claim(claim) => match &claim.test {
            ClaimTest::DiffersFrom(other) if dialects::is_delegation(&claim.path, other) => None,
            ClaimTest::DiffersFrom(_) => Some("of two claims, ToolHive's policies compare `act.sub` and `sub` alone"),
            ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::Present => {
                unseen_claim(&claim.path).or_else(|| dialects::unseen(evidence))
            }
        },
    }
}

fn unseen_claim(path: &[String]) -> Option<&'static str> {
    match path.first().map(String::as_str) {
        None => Some("the claim has no name"),
        Some("sub" | "act" | "iss") => Some("that claim tells who calls, and is read for that alone"),
        Some(_) if path.len() > DEEPEST => Some("ToolHive drops what is nested more than ten deep in a claim"),
        Some(_) => None,
    }
}

fn leaves_out(_: &Model, kind: &ObjectKind) -> Option<LeftOut> {
    match kind {
        ObjectKind::Protocol => Some(LeftOut::Undecided(
            "ToolHive lets the protocol's own methods through for every token that it accepts, and filters lists",
        )),
        ObjectKind::Tool(_) | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => None,
    }
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let Input { model, policy, .. } = input;
    let namespace = model.deployment.namespace(TARGET.id);
    let namespace = namespace.map_or(NAMESPACE, |namespace| namespace.value.as_str());
    let places = model.servers.values().map(|server| (server.name.value.as_str(), server.name.loc));
    let labels = dns_labels(TARGET.id, places).map_err(CompileError::Findings)?;
    let rules = Rules { model, policy, subjects: policy.subjects() };
    let rows = Rows::new(model, policy);
    let mut of_server: BTreeMap<&ServerName, Vec<&Grant<'_>>> = BTreeMap::new();
    let grants = dialects::grants(model, policy, false);
    for grant in &grants {
        if let Some(object) = grant.objects.first() {
            of_server.entry(&policy.object_at(*object).server).or_default().push(grant);
        }
    }
    let mut of_cluster: BTreeMap<&str, Files> = BTreeMap::new();
    for server in model.servers.values() {
        let name = &server.name.value;
        let Some(label) = labels.get(name.as_str()) else { continue };
        let grants = of_server.get(name).into_iter().flatten();
        let mut statements: Vec<Statement> = grants.filter_map(|grant| rules.of(label, grant)).collect();
        statements.extend(rules.of_resources(label, name, &rows));
        if statements.is_empty() {
            statements.push(rules::closed());
        }
        let policies = statements.iter().map(Statement::print).collect::<Result<Vec<_>, _>>()?;
        let document = json!({
            "apiVersion": API,
            "kind": "MCPAuthzConfig",
            "metadata": {"name": label, "namespace": namespace},
            "spec": {"type": "cedarv1", "config": {"policies": policies, "entities_json": "[]"}},
        });
        let from: Vec<Loc> = std::iter::once(server.name.loc).chain(server.access.at).collect();
        let file = objects(model, &format!("authz/{label}.yaml"), vec![document], from)?;
        let size = file.1.bytes.len();
        if size > MOST_BYTES {
            let what = format!("the policies of server `{name}` to take at most {MOST_BYTES} bytes; they take {size}");
            return Err(CompileError::Beyond {
                what,
                how: "let fewer callers differ in what they need there".to_owned(),
            });
        }
        of_cluster.entry(cluster_of(model, server.unit.as_ref().map(|unit| &unit.value))).or_default().push(file);
    }
    for (cluster, file) in composite::files(model, namespace, &labels)? {
        of_cluster.entry(cluster).or_default().push(file);
    }
    let mut files = Files::new();
    for cluster in clusters(model) {
        let own = of_cluster.remove(cluster).unwrap_or_default();
        let from: Vec<Loc> = own.iter().flat_map(|(_, artifact)| artifact.from.iter().copied()).collect();
        files.extend(folder(cluster, own, from)?);
    }
    Ok(files)
}
