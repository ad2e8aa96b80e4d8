//! Reads the files of agentgateway back: which requests its gateways let through.
//!
//! A request passes the listener (its token is verified, its rules must hold), then the route of its path (its rules on HTTP
//! must allow it), then, where it names a tool, prompt or resource, the rules on these. Without any rule everything passes.

mod files;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::cel::{Expression, Look, Names, Value};
use super::probe::{Http, Probe, Shape, Source, Texts};
use super::relation::{Before, Decided, Part, Product, relation};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::model::topology::Topology;
use crate::policy::Policy;
use crate::policy::fact::{MTLS, TLS};

/// The central gateway's name.
const CENTRAL: &str = "central";

/// The relation that each gateway's files decide.
///
/// # Errors
/// Where a file is missing, strange, or cannot be read exactly.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let mut parts: Vec<Part> = Vec::new();
    let all = files::read(artifacts, model, policy)?;
    for (index, read) in all.iter().enumerate() {
        // The same rules in another file decide the same.
        let same = |other: &Read| (other.unit, &other.gateway) == (read.unit, &read.gateway);
        let same = all.iter().take(index).position(same).and_then(|before| parts.get(before));
        if let Some(before) = same {
            let (lifted, servers, given) = (before.lifted.clone(), before.servers.clone(), before.given.clone());
            parts.push(Part { gateway: read.name.clone(), lifted, servers, given });
            continue;
        }
        let identity;
        let before = match read.unit {
            false => Before::Callers,
            true => {
                let domain = model.identity.as_ref().and_then(|identity| identity.trust_domain.as_ref());
                let Some(domain) = domain else {
                    return Err(LiftError::Unexpected("gateways are not known without a trust domain".to_owned()));
                };
                identity = Topology::gateway_identity(&domain.value, CENTRAL);
                Before::Gateway(&identity)
            }
        };
        let decided = Decided {
            sessions: false,
            certificates: read.gateway.certified,
            references: true,
            listens: true,
            responses: true,
            alone: true,
            ..Decided::METHODS
        };
        let servers: BTreeSet<ServerName> = read.gateway.routes.keys().cloned().collect();
        let lifted = relation(&read.gateway, &servers, model, policy, decided, before)?;
        parts.push(Part {
            gateway: read.name.clone(),
            lifted,
            servers: Some(servers),
            given: if read.gateway.certified { [TLS, MTLS].into() } else { BTreeSet::new() },
        });
    }
    Ok(parts)
}

/// A set of rules: where there is any that allows, one of them must; all that are required must hold.
#[derive(Debug, Default, PartialEq)]
struct Rules {
    allow: Vec<Expression>,
    require: Vec<Expression>,
}

/// What is decided for one server.
#[derive(Debug, Default, PartialEq)]
struct Route {
    http: Rules,
    mcp: Rules,
    /// The subjects that the rules name.
    subjects: BTreeSet<String>,
}

/// The methods that name an item.
static NAMED: LazyLock<Texts> = LazyLock::new(|| Texts::each(["tools/call", "prompts/get", "resources/read"]));
/// What they name, and where.
const ITEMS: [(&str, Source<'static>); 3] =
    [("tool", Source::Name), ("prompt", Source::Name), ("resource", Source::Uri)];

/// One gateway's rules.
#[derive(Debug, Default, PartialEq)]
struct Gateway {
    /// Whether every connection comes with a certificate that holds.
    certified: bool,
    listener: Rules,
    routes: BTreeMap<ServerName, Route>,
}

/// What was read from one file.
struct Read {
    /// For messages.
    name: String,
    /// Whether it is a unit's.
    unit: bool,
    gateway: Gateway,
}

impl Rules {
    fn hold(&self, look: &Look<'_>, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        for rule in &self.require {
            if !look.holds(rule, probe)? {
                return Ok(false);
            }
        }
        for rule in &self.allow {
            if look.holds(rule, probe)? {
                return Ok(true);
            }
        }
        Ok(self.allow.is_empty())
    }
}

impl Product for Gateway {
    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        let Some(route) = self.routes.get(server) else { return Ok(false) };
        // Every issuer of the model is believed, and no other: that was seen when reading. No request is without a token.
        if !probe.has(&Source::Issuer) {
            return Ok(false);
        }
        let names = |certified, item| Request { certified, item };
        // One kind of request shows it for all: no rule of a listener looks at the message.
        if self.certified
            && probe.is(&Source::Method, "initialize")
            && self.listener.hold(&Look::new(&names(false, None)), probe)?
        {
            return Err(LiftError::Unexpected("connections without a certificate are let through".to_owned()));
        }
        let before = names(self.certified, None);
        let look = Look::new(&before);
        if !self.listener.hold(&look, probe)? || !route.http.hold(&look, probe)? {
            return Ok(false);
        }
        let Some((kind, name)) = probe.among(&Source::Method, &NAMED).and_then(|at| ITEMS.get(at)) else {
            return Ok(true);
        };
        // The gateway reads the message before it decides.
        if !probe.has(name) {
            return Ok(false);
        }
        route.mcp.hold(&Look::new(&names(self.certified, Some((*kind, name)))), probe)
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        self.routes.get(server).map(|route| route.subjects.clone()).unwrap_or_default()
    }
}

/// What expressions can name about a request.
struct Request<'a> {
    certified: bool,
    /// The kind of thing that is asked for, and its name: where the gateway knows that already.
    item: Option<(&'a str, &'a Source<'static>)>,
}

impl Names for Request<'_> {
    fn claims(&self) -> &[&str] {
        &["jwt"]
    }

    fn arguments(&self) -> Option<&[&str]> {
        None
    }

    fn other(&self, path: &[&str], probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
        let text = |probe: &mut Probe<'_>, source: Source<'static>| match probe.has(&source) {
            true => Value::Of(source),
            false => Value::Error,
        };
        match path {
            ["source", "certificate"] if self.certified => Ok(Value::Text("a certificate".into())),
            ["source", "subjectAltNames"] if self.certified => Ok(Value::PeerNames),
            ["source", "certificate" | "subjectAltNames"] => Ok(Value::Error),
            // Only messages have a body.
            ["json(request.body)", ..] if probe.http() != Http::Post => Ok(Value::Error),
            // As requests without parameters have them: `jsonrpc`, `id` and `method`.
            ["size(json(request.body))"] if probe.http() != Http::Post => Ok(Value::Error),
            ["size(json(request.body))"] => Ok(Value::Number(match probe.shape() {
                Shape::Both | Shape::WithError | Shape::AnotherCase => 4.0,
                Shape::Request
                | Shape::Response
                | Shape::ErrorResponse
                | Shape::WithoutVersion
                | Shape::WithoutId
                | Shape::Mismatched => 3.0,
            })),
            ["json(request.body)", "method"] if matches!(probe.shape(), Shape::Response | Shape::ErrorResponse) => {
                Ok(Value::Error)
            }
            ["json(request.body)", "method"] => Ok(text(probe, Source::Method)),
            ["json(request.body)", "params", "ref", "type"] => Ok(text(probe, Source::ReferredType)),
            ["json(request.body)", "params", "ref", "name"] => Ok(text(probe, Source::ReferredName)),
            ["json(request.body)", "params", "ref", "uri"] => Ok(text(probe, Source::ReferredUri)),
            ["json(request.body)", "params", "name"] => Ok(text(probe, Source::Name)),
            ["json(request.body)", "params", "uri"] => Ok(text(probe, Source::Uri)),
            ["mcp", kind @ ("tool" | "prompt" | "resource"), "name"] => Ok(match self.item {
                Some((asked, source)) if asked == *kind => Value::Of(source.clone()),
                _ => Value::Error,
            }),
            _ => Err(LiftError::Unexpected(format!("a rule names `{}`, which is not known", path.join(".")))),
        }
    }

    fn has(&self, path: &[&str], probe: &mut Probe<'_>) -> Option<Result<Value<'static>, LiftError>> {
        let ["json(request.body)", below @ ..] = path else { return None };
        if probe.http() != Http::Post {
            return Some(Ok(Value::Error));
        }
        let has = match below {
            ["jsonrpc"] => probe.shape() != Shape::WithoutVersion,
            ["id"] => probe.shape() != Shape::WithoutId,
            ["result"] => {
                matches!(probe.shape(), Shape::Response | Shape::Both | Shape::WithoutVersion | Shape::WithoutId)
            }
            ["error"] => matches!(probe.shape(), Shape::ErrorResponse | Shape::WithError),
            ["params", "notifications", "resourceSubscriptions"] => probe.subscriptions() > 0,
            _ => return None,
        };
        Some(Ok(Value::Bool(has)))
    }
}
