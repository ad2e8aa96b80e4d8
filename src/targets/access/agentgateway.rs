//! The target `agentgateway`: for each gateway its standalone configuration, and the same rules as policies for Kubernetes.
//!
//! One route a server. The gateway verifies the token, and the caller's certificate; a route's `authorization` decides by
//! method who may talk to the server at all, and its `mcpAuthorization` which tools, prompts and resources are for whom.

mod config;
mod coverage;
mod kubernetes;
mod page;
mod refused;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::cel::{Names, caller_of_any, is_one_of, text, unseen};
use super::grants::grants;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::Evidence;
use crate::model::deployment::{GatewaySettings, Tls};
use crate::model::name::UnitName;
use crate::model::server::Server;
use crate::model::topology::Topology;
use crate::policy::fact::{MTLS, TLS};
use crate::source::Loc;
use crate::targets::gateways::{CENTRAL, Gateway, gateways, needs as every_gateway_needs, used};
use crate::targets::names::dns_labels;
use crate::targets::objects::kustomization;
use crate::targets::{CompileError, Decides, Does, Files, Input, Need, Proof, Shown, TARGET_LIMIT, Target, TargetId};
use refused::refused;
use rules::{CLAIMS, Context, Rules, chunks};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Agentgateway,
    summary: "Configuration of agentgateway for each gateway, and the same rules as policies for Kubernetes",
    doc: page::DOC,
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
