//! From the files to the rules of each gateway. Everything that decides where a request ends up, and who may send it, is
//! compared with the model here: listeners, keys, paths, upstreams, certificates, and what becomes of the token.

mod cluster;
mod standalone;

use std::collections::{BTreeMap, BTreeSet};

use self::standalone::is_tls;
use super::shapes::{Authorization, Config, JwtAuth, Mcp, PolicyObject, RuleText, documents};
use super::{CENTRAL, Read, Route, Rules};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::access::cel::{Expression, Parsed};
use crate::lift::folders::listed;
use crate::lift::names::{label, labels};
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::deployment::{self, GatewaySettings, TargetId};
use crate::model::name::ServerName;
use crate::model::server::Server;
use crate::model::topology::{Topology, Unit};
use crate::policy::Policy;

/// The target, and the folder of its files.
const NAME: &str = "agentgateway";

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}

/// What the model says about gateways.
struct Expected<'m> {
    model: &'m Model,
    /// The servers that somebody may use.
    used: Vec<&'m Server>,
    subjects: BTreeSet<&'m str>,
}

pub(super) fn read(
    artifacts: &BTreeMap<String, Artifact>,
    model: &Model,
    policy: &Policy,
) -> Result<Vec<Read>, LiftError> {
    let used: BTreeSet<&ServerName> = policy
        .all_cells()
        .filter(|(_, _, cell)| !policy.is_never(cell.condition))
        .map(|(_, object, _)| &policy.object_at(object).server)
        .collect();
    let used: Vec<&Server> = used.into_iter().filter_map(|name| model.servers.get(name)).collect();
    let subjects = policy.principals.iter().filter_map(|principal| principal.subject.as_deref()).collect();
    labels(model.servers.keys().map(ServerName::as_str))?;
    let expected = Expected { model, used, subjects };
    let with_gateway = model.topology.units.values().filter(|unit| unit.gateway.is_some());
    let units: BTreeSet<&str> = with_gateway.map(|unit| unit.name.value.as_str()).collect();
    let gateways: Vec<&str> = std::iter::once(CENTRAL).chain(units).collect();
    let files: BTreeSet<String> = gateways
        .iter()
        .flat_map(|gateway| {
            ["config.yaml", "kubernetes.yaml", "kustomization.yaml"]
                .iter()
                .map(move |form| format!("{NAME}/{gateway}/{form}"))
        })
        .collect();
    if let Some(other) = artifacts.keys().find(|path| path.starts_with("agentgateway/") && !files.contains(*path)) {
        return unexpected(format!("no gateway has the file `{other}`"));
    }
    let mut found = Vec::new();
    for name in gateways {
        let file = |form: &str| {
            let path = format!("{NAME}/{name}/{form}");
            artifacts.get(&path).map(|artifact| (artifact, path.clone())).ok_or(LiftError::File(path))
        };
        let unit = name != CENTRAL;
        let (artifact, path) = file("config.yaml")?;
        let gateway = expected.config(name, &path, documents::<Config>(&path, artifact)?)?;
        expected.check_peers(name, &path, &gateway)?;
        found.push(Read { name: name.to_owned(), unit, gateway });
        let (artifact, path) = file("kubernetes.yaml")?;
        let gateway = expected.policies(name, &path, documents::<PolicyObject>(&path, artifact)?)?;
        expected.check_peers(name, &path, &gateway)?;
        found.push(Read { name: format!("{name} in Kubernetes"), unit, gateway });
        if !listed(artifacts, &format!("{NAME}/{name}"))?.iter().eq(["kubernetes.yaml"]) {
            return unexpected(format!("the Kustomization of `{name}` does not list exactly `kubernetes.yaml`"));
        }
    }
    Ok(found)
}

impl<'m> Expected<'m> {
    /// The unit whose gateway stands before a server.
    fn behind(&self, server: &Server) -> Option<&'m Unit> {
        let unit = self.model.topology.units.get(&server.unit.as_ref()?.value)?;
        unit.gateway.as_ref().map(|_| unit)
    }

    /// The servers that a gateway routes to.
    fn servers(&self, gateway: &str) -> impl Iterator<Item = &'m Server> {
        self.used.iter().filter(move |server| self.is_behind(server, gateway)).copied()
    }

    /// Whether calls to a server come through a gateway.
    fn is_behind(&self, server: &Server, gateway: &str) -> bool {
        gateway == CENTRAL || self.behind(server).is_some_and(|unit| unit.name.value.as_str() == gateway)
    }

    fn settings(&self, gateway: &str) -> Option<&'m GatewaySettings> {
        self.model.deployment.gateway(TargetId::Agentgateway, gateway)
    }

    fn tls(&self, gateway: &str) -> Option<&'m deployment::Tls> {
        self.settings(gateway).and_then(|settings| settings.tls.as_ref())
    }

    fn identity(&self, gateway: &str) -> Option<String> {
        let domain = self.model.identity.as_ref()?.trust_domain.as_ref()?;
        Some(Topology::gateway_identity(&domain.value, gateway))
    }

    fn check_complete(&self, name: &str, path: &str, found: &BTreeMap<ServerName, Route>) -> Result<(), LiftError> {
        match self.servers(name).find(|server| !found.contains_key(&server.name.value)) {
            Some(server) => unexpected(format!("`{path}` has no route for `{}`", server.name)),
            None => Ok(()),
        }
    }

    /// That tokens are asked for, of exactly the issuers, audiences and keys of the model.
    fn check_tokens(&self, path: &str, found: &JwtAuth, strict: &str) -> Result<(), LiftError> {
        if found.mode != strict {
            return unexpected(format!("`{path}` lets requests without a valid token through"));
        }
        let issuers = self.model.identity.as_ref().map(|identity| identity.issuers.as_slice()).unwrap_or_default();
        let same = found.providers.len() == issuers.len()
            && found.providers.iter().zip(issuers).all(|(found, issuer)| {
                let keys = match issuer.keys.as_ref().map(|keys| &keys.value) {
                    Some(Jwks::Url(url)) => {
                        let remote = found.jwks.remote.as_ref().map(|remote| &remote.url);
                        found.jwks.file.is_none()
                            && found.jwks.inline.is_none()
                            && [found.jwks.url.as_ref(), remote].iter().flatten().eq([&url])
                    }
                    Some(Jwks::File(file)) => {
                        let read = match (&found.jwks.file, &found.jwks.inline) {
                            (Some(named), None) => named == file && path.ends_with("/config.yaml"),
                            (None, Some(keys)) => {
                                path.ends_with("/kubernetes.yaml") && self.model.key_sets.get(file) == Some(keys)
                            }
                            _ => false,
                        };
                        read && found.jwks.url.is_none() && found.jwks.remote.is_none()
                    }
                    None => false,
                };
                let audiences = issuer.audiences.iter().map(|audience| &audience.value);
                keys && found.issuer == issuer.issuer.value
                    // Routes look at those of tokens that are for one server.
                    && found.audiences.is_empty() == issuer.per_server.is_some()
                    && found.audiences.iter().eq(audiences)
            });
        if same { Ok(()) } else { unexpected(format!("`{path}` believes other issuers, audiences or keys")) }
    }

    /// That a route leads to its server, at the right place, with the right certificates, and to no server with the token.
    fn check_upstream(&self, gateway: &str, path: &str, server: &Server, mcp: &Mcp) -> Result<(), LiftError> {
        let modes = [&mcp.stateful_mode, &mcp.prefix_mode, &mcp.failure_mode].map(String::as_str);
        if modes != ["stateless", "conditional", "failClosed"] {
            return unexpected(format!("`{path}` passes calls to `{}` on in another way", server.name));
        }
        let [target] = mcp.targets.as_slice() else {
            return unexpected(format!("`{path}` sends calls to `{}` to several targets", server.name));
        };
        let beyond = self.behind(server).filter(|_| gateway == CENTRAL);
        let own = server.url.as_ref().map(|url| url.value.clone()).unwrap_or_default();
        let url = match beyond.and_then(|unit| unit.gateway.as_ref()) {
            Some(next) => format!("{}/{}/mcp", next.value.trim_end_matches('/'), server.name.value),
            None => own,
        };
        if target.mcp.host != url || target.name != label(server.name.value.as_str()) {
            return unexpected(format!("`{path}` sends calls to `{}` somewhere else", server.name));
        }
        let identity = beyond.and_then(|unit| self.identity(unit.name.value.as_str()));
        let known = self.tls(gateway).filter(|_| url.starts_with("https://"));
        if !is_tls(target.policies.tls.as_ref(), known, identity.as_deref()) || beyond.is_some() && known.is_none() {
            return unexpected(format!(
                "`{path}` does not know the peer by its certificate on the way to `{}`",
                server.name
            ));
        }
        if target.policies.auth.is_some() != beyond.is_some() {
            return unexpected(format!("`{path}` sends the token on, or not, on the way to `{}`", server.name));
        }
        Ok(())
    }

    /// What a route must ask of the issuer and the audience of a token.
    fn audience(&self, server: &Server) -> Option<String> {
        let asks = |audiences: &[String]| {
            let is = audiences.iter().map(|one| format!("jwt.aud == {}", literal(one)));
            let holds = audiences.iter().map(|one| format!("{} in (jwt.aud + [])", literal(one)));
            is.chain(holds).collect::<Vec<_>>().join(" || ")
        };
        let mut ways = Vec::new();
        for issuer in self.model.identity.iter().flat_map(|identity| &identity.issuers) {
            if issuer.per_server.is_none() {
                let audiences: Vec<String> = issuer.audiences.iter().map(|audience| audience.value.clone()).collect();
                ways.push(format!("(jwt.iss == {} && ({}))", literal(&issuer.issuer.value), asks(&audiences)));
            }
        }
        if self.model.has_tokens_per_server() {
            ways.push(asks(&self.model.topology.canonical_uris(server)));
        }
        (!ways.is_empty()).then(|| ways.join(" || "))
    }

    /// The rules of a set, and the subjects that they name.
    fn rules(&self, texts: Vec<&RuleText>, parsed: &Parsed<'_>) -> Result<(Rules, BTreeSet<String>), LiftError> {
        let mut rules = Rules::default();
        for rule in texts {
            match (&rule.allow, &rule.require) {
                (Some(allow), None) => rules.allow.push(parsed.get(allow)?),
                (None, Some(require)) => rules.require.push(parsed.get(require)?),
                (Some(_), Some(_)) | (None, None) => return unexpected("a rule neither allows nor requires"),
            }
        }
        let subjects = self.named(&rules);
        Ok((rules, subjects))
    }

    fn named(&self, rules: &Rules) -> BTreeSet<String> {
        let texts = rules.allow.iter().chain(&rules.require).flat_map(Expression::texts);
        texts.filter(|text| self.subjects.contains(text)).map(str::to_owned).collect()
    }
}

/// Adds a rule of a policy object: it applies where all its expressions are true.
fn add(rules: &mut Rules, rule: &Authorization, parsed: &Parsed<'_>) -> Result<(), LiftError> {
    let expressions = rule.policy.match_expressions.iter().map(|text| parsed.get(text));
    let expressions = expressions.collect::<Result<Vec<_>, _>>()?;
    match (rule.action.as_str(), expressions.is_empty()) {
        ("Allow", false) => rules.allow.push(Expression::all_of(expressions)),
        ("Require", false) => rules.require.extend(expressions),
        _ => return unexpected("a rule neither allows nor requires"),
    }
    Ok(())
}

/// A text as it has to be written in a rule. Letters, digits and plain signs stay; all others are written by their number, and so
/// is `$`, which stands for a variable of the environment.
fn literal(text: &str) -> String {
    let sign = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c != '$' && (c.is_alphanumeric() || c == ' ' || c.is_ascii_graphic()) => c.to_string(),
        c if u32::from(c) <= 0xffff => format!("\\u{:04x}", u32::from(c)),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    format!("\"{}\"", text.chars().map(sign).collect::<String>())
}
