//! Reads the resources for ToolHive back: what its proxies decide, and the order of composite tools.
//!
//! A proxy's authorizer is ToolHive's own `cedarv1`: the principal is `Client::"SUB"`, claims are attributes `claim_NAME` and
//! arguments `arg_NAME` of the context, a tool is `Tool::"NAME"` in `MCP::"SERVER"`. A policy that fails to evaluate
//! denies the request.

mod composite;
mod judge;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::LiftError;
use super::labels::label;
use super::relation::{Before, Decided, Part, Product, relation};
use super::world::{Token, World};
use crate::bundle::Artifact;
use crate::cedar::dialect::{Expr, Scope, Statement};
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::Policy;
use crate::policy::seen::sample;
use judge::{Judge, Verdict};

const API: &str = "toolhive.stacklok.dev/v1beta1";

/// The relation that the proxies decide.
///
/// # Errors
/// Where a file is missing or one too many, or cannot be read exactly.
pub fn read(files: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let settings = model.deployment.of("toolhive").and_then(|settings| settings.namespace.as_ref());
    let namespace = settings.map_or("mcp", |namespace| namespace.value.as_str());
    let mut rest: BTreeSet<&str> = files.keys().map(String::as_str).filter(|path| path.starts_with("toolhive/")).collect();
    let mut proxies = Proxies::default();
    for server in model.servers.values() {
        let name = &server.name.value;
        let expected = label(name.as_str());
        let path = format!("toolhive/authz/{expected}.yaml");
        rest.remove(path.as_str());
        let statements = authorizer(text(files, &path)?, &path, &expected, namespace)?;
        proxies.statements.insert(name.clone(), (expected, statements));
        let resources = server.resources.iter().map(|resource| resource.uri.value.clone()).collect();
        let prompts = server.prompts.iter().map(|prompt| prompt.name.value.clone()).collect();
        proxies.lists.insert(name.clone(), (resources, prompts));
    }
    composite::check(files, &mut rest, model, namespace)?;
    if let Some(path) = rest.first() {
        return Err(LiftError::Stranger(format!("the file `{path}` is for nothing in the model")));
    }
    let servers: BTreeSet<ServerName> = policy.objects.iter().map(|object| object.server.clone()).collect();
    let decided = Decided { protocol: false, sessions: false, resources: true, prompts: true, certificates: false };
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    namespace: String,
}

impl<Spec> Resource<Spec> {
    fn check(&self, path: &str, kind: &str, name: &str, namespace: &str) -> Result<(), LiftError> {
        let found = (&*self.api_version, &*self.kind, &*self.metadata.name, &*self.metadata.namespace);
        if found == (API, kind, name, namespace) {
            return Ok(());
        }
        Err(LiftError::Stranger(format!("`{path}` is not the `{kind}` named `{name}` in the namespace `{namespace}`")))
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

fn authorizer(text: &str, path: &str, name: &str, namespace: &str) -> Result<Vec<Statement>, LiftError> {
    let resource: Resource<AuthzSpec> =
        serde_yaml::from_str(text).map_err(|cause| LiftError::Stranger(format!("`{path}` cannot be read: {cause}")))?;
    resource.check(path, "MCPAuthzConfig", name, namespace)?;
    let AuthzSpec { r#type, config } = resource.spec;
    if r#type != "cedarv1" {
        return Err(LiftError::Stranger(format!("`{path}` is for the authorizer `{type}`")));
    }
    if config.entities_json != "[]" {
        return Err(LiftError::Stranger(format!("`{path}` brings entities, of which no policy speaks")));
    }
    if config.policies.is_empty() {
        return Err(LiftError::Stranger(format!("`{path}` has no policy, which ToolHive refuses")));
    }
    Ok(config.policies.iter().map(|policy| Statement::parse(policy)).collect::<Result<_, _>>()?)
}

#[derive(Default)]
struct Proxies {
    /// The label and the policies of each server.
    statements: BTreeMap<ServerName, (String, Vec<Statement>)>,
    /// The URI patterns and prompts of each server: what the filtered lists are made from.
    lists: BTreeMap<ServerName, (Vec<String>, Vec<String>)>,
}

impl Product for Proxies {
    fn decide(&self, server: &ServerName, world: &mut World<'_>) -> Result<bool, LiftError> {
        let call = world.call;
        let (resources, prompts) = self.lists.get(server).map_or((&[][..], &[][..]), |(a, b)| (a, b));
        match call.method.as_str() {
            "tools/call" => self.judged(server, world, "call_tool", "Tool", call.name.as_deref()),
            "prompts/get" => self.judged(server, world, "get_prompt", "Prompt", call.name.as_deref()),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                self.judged(server, world, "read_resource", "Resource", call.uri.as_deref())
            }
            // Lists are let through and filtered: what is left of them is what could be used.
            "resources/list" | "resources/templates/list" => {
                for pattern in resources {
                    if self.judged(server, world, "read_resource", "Resource", Some(&sample(pattern)))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            "prompts/list" => {
                for prompt in prompts {
                    if self.judged(server, world, "get_prompt", "Prompt", Some(prompt))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            other => Err(LiftError::Stranger(format!("what ToolHive does with `{other}` is not decided by policies"))),
        }
    }

    fn subjects(&self, server: &ServerName) -> BTreeSet<String> {
        let mut subjects = BTreeSet::new();
        for statement in self.statements.get(server).into_iter().flat_map(|(_, statements)| statements) {
            if let Some(condition) = &statement.condition {
                named(condition, &mut subjects);
            }
        }
        subjects
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
        world: &mut World<'_>,
        verb: &str,
        kind: &str,
        name: Option<&str>,
    ) -> Result<bool, LiftError> {
        if !self.reads(world.token) {
            return Ok(false);
        }
        let Some((label, statements)) = self.statements.get(server) else { return Ok(false) };
        let mut permitted = false;
        for statement in statements {
            let acts = statement.actions.iter().any(|action| action.kind == "Action" && action.id == verb);
            let here = match &statement.resource {
                Scope::Any => true,
                Scope::In(uid) => uid.kind == "MCP" && uid.id == *label,
                Scope::Is(_) | Scope::Same(_) => {
                    return Err(LiftError::Stranger(format!("a policy of `{server}` is not about the server as a whole")));
                }
            };
            if !(here && (acts || statement.actions.is_empty()) && statement.principal.is_none()) {
                continue;
            }
            let mut judge = Judge { world, kind, name };
            match statement.condition.as_ref().map_or(Verdict::Of(true), |condition| judge.judge(condition)) {
                Verdict::Of(true) if !statement.permits => return Ok(false),
                Verdict::Of(holds) => permitted |= holds,
                Verdict::Fails => return Ok(false),
                Verdict::Unreadable(why) => {
                    return Err(LiftError::Stranger(format!("a policy of `{server}` cannot be read exactly: {why}")));
                }
            }
        }
        Ok(permitted && name.is_some())
    }
}

/// The subjects that an expression names: as clients, or as the actor.
fn named(expr: &Expr, subjects: &mut BTreeSet<String>) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| named(part, subjects)),
        Expr::Not(inner) => named(inner, subjects),
        Expr::Contains(set, _) => {
            if let Expr::Set(parts) = &**set {
                for part in parts {
                    match part {
                        Expr::Entity(uid) if uid.kind == "Client" => drop(subjects.insert(uid.id.clone())),
                        Expr::Text(text) => drop(subjects.insert(text.clone())),
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
}
