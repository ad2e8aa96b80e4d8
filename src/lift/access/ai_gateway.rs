//! Reads the objects of the Envoy AI Gateway back: which calls of tools its routes let through.
//!
//! A session is opened only for callers that the route's selector names, and every call comes in one. The rules on tools are
//! asked in order; the first that applies decides, and what none applies to is denied.

mod files;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use super::cel::{Expression, Look, Names, Value, claim_value};
use super::probe::{Probe, Source, Texts};
use super::relation::{Before, Decided, Part, Product, relation};
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::{ObjectKind, Policy};

/// The variables that rules can name.
const CLAIMS: [&str; 4] = ["request", "auth", "jwt", "claims"];
const SCOPES: [&str; 4] = ["request", "auth", "jwt", "scopes"];
const ARGUMENTS: [&str; 4] = ["request", "mcp", "params", "arguments"];

/// The relation that the routes decide.
///
/// # Errors
/// Where a file is missing, strange, or cannot be read exactly.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let routes = files::read(artifacts, model, policy)?;
    let servers: BTreeSet<ServerName> = routes.routes.keys().cloned().collect();
    let decided = Decided::TOOLS;
    let lifted = relation(&routes, &servers, model, policy, decided, Before::Callers)?;
    // Who may call no tool at all opens no session.
    let sessions = relation(&Sessions(&routes), &servers, model, policy, decided, Before::Callers)?;
    for ((principal, tools), opened) in policy.principals.iter().zip(&lifted).zip(&sessions) {
        let server = |object: &crate::policy::ObjectIx| &policy.object_at(*object).server;
        let with_tools: BTreeSet<&ServerName> = tools.keys().map(server).collect();
        if let Some(other) = opened.keys().map(server).find(|opened| !with_tools.contains(opened)) {
            return Err(LiftError::Unexpected(format!("`{}` may open sessions with `{other}`", principal.id)));
        }
    }
    Ok(Part::whole(lifted))
}

/// A rule on tools.
#[derive(Debug)]
struct Rule {
    tools: Texts,
    /// Each with the texts of which one must be the claim, or in it.
    claims: Vec<(Vec<String>, Vec<String>)>,
    cel: Expression,
}

#[derive(Debug)]
struct Route {
    callers: Vec<Expression>,
    /// Those that can let anything through.
    rules: Vec<Rule>,
    subjects: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Routes {
    routes: BTreeMap<ServerName, Route>,
}

/// Who may open a session: any call stands for one.
struct Sessions<'a>(&'a Routes);

struct Request;

impl Names for Request {
    fn claims(&self) -> &[&str] {
        &CLAIMS
    }

    fn arguments(&self) -> Option<&[&str]> {
        Some(&ARGUMENTS)
    }

    fn other(&self, path: &[&str], _world: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
        Err(LiftError::Unexpected(format!("a rule names `{}`, which is not known", path.join("."))))
    }
}

impl Route {
    fn opens(&self, look: &Look<'_>, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        for callers in &self.callers {
            if look.holds(callers, probe)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Rule {
    fn applies(&self, look: &Look<'_>, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        if !probe.one_of(&Source::Name, &self.tools) || !look.holds(&self.cel, probe)? {
            return Ok(false);
        }
        for (path, texts) in &self.claims {
            let known = claim_value(path, probe);
            let mut found = false;
            for text in texts {
                found = if matches!(known, Value::Claim(_)) {
                    probe.text_is(path, text) || probe.list_has(path, text)
                } else {
                    matches!(&known, Value::Of(source) if probe.is(source, text))
                };
                if found {
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Product for Routes {
    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        let Some(route) = self.routes.get(server) else { return Ok(false) };
        if !probe.is(&Source::Method, "tools/call") {
            return Ok(false);
        }
        let look = Look::new(&Request);
        if !probe.has(&Source::Issuer) || !route.opens(&look, probe)? {
            return Ok(false);
        }
        for rule in &route.rules {
            if rule.applies(&look, probe)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        self.routes.get(server).map(|route| route.subjects.clone()).unwrap_or_default()
    }
}

impl Product for Sessions<'_> {
    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        let Some(route) = self.0.routes.get(server) else { return Ok(false) };
        let known = route.rules.iter().any(|rule| probe.one_of(&Source::Name, &rule.tools));
        Ok(known && probe.has(&Source::Issuer) && route.opens(&Look::new(&Request), probe)?)
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        self.0.subjects(server)
    }
}

/// Whether an object is a tool, for those that are judged.
fn tool_of(kind: &ObjectKind) -> Option<&str> {
    match kind {
        ObjectKind::Tool(tool) => Some(tool.as_str()),
        ObjectKind::Protocol | ObjectKind::Resource(_) | ObjectKind::Prompt(_) => None,
    }
}
