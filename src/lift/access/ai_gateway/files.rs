//! From the objects to the rules of each route. Everything that decides where a call ends up, and whose tokens are believed,
//! is compared with the model here, and so are the product's limits.

use std::collections::{BTreeMap, BTreeSet};

use super::shapes::{BackendSpec, CallerRule, Jwt, OAuth, RouteSpec, RuleSet, ToolRule};
use super::{Route, Routes, Rule, SCOPES, tool_of};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::access::cel::{Expression, Parsed};
use crate::lift::access::probe::Texts;
use crate::lift::documents::{Object, documents};
use crate::lift::folders;
use crate::lift::names::labels;
use crate::model::Model;
use crate::model::access::Jwks;
use crate::model::deployment::TargetId;
use crate::model::name::ServerName;
use crate::model::server::Server;
use crate::model::url::{Url, canonical};
use crate::policy::Policy;

/// The target, and the folder of its files.
const NAME: &str = "ai-gateway";

/// The product's limits: rules of a set, tools of a rule, claims and scopes of a rule, values of a claim, audiences and
/// announced scopes, characters of an expression.
const RULES: usize = 32;
const TOOLS: usize = 16;
const CLAIMS: usize = 16;
const VALUES: usize = 128;
const AUDIENCES: usize = 32;
const CEL: usize = 4096;

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}

pub(super) fn read(
    artifacts: &BTreeMap<String, Artifact>,
    model: &Model,
    policy: &Policy,
) -> Result<Routes, LiftError> {
    let file = |form: &str| {
        let path = format!("{NAME}/central/{form}");
        artifacts.get(&path).map(|artifact| (artifact, path.clone())).ok_or(LiftError::File(path))
    };
    folders::check(artifacts, NAME, model)?;
    let known = ["backends.yaml", "kustomization.yaml", "routes.yaml"].map(|form| format!("{NAME}/central/{form}"));
    if let Some(other) = artifacts.keys().find(|path| path.starts_with("ai-gateway/") && !known.contains(path)) {
        return unexpected(format!("nothing reads the file `{other}`"));
    }
    let used: BTreeSet<&ServerName> = policy
        .all_cells()
        .filter(|(_, object, cell)| {
            !policy.is_never(cell.condition) && tool_of(&policy.object_at(*object).kind).is_some()
        })
        .map(|(_, object, _)| &policy.object_at(object).server)
        .collect();
    let labels = labels(used.into_iter().map(ServerName::as_str))?;
    let subjects: BTreeSet<&str> = policy.principals.iter().filter_map(|p| p.subject.as_deref()).collect();
    let (artifact, path) = file("backends.yaml")?;
    let mut backends = BTreeSet::new();
    for backend in documents::<Object<BackendSpec>>(&path, artifact)? {
        let server = server(&backend, &labels, model, ("gateway.envoyproxy.io/v1alpha1", "Backend"))?;
        check_backend(server, &backend.spec)?;
        if !backends.insert(server.name.value.clone()) {
            return unexpected(format!("`{path}` has two backends for `{}`", server.name));
        }
    }
    let (artifact, path) = file("routes.yaml")?;
    let mut routes = Routes::default();
    let found = documents::<Object<RouteSpec>>(&path, artifact)?;
    let texts = found.iter().flat_map(|route| {
        let rules = route.spec.security_policy.authorization.rules.iter().map(|rule| rule.cel.as_str());
        rules.chain(route.spec.backend_selector.rules.iter().map(|rule| rule.cel.as_str()))
    });
    let parsed = Parsed::of(texts)?;
    for route in &found {
        let server = server(route, &labels, model, ("aigateway.envoyproxy.io/v1beta1", "MCPRoute"))?;
        if !backends.contains(&server.name.value) {
            return unexpected(format!("there is no backend for `{}`", server.name));
        }
        let found = self::route(route, server, model, &subjects, &parsed)?;
        if routes.routes.insert(server.name.value.clone(), found).is_some() {
            return unexpected(format!("`{path}` has two routes for `{}`", server.name));
        }
    }
    match labels.values().find(|name| !routes.routes.keys().any(|found| found.as_str() == **name)) {
        Some(name) => unexpected(format!("`{path}` has no route for `{name}`")),
        None => Ok(routes),
    }
}

/// The server that an object is for.
fn server<'m, T>(
    object: &Object<T>,
    labels: &BTreeMap<String, &str>,
    model: &'m Model,
    expected: (&str, &str),
) -> Result<&'m Server, LiftError> {
    let namespace = model.deployment.namespace(TargetId::AiGateway);
    let namespace = namespace.map_or("mcp", |namespace| namespace.value.as_str());
    object.metadata.check(model)?;
    if (object.api_version.as_str(), object.kind.as_str()) != expected || object.metadata.namespace != namespace {
        return unexpected(format!("the object `{}` is of another kind or namespace", object.metadata.name));
    }
    let name = labels.get(&object.metadata.name);
    match name.and_then(|name| model.servers.values().find(|server| server.name.value.as_str() == *name)) {
        Some(server) => Ok(server),
        None => unexpected(format!("the object `{}` is for no server", object.metadata.name)),
    }
}

fn check_backend(server: &Server, spec: &BackendSpec) -> Result<(), LiftError> {
    let url = server.url.as_ref().and_then(|url| Url::parse(&url.value));
    let Some(url) = url else { return unexpected(format!("`{}` has no URL", server.name)) };
    let tls = url.scheme == "https";
    let port = url.port.unwrap_or(if tls { 443 } else { 80 });
    let is_ip = url.host.parse::<core::net::IpAddr>().is_ok();
    let [endpoint] = spec.endpoints.as_slice() else { return unexpected("a backend has not one endpoint") };
    let reached = match (&endpoint.fqdn, &endpoint.ip) {
        (Some(host), None) => !is_ip && host.hostname == url.host && host.port == port,
        (None, Some(ip)) => is_ip && ip.address.parse() == url.host.parse::<core::net::IpAddr>() && ip.port == port,
        (Some(_), Some(_)) | (None, None) => false,
    };
    let encrypted = match &spec.tls {
        None => !tls,
        Some(found) => {
            tls && found.authorities == "System" && found.sni.as_deref() == Some(url.host).filter(|_| !is_ip)
        }
    };
    if reached && encrypted {
        Ok(())
    } else {
        unexpected(format!("the backend of `{}` is somewhere else", server.name))
    }
}

fn route(
    object: &Object<RouteSpec>,
    server: &Server,
    model: &Model,
    subjects: &BTreeSet<&str>,
    parsed: &Parsed<'_>,
) -> Result<Route, LiftError> {
    let RouteSpec { parent_refs, path, backend_refs, backend_selector, security_policy } = &object.spec;
    let gateway = model.deployment.ai_gateway.as_ref().and_then(|keys| keys.gateway.as_ref());
    let gateway = gateway.map_or("mcp", |gateway| gateway.value.as_str());
    let name = &server.name.value;
    let own = format!("/{name}/mcp");
    let upstream = server.url.as_ref().and_then(|url| {
        let (_, rest) = url.value.split_once("://")?;
        Some(rest.split_once('/').map_or_else(|| "/".to_owned(), |(_, path)| format!("/{path}")))
    });
    let attached = match parent_refs.as_slice() {
        [parent] => {
            (parent.group.as_str(), parent.kind.as_str(), parent.name.as_str())
                == ("gateway.networking.k8s.io", "Gateway", gateway)
                && parent.path.is_none()
        }
        _ => false,
    };
    let leads = match backend_refs.as_slice() {
        [backend] => {
            (backend.group.as_str(), backend.kind.as_str()) == ("gateway.envoyproxy.io", "Backend")
                && backend.name == object.metadata.name
                && backend.path == upstream
        }
        _ => false,
    };
    if !attached || !leads || *path != own {
        return unexpected(format!("the route of `{name}` is attached, or leads, somewhere else"));
    }
    check_tokens(&security_policy.oauth, name, &own, model)?;
    let callers = callers(backend_selector, name, parsed)?;
    let (rules, scopes) = rules(&security_policy.authorization, &object.metadata.name, parsed)?;
    let announced: BTreeSet<String> =
        security_policy.oauth.protected_resource_metadata.scopes_supported.iter().cloned().collect();
    if !announced.is_subset(&scopes) {
        return unexpected(format!("the route of `{name}` announces scopes that it does not ask for"));
    }
    let texts = callers.iter().chain(rules.iter().map(|rule| &rule.cel)).flat_map(Expression::texts);
    let named = texts.filter(|text| subjects.contains(text)).map(str::to_owned).collect();
    Ok(Route { callers, rules, subjects: named })
}

/// That tokens are asked for, of exactly the issuer, audiences and keys of the model, for this server's address.
fn check_tokens(oauth: &OAuth, server: &ServerName, own: &str, model: &Model) -> Result<(), LiftError> {
    let issuers = model.identity.as_ref().map(|identity| identity.issuers.as_slice()).unwrap_or_default();
    let [issuer] = issuers else { return unexpected("there is not one issuer") };
    let found = &oauth.jwks;
    let keys = match (issuer.keys.as_ref().map(|keys| &keys.value), &found.remote, &found.local) {
        (Some(Jwks::Url(url)), Some(remote), None) => remote.uri == *url,
        (Some(Jwks::File(file)), None, Some(local)) => {
            local.kind == "Inline" && model.key_sets.get(file) == Some(&local.inline)
        }
        _ => false,
    };
    let named = model.servers.get(server).filter(|_| issuer.per_server.is_some());
    let audiences: Vec<String> = match named {
        Some(server) => model.topology.canonical_uris(server),
        None => issuer.audiences.iter().map(|audience| audience.value.clone()).collect(),
    };
    let central = model.topology.central_gateway.as_ref().map(|url| canonical(&url.value)).unwrap_or_default();
    let same = oauth.issuer == issuer.issuer.value
        && (1..=AUDIENCES).contains(&oauth.audiences.len())
        && oauth.audiences == audiences
        && keys
        && oauth.protected_resource_metadata.resource == format!("{central}{own}");
    if same {
        Ok(())
    } else {
        unexpected(format!("the route of `{server}` believes other tokens, or names another address"))
    }
}

fn callers(
    selector: &RuleSet<CallerRule>,
    server: &ServerName,
    parsed: &Parsed<'_>,
) -> Result<Vec<Expression>, LiftError> {
    if selector.default_action != "Deny" || selector.rules.len() > RULES {
        return unexpected(format!("sessions with `{server}` are open to everybody, or the rules are too many"));
    }
    let expression = |rule: &CallerRule| match rule.action.as_str() {
        "Allow" => expression(&rule.cel, parsed),
        _ => unexpected("a rule does not allow"),
    };
    selector.rules.iter().map(expression).collect()
}

fn expression(text: &str, parsed: &Parsed<'_>) -> Result<Expression, LiftError> {
    if text.chars().count() > CEL { unexpected("an expression is too long") } else { parsed.get(text) }
}

/// The rules that can let something through, and the scopes that the others ask for.
fn rules(
    found: &RuleSet<ToolRule>,
    label: &str,
    parsed: &Parsed<'_>,
) -> Result<(Vec<Rule>, BTreeSet<String>), LiftError> {
    if found.default_action != "Deny" || found.rules.len() > RULES {
        return unexpected("what no rule applies to is let through, or the rules are too many");
    }
    let mut rules = Vec::new();
    let mut asked = BTreeSet::new();
    let mut challenged: Vec<String> = Vec::new();
    for rule in &found.rules {
        let cel = expression(&rule.cel, parsed)?;
        let tools: Texts = rule.target.tools.iter().map(|tool| tool.tool.as_str()).collect();
        let here = rule.target.tools.iter().all(|tool| tool.backend == label);
        if rule.action != "Allow" || !here || !(1..=TOOLS).contains(&rule.target.tools.len()) {
            return unexpected("a rule does not allow, or is for no tools or too many");
        }
        let none = Jwt { claims: Vec::new(), scopes: Vec::new() };
        let Jwt { claims, scopes } = rule.source.as_ref().map_or(&none, |source| &source.jwt);
        if rule.source.is_some() && claims.is_empty() && scopes.is_empty()
            || claims.len() > CLAIMS
            || scopes.len() > CLAIMS
        {
            return unexpected("a rule asks for no claims or scopes, or for too many");
        }
        let claims = claims.iter().map(|claim| {
            let fits = claim.value_type == "StringArray"
                && claim.name != "scope"
                && (1..=VALUES).contains(&claim.values.len());
            let path = claim.name.split('.').map(str::to_owned).collect();
            if fits { Ok((path, claim.values.clone())) } else { unexpected("a rule asks for a claim in another way") }
        });
        let claims = claims.collect::<Result<Vec<_>, _>>()?;
        if scopes.is_empty() {
            rules.push(Rule { tools, claims, cel });
            continue;
        }
        // It needs all these scopes, and that one of some of them is missing: so it never lets anything through.
        let all: BTreeSet<&str> = scopes.iter().map(String::as_str).collect();
        if !cel.lacking(&SCOPES).iter().any(|lacking| !lacking.is_empty() && lacking.is_subset(&all)) {
            return unexpected("a rule lets tokens through for their scopes, which are no evidence");
        }
        asked.extend(scopes.iter().cloned());
        challenged.extend(tools.all().map(str::to_owned));
    }
    match challenged.iter().find(|tool| !rules.iter().any(|rule| rule.tools.class(tool).is_some())) {
        Some(tool) => unexpected(format!("scopes are asked for `{tool}`, which nobody may call")),
        None => Ok((rules, asked)),
    }
}
