//! Reads the files of the target `istio` back into the access relation: an interpreter of Istio's policies for the proxy beside
//! each server, written after how Istio turns them into rules of Envoy.

mod condition;
mod rule;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::probe::{Probe, Source};
use super::relation::{Before, Decided, Part, Product, relation};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::cluster::{Expected, Resource, ServerPlace, clusters, distinct, shaped, unexpected};
use crate::model::Model;
use crate::model::access::{Issuer, Jwks};
use crate::model::name::ServerName;
use crate::policy::Policy;
use condition::Look;
use rule::{Rule, Rules};

/// The relation that the files decide, a part for each gateway that servers stand behind.
///
/// # Errors
/// Where they cannot be read exactly, or let a request through that nobody may make.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let declared = policy.principals.iter().filter_map(|principal| principal.subject.as_deref()).collect();
    let all = Expected::of(model);
    let mut behind: BTreeMap<&str, BTreeSet<ServerName>> = BTreeMap::new();
    for object in &policy.objects {
        let gateway = all.places.get(object.server.as_str()).map_or("central", |place| &place.gateway);
        behind.entry(gateway).or_default().insert(object.server.clone());
    }
    let resources = clusters(artifacts, "istio", model)?.into_iter();
    let clusters = resources.map(|(gateway, resources)| {
        let istio = Istio::read(resources, model, &declared, (&all, all.in_cluster(&gateway)))?;
        Ok((gateway, istio))
    });
    let clusters = clusters.collect::<Result<BTreeMap<String, Istio<'_>>, LiftError>>()?;
    let domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
    let Some(domain) = domain else { return unexpected("there is no trust domain that a gateway could be known by") };
    let mut parts = Vec::new();
    for (gateway, servers) in behind {
        let Some(istio) = clusters.get(gateway) else { return unexpected(format!("there is no gateway `{gateway}`")) };
        let account = istio.expected.gateways.get(gateway).map_or("", String::as_str);
        let peer = format!("spiffe://{domain}/ns/{}/sa/{account}", istio.expected.gateways_namespace);
        // It compares the beginnings of URIs alone.
        let decided = Decided { spellings: false, ..Decided::METHODS };
        let lifted = relation(istio, &servers, model, policy, decided, Before::Gateway(&peer))?;
        // The proxies take calls by mutual TLS alone, from the gateway alone.
        parts.push(Part {
            gateway: gateway.to_owned(),
            lifted,
            servers: Some(servers),
            given: [crate::policy::fact::TLS, crate::policy::fact::MTLS].into(),
        });
    }
    Ok(parts)
}

/// The files of one cluster, read.
struct Istio<'m> {
    expected: Expected<'m>,
    /// By server: what applies to its pods.
    policies: BTreeMap<&'m str, Rules>,
    /// By server and issuer: the claims that are copied into headers, by header.
    tokens: BTreeMap<&'m str, BTreeMap<String, BTreeMap<String, String>>>,
    verified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AuthorizationPolicy {
    #[serde(default)]
    action: Option<String>,
    selector: Option<Selector>,
    rules: Option<Vec<rule::Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    match_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerAuthentication {
    mtls: Mtls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mtls {
    mode: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RequestAuthentication {
    selector: Option<Selector>,
    jwt_rules: Vec<JwtRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct JwtRule {
    issuer: String,
    audiences: Vec<String>,
    jwks_uri: Option<String>,
    jwks: Option<String>,
    from_headers: Vec<FromHeader>,
    forward_original_token: bool,
    #[serde(default)]
    output_claim_to_headers: Vec<ClaimToHeader>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromHeader {
    name: String,
    prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimToHeader {
    claim: String,
    header: String,
}

impl<'m> Istio<'m> {
    fn read(
        resources: Vec<Resource>,
        model: &'m Model,
        declared: &BTreeSet<&str>,
        (all, expected): (&Expected<'m>, Expected<'m>),
    ) -> Result<Self, LiftError> {
        let mut rest = Vec::new();
        let mut strict: BTreeSet<String> = BTreeSet::new();
        let mut closed: BTreeSet<String> = BTreeSet::new();
        let mut tokens = BTreeMap::new();
        let mut with_tokens = BTreeSet::new();
        let per_server = model.has_tokens_per_server();
        let mut policies: BTreeMap<&'m str, Vec<Rule>> = BTreeMap::new();
        let verified = model.deployment.istio.as_ref().and_then(|keys| keys.verified_headers.as_ref());
        for resource in resources {
            let at = match (resource.api.as_str(), resource.kind.as_str()) {
                ("security.istio.io/v1", "AuthorizationPolicy" | "PeerAuthentication" | "RequestAuthentication") => {
                    server_namespace(&expected, &resource)?
                }
                _ => {
                    rest.push(resource);
                    continue;
                }
            };
            let what = format!("the {} `{}`", resource.kind, resource.name);
            let Some(spec) = resource.spec else { return unexpected(format!("{what} has no `spec`")) };
            match resource.kind.as_str() {
                "PeerAuthentication" => {
                    let PeerAuthentication { mtls } = shaped(spec, &what)?;
                    if mtls.mode != "STRICT" || !strict.insert(at) {
                        return unexpected(format!("{what} is not the one that asks for mutual TLS in its namespace"));
                    }
                }
                "RequestAuthentication" => {
                    let RequestAuthentication { selector, jwt_rules } = shaped(spec, &what)?;
                    let one = selected(&expected, &at, selector.as_ref());
                    if selector.is_some() != per_server || one.is_some() != per_server {
                        return unexpected(format!("{what} is not for the pods that its tokens are for"));
                    }
                    let rules = token_rules(jwt_rules, model, one)?;
                    let places =
                        expected.places.iter().filter(|(_, place)| place.namespace == at).map(|(name, _)| *name);
                    let these: Vec<&str> = places.filter(|name| one.is_none_or(|one| one == *name)).collect();
                    if these.into_iter().any(|server| tokens.insert(server, rules.clone()).is_some()) {
                        return unexpected(format!("{what} is not the only one for its pods"));
                    }
                    with_tokens.insert(at);
                }
                _ => {
                    let AuthorizationPolicy { action, selector, rules } = shaped(spec, &what)?;
                    let rules: Vec<Rule> =
                        rules.into_iter().flatten().map(|rule| Rule::read(rule, declared)).collect::<Result<_, _>>()?;
                    if selector.is_none() && rules.is_empty() && action.is_none() {
                        closed.insert(at);
                        continue;
                    }
                    if action.as_deref() != Some("ALLOW") {
                        return unexpected(format!("{what} does not say that it allows"));
                    }
                    let Some(server) = selected(&expected, &at, selector.as_ref()) else {
                        return unexpected(format!("{what} is not for the pods of one server alone"));
                    };
                    policies.entry(server).or_default().extend(rules);
                }
            }
        }
        let spaces: BTreeSet<String> = expected.namespaces.keys().cloned().collect();
        let all_ask = expected.places.keys().all(|name| tokens.contains_key(name));
        if closed != spaces || strict != spaces || with_tokens != spaces || !all_ask {
            return unexpected("a namespace of servers is open by default, or lacks mutual TLS or the issuers");
        }
        traffic::check(rest, model, (all, &expected))?;
        Ok(Self {
            expected,
            policies: policies.into_iter().map(|(server, rules)| (server, Rules::of(rules))).collect(),
            tokens,
            verified: verified.is_some_and(|verified| verified.value),
        })
    }
}

fn server_namespace(expected: &Expected<'_>, resource: &Resource) -> Result<String, LiftError> {
    match &resource.namespace {
        Some(namespace) if expected.namespaces.contains_key(namespace) && resource.labels.is_empty() => {
            Ok(namespace.clone())
        }
        _ => unexpected(format!("the {} `{}` is in no namespace of servers", resource.kind, resource.name)),
    }
}

/// The server of a namespace whose pods have exactly these labels. Fewer labels would select other pods beside them.
fn selected<'m>(expected: &Expected<'m>, namespace: &str, selector: Option<&Selector>) -> Option<&'m str> {
    let labels = &selector?.match_labels;
    let is_it = |place: &ServerPlace<'_>| place.namespace == namespace && place.labels == *labels;
    expected.places.iter().find(|(_, place)| is_it(place)).map(|(name, _)| *name)
}

/// Checks the rules for tokens against the model's issuers: those for the pods of one server, or of all.
fn token_rules(
    rules: Vec<JwtRule>,
    model: &Model,
    server: Option<&str>,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, LiftError> {
    let mut found = BTreeMap::new();
    let issuers: Vec<&Issuer> = model.identity.iter().flat_map(|identity| &identity.issuers).collect();
    for rule in rules {
        let Some(issuer) = issuers.iter().find(|issuer| issuer.issuer.value == rule.issuer) else {
            return unexpected(format!("`{}` is not an issuer of the model", rule.issuer));
        };
        let named = server.and_then(|server| model.servers.get(&ServerName::from(server)));
        let own = named.filter(|_| issuer.per_server.is_some()).map(|server| model.topology.canonical_uris(server));
        let audiences: BTreeSet<&str> = match &own {
            Some(uris) => uris.iter().map(String::as_str).collect(),
            None => issuer.audiences.iter().map(|audience| audience.value.as_str()).collect(),
        };
        let read: BTreeSet<&str> = rule.audiences.iter().map(String::as_str).collect();
        let keys = match (issuer.keys.as_ref().map(|keys| &keys.value), &rule.jwks_uri, &rule.jwks) {
            (Some(Jwks::Url(url)), Some(found), None) => url == found,
            (Some(Jwks::File(file)), None, Some(found)) => model.key_sets.get(file) == Some(found),
            _ => false,
        };
        let header = matches!(rule.from_headers.as_slice(), [FromHeader { name, prefix: Some(prefix) }]
            if name == "Authorization" && prefix == "Bearer ");
        if read != audiences
            || read.is_empty()
            || !distinct(&rule.audiences)
            || !keys
            || !header
            || rule.forward_original_token
        {
            return unexpected(format!(
                "tokens of `{}` are taken for another audience, by other keys, from elsewhere, or are passed on",
                rule.issuer
            ));
        }
        // Rules ask by it whether somebody acts, and no other claim has a business in a header.
        let copies_act =
            matches!(rule.output_claim_to_headers.as_slice(), [ClaimToHeader { claim, .. }] if claim == "act");
        if !copies_act {
            return unexpected(format!("the claim `act` of `{}` is not copied into a header", rule.issuer));
        }
        let headers: BTreeMap<String, String> =
            rule.output_claim_to_headers.iter().map(|copy| (copy.header.clone(), copy.claim.clone())).collect();
        if headers.len() != rule.output_claim_to_headers.len() || found.insert(rule.issuer.clone(), headers).is_some() {
            return unexpected(format!("the issuer `{}` or a header of it is there twice", rule.issuer));
        }
    }
    if found.len() != issuers.len() {
        return unexpected("an issuer of the model is missing");
    }
    Ok(found)
}

impl Product for Istio<'_> {
    /// Callers are told by `act.sub` and `sub` alone.
    fn reads_callers_of(&self, issuer: &Issuer) -> bool {
        issuer.caller.is_none()
    }

    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        let Some(place) = self.expected.places.get(server.as_str()) else { return Ok(false) };
        let issuer = probe.whole(&Source::Issuer).unwrap_or_default();
        let copied = self.tokens.get(server.as_str()).and_then(|issuers| issuers.get(&issuer));
        // A token of an issuer without a rule is refused before any policy.
        let Some(copied) = copied else { return Ok(false) };
        // No policy of its own: the one of the namespace, which allows nothing.
        let Some(rules) = self.policies.get(server.as_str()) else { return Ok(false) };
        let look = Look::new(copied, self.verified);
        for rule in rules.for_caller(probe) {
            if rule.matches(probe, place, &look)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        self.policies.get(server.as_str()).map(Rules::subjects).unwrap_or_default()
    }

    fn tells_apart(&self) -> bool {
        self.verified
    }
}
