//! Environments: what stands in their folders replaces URLs, issuers and settings of targets, and nothing else.
//!
//! The sections are read like those of any file, into a small model of their own. What it says is put in the place of what the
//! workspace says, and the relation is derived once more: who may do what is the same in every environment.

mod overreach;
mod shared;

use std::collections::BTreeSet;

use self::overreach::{beyond, overreach, stray};
use super::rules::{ENVIRONMENT_CHANGES_ACCESS, ENVIRONMENT_OVERREACH, ENVIRONMENT_WITHOUT_FILES};
use crate::diagnostic::{Diagnostic, Severity, did_you_mean, one_line};
use crate::families::{self, FamilyId};
use crate::lower::{At, Lowering, finish, rules};
use crate::model::Model;
use crate::model::access::Issuer;
use crate::model::name::{ServerName, UnitName};
use crate::policy::Policy;
use crate::policy::compare::{Lifted, compare};
use crate::schema;
use crate::settings;
use crate::source::yaml::{self, NodeId, Tree};
use crate::source::{FileId, Loc, Sources};
use crate::workspace::is_cedar;

/// The families of which an environment may hold a part, and the keys of that part; `[]` stands for each element.
const REPLACED: [(FamilyId, &[&str]); 2] = [
    (
        FamilyId::Registry,
        &[
            "central_gateway",
            "business_units",
            "business_units[].name",
            "business_units[].gateway",
            "servers",
            "servers[].name",
            "servers[].url",
        ],
    ),
    (
        FamilyId::Identity,
        &[
            "issuer",
            "audiences",
            "audience",
            "kind",
            "caller",
            "jwks",
            "jwks_file",
            "issuers",
            "issuers[].issuer",
            "issuers[].audiences",
            "issuers[].audience",
            "issuers[].kind",
            "issuers[].caller",
            "issuers[].jwks",
            "issuers[].jwks_file",
            "issuers[].speaks_for",
        ],
    ),
];

/// The place and name of an environment, and which files are its own.
pub(super) struct DeclaredEnvironment<'a> {
    pub(super) name: &'a str,
    pub(super) folder: &'a str,
    pub(super) declared: Loc,
    /// Its files in the order of their names.
    pub(super) files: Vec<FileId>,
}

/// The workspace in an environment, and what is wrong in its files. `base` is the workspace, and `policy` its relation;
/// `settings` is its `mcpctl.yaml`; `unread` are files that were found to be no text.
pub(super) fn applied(
    place: &DeclaredEnvironment<'_>,
    sources: &Sources,
    settings: Option<FileId>,
    unread: &BTreeSet<FileId>,
    (base, policy): (&Model, &Policy),
) -> (Model, Policy, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let mut model = base.clone();
    if place.files.is_empty() {
        let message =
            format!("there is no YAML file in `{}`, the folder of environment `{}`", place.folder, place.name);
        findings.push(Diagnostic::new(&ENVIRONMENT_WITHOUT_FILES, place.declared, message));
        return (model, policy.clone(), findings);
    }
    let mut sections = Lowering::default();
    // Units are known by the workspace; those that the environment names stand in its files.
    sections.model.topology.units.clone_from(&base.topology.units);
    let mut once = Vec::new();
    let own_settings = format!("{}/{}", place.folder, settings::FILE_NAME);
    for id in place.files.iter().copied().filter(|id| !unread.contains(id)) {
        if is_cedar(sources.file(id).name()) {
            let message = format!("hand-written Cedar cannot be in the folder of environment `{}`", place.name);
            findings.push(Diagnostic::new(&ENVIRONMENT_OVERREACH, Loc::start_of(id), message));
            continue;
        }
        let tree = yaml::parse(id, sources.file(id), &mut findings);
        if sources.file(id).name() == own_settings {
            let before = findings.len();
            stray(
                place,
                &tree,
                |path| !is_kept(path) && (path == "targets" || path.starts_with("targets.")),
                &mut findings,
            );
            if findings.len() > before {
                continue;
            }
            let base_file = settings.map(|id| (id, sources.file(id)));
            let (deployment, found) = settings::of_environment(&tree, id, base_file);
            findings.extend(found);
            if let Some(mut deployment) = deployment {
                // The name of the bundle is the workspace's, in every environment.
                deployment.bundle = model.deployment.bundle.take();
                deployment.revisions = std::mem::take(&mut model.deployment.revisions);
                model.deployment = deployment;
            }
            continue;
        }
        if sources.file(id).name().ends_with(&format!("/{}", settings::FILE_NAME)) {
            let message = "settings of an environment are read at the root of its folder alone, and this is below it";
            findings.push(Diagnostic::new(&super::rules::MISPLACED_SETTINGS, Loc::start_of(id), message));
            continue;
        }
        for document in tree.documents() {
            document_sections(place, &tree, *document, &mut sections, &mut once, &mut findings);
        }
    }
    finish::judge_repeats(&once, &mut sections.report);
    let (own, report) = sections.finish();
    findings.extend(report.diagnostics);
    replace(place, &own, &mut model, &mut findings);
    let policy_here = crate::policy::derive::derive(&model);
    findings.extend(speakers_changed(place, base, &model, policy));
    findings.extend(relation_changed(place, policy, &policy_here));
    findings.extend(shared::shared(place, base, &model));
    (model, policy_here, findings)
}

fn is_kept(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|key| settings::KEPT.contains(&key)) && path.split('.').count() == 3
}

fn document_sections(
    place: &DeclaredEnvironment<'_>,
    tree: &Tree<'_>,
    document: NodeId,
    sections: &mut Lowering,
    once: &mut Vec<At>,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(entries) = tree.entries(document) else {
        let loc = tree.loc(document);
        let message = "a file holds sections, each under the key of its family; this is something else";
        findings.push(Diagnostic::new(&rules::NOT_SECTIONS, Loc { end: loc.start, ..loc }, message));
        return;
    };
    for (key, body) in entries {
        let (name, loc) = (tree.text(*key), tree.loc(*key));
        let Some(family) = FamilyId::of_key(name) else {
            let message = format!("`{name}` is not a family of configuration");
            let known = REPLACED.iter().map(|(family, _)| family.key());
            findings.push(Diagnostic::new(&rules::UNKNOWN_FAMILY, loc, message).maybe_help(did_you_mean(name, known)));
            continue;
        };
        let Some((_, keys)) = REPLACED.iter().find(|(replaced, _)| *replaced == family) else {
            findings.push(overreach(place, loc, name));
            continue;
        };
        let before = findings.len();
        let mut strays = Vec::new();
        beyond(tree, *body, "", &|path| keys.contains(&path), &mut strays);
        // Keys that no family has are reported as such.
        let faults = match schema::validator(family) {
            Some(validator) => validator.check(tree, *key, *body),
            None => {
                vec![Diagnostic::new(&schema::rules::INVALID_VALUE, loc, "the schema of this family cannot be built")]
            }
        };
        strays.retain(|(loc, _)| faults.iter().all(|fault| fault.loc != *loc));
        findings.extend(faults);
        findings.extend(strays.into_iter().map(|(loc, path)| overreach(place, loc, &format!("{name}.{path}"))));
        if findings.len() > before {
            continue;
        }
        let at = At { family: family.key(), scope: None, key: loc };
        if family.repeat() == families::Repeat::Once {
            once.push(at.clone());
        }
        match families::decode(family, tree, *body) {
            Ok(section) => section.lower(&at, sections),
            Err(error) => {
                let loc = error.loc.unwrap_or(loc);
                findings.push(Diagnostic::new(&schema::rules::WRONG_TYPE, loc, error.message));
            }
        }
    }
}

/// Puts what the environment says in the place of what the workspace says.
fn replace(place: &DeclaredEnvironment<'_>, own: &Model, model: &mut Model, findings: &mut Vec<Diagnostic>) {
    let whole = model.complete_for(&[FamilyId::Registry.key()]);
    let mut stranger = |what: &str, name: &str, loc: Loc, near: Option<String>| {
        if whole {
            let message =
                format!("environment `{}` names {what} `{name}`, which the workspace does not declare", place.name);
            findings.push(Diagnostic::new(&ENVIRONMENT_OVERREACH, loc, message).maybe_help(near));
        }
    };
    if own.topology.central_gateway.is_some() {
        model.topology.central_gateway.clone_from(&own.topology.central_gateway);
    }
    let known: Vec<String> = model.topology.units.keys().map(UnitName::to_string).collect();
    for (name, unit) in own.topology.units.iter().filter(|(_, unit)| place.files.contains(&unit.name.loc.file)) {
        match model.topology.units.get_mut(name) {
            Some(declared) => {
                if unit.gateway.is_some() {
                    declared.gateway.clone_from(&unit.gateway);
                }
            }
            None => {
                let near = did_you_mean(name.as_str(), known.iter().map(String::as_str));
                stranger("unit", name.as_str(), unit.name.loc, near);
            }
        }
    }
    let known: Vec<ServerName> =
        model.servers.values().filter(|server| server.registered).map(|server| server.name.value.clone()).collect();
    for (name, server) in &own.servers {
        match model.servers.get_mut(name).filter(|declared| declared.registered) {
            Some(declared) => {
                if server.url.is_some() {
                    declared.url.clone_from(&server.url);
                }
            }
            None => {
                let near = did_you_mean(name.as_str(), known.iter().map(ServerName::as_str));
                stranger("server", name.as_str(), server.name.loc, near);
            }
        }
    }
    if let Some(identity) = own.identity.as_ref().filter(|identity| !identity.issuers.is_empty()) {
        match &mut model.identity {
            Some(declared) => declared.issuers.clone_from(&identity.issuers),
            none @ None => *none = Some(identity.clone()),
        }
    }
}

/// Issuers are replaced, but for whom they may speak: none may speak for more principals than one of the workspace's does,
/// and nobody loses the one who speaks for it.
fn speakers_changed(
    place: &DeclaredEnvironment<'_>,
    base: &Model,
    here: &Model,
    policy: &Policy,
) -> Option<Diagnostic> {
    let issuers = |model: &Model| -> Vec<Issuer> { model.identity.iter().flat_map(|i| &i.issuers).cloned().collect() };
    let spoken_for = |issuer: &Issuer| -> BTreeSet<usize> {
        let each = policy.principals.iter().enumerate();
        each.filter(|(_, principal)| principal.is_spoken_for_by(issuer)).map(|(index, _)| index).collect()
    };
    let (before, after) = (issuers(base), issuers(here));
    if before.is_empty() {
        return None;
    }
    let named =
        |index: usize| policy.principals.get(index).map(|principal| principal.id.to_string()).unwrap_or_default();
    let known: Vec<BTreeSet<usize>> = before.iter().map(spoken_for).collect();
    for issuer in &after {
        let now = spoken_for(issuer);
        if known.iter().any(|before| now.is_subset(before)) {
            continue;
        }
        let first = known.iter().filter_map(|before| now.difference(before).next()).next().copied();
        let message = format!(
            "in environment `{}` the issuer `{}` speaks for more principals than any of the workspace's does: for `{}`, too",
            place.name,
            issuer.issuer,
            named(first.unwrap_or_default())
        );
        let help = "give it the `speaks_for` of the issuer that it replaces";
        return Some(Diagnostic::new(&ENVIRONMENT_CHANGES_ACCESS, issuer.issuer.loc, one_line(&message)).help(help));
    }
    let all = |sets: &[BTreeSet<usize>]| sets.iter().flatten().copied().collect::<BTreeSet<usize>>();
    let now: Vec<BTreeSet<usize>> = after.iter().map(spoken_for).collect();
    let lost = all(&known).difference(&all(&now)).next().copied()?;
    let message =
        format!("in environment `{}` no issuer speaks for `{}`, and one does elsewhere", place.name, named(lost));
    let loc = after.first().map_or(place.declared, |issuer| issuer.issuer.loc);
    Some(Diagnostic::new(&ENVIRONMENT_CHANGES_ACCESS, loc, one_line(&message)))
}

/// What of the relation is another one in the environment. Nothing that an environment may set leads to that; it is asked all
/// the same, each time.
fn relation_changed(place: &DeclaredEnvironment<'_>, base: &Policy, here: &Policy) -> Option<Diagnostic> {
    let at = place.files.first().map_or(place.declared, |file| Loc::start_of(*file));
    let finding = |what: String| {
        let message = format!("environment `{}` changes who may do what: {what}", place.name);
        Some(Diagnostic::new(&ENVIRONMENT_CHANGES_ACCESS, at, one_line(&message)).at(Severity::Error))
    };
    let ids = |policy: &Policy| -> Vec<(String, Option<UnitName>, Option<String>)> {
        let each = policy.principals.iter();
        each.map(|p| (p.id.to_string(), p.unit.clone(), p.subject.clone())).collect()
    };
    if base.facts.names() != here.facts.names() {
        return finding("the facts that calls need are others".to_owned());
    }
    let (before, after) = (ids(base), ids(here));
    if let Some((name, ..)) =
        before.iter().find(|one| !after.contains(one)).or_else(|| after.iter().find(|one| !before.contains(one)))
    {
        return finding(format!("the principal `{name}` is another one"));
    }
    if base.objects != here.objects {
        return finding("there are other things to call".to_owned());
    }
    let cells: Lifted = here
        .cells
        .iter()
        .map(|row| row.iter().map(|(object, cell)| (*object, here.conditions.get(cell.condition).clone())).collect())
        .collect();
    let difference = compare(base, &cells).into_iter().next()?;
    let principal = &base.principal_at(difference.principal).id;
    finding(format!("the cell `{principal}` on `{}`", base.object_at(difference.object)))
}

#[cfg(test)]
mod tests;
