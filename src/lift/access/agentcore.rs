//! Reads the files for AgentCore back: what the policies decide, whom the authorizers trust, and that the temporal policies
//! forbid what they should and nothing else.
//!
//! The principal is `AgentCore::OAuthUser::"SUB"`, and every claim but `sub` a text on it. A tool is the action
//! `TARGET___TOOL` on the gateway. AgentCore refuses policies that do not validate against a schema that it makes from the
//! tools; here it is made from the model, after its documentation.

mod history;
mod judge;
pub(crate) mod schema;
mod shapes;
mod temporal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::probe::{Probe, Source, Token};
use super::relation::{Before, Decided, Part, Product, relation};
use crate::bundle::{Artifact, manifest};
use crate::cedar::Uid;
use crate::cedar::dialect::{Expr, Scope, Statement, validate};
use crate::lift::LiftError;
use crate::lift::names::label;
use crate::model::Model;
use crate::model::access::{CalledEvidence, Issuer};
use crate::model::name::ServerName;
use crate::policy::Policy;
use judge::Judge;

/// Most earlier calls that one policy may look for.
const MOST_EVENTS: usize = 3;
/// Most policies that look back.
const MOST_TEMPORAL: usize = 20;

const USER: &str = "AgentCore::OAuthUser";

/// The relation that the policies decide.
///
/// # Errors
/// Where a file is one too many or cannot be read exactly, or AgentCore would refuse it.
pub fn read(files: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let arn = model.deployment.agentcore.as_ref().and_then(|keys| keys.gateway_arn.as_ref());
    let arn = arn.map_or("", |arn| arn.value.as_str());
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let issuers = issuers.map(|issuer| issuer.issuer.value.clone()).collect();
    let mut gateway = Gateway { issuers, ..Gateway::default() };
    let mut plain: Vec<String> = Vec::new();
    let mut approvals: Vec<String> = Vec::new();
    let mut temporal: Vec<String> = Vec::new();
    let mut authorizers: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, artifact) in files.iter().filter(|(path, _)| path.starts_with("agentcore/")) {
        let text = std::str::from_utf8(&artifact.bytes).map_err(|_| LiftError::File(path.clone()))?;
        let rest = path.trim_start_matches("agentcore/").trim_end_matches(".json");
        match rest.split_once('/') {
            Some(("policies", name)) => plain.push(statement(path, name, text, false)?),
            Some(("approvals", name)) => approvals.push(statement(path, name, text, true)?),
            Some(("temporal", name)) => temporal.push(statement(path, name, text, true)?),
            Some(("authorizers", number)) => drop(authorizers.insert(number, text)),
            _ => return Err(LiftError::Unexpected(format!("the file `{path}` is for nothing"))),
        }
    }
    trusted(&authorizers, model)?;
    sizes(&plain, &[approvals.as_slice(), &temporal].concat())?;
    let schema = schema::of(model);
    let mut heads: Vec<String> = Vec::new();
    for text in &temporal {
        heads.push(temporal::check(text, arn, model, policy)?);
    }
    temporal::complete(&temporal, model, policy)?;
    let mut permits: Vec<(String, Vec<CalledEvidence>)> = plain.into_iter().map(|text| (text, Vec::new())).collect();
    for text in &approvals {
        permits.push(history::read(text, model)?);
    }
    let all: Vec<&str> = permits.iter().map(|(text, _)| text).chain(&heads).map(String::as_str).collect();
    validate(schema, &all)?;
    for (text, calls) in permits {
        let statement = Statement::parse(&text)?;
        let fault = |why: &str| Err(LiftError::Unexpected(format!("a policy {why}: {text}")));
        if !statement.permits {
            return fault("forbids");
        }
        if !scoped(&statement, arn) {
            return fault("is not for OAuth users, named actions and the gateway");
        }
        let Some(condition) = statement.condition else { return fault("asks for nothing") };
        if !calls.iter().flat_map(|call| call.same.keys()).all(|argument| history::asks_for(&condition, argument)) {
            return fault("compares an argument without asking whether it is there");
        }
        let mut subjects = BTreeSet::new();
        shapes::named(&condition, &mut subjects);
        let index = gateway.conditions.len();
        gateway.conditions.push((condition, calls));
        for action in statement.actions {
            // A target's name holds no underscore.
            let target = action.id.split("___").next().unwrap_or_default().to_owned();
            gateway.of_target.entry(target).or_default().extend(subjects.iter().cloned());
            gateway.of_action.entry(action.id).or_default().push(index);
        }
        gateway.subjects.extend(subjects);
    }
    let declared: BTreeSet<&str> = policy.principals.iter().filter_map(|p| p.subject.as_deref()).collect();
    if let Some(subject) = gateway.subjects.iter().find(|subject| !declared.contains(subject.as_str())) {
        return Err(LiftError::Unexpected(format!("a policy names the caller `{subject}`, who is not declared")));
    }
    let servers: BTreeSet<ServerName> = policy.objects.iter().map(|object| object.server.clone()).collect();
    let labels: BTreeSet<String> = servers.iter().map(|server| label(server.as_str())).collect();
    if labels.len() != servers.len() {
        return Err(LiftError::Unexpected("two servers would be one target of the gateway".to_owned()));
    }
    let decided = Decided::TOOLS;
    Ok(Part::whole(relation(&gateway, &servers, model, policy, decided, Before::Callers)?))
}

/// What AgentCore asks of the head of a policy that names actions.
fn scoped(statement: &Statement, arn: &str) -> bool {
    statement.principal.as_deref() == Some(USER)
        && !statement.actions.is_empty()
        && statement.actions.iter().all(|action| action.kind == "AgentCore::Action")
        && statement.resource == Scope::Same(Uid { kind: "AgentCore::Gateway".to_owned(), id: arn.to_owned() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Input {
    name: String,
    description: String,
    definition: Definition,
    validation_mode: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    cedar: Option<Body>,
    policy: Option<Body>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    statement: String,
}

/// The statement in the input of `create-policy`.
fn statement(path: &str, name: &str, text: &str, temporal: bool) -> Result<String, LiftError> {
    let wrong = |why: &str| LiftError::Unexpected(format!("`{path}` {why}"));
    let input: Input = serde_json::from_str(text).map_err(|cause| wrong(&format!("cannot be read: {cause}")))?;
    if input.validation_mode != "FAIL_ON_ANY_FINDINGS" {
        return Err(wrong("would be taken with findings"));
    }
    let letters = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if input.name != name || !letters(name) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.len() > 48 {
        return Err(wrong("has another name than its file, or one that AgentCore refuses"));
    }
    if input.description.is_empty() {
        return Err(wrong("has no description"));
    }
    let statement = match (input.definition.cedar, input.definition.policy, temporal) {
        (Some(body), None, false) | (None, Some(body), true) => body.statement,
        _ => return Err(wrong("is of another kind than its folder")),
    };
    // A policy is never changed under its name: what is already there would otherwise be taken for this one.
    let digest = manifest::sha256(statement.as_bytes());
    if name.strip_prefix("mcp_") != digest.get(..16) {
        return Err(wrong("has a name that is not made from its statement"));
    }
    Ok(statement)
}

fn sizes(plain: &[String], temporal: &[String]) -> Result<(), LiftError> {
    let all = || plain.iter().chain(temporal);
    let bytes: usize = all().map(String::len).sum();
    let fits = |text: &String| (35..=10_000).contains(&text.len());
    if all().count() > 1_000 || temporal.len() > MOST_TEMPORAL || bytes > 200_000 || !all().all(fits) {
        return Err(LiftError::Unexpected("the policies are beyond a limit of AgentCore".to_owned()));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorizer {
    #[serde(rename = "customJWTAuthorizer")]
    jwt: JwtAuthorizer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct JwtAuthorizer {
    discovery_url: String,
    allowed_audience: Vec<String>,
}

/// That there is an authorizer for each issuer, which trusts it and its audiences alone.
fn trusted(authorizers: &BTreeMap<&str, &str>, model: &Model) -> Result<(), LiftError> {
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    let mut count = 0;
    for (issuer, number) in issuers.zip(1..) {
        count = number;
        let path = format!("agentcore/authorizers/{number}.json");
        let text = authorizers.get(number.to_string().as_str()).ok_or_else(|| LiftError::File(path.clone()))?;
        let found: Authorizer = serde_json::from_str(text)
            .map_err(|cause| LiftError::Unexpected(format!("`{path}` cannot be read: {cause}")))?;
        let base = found.jwt.discovery_url.strip_suffix("/.well-known/openid-configuration");
        let audiences = issuer.audiences.iter().map(|audience| audience.value.as_str());
        let trusts = base.is_some_and(|base| base == issuer.issuer.value.trim_end_matches('/'));
        if !trusts || !audiences.eq(found.jwt.allowed_audience.iter().map(String::as_str)) {
            let what =
                format!("`{path}` does not trust the tokens of `{}` for its audiences alone", issuer.issuer.value);
            return Err(LiftError::Unexpected(what));
        }
    }
    if authorizers.len() == count {
        Ok(())
    } else {
        Err(LiftError::Unexpected("there is an authorizer too many".to_owned()))
    }
}

#[derive(Default)]
struct Gateway {
    /// What each policy asks for, and the calls that must have been made before.
    conditions: Vec<(Expr, Vec<CalledEvidence>)>,
    of_action: BTreeMap<String, Vec<usize>>,
    /// The subjects that the policies for each target name, and all of them.
    of_target: BTreeMap<String, BTreeSet<String>>,
    subjects: BTreeSet<String>,
    /// The issuers of the model.
    issuers: BTreeSet<String>,
}

impl Product for Gateway {
    /// Callers are told by `act.sub` and `sub` alone.
    fn reads_callers_of(&self, issuer: &Issuer) -> bool {
        issuer.caller.is_none()
    }

    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        if !probe.is(&Source::Method, "tools/call") || !probe.is_text(&["sub".to_owned()]) {
            return Ok(false);
        }
        let Some(tool) = probe.whole(&Source::Name) else { return Ok(false) };
        let action = format!("{}___{tool}", label(server.as_str()));
        for index in self.of_action.get(&action).into_iter().flatten() {
            let Some((condition, calls)) = self.conditions.get(*index) else { continue };
            // A policy that fails to evaluate permits nothing; none of these can fail, since every tag is asked for first.
            let judged = Judge { probe, issuers: &self.issuers }.holds(condition, &mut Vec::new());
            let holds = judged.map_err(|why| {
                LiftError::Unexpected(format!("a policy for `{action}` cannot be read exactly: {why}"))
            })?;
            if holds && calls.iter().all(|call| probe.called(call)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        self.of_target.get(&label(server.as_str())).cloned().unwrap_or_default()
    }

    fn reads(&self, token: &Token) -> bool {
        let actor = token.texts.get(["act".to_owned(), "sub".to_owned()].as_slice());
        let acts = actor.is_some() || token.objects.iter().any(|object| object == &["act"]);
        // An actor is recognised, not read.
        has_subject(token) && (!acts || actor.is_some_and(|actor| self.subjects.contains(actor)))
    }
}

fn has_subject(token: &Token) -> bool {
    token.texts.get(["sub".to_owned()].as_slice()).is_some_and(|subject| !subject.is_empty())
}
