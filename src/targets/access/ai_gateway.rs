//! The target `ai-gateway`: for each server an `MCPRoute` of the Envoy AI Gateway with its rules, and the `Backend` behind it.

mod coverage;
mod objects;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::cel::Names;
use super::cel::unseen;
use super::grants::grants;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::{Evidence, Jwks};
use crate::model::server::Server;
use crate::policy::{ObjectKind, Policy};
use crate::targets::gateways::{needs as every_gateway_needs, used};
use crate::targets::names::{dns_label, dns_labels};
use crate::targets::{
    CompileError, Decides, Does, Files, Input, LeftOut, Need, Proof, Shown, TARGET_LIMIT, Target, TargetId,
};
use rules::{Context, MOST_RULES, Rules};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::AiGateway,
    summary: "Routes and backends of the Envoy AI Gateway, with the rules on tools",
    doc: "\
For the Envoy AI Gateway 1.1, in Kubernetes: a folder for Kustomize, for `kubectl apply -k ai-gateway/central`.

- `routes.yaml`: an `MCPRoute` (`v1beta1`) for each server, attached to the `Gateway` that the settings name (`gateway`, \
`mcp` by default), in their `namespace` (`mcp` by default). The server is at `/SERVER/mcp` of that gateway. `oauth` asks \
every request for a token of the issuer and serves the metadata that clients find it by; `authorization` denies what none \
of its rules allows.
- `backends.yaml`: the `Backend` of each server. One with an `https` URL is reached over TLS, by the authorities that the \
system trusts.

What is enforced: which tools each caller may call, by the claims of its token and the arguments of the call. The caller is \
`act.sub` where the token has `act`, else `sub`. Names of objects are DNS labels; the manifest lists both names. Lists of \
tools hold what the same rules allow, without arguments: a tool that needs an argument can be called and is not listed.

Where the evidence for a requirement has a `scope`, a token that lacks the claim and the scope is answered with 403 and \
`insufficient_scope`, so that the client can step up. The rules for that never let a request through: they apply to tokens \
without the scope, and ask for it.

What is not: the product has no rules on the protocol's own methods, resources and prompts. Only the callers of some tool \
of a server may open a session with it; after that its resources and prompts are open to them. What the entry \
of a server denies of the protocol (`methods`) the server has to refuse itself; `target-undecided` names it. No rule here reads the headers `Mcp-Param-*`, in which clients of 2026-07-28 repeat arguments: the server has to compare \
them with the body. It does not see how the \
connection was made, so what needs `tls` or `mtls` is denied, unless `assume` says that something else makes sure of it. \
It takes one token issuer, and sends calls straight to the servers, so workspaces with gateways of units are left out.

A route holds 32 rules, a rule 16 tools and 16 claims, an expression 4096 characters. Rules are split to fit; a workspace \
with a server that needs more than 32 is left out of a plain compile with a warning.

Every compile reads the files back and compares what they decide with the access relation. The gateway itself is not run.",
    covers: coverage::COVERS,
    unexpressed: |_| Vec::new(),
    names: |model| labels(model).unwrap_or_default(),
    proof: Proof::Engine(Shown {
        by: "cel-go, the CEL engine of the Envoy AI Gateway, with the gateway's options, limit of cost and order \
         of rules",
        what: "it decides drawn requests by the rules of the routes as the access relation",
        beyond: "sessions and lists, which are our reading of the gateway's sources; the gateway itself is not run",
    }),
    needs,
    does: Does::Decides(Decides {
        blind_to,
        leaves_out: |_, kind| match kind {
            ObjectKind::Tool(_) => None,
            ObjectKind::Protocol => Some(LeftOut::Undecided(
                "who may call some tool of a server may open a session with it, and use the protocol's methods in it",
            )),
            ObjectKind::Resource(_) | ObjectKind::Prompt(_) => Some(LeftOut::Undecided(
                "the Envoy AI Gateway has no rules on resources and prompts: they are open to whoever may open a session",
            )),
        },
        unknown_pass: |_| None,
        methods_pass: |_| Some("the Envoy AI Gateway has no rules on methods: whoever may open a session may use them all in it"),
        keys_pass: Some("the Envoy AI Gateway is not known to refuse keys of a message in another case"),
        recognises_callers: true,
        reads_caller_claims: true,
        narrows: None,
        spellings_pass: |_| None,
        holds_handwritten: false,
    }),
    compile,
};

/// Most audiences.
const MOST_AUDIENCES: usize = 32;

/// Most characters of the URL of a key set, and of the name of a claim or scope.
const MOST_OF_NAME: usize = 253;

/// Claims that the product takes for scopes and shows to no rule.
const SCOPES: [&str; 2] = ["scope", "scp"];

fn blind_to(_model: &Model, _fact: &str, evidence: &Evidence) -> Option<&'static str> {
    match evidence {
        Evidence::Claim(claim) if claim.path.first().is_some_and(|first| SCOPES.contains(&first.as_str())) => {
            Some("the Envoy AI Gateway takes this claim for a list of scopes, and does not show it to rules")
        }
        Evidence::Transport => Some("the Envoy AI Gateway does not show its rules how the connection was made"),
        Evidence::Called(_) => Some("the Envoy AI Gateway keeps no memory of earlier calls"),
        Evidence::Claim(_) | Evidence::Argument(_) => unseen(evidence),
        Evidence::KnownCaller | Evidence::Issuer(_) | Evidence::NotWorkload | Evidence::All(_) => None,
    }
}

/// The name of each server's objects, with the name in YAML where the two differ.
fn labels(model: &Model) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let names = model.servers.values().map(|server| (server.name.value.as_str(), server.name.loc));
    let renamed = dns_labels(TARGET.id, names)?.into_iter().filter(|(name, label)| name != label);
    Ok(renamed.map(|(name, label)| (label, name.to_owned())).collect())
}

fn needs(model: &Model) -> Vec<Need> {
    let mut needs = every_gateway_needs(model);
    let mut need = |what: String, how: &str, loc| needs.push(Need { what, how: how.to_owned(), loc });
    let identity = model.identity.as_ref();
    let issuers = identity.map(|identity| identity.issuers.as_slice()).unwrap_or_default();
    if let Some(second) = issuers.get(1) {
        let how = "it verifies tokens of one issuer; name one, or use another gateway";
        need("a single token issuer".to_owned(), how, Some(second.issuer.loc));
    }
    for issuer in issuers {
        match issuer.keys.as_ref().map(|keys| (&keys.value, keys.loc)) {
            Some((Jwks::File(file), loc)) if !model.key_sets.contains_key(file) => {
                need(format!("the key set `{file}`"), "put it where `jwks_file` says", Some(loc));
            }
            Some((Jwks::Url(url), loc)) if url.chars().count() > MOST_OF_NAME => {
                need(format!("a key set's URL of at most {MOST_OF_NAME} characters"), "use a shorter URL", Some(loc));
            }
            Some((Jwks::Url(_) | Jwks::File(_), _)) | None => {}
        }
        if let Some(more) = issuer.audiences.get(MOST_AUDIENCES) {
            need(format!("at most {MOST_AUDIENCES} audiences"), "remove some", Some(more.loc));
        }
    }
    if model.topology.central_gateway.is_none() {
        need("the URL of the gateway".to_owned(), "add `central_gateway` to `mcp_registry`", model.registry);
    }
    let in_unit = |server: &Server| {
        let unit = server.unit.as_ref().and_then(|unit| model.topology.units.get(&unit.value));
        unit.and_then(|unit| unit.gateway.as_ref()).map(|gateway| gateway.loc)
    };
    if let Some(gateway) = model.servers.values().find_map(in_unit) {
        let how = "it sends calls straight to the servers; remove the gateways of the units, or use another gateway";
        need("units without gateways of their own".to_owned(), how, Some(gateway));
    }
    needs
}

/// What of the workspace is more than the product holds.
fn beyond(made: &[(&Server, Rules)]) -> Option<CompileError> {
    let count = |rules: &Rules| rules.rules.len().max(rules.callers.len());
    let (server, rules) = made.iter().max_by_key(|(_, rules)| count(rules))?;
    let most = count(rules);
    (most > MOST_RULES).then(|| CompileError::Beyond {
        what: format!("servers of at most {MOST_RULES} rules; `{}` takes {most}", server.name),
        how: "a rule is for callers who may call the same tools under the same requirements: grant the tools of the server \
              in fewer ways, or serve them from several servers"
            .to_owned(),
    })
}

/// The rules of each server that somebody may use.
fn made<'m>(model: &'m Model, policy: &Policy) -> Vec<(&'m Server, Rules)> {
    let names = Names { claims: rules::CLAIMS, arguments: Some(rules::ARGUMENTS) };
    let granted = grants(model, policy, names, 0);
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let by = issuers.filter_map(|issuer| issuer.caller.as_ref()).next();
    let by = by.map_or_else(|| vec!["sub".to_owned()], |path| path.value.clone());
    let context = Context { model, subjects: policy.subjects(), by };
    let each = used(model, policy).into_iter().map(|server| {
        let granted = granted.get(&server.name.value).map(Vec::as_slice).unwrap_or_default();
        (server, context.rules(&dns_label(server.name.value.as_str()), granted))
    });
    each.collect()
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let Input { model, policy, .. } = *input;
    let made = made(model, policy);
    let names = made.iter().map(|(server, _)| (server.name.value.as_str(), server.name.loc));
    let mut faults = dns_labels(TARGET.id, names).err().unwrap_or_default();
    for (server, rules) in &made {
        let mut limit = |message: String| faults.push(Diagnostic::new(&TARGET_LIMIT, server.name.loc, message));
        if matches!(server.name.value.as_str(), "." | "..") {
            limit(format!("a server called `{}` has no path of its own in a gateway", server.name));
        }
        if let Some(what) = &rules.too_long {
            limit(format!("the Envoy AI Gateway cannot hold a rule for `{}`: {what}", server.name));
        }
        if let Err(why) = objects::backend(server, "") {
            limit(format!("the Envoy AI Gateway cannot reach `{}`: {why}", server.name));
        }
    }
    if !faults.is_empty() {
        return Err(CompileError::Findings(faults));
    }
    if let Some(beyond) = beyond(&made) {
        return Err(beyond);
    }
    objects::files(model, &made)
}
