//! How people write objects and facts, and how they are found: `server/tool`, `server/resource:URI`, `server/prompt:NAME`,
//! and `server` alone for the protocol's own methods.

use crate::diagnostic::did_you_mean;
use crate::model::Model;
use crate::model::access::{PROMPT, RESOURCE};
use crate::model::name::FactName;
use crate::model::uri::is_normal;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::policy_test::resources;
use crate::policy::visibility::sample;
use crate::policy::{Object, ObjectIx, ObjectKind, Policy};

/// A word of a closed vocabulary as it is written in YAML: `on_premises_only` for `OnPremisesOnly`.
pub(super) fn as_written<T: core::fmt::Debug>(word: &T) -> String {
    let mut written = String::new();
    for letter in format!("{word:?}").chars() {
        if letter.is_ascii_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}

/// A name that nothing has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What was looked for: "server", "tool", "fact".
    pub kind: &'static str,
    /// As written.
    pub name: String,
    /// What was likely meant.
    pub nearest: Option<String>,
}

impl Unknown {
    fn new<'a>(kind: &'static str, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        Self { kind, name: name.to_owned(), nearest: did_you_mean(name, candidates) }
    }
}

/// An object as people write it.
#[must_use]
pub fn spelled(object: &Object) -> String {
    let server = &object.server;
    match &object.kind {
        ObjectKind::Protocol => server.to_string(),
        ObjectKind::Tool(tool) => format!("{server}/{tool}"),
        ObjectKind::Resource(uri) => format!("{server}/{RESOURCE}{uri}"),
        ObjectKind::Prompt(name) => format!("{server}/{PROMPT}{name}"),
    }
}

/// What is asked about: one object; for a URI each of the narrowest patterns of the server that match it, because a request for
/// it needs what each of them needs. A tool wins over a resource or prompt that would be written the same. Never empty.
///
/// # Errors
/// Where the server, or the thing on it, does not exist.
pub fn objects(policy: &Policy, written: &str) -> Result<Vec<ObjectIx>, Unknown> {
    let (server, thing) = written.split_once('/').map_or((written, None), |(server, thing)| (server, Some(thing)));
    if policy.index.on(server).is_empty() {
        let mut servers: Vec<&str> = policy.objects.iter().map(|object| object.server.as_str()).collect();
        servers.dedup();
        return Err(Unknown::new("server", server, servers));
    }
    let here = || policy.index.objects_on(&policy.objects, server).map(|(object, index)| (object, ObjectIx(index)));
    let uri = thing.and_then(|thing| thing.strip_prefix(RESOURCE));
    let prompt = thing.and_then(|thing| thing.strip_prefix(PROMPT));
    if uri.is_some_and(|uri| !is_normal(&sample(uri))) {
        let nearest = "gateways deny every spelling of a URI but its normal form (RFC 3986): no dot segments, and no letter, digit, `-`, \
                       `.`, `_` or `~` percent-encoded";
        return Err(Unknown { kind: "resource", name: written.to_owned(), nearest: Some(nearest.to_owned()) });
    }
    let wanted = |kind: &ObjectKind| match kind {
        ObjectKind::Protocol => thing.is_none(),
        ObjectKind::Tool(tool) => thing == Some(tool.as_str()),
        ObjectKind::Prompt(name) => prompt == Some(name.as_str()),
        ObjectKind::Resource(_) => false,
    };
    let found: Vec<ObjectIx> = here().filter(|(object, _)| wanted(&object.kind)).map(|(_, index)| index).collect();
    let found =
        if found.is_empty() { uri.map(|uri| resources(policy, server, uri)).unwrap_or_default() } else { found };
    if let Some(tool) = found.iter().find(|at| matches!(policy.object_at(**at).kind, ObjectKind::Tool(_))) {
        return Ok(vec![*tool]);
    }
    if found.is_empty() {
        let kind = if uri.is_some() {
            "resource"
        } else if prompt.is_some() {
            "prompt"
        } else {
            "tool"
        };
        let names: Vec<String> = here().map(|(object, _)| spelled(object)).collect();
        return Err(Unknown::new(kind, written, names.iter().map(String::as_str)));
    }
    Ok(found)
}

/// The mask of facts by name, with what they imply. A fact that the workspace knows and no condition uses adds nothing.
///
/// # Errors
/// The first fact that nothing knows.
pub fn facts<'a>(model: &Model, policy: &Policy, names: impl IntoIterator<Item = &'a str>) -> Result<u64, Unknown> {
    let mut mask = 0;
    for name in names {
        match policy.facts.mask(name) {
            Some(bit) => mask |= bit,
            None => {
                let in_use = policy.facts.names().iter().map(FactName::as_str);
                let known: Vec<&str> = in_use.chain(model.proved_facts()).collect();
                if !known.contains(&name) {
                    return Err(Unknown::new("fact", name, known));
                }
            }
        }
    }
    Ok(policy.facts.closed(mask))
}

/// The facts of a mask by name, without `tls` where `mtls` stands beside it, which implies it.
#[must_use]
pub fn named(policy: &Policy, mask: u64) -> Vec<&FactName> {
    let bit = |fact: &str| policy.facts.mask(fact).unwrap_or_default();
    let implied = if mask & bit(MTLS) == 0 { 0 } else { bit(TLS) };
    policy.facts.named(mask & !implied).collect()
}

/// `mfa and approval_workflow, or workflow_ticket`: any of these sets. `nothing` for the empty set.
#[must_use]
pub fn sets_in_words(policy: &Policy, sets: &[u64]) -> String {
    let sets: Vec<String> = sets
        .iter()
        .map(|set| {
            let names: Vec<&str> = named(policy, *set).into_iter().map(FactName::as_str).collect();
            match names.split_last() {
                None => "nothing".to_owned(),
                Some((one, [])) => (*one).to_owned(),
                Some((last, others)) => format!("{} and {last}", others.join(", ")),
            }
        })
        .collect();
    sets.join(", or ")
}
