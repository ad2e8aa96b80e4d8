//! Reads the resources for ToolHive back: what its proxies decide, and the order of composite tools.
//!
//! A proxy's authorizer is ToolHive's own `cedarv1`: the principal is `Client::"SUB"`, claims are attributes `claim_NAME` and
//! arguments `arg_NAME` of the context, a tool is `Tool::"NAME"` in `MCP::"SERVER"`. A policy that fails to evaluate
//! denies the request.

mod composite;
mod judge;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::probe::{Probe, Source, Token};
use super::relation::{Before, Decided, Part, Product, relation};
use crate::bundle::Artifact;
use crate::cedar::Uid;
use crate::cedar::dialect::{Expr, Scope, Statement};
use crate::lift::LiftError;
use crate::lift::folders::{self, cluster_of};
use crate::lift::metadata::Metadata;
use crate::lift::names::label;
use crate::model::Model;
use crate::model::access::Issuer;
use crate::model::deployment::TargetId;
use crate::model::name::ServerName;
use crate::model::uri::is_normal;
use crate::policy::Policy;
use crate::policy::visibility::sample;
use judge::{Judge, Verdict, matches};

const API: &str = "toolhive.stacklok.dev/v1beta1";

/// The relation that the proxies decide.
///
/// # Errors
/// Where a file is missing or one too many, or cannot be read exactly.
pub fn read(files: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let namespace = model.deployment.namespace(TargetId::Toolhive);
    let namespace = namespace.map_or("mcp", |namespace| namespace.value.as_str());
    let mut rest: BTreeSet<&str> =
        files.keys().map(String::as_str).filter(|path| path.starts_with("toolhive/")).collect();
    folders::check(files, "toolhive", model)?;
    rest.retain(|path| !path.ends_with("/kustomization.yaml"));
    let mut proxies = Proxies::default();
    let declared: BTreeSet<&str> = policy.principals.iter().filter_map(|p| p.subject.as_deref()).collect();
    for server in model.servers.values() {
        let name = &server.name.value;
        let expected = label(name.as_str());
        let cluster = cluster_of(model, server.unit.as_ref().map(|unit| &unit.value));
        let path = format!("toolhive/{cluster}/authz/{expected}.yaml");
        rest.remove(path.as_str());
        let statements = authorizer(text(files, &path)?, &path, (&expected, namespace), model)?;
        for subject in subjects_of(&statements) {
            if !declared.contains(subject.as_str()) {
                let what = format!("a policy of `{name}` names the caller `{subject}`, who is not declared");
                return Err(LiftError::Unexpected(what));
            }
        }
        proxies.statements.insert(name.clone(), statements);
        let tools = server.tools.keys().map(|tool| tool.as_str().to_owned()).collect();
        proxies.ids.insert((name.clone(), "Tool".to_owned()), tools);
        let prompts = server.prompts.iter().map(|prompt| prompt.name.value.clone()).collect();
        proxies.ids.insert((name.clone(), "Prompt".to_owned()), prompts);
        let resources = server.resources.iter().map(|resource| resource.uri.value.clone()).collect();
        let prompts = server.prompts.iter().map(|prompt| prompt.name.value.clone()).collect();
        proxies.lists.insert(name.clone(), (resources, prompts));
    }
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    proxies.issuers = issuers.map(|issuer| issuer.issuer.value.clone()).collect();
    for cluster in folders::clusters(model) {
        composite::check(files, &mut rest, model, (cluster, namespace))?;
    }
    if let Some(path) = rest.first() {
        return Err(LiftError::Unexpected(format!("the file `{path}` is for nothing in the model")));
    }
    let servers: BTreeSet<ServerName> = policy.objects.iter().map(|object| object.server.clone()).collect();
    let decided = Decided { resources: true, spellings: true, prompts: true, ..Decided::TOOLS };
    Ok(Part::whole(relation(&proxies, &servers, model, policy, decided, Before::Callers)?))
}

fn text<'a>(files: &'a BTreeMap<String, Artifact>, path: &str) -> Result<&'a str, LiftError> {
    let bytes = files.get(path).map(|artifact| artifact.bytes.as_slice());
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or_else(|| LiftError::File(path.to_owned()))
}

/// A resource of Kubernetes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Resource<Spec> {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

impl<Spec> Resource<Spec> {
    fn check(&self, path: &str, kind: &str, (name, namespace): (&str, &str), model: &Model) -> Result<(), LiftError> {
        self.metadata.check(model)?;
        let found = (&*self.api_version, &*self.kind, &*self.metadata.name, &*self.metadata.namespace);
        if found == (API, kind, name, namespace) {
            return Ok(());
        }
        Err(LiftError::Unexpected(format!(
            "`{path}` is not the `{kind}` named `{name}` in the namespace `{namespace}`"
        )))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthzSpec {
    r#type: String,
    config: Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    policies: Vec<String>,
    entities_json: String,
}

fn authorizer(
    text: &str,
    path: &str,
    (name, namespace): (&str, &str),
    model: &Model,
) -> Result<Vec<Statement>, LiftError> {
    let resource: Resource<AuthzSpec> = serde_yaml::from_str(text)
        .map_err(|cause| LiftError::Unexpected(format!("`{path}` cannot be read: {cause}")))?;
    resource.check(path, "MCPAuthzConfig", (name, namespace), model)?;
    let AuthzSpec { r#type, config } = resource.spec;
    if r#type != "cedarv1" {
        return Err(LiftError::Unexpected(format!("`{path}` is for the authorizer `{type}`")));
    }
    if config.entities_json != "[]" {
        return Err(LiftError::Unexpected(format!("`{path}` brings entities, of which no policy speaks")));
    }
    if config.policies.is_empty() {
        return Err(LiftError::Unexpected(format!("`{path}` has no policy, which ToolHive refuses")));
    }
    let mut statements: Vec<Statement> =
        config.policies.iter().map(|policy| Statement::parse(policy)).collect::<Result<_, _>>()?;
    let closed =
        Statement { permits: false, principal: None, actions: Vec::new(), resource: Scope::Any, condition: None };
    if statements == [closed] {
        statements.clear();
    }
    let here = Scope::In(Uid { kind: "MCP".to_owned(), id: name.to_owned() });
    let verbs = ["call_tool", "get_prompt", "read_resource"];
    for statement in &statements {
        let acts = |action: &Uid| action.kind == "Action" && verbs.contains(&action.id.as_str());
        let fits = (statement.permits || forbids_uris(statement))
            && statement.principal.is_none()
            && statement.resource == here
            && statement.actions.len() == 1
            && statement.actions.iter().all(acts)
            && statement.condition.is_some();
        if !fits {
            return Err(LiftError::Unexpected(format!(
                "a policy in `{path}` is not a permit of one action on `{name}`, and forbids no spelling of URIs"
            )));
        }
    }
    Ok(statements)
}

/// Whether a policy forbids the reading of exactly the URIs that are not in normal form, whoever reads.
fn forbids_uris(statement: &Statement) -> bool {
    let uri = Expr::Resource.attribute("uri");
    let parts = match &statement.condition {
        Some(Expr::All(parts)) => parts.as_slice(),
        Some(_) | None => &[],
    };
    let [has, Expr::Any(spellings)] = parts else { return false };
    let mut patterns = Vec::new();
    for spelling in spellings {
        let Expr::Like(of, pattern) = spelling else { return false };
        if **of != uri {
            return false;
        }
        patterns.push(pattern.as_slice());
    }
    let is_forbidden = |uri: &str| patterns.iter().any(|pattern| matches(pattern, uri));
    let reads = |action: &Uid| action.id == "read_resource";
    *has == Expr::Resource.has("uri")
        && statement.actions.iter().all(reads)
        && spellings_of_uris().all(|uri| is_forbidden(&uri) != is_normal(&uri))
}

/// A URI with each byte percent-encoded, and with each kind of segment; those that are in normal form are among them.
fn spellings_of_uris() -> impl Iterator<Item = String> {
    let encoded = (0..=u8::MAX).flat_map(|byte| [format!("x%{byte:02X}y"), format!("x%{byte:02x}y")]);
    let segments = [":", "/", "x"].into_iter().flat_map(|before| {
        [".", "..", "...", ".y", "..y", "y.", "y.."].into_iter().flat_map(move |segment| {
            ["", "/", "/y", "?y", "#y", "y"].into_iter().map(move |after| format!("s{before}{segment}{after}"))
        })
    });
    encoded.chain(segments)
}

/// The subjects that the policies name.
fn subjects_of(statements: &[Statement]) -> BTreeSet<String> {
    let mut subjects = BTreeSet::new();
    for condition in statements.iter().filter_map(|statement| statement.condition.as_ref()) {
        named(condition, &mut subjects);
    }
    subjects
}

#[derive(Default)]
struct Proxies {
    /// The permits of each server.
    statements: BTreeMap<ServerName, Vec<Statement>>,
    /// The tools and prompts of each server.
    ids: BTreeMap<(ServerName, String), BTreeSet<String>>,
    /// The issuers of the model.
    issuers: BTreeSet<String>,
    /// The URI patterns and prompts of each server: what the filtered lists are made from.
    lists: BTreeMap<ServerName, (Vec<String>, Vec<String>)>,
}

impl Product for Proxies {
    /// Callers are told by `act.sub` and `sub` alone.
    fn reads_callers_of(&self, issuer: &Issuer) -> bool {
        issuer.caller.is_none()
    }

    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        let method = probe.whole(&Source::Method).unwrap_or_default();
        let (resources, prompts) = self.lists.get(server).map_or((&[][..], &[][..]), |(a, b)| (a, b));
        match method.as_str() {
            "tools/call" | "prompts/get" => {
                let name = probe.whole(&Source::Name);
                let tool = method == "tools/call";
                let (verb, kind) = if tool { ("call_tool", "Tool") } else { ("get_prompt", "Prompt") };
                self.judged(server, probe, verb, kind, name.as_deref())
            }
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                let uri = probe.whole(&Source::Uri);
                self.judged(server, probe, "read_resource", "Resource", uri.as_deref())
            }
            // Lists are let through and filtered: what is left of them is what could be used.
            "resources/list" | "resources/templates/list" => {
                for pattern in resources {
                    if self.judged(server, probe, "read_resource", "Resource", Some(&sample(pattern)))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            "prompts/list" => {
                for prompt in prompts {
                    if self.judged(server, probe, "get_prompt", "Prompt", Some(prompt))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            other => {
                Err(LiftError::Unexpected(format!("what ToolHive does with `{other}` is not decided by policies")))
            }
        }
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        self.statements.get(server).map(|statements| subjects_of(statements)).unwrap_or_default()
    }

    fn reads(&self, token: &Token) -> bool {
        // A token without a subject makes no principal.
        token.texts.get(["sub".to_owned()].as_slice()).is_some_and(|subject| !subject.is_empty())
    }
}

impl Proxies {
    fn judged(
        &self,
        server: &ServerName,
        probe: &mut Probe<'_>,
        verb: &str,
        kind: &str,
        name: Option<&str>,
    ) -> Result<bool, LiftError> {
        // A token without a subject makes no principal.
        if !probe.is_text(&["sub".to_owned()]) {
            return Ok(false);
        }
        let Some(statements) = self.statements.get(server) else { return Ok(false) };
        let none = BTreeSet::new();
        let ids = self.ids.get(&(server.clone(), kind.to_owned())).unwrap_or(&none);
        let mut permitted = false;
        let of_verb = |statement: &&Statement| statement.actions.iter().any(|action| action.id == verb);
        for statement in statements.iter().filter(of_verb) {
            let mut judge = Judge { probe, kind, name, ids, issuers: &self.issuers };
            match statement.condition.as_ref().map_or(Verdict::Of(true), |condition| judge.judge(condition)) {
                Verdict::Of(true) if !statement.permits => return Ok(false),
                Verdict::Of(holds) => permitted |= holds && statement.permits,
                Verdict::Fails => return Ok(false),
                Verdict::Unreadable(why) => {
                    return Err(LiftError::Unexpected(format!("a policy of `{server}` cannot be read exactly: {why}")));
                }
            }
        }
        Ok(permitted && name.is_some())
    }
}

/// The subjects that an expression names: as clients, or as the actor.
fn named(expr: &Expr, subjects: &mut BTreeSet<String>) {
    if let Expr::All(parts) | Expr::Any(parts) = expr {
        parts.iter().for_each(|part| named(part, subjects));
    } else if let Expr::Not(inner) = expr {
        named(inner, subjects);
    } else if let Expr::Contains(set, one) = expr
        && let Expr::Set(parts) = &**set
    {
        let actor = **one == Expr::Context.attribute("claim_act").attribute("sub");
        for part in parts {
            if let Expr::Entity(uid) = part
                && **one == Expr::Principal
            {
                subjects.insert(uid.id.clone());
            } else if let Expr::Text(text) = part
                && actor
            {
                subjects.insert(text.clone());
            }
        }
    }
}
