//! The target `istio`: who may call which server, decided by the proxy beside each server.

mod api;
mod claims;
mod coverage;
mod hosts;
mod mesh;
mod narrow;
mod rules;

#[cfg(test)]
mod tests;

use rayon::prelude::*;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::{Jwks, MutualTls};
use crate::source::{Loc, Spanned};
use crate::targets::cluster::{Cluster, ServerPlace, cluster, renamed};
use crate::targets::objects::{document, folder, metadata, objects};
use crate::targets::{
    CompileError, Decides, Does, Files, Input, Need, Proof, Shown, TARGET_LIMIT, Target, TargetId, gateways,
};
use api::Selector;
use api::security::{Action, AuthorizationPolicy, Rule};
use claims::exact;
use rules::Rules;

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Istio,
    summary: "Istio policies for the proxies of the servers: who may call what, identities, and traffic",
    doc: "\
A folder for Kustomize for each cluster: `central`, and one for each unit that has a gateway of its own. A server is in the \
cluster of the gateway in front of it. In each cluster apply the target `kubernetes` first, which makes the namespaces, and \
then `kubectl apply -k istio/CLUSTER`. An object that two folders have is the same in both, so all clusters may be one.

- `servers/NAME.yaml`: the `AuthorizationPolicy` of one server, which allows and never denies. It is for the pods that have the \
labels of the server's registry entry (`app.kubernetes.io/name` with the server's name where it gives none), and allows calls \
that come from the gateway in front, with a token whose claims meet the access relation.
- `default-deny.yaml`: in each namespace an `AuthorizationPolicy` that allows nothing, so that what no other one allows is \
denied.
- `request-authentication.yaml`: the issuers, their audiences and keys, for each namespace, or for each server with `audience: \
per_server`: their URL, or the keys of `jwks_file` themselves, so \
that a new key takes a new compile. A token is read from the header `Authorization` alone, \
and the proxy removes it, so that no server sees a caller's token.
- `peer-authentication.yaml`: strict mutual TLS, also where `mutual_tls` is not written. With `permissive` or `disabled` the target \
writes nothing: its rules name gateways by their certificates.
- `destination-rules.yaml`: circuit breaker and limits of connections, for the gateways. Hosts are complete names: \
`cards.retail.svc` becomes `cards.retail.svc.cluster.local`, or ends with the setting `cluster_domain`; Istio itself completes \
names without a dot alone, and ignores rules for others. A host without a dot is an error, and for an address no rule is written, since istiod refuses it. A call for which no connection is \
left waits in the gateway's proxy; it is not refused.
- `service-entries.yaml`: for each host that is not a service of the cluster, such as `crm.example.com`, that it leads to the pods \
with the labels of its server, and that they speak HTTP. The mesh protects a server that runs in it alone.
- `telemetry.yaml`: sampling of traces. The gateway of a unit that has its own `tracing_config` goes by that, as do the namespaces \
of its servers alone; for it, its pods need the label `mcpctl.io/gateway` with the name of the unit. \
`spiffe-ids.yaml`: identities by SPIRE, and how long their certificates live.

**Removing what is gone.** `kubectl apply` removes nothing: the rules of a server that a bundle no longer has stay in force. Keep the \
bundle that is deployed, apply the next one, and remove what disappears, what lets through first, cluster by cluster:

```sh
kubectl apply -k new/istio/central
mcpctl diff old new --format prune --cluster central | kubectl delete --ignore-not-found -f -
```

A connection that a gateway keeps open carries one more call by the rules from before; then the proxy of the server ends it.

**What it takes.** Istio 1.27 or later, with `meshConfig.trustDomain` set to `trust_domain`, and sidecars (not the ambient mode) \
in the namespaces of the servers and of the gateways. Each gateway runs in the namespace `mcp-gateways` under the service \
account of its name (`central`, or the unit), forwards the caller's token, and has asked for the facts `tls` and `mtls` of the \
connection that it was called through: servers take calls from it alone, so its own connection is always mutual TLS. Servers \
listen in plain HTTP, and gateways send plain HTTP, also to a URL with `https`: the proxies beside them encrypt. Where a gateway or \
a server does TLS itself, every call is denied, because the proxy then sees no requests.

**Methods.** Istio reads no bodies, so it denies what only a body tells: responses of clients, completions, subscriptions and tasks. \
Sampling and elicitation of 2025-11-25 do not work through rules by header. The gateway in front judges revisions, `Origin`, and \
messages that are two things at once. No rule here reads the headers `Mcp-Param-*`, in which clients of 2026-07-28 repeat arguments: \
the gateway in front or the server has to compare them with the body. With `verified_headers` no rule lets through what the entry of a server denies (`methods`), by \
the header `Mcp-Method`; without the setting Istio sees no method, so the server has to refuse it, and `target-undecided` names it.

**Tools.** Istio reads no bodies. With `verified_headers: true` in the settings it tells tools apart by the headers `Mcp-Method` \
and `Mcp-Name` of MCP 2026-07-28; you promise by it that each gateway refuses a request whose headers differ from its body: \
`Mcp-Method` is the method of every message, and `Mcp-Name` is `params.name` or `params.uri` where there is one. Clients of \
earlier versions send neither, and are denied every POST. Without the setting a rule is for a whole server, and a caller gets \
no more of it than what holds for everything on it; methods and tools that the registry does not know are then left to the \
server to refuse.

**Scopes.** The proxies answer a missing or bad token with 401, and a missing right and a token for another audience with 403. They name no scopes: neither resource of Istio \
has a field for them. The gateway in front, through which alone callers come, is the place for such challenges.

**How the caller is read.** `act.sub` where the token has `act`, else `sub`. Istio cannot ask whether the object `act` is there. \
So the proxy copies that claim into the header `x-mcpctl-act`, and a rule for `sub` asks for neither that header nor the claim \
`act.sub`. An issuer must send `act.sub` and the claim of a unit as texts: Istio takes a list with one fitting element for that \
element. An empty text in `act` counts as no `act`. A claim with `present: true` has to be a text or a list of texts: a number, such \
as `auth_time` of OpenID Connect, shows nothing to Istio.",
    covers: coverage::COVERS,
    unexpressed: coverage::unexpressed,
    names: renamed,
    proof: Proof::Run(Shown {
        by: "a Kubernetes API server 1.37, istiod 1.31 with its validating webhook, and upstream Envoy as the \
         sidecar of each server and gateway, with certificates of istiod's authority, and Keycloak 26.7",
        what: "bundles of two projects are asked at the edges of every cell of the access relation, through the \
         gateway in front and through others; each kind of condition that is dropped from a policy is \
         noticed, a revoked grant is closed, and limits, ejection and TLS are seen with servers that fail; 34 kinds of \
         Keycloak's tokens are let through or denied as their claims say, and two attacks are refused",
        beyond: "connections that are redirected to a sidecar, since pods are processes of one machine; telemetry, \
         SPIRE, waypoints and the ambient mode",
    }),
    needs,
    does: Does::Decides(Decides {
        blind_to: claims::blind_to,
        leaves_out: narrow::leaves_out,
        unknown_pass: narrow::unknown_pass,
        methods_pass: narrow::methods_pass,
        keys_pass: Some("Istio does not read messages, so it sees no key in another case"),
        recognises_callers: true,
        reads_caller_claims: false,
        spellings_pass: narrow::spellings_pass,
        narrows: Some(narrow::narrows),
        holds_handwritten: false,
    }),
    compile,
};

/// Most rules that one policy holds, by its custom resource definition.
const MOST_RULES: usize = 512;

fn needs(model: &Model) -> Vec<Need> {
    let mut needs = gateways::needs(model);
    let Some(identity) = &model.identity else { return needs };
    if identity.trust_domain.is_none() && !needs.iter().any(|need| need.what == "a trust domain") {
        needs.push(Need {
            what: "a trust domain".to_owned(),
            how: "add `trust_domain` to `identity`: proxies know the gateways by certificates in it".to_owned(),
            loc: Some(identity.loc),
        });
    }
    needs
}

/// The written word, central or of a unit folder, that lets calls without certificates into the mesh.
fn lax_mode(model: &Model) -> Option<(&'static str, String)> {
    let of_units = model.overlays.iter().map(|(unit, rules)| (rules, format!(" in the folder of unit `{unit}`")));
    let mut modes = std::iter::once((&model.access, String::new())).chain(of_units);
    modes.find_map(|(rules, of)| match rules.mutual_tls.as_ref()?.value {
        MutualTls::Strict => None,
        MutualTls::Permissive => Some(("permissive", of)),
        MutualTls::Disabled => Some(("disabled", of)),
    })
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    if let Some((word, of)) = lax_mode(model) {
        let what = format!(
            "a mesh that takes calls without certificates (`mutual_tls: {word}`{of}), and its rules rest on certificates"
        );
        let how = "write `mutual_tls: strict`, or leave the key out: the mesh is strict then, too".to_owned();
        return Err(CompileError::Beyond { what, how });
    }
    let cluster = cluster(TargetId::Istio, model).map_err(CompileError::Findings)?;
    let findings = [refused(model, &cluster), hosts::refused(&cluster), mesh::disagreeing(model, &cluster)].concat();
    if !findings.is_empty() {
        return Err(CompileError::Findings(findings));
    }
    let rules = Rules::new(model, input.policy).map_err(CompileError::Findings)?;
    let of_place = |place: &ServerPlace<'_>| match rules.of(place, &gateway_principal(model, &cluster, place)) {
        Ok(rules) if rules.is_empty() => Ok(None),
        Ok(rules) => {
            let documents = policies(place, rules)?;
            objects(model, &format!("servers/{}.yaml", place.name), documents, Rules::places(input, place)).map(Some)
        }
        Err(finding) => Err(CompileError::Findings(vec![*finding])),
    };
    let mut of_servers = Vec::new();
    let mut findings = Vec::new();
    let made: Vec<_> = cluster.places.par_iter().map(|place| (place.gateway, of_place(place))).collect();
    for (gateway, made) in made {
        match made {
            Ok(made) => of_servers.extend(made.map(|file| (gateway, file))),
            Err(CompileError::Findings(found)) => findings.extend(found),
            Err(error) => return Err(error),
        }
    }
    if !findings.is_empty() {
        return Err(CompileError::Findings(findings));
    }
    let mut files = Files::new();
    for (name, here) in cluster.each() {
        let mut own = everywhere(model, &cluster, &here)?;
        own.extend(of_servers.iter().filter(|(gateway, _)| *gateway == name).map(|(_, file)| file.clone()));
        files.extend(folder(name, own, places(&here))?);
    }
    Ok(files)
}

/// The files of one cluster that are not for one server each.
fn everywhere(model: &Model, all: &Cluster<'_>, here: &Cluster<'_>) -> Result<Files, CompileError> {
    let found = [
        ("default-deny.yaml", default_deny(here)?, places(here)),
        ("peer-authentication.yaml", mesh::peer_authentication(here)?, places(here)),
        ("request-authentication.yaml", mesh::request_authentication(model, here)?, mesh::issued_at(model)),
        ("service-entries.yaml", hosts::entries(all, here)?, places(here)),
    ];
    let found = found.into_iter().chain(mesh::traffic(model, all, here)?);
    let found = found.filter(|(_, documents, _)| !documents.is_empty());
    found.map(|(name, documents, from)| objects(model, name, documents, from)).collect()
}

/// The certificate of the gateway in front of a server, as Istio writes it.
fn gateway_principal(model: &Model, cluster: &Cluster<'_>, place: &ServerPlace<'_>) -> String {
    let domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
    let domain = domain.map_or("", |domain| domain.value.as_str());
    let account = cluster.gateways.get(place.gateway).map_or("", String::as_str);
    format!("{domain}/ns/{}/sa/{account}", cluster.gateways_namespace)
}

fn default_deny(cluster: &Cluster<'_>) -> Result<Vec<Value>, CompileError> {
    let nothing = AuthorizationPolicy::default();
    let deny = |namespace: &String| document(&metadata("default-deny", namespace), &nothing);
    cluster.server_namespaces.keys().map(deny).collect()
}

/// The policies of a server: as many as its rules need.
fn policies(place: &ServerPlace<'_>, rules: Vec<Rule>) -> Result<Vec<Value>, CompileError> {
    let chunks = rules.chunks(MOST_RULES).zip(1_u32..);
    let policy = |(rules, number): (&[Rule], u32)| {
        let name = if number == 1 { format!("allow-{}", place.name) } else { format!("allow-{}.{number}", place.name) };
        let policy = AuthorizationPolicy {
            action: Some(Action::Allow),
            selector: Some(Selector { match_labels: place.labels.clone() }),
            rules: Some(rules.to_vec()),
        };
        document(&metadata(&name, &place.namespace), &policy)
    };
    chunks.map(policy).collect()
}

/// Where the servers are declared.
fn places(cluster: &Cluster<'_>) -> Vec<Loc> {
    cluster.places.iter().map(ServerPlace::loc).collect()
}

/// What Istio would read otherwise than it is written.
fn refused(model: &Model, cluster: &Cluster<'_>) -> Vec<Diagnostic> {
    let mut findings = crate::targets::traffic::too_small(model);
    let limit = |loc, message: String| Diagnostic::new(&TARGET_LIMIT, loc, message);
    if let Some(identity) = &model.identity {
        for issuer in &identity.issuers {
            findings.extend(exact(&issuer.issuer.value, "the issuer", issuer.issuer.loc).err().map(|found| *found));
            if let Some(Spanned { value: Jwks::File(file), loc }) = &issuer.keys
                && !model.key_sets.contains_key(file)
            {
                findings.push(limit(*loc, format!("the key set `{file}` was not read")));
            }
        }
        if let Some(domain) = &identity.trust_domain {
            findings.extend(exact(&domain.value, "the trust domain", domain.loc).err().map(|found| *found));
        }
        if let Some(claim) = &identity.business_unit_claim
            && model.any_agent.is_some()
            && (claim.value.is_empty() || claim.value.contains(['[', ']']) || claims::is_split(&[claim.value.as_str()]))
        {
            findings.push(limit(claim.loc, format!("Istio cannot read a unit from the claim `{claim}`")));
        }
    }
    for unit in model.topology.units.values() {
        findings.extend(exact(unit.name.value.as_str(), "the unit", unit.name.loc).err().map(|found| *found));
    }
    for place in &cluster.places {
        // Elsewhere than at the end, and as `{*}`, Istio's paths are patterns too.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
        if !place.path.chars().all(plain) {
            let message = format!("the path of server `{}` is not plain text for Istio", place.server.name);
            let help = "write its URL with letters, digits, `/`, `-`, `_`, `.` and `~` in the path";
            findings.push(limit(place.server.url.as_ref().map_or(place.loc(), |url| url.loc), message).help(help));
        }
    }
    findings
}
