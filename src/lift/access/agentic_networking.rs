//! Reads the objects of the target `agentic-networking` back: which callers their rules let through to what.
//!
//! The controller makes a rule of Envoy's RBAC of each rule: the identity in the certificate, and one of the methods. A policy
//! without rules, a rule without methods and a method without names let everything through, and so does a server without a
//! policy.

mod rule;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use super::relation::Part;
use crate::bundle::Artifact;
use crate::lift::names::labels;
use crate::lift::{LiftError, folders};
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::compare::Lifted;
use crate::policy::condition::Condition;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{Object, ObjectIx, ObjectKind, Policy};
use rule::{Rights, Rule};
use shapes::{Document, documents};

/// The folder of the target.
const FOLDER: &str = "agentic-networking";

/// Most rules of a policy, by its definition.
const RULES: usize = 10;

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}

/// The relation that the policies decide.
///
/// # Errors
/// Where a file or a policy is missing, strange, or lets through what nobody may use.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> Result<Vec<Part>, LiftError> {
    let servers = labels(model.servers.keys().map(|name| name.as_str()))?;
    let mut lifted: Lifted = vec![BTreeMap::new(); policy.principals.len()];
    let mut read: BTreeSet<String> = BTreeSet::new();
    let namespace = model.deployment.namespace(crate::model::deployment::TargetId::AgenticNetworking);
    let namespace = namespace.map_or("mcp", |namespace| namespace.value.as_str());
    folders::check(artifacts, FOLDER, model)?;
    for (path, artifact) in artifacts.iter().filter(|(path, _)| !path.ends_with("/kustomization.yaml")) {
        if *path != format!("{FOLDER}/central/access-policies.yaml") {
            return unexpected(format!("the file `{path}` is for nothing"));
        }
        for document in documents(path, artifact)? {
            let label = document.metadata.name.clone();
            let Some(server) = servers.get(&label) else {
                return unexpected(format!("the policy `{label}` is for no server"));
            };
            check_object(&document, model, namespace)?;
            if !read.insert(label.clone()) {
                return unexpected(format!("the server `{server}` has two policies"));
            }
            of_server(document, &ServerName::from(*server), policy, &mut lifted)?;
        }
    }
    match servers.iter().find(|(label, _)| !read.contains(*label)) {
        Some((_, server)) => unexpected(format!("the server `{server}` has no policy, so it is open")),
        // Its rules name certificates, so every connection has one.
        None => Ok(vec![Part { gateway: String::new(), lifted, servers: None, given: [TLS, MTLS].into() }]),
    }
}

/// That an object is a policy that allows, for the one `XBackend` of its name.
fn check_object(document: &Document, model: &Model, namespace: &str) -> Result<(), LiftError> {
    let Document { api_version, kind, metadata, spec } = document;
    metadata.check(model)?;
    let is_policy = (api_version.as_str(), kind.as_str(), metadata.namespace.as_str(), spec.action.as_str())
        == ("agentic.networking.x-k8s.io/v1alpha1", "XAccessPolicy", namespace, "Allow");
    let is_for = matches!(spec.target_refs.as_slice(), [of]
        if (of.group.as_str(), of.kind.as_str(), &of.name) == ("agentic.networking.x-k8s.io", "XBackend", &metadata.name));
    if is_policy && is_for {
        return Ok(());
    }
    unexpected(format!("`{}` is not a policy that allows, or is for something else", metadata.name))
}

/// Adds what the policy of a server lets through.
fn of_server(document: Document, server: &ServerName, policy: &Policy, lifted: &mut Lifted) -> Result<(), LiftError> {
    let written = document.spec.rules;
    // Two rules of one name are one in the gateway.
    let names: BTreeSet<&str> = written.iter().map(|rule| rule.name.as_str()).collect();
    if !(1..=RULES).contains(&written.len()) || names.len() != written.len() {
        return unexpected(format!("the rules for `{server}` are none, too many, or two of one name"));
    }
    let mut by_caller: BTreeMap<String, Rights> = BTreeMap::new();
    for written in written {
        match Rule::read(written)? {
            Rule::Nobody => {}
            Rule::Caller(id, rights) => by_caller.entry(id).or_default().add(rights),
        }
    }
    let objects: Vec<(&Object, u32)> = policy.index.objects_on(&policy.objects, server.as_str()).collect();
    for (id, rights) in by_caller {
        let mut callers = policy.principals.iter().enumerate().filter(|(_, it)| it.subject.as_deref() == Some(&id));
        let (Some((at, _)), None) = (callers.next(), callers.next()) else {
            return unexpected(format!("a rule for `{server}` names `{id}`, which is not the subject of one caller"));
        };
        let Some(row) = lifted.get_mut(at) else { continue };
        rights.check(&id, server)?;
        for name in rights.tools {
            row.insert(of(&objects, &ObjectKind::Tool(name.as_str().into()), &name)?, Condition::always());
        }
        for name in rights.prompts {
            row.insert(of(&objects, &ObjectKind::Prompt(name.clone()), &name)?, Condition::always());
        }
    }
    Ok(())
}

/// The object of a server that a rule names.
fn of(objects: &[(&Object, u32)], kind: &ObjectKind, name: &str) -> Result<ObjectIx, LiftError> {
    let found = objects.iter().find(|(object, _)| object.kind == *kind);
    match found {
        Some((_, index)) => Ok(ObjectIx(*index)),
        None => unexpected(format!("a rule names `{name}`, which is not on the server")),
    }
}
