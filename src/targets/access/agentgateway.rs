//! The target `agentgateway`: for each gateway its standalone configuration, and the same rules as policies for Kubernetes.
//!
//! One route a server. The gateway verifies the token, and the caller's certificate; a route's `authorization` decides by
//! method who may talk to the server at all, and its `mcpAuthorization` which tools, prompts and resources are for whom.

mod config;
mod coverage;
mod kubernetes;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::cel::{Names, caller_of_any, is_one_of, text, unseen};
use super::grants::grants;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::{Evidence, Jwks};
use crate::model::deployment::{GatewaySettings, Tls};
use crate::model::name::UnitName;
use crate::model::server::Server;
use crate::model::topology::Topology;
use crate::policy::fact::{MTLS, TLS};
use crate::source::Loc;
use crate::targets::gateways::{CENTRAL, Gateway, Hop, gateways, needs as every_gateway_needs, used};
use crate::targets::names::dns_labels;
use crate::targets::objects::kustomization;
use crate::targets::{CompileError, Decides, Does, Files, Input, Need, Proof, Shown, TARGET_LIMIT, Target, TargetId};
use rules::{CLAIMS, Context, Rules, chunks};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Agentgateway,
    summary: "Configuration of agentgateway for each gateway, and the same rules as policies for Kubernetes",
    doc: "\
For agentgateway 1.4, or 1.7 with `version: '1.7'` in the settings. A folder for each gateway: `central`, and one for each unit that \
has a gateway of its own.

- `config.yaml`: the standalone configuration. Start the gateway with `agentgateway -f config.yaml`; `--validate-only` \
checks it, and fetches the keys of the token issuers. Where keys come from a file, copy that file beside it.
- `kubernetes.yaml`: the same rules as `AgentgatewayPolicy` objects, for a gateway that runs in Kubernetes. They attach to \
a `Gateway` of the gateway's name, and for each server to an `HTTPRoute` and an `AgentgatewayBackend` of the server's name \
there, which you write: the route matches the path `/SERVER/mcp`, and the backend has one MCP target, of the same name as \
itself, and no sessions. agentgateway lets through what no rule is about. So each server of the workspace has rules, also one \
that is suspended or that nobody is granted: they allow nobody. And `GATEWAY.default-deny` lets nothing through on the routes of \
a gateway that have no rules of their own, such as those of a server that is no longer in the workspace. The `Gateway` must verify the certificates of clients and refuse connections without one. Keys \
that come from a file are in it as they were when compiling.
- `kustomization.yaml`: lists `kubernetes.yaml` alone, for `kubectl apply -k agentgateway/central` in the cluster of that gateway.

**Removing what is gone.** `kubectl apply` removes nothing: the rules of a server that a bundle no longer has stay in force. Keep the \
bundle that is deployed, apply the next one, and remove what disappears, what lets through first, cluster by cluster (the pipe \
removes from every target of the bundles):

```sh
kubectl apply -k new/agentgateway/central
mcpctl diff old new --format prune --cluster central | kubectl delete --ignore-not-found -f -
```

Suspend a server before you take it out of the workspace, and delete its `HTTPRoute` and `AgentgatewayBackend` first; delete the \
`Gateway` of a unit before the unit, because without its policies it lets everything through.

**In what order.** The central gateway and the gateway of a unit both decide a call to a server of the unit, so while one has the old \
policies and the other one the new, a call passes where both let it through: nothing is open that neither version allows. What closes \
is closed as soon as either is rolled out, so roll out what is urgent at the central gateway first. What opens works when both are \
rolled out. A server that moves behind a new gateway is not reached in between: roll out the unit first, and roll it back last.

Each server is at `/SERVER/mcp`, with its name from the YAML; inside the gateway its name is a DNS label, and the manifest \
lists both. What is enforced:

- A token of a declared issuer, for a declared audience, on every request (`jwtAuth.mode: strict`). The route requires both once more \
(the rule `require`, or the policy `….audience`): with `audience: per_server` that `aud` holds a URL of the server, which the listener \
does not look at, so that the gateway refuses such tokens with 403 and not with 401. The caller is \
`act.sub` where the token has `act`, else `sub`; an issuer speaks only for the principals that it may speak for.
- The protocol's own methods, and every other method, by the message in the body (`authorization`). What is longer than the \
gateway keeps of a body, 2 MiB, is refused. A response of a client has the keys `jsonrpc`, `id` and one of `result` and `error`, \
and no other; a request that has `result` or `error`, too, is refused. A completion follows the right to what `params.ref` names. \
A subscription that names resources is refused, because rules cannot judge each of them.
- Tools, prompts and resources (`mcpAuthorization`); lists hold only what the caller may use. Such a list is for one caller, and \
agentgateway passes on the `cacheScope` that the server wrote: no cache in front of it may share lists. Where the patterns of two \
resources overlap and neither holds the other, URIs of both are refused.
- With `tls` in the settings, every connection needs a certificate from `ca`, whether or not the policy asks for one. A \
certificate that names another declared principal than the token is refused.
- Units: the central gateway sends what is for a unit's servers to the unit's gateway, at the same path, over mutual TLS \
and with the token; it accepts no other gateway there than one whose certificate names \
`spiffe://TRUST_DOMAIN/mcp/gateway/UNIT`. The unit's gateway accepts only the certificate of the central gateway, decides \
everything again, and removes the token.

Rules only ever allow. There is no `deny` rule, since agentgateway lets through what a failing one would have denied. A \
rule that looks into a claim is false where the claim is missing or of another type; `in` is never used on a claim itself, \
because agentgateway looks for a part of the text there.

What is not: revisions, keys in another case, and the header `Origin`, which no rule looks at; put a check of `Origin` in front of \
a gateway that browsers reach. Methods that do not exist, and those that the entry of \
a server denies (`methods`), are denied with 403. No rule here reads the headers `Mcp-Param-*`, in which clients of 2026-07-28 repeat arguments: the server has to compare them with the body. Not enforced either: sessions. Each request stands for itself (`statefulMode: stateless`), so GET and DELETE are refused, and no \
route can be reached through the session of another one. Arguments of calls are not judged: rules for tools see \
the name alone, and that a rule which reads the body of a request reads it as the server does afterwards is not known of this \
product. What needs an argument is denied, unless `assume` says that something else makes sure of it. The gateway listens on every address of its machine.

**Versions.** Read were the sources of 1.4.1 and those of its development of 21 August 2026, the newest that can be had; run by hand was \
1.4.1. Version 1.7.0 was neither read nor run: what is written for it follows the newer sources. The two read ones differ in nothing \
that is written here, in no variable of its rules and in no key, so the files are the same for both versions. They differ in what they do:

- 1.4.1 compares `aud` and `iss` with the settings only where a token has them: a token of a declared issuer without `aud` passes the \
listener, whatever `audiences` says. The route refuses it, because a rule about a claim that is missing is false. The newer sources \
refuse it at the listener, too.
- 1.4.1 refuses the responses of clients by itself, although the rules let them through, so sampling and elicitation of 2025-11-25 do \
not work through it. The newer sources pass them on to the server.
- The newer sources can refuse requests for other hosts than localhost (`dnsRebindingProtection`), which is off and is not written.

**Scopes.** A missing or bad token is a 401 and a missing right a 403, and neither names scopes: `jwtAuth` has no field for them, and the \
challenge of `mcpAuthentication`, which is not used here, names the metadata of the resource alone, in both versions. Clients have to ask for \
the scopes that they need at once.

Every compile reads the files back, expression by expression, and compares what they decide with the access relation. The \
gateway itself is not run.",
    covers: coverage::COVERS,
    unexpressed: |_| Vec::new(),
    names: |model| labels(model).unwrap_or_default(),
    proof: Proof::Model(Shown {
        by: "our reading of agentgateway's sources, and its published schema where that is at hand",
        what: "an interpreter of the rules decides every cell as the access relation. By hand, agentgateway 1.4.1 \
         took compiled configurations, decided 1,020 live requests as the access relation, and let no attack \
         through",
        beyond: "the gateway in a test: no registry has it; and version 1.7, of which neither sources nor a program could be had",
    }),
    needs,
    does: Does::Decides(Decides {
        blind_to,
        leaves_out: |_, _| None,
        unknown_pass: |_| None,
        methods_pass: |_| None,
        keys_pass: None,
        recognises_callers: true,
        reads_caller_claims: true,
        narrows: None,
        spellings_pass: |_| None,
        holds_handwritten: false,
    }),
    compile,
};

/// A claim that the gateway gives a meaning of its own.
const RAW_TOKEN: &str = "rawToken";

fn blind_to(model: &Model, _fact: &str, evidence: &Evidence) -> Option<&'static str> {
    match evidence {
        Evidence::Argument(_) => {
            Some("agentgateway shows its rules the name of a tool and not the arguments of the call")
        }
        Evidence::Called(_) => Some("agentgateway keeps no memory of earlier calls"),
        Evidence::Transport if tls(model, CENTRAL).is_none() => {
            Some("without `tls` in the settings of `agentgateway` its gateways accept connections in clear text")
        }
        Evidence::Claim(claim) if claim.path.first().is_some_and(|first| first == RAW_TOKEN) => {
            Some("agentgateway gives the claim `rawToken` a meaning of its own")
        }
        Evidence::Claim(_) => unseen(evidence),
        Evidence::KnownCaller
        | Evidence::Transport
        | Evidence::Issuer(_)
        | Evidence::NotWorkload
        | Evidence::All(_) => None,
    }
}

/// The certificates of a gateway, where its settings have any.
fn tls<'m>(model: &'m Model, gateway: &str) -> Option<&'m Tls> {
    settings(model, gateway).and_then(|settings| settings.tls.as_ref())
}

fn settings<'m>(model: &'m Model, gateway: &str) -> Option<&'m GatewaySettings> {
    model.deployment.gateway(TARGET.id, gateway)
}

fn needs(model: &Model) -> Vec<Need> {
    let mut needs = every_gateway_needs(model);
    let federated: Vec<&str> = model
        .topology
        .units
        .values()
        .filter(|unit| {
            unit.gateway.is_some()
                && model.servers.values().any(|s| s.unit.as_ref().is_some_and(|u| u.value == unit.name.value))
        })
        .map(|unit| unit.name.value.as_str())
        .collect();
    let all = federated.first().map(|_| CENTRAL).into_iter().chain(federated.iter().copied());
    if let Some(without) = all.into_iter().find(|gateway| tls(model, gateway).is_none()) {
        needs.push(Need {
            what: format!("the certificates of the gateway `{without}`"),
            how: "gateways know each other by certificates: add `targets.agentgateway.tls` with `cert`, `key` and `ca` to \
                  mcpctl.yaml"
                .to_owned(),
            loc: model.deployment.of(TARGET.id).map(|settings| settings.loc),
        });
    }
    needs
}

/// The name of each server inside the gateway, with the name in YAML where the two differ.
fn labels(model: &Model) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let names = model.servers.values().map(|server| (server.name.value.as_str(), server.name.loc));
    let labels = dns_labels(TARGET.id, names)?;
    let renamed = labels.into_iter().filter(|(name, label)| name != label);
    Ok(renamed.map(|(name, label)| (label, name.to_owned())).collect())
}

/// One gateway with everything that its files are made from.
struct Made<'m> {
    gateway: &'m Gateway<'m>,
    /// Its certificates.
    tls: Option<&'m Tls>,
    /// Expressions that must hold for every connection.
    peers: Vec<String>,
    /// In the order of the gateway's routes: the server's label and its rules.
    routes: Vec<&'m (String, Rules)>,
    /// The same of the servers that it leads nobody to.
    closed: Vec<&'m (String, Rules)>,
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let Input { model, policy, .. } = *input;
    let gateways = gateways(model, policy);
    let servers = used(model, policy);
    let mut all: Vec<&Server> = model.servers.values().collect();
    all.sort_by(|a, b| a.name.value.cmp(&b.name.value));
    let mut faults: Vec<Diagnostic> = servers
        .iter()
        .filter(|server| matches!(server.name.value.as_str(), "." | ".."))
        .map(|server| {
            let message = format!("a server called `{}` has no path of its own in a gateway", server.name);
            Diagnostic::new(&TARGET_LIMIT, server.name.loc, message)
        })
        .collect();
    faults.extend(refused(model, &gateways));
    let labels = dns_labels(TARGET.id, all.iter().map(|s| (s.name.value.as_str(), s.name.loc)));
    let labels = match labels {
        Ok(labels) if faults.is_empty() => labels,
        Ok(_) => return Err(CompileError::Findings(faults)),
        Err(collisions) => return Err(CompileError::Findings([faults, collisions].concat())),
    };
    let bit = |fact| policy.facts.mask(fact).unwrap_or_default();
    // Where the settings have no certificates, nothing that asks for the connection is left.
    let given = bit(TLS) | bit(MTLS);
    let names = Names { claims: CLAIMS, arguments: None };
    let granted = grants(model, policy, names, given);
    let context = Context { model, policy, subjects: policy.subjects() };
    let mut of_server: BTreeMap<&str, (String, Rules)> = BTreeMap::new();
    for server in &all {
        let name = server.name.value.as_str();
        let label = labels.get(name).cloned().unwrap_or_default();
        let granted = granted.get(&server.name.value).map(Vec::as_slice).unwrap_or_default();
        of_server.insert(name, (label, context.rules(server, granted)));
    }
    let mut files = Files::new();
    for gateway in &gateways {
        let routes = gateway.routes.iter().filter_map(|route| of_server.get(route.server.name.value.as_str()));
        let closed = all.iter().filter(|server| {
            let own = |unit: &UnitName| server.unit.as_ref().is_some_and(|of| of.value == *unit);
            gateway.unit.is_none_or(own) && !gateway.routes.iter().any(|route| route.server.name == server.name)
        });
        let made = Made {
            gateway,
            tls: tls(model, gateway.name),
            peers: peers(model, gateway, &context),
            routes: routes.collect(),
            closed: closed.filter_map(|server| of_server.get(server.name.value.as_str())).collect(),
        };
        let from = places(model, gateway);
        files.push(config::file(model, &made, from.clone())?);
        files.push(kubernetes::file(model, &made, from.clone())?);
        let (path, listing) = kustomization(["kubernetes.yaml"], from)?;
        files.push((format!("{}/{path}", gateway.name), listing));
    }
    Ok(files)
}

/// What must hold for the certificate of every connection.
fn peers(model: &Model, gateway: &Gateway<'_>, context: &Context<'_>) -> Vec<String> {
    if tls(model, gateway.name).is_none() {
        return Vec::new();
    }
    let certified = r#"source.certificate != """#.to_owned();
    let names = "source.subjectAltNames";
    let trust_domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
    let mut all = vec![certified];
    match (gateway.unit, trust_domain) {
        (Some(_), Some(domain)) => {
            let central = text(&Topology::gateway_identity(&domain.value, CENTRAL));
            all.push(format!("{names}.exists(name, name == {central})"));
        }
        _ => {
            let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
            let caller = caller_of_any(CLAIMS, issuers);
            all.extend(chunks(&context.subjects).map(|declared| {
                let declared = is_one_of("name", declared);
                format!("!{names}.exists(name, name != {caller} && {declared})")
            }));
            // Gateways hold the tokens of others, so they may bring none.
            let units = model.topology.units.values().filter(|unit| unit.gateway.is_some());
            let gateways = units.map(|unit| unit.name.value.as_str()).chain([CENTRAL]);
            if let Some(domain) = trust_domain {
                let known: Vec<String> = gateways.map(|name| Topology::gateway_identity(&domain.value, name)).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                all.push(format!("!{names}.exists(name, {})", is_one_of("name", &known)));
            }
        }
    }
    all
}

/// The places that a gateway's files are made from.
fn places(model: &Model, gateway: &Gateway<'_>) -> Vec<Loc> {
    let identity = model.identity.iter().map(|identity| identity.loc);
    let settings = model.deployment.of(TARGET.id).map(|settings| settings.loc);
    let servers = gateway.routes.iter().map(|route| route.server.name.loc);
    identity.chain(settings).chain(servers).collect()
}

/// What agentgateway would read as something else, or not at all.
fn refused(model: &Model, gateways: &[Gateway<'_>]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut plain = |what: &str, value: &str, loc: Loc| {
        if value.contains('$') {
            let message = format!("{what} `{value}` holds a `$`, which agentgateway replaces by its environment");
            faults.push(Diagnostic::new(&TARGET_LIMIT, loc, message));
        }
    };
    // Rules compare audiences with it where tokens are for one server each.
    if let (true, Some(url)) = (model.has_tokens_per_server(), &model.topology.central_gateway) {
        plain("URL", &url.value, url.loc);
    }
    for issuer in model.identity.iter().flat_map(|identity| &identity.issuers) {
        plain("issuer", &issuer.issuer.value, issuer.issuer.loc);
        for audience in &issuer.audiences {
            plain("audience", &audience.value, audience.loc);
        }
        match issuer.keys.as_ref().map(|keys| (&keys.value, keys.loc)) {
            Some((Jwks::Url(url), loc)) => plain("URL", url, loc),
            Some((Jwks::File(path), loc)) => plain("path", path, loc),
            None => {}
        }
    }
    for gateway in gateways {
        for path in tls(model, gateway.name).into_iter().flat_map(|tls| [&tls.cert, &tls.key, &tls.ca]) {
            plain("path", &path.value, path.loc);
        }
        for route in &gateway.routes {
            let (url, loc) = match route.to {
                Hop::Server(url) => (url, route.server.url.as_ref().map(|url| url.loc)),
                Hop::Gateway(_, url) => (url, model.registry),
            };
            plain("URL", url, loc.unwrap_or(route.server.name.loc));
        }
    }
    let clear = gateways.iter().flat_map(|gateway| &gateway.routes).find_map(|route| match route.to {
        Hop::Gateway(unit, url) if !url.starts_with("https://") => model.topology.units.get(unit),
        Hop::Gateway(..) | Hop::Server(_) => None,
    });
    if let Some(unit) = clear {
        let message =
            format!("the gateway of unit `{}` is reached in clear text, and so not known by a certificate", unit.name);
        let loc = unit.gateway.as_ref().map_or(unit.name.loc, |gateway| gateway.loc);
        faults.push(Diagnostic::new(&TARGET_LIMIT, loc, message).help("write its URL with `https://`"));
    }
    for gateway in gateways {
        let listen = settings(model, gateway.name).and_then(|settings| settings.listen.as_ref());
        if let Some(listen) = listen.filter(|listen| !matches!(listen.value.host.as_str(), "0.0.0.0" | "::")) {
            let message = format!("agentgateway listens on every address, not on `{}` alone", listen.value.host);
            faults.push(Diagnostic::new(&TARGET_LIMIT, listen.loc, message).help("write `0.0.0.0` with the port"));
        }
    }
    faults.sort_by(|a, b| (a.loc, &a.message).cmp(&(b.loc, &b.message)));
    faults.dedup();
    faults
}
