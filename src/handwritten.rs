//! Cedar that people write beside the YAML: what is wrong in it, in their terms and at their lines.
//!
//! A request is allowed where the access relation allows it or a hand-written permit does, and no hand-written forbid
//! applies. Generated policies only permit; so what is judged here is what could permit too much, and what could fail to
//! forbid: Cedar skips a policy that fails to evaluate.

mod rules;
mod suspended;
#[cfg(test)]
mod tests;
pub mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::cedar::effect::Effects;
use crate::cedar::handwritten::{Fault, Written, parse, validate};
use crate::cedar::{NAMESPACE, Uid};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::model::Model;
use crate::model::handwritten::PolicyFile;
use crate::policy::Policy;
use crate::source::Loc;
use crate::targets::access::cedar;
pub use rules::RULES;

/// The families that Cedar's entities and facts are made from.
const OF_ENTITIES: [&str; 9] = [
    "federation_config",
    "workflow_definition",
    "event_driven_config",
    "saga_definition",
    "zero_trust_config",
    "progressive_auth",
    "data_routing",
    "mcp_registry",
    "identity",
];

/// Everything that is wrong in the hand-written policies; and what they say, where Cedar can be asked. Nothing of Cedar is used
/// where there are none.
#[must_use]
pub fn judge(model: &Model, policy: &Policy) -> (Vec<Diagnostic>, Option<crate::policy::whole::Written>) {
    let mut findings = found(model, policy);
    // What is wrong with them is an error: until it is corrected, nothing is decided by them.
    if model.handwritten.is_empty() || findings.iter().any(|finding| UNREADABLE.contains(&finding.rule.name)) {
        return (findings, None);
    }
    match whole::written(model, policy) {
        Ok(written) => (findings, written),
        Err(error) => {
            let at = model.handwritten.files.first().map(|file| Loc::start_of(file.file)).unwrap_or_default();
            findings.push(Diagnostic::new(&rules::INVALID, at, error.to_string()));
            (findings, None)
        }
    }
}

/// Findings after which Cedar cannot be asked.
const UNREADABLE: [&str; 3] = ["cedar-syntax", "cedar-invalid", "duplicate-policy-id"];

fn found(model: &Model, policy: &Policy) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    accepted_targets(model, &mut findings);
    if model.handwritten.is_empty() {
        return findings;
    }
    let mut read: Vec<(&PolicyFile, Vec<Written>)> = Vec::new();
    for file in &model.handwritten.files {
        match parse(&file.name, &file.text) {
            Ok(policies) => read.push((file, policies)),
            Err(faults) => findings.extend(faults.iter().map(|fault| said(&rules::SYNTAX, file, fault))),
        }
    }
    let ids = same_ids(&read, policy, &mut findings);
    // A name that a faulty file or section may declare is not called unknown.
    let names_known = model.names_known(&OF_ENTITIES);
    let known = cedar::entities(model, policy);
    for (file, policies) in &read {
        for written in policies {
            one(model, file, written, names_known.then_some(&known), &mut findings);
        }
    }
    // Under one id for two policies Cedar cannot hold them, and where a file is unread, it is said already.
    // The schema has the facts and attributes of a workspace that was read whole.
    if read.len() < model.handwritten.files.len() || !ids || !model.complete_for(&OF_ENTITIES) {
        return findings;
    }
    let schema = match cedar::schema_of(model, policy) {
        Ok(schema) => schema,
        Err(error) => {
            let at = model.handwritten.files.first().map(|file| Loc::start_of(file.file)).unwrap_or_default();
            findings.push(Diagnostic::new(
                &rules::INVALID,
                at,
                format!("there is no schema to validate against: {error}"),
            ));
            return findings;
        }
    };
    let before = findings.len();
    match validate(&schema, &model.handwritten.texts()) {
        Ok(faults) => {
            for ((file, _), faults) in read.iter().zip(faults) {
                findings.extend(faults.iter().map(|fault| said(&rules::INVALID, file, fault)));
            }
        }
        Err(error) => {
            let at = model.handwritten.files.first().map(|file| Loc::start_of(file.file)).unwrap_or_default();
            findings.push(Diagnostic::new(&rules::INVALID, at, error.to_string()));
        }
    }
    if findings.len() == before && read.iter().flat_map(|(_, policies)| policies).any(|written| written.permits) {
        switched_off(model, policy, &schema, &read, &mut findings);
    }
    findings
}

/// Permits that reach what is suspended.
fn switched_off(
    model: &Model,
    policy: &Policy,
    schema: &str,
    read: &[(&PolicyFile, Vec<Written>)],
    findings: &mut Vec<Diagnostic>,
) {
    let evaluated = cedar::entities_of(model, policy)
        .and_then(|entities| Effects::new(schema, &entities, &model.handwritten.texts()))
        .and_then(|effects| suspended::reached(model, policy, &effects));
    let reached = match evaluated {
        Ok(reached) => reached,
        Err(error) => {
            let at = read.first().map(|(file, _)| Loc::start_of(file.file)).unwrap_or_default();
            findings.push(Diagnostic::new(&rules::INVALID, at, error.to_string()));
            return;
        }
    };
    for (file, policies) in read {
        for written in policies.iter().filter(|written| written.permits) {
            for suspended::Reached { what, loc, .. } in reached.iter().filter(|reached| reached.policy == written.id) {
                let message = format!("`{}` permits {what}, which is suspended", written.id);
                let finding = Diagnostic::new(&rules::SUSPENDED, at(file, &written.at), message);
                findings.push(finding.label(*loc, "suspended here"));
            }
        }
    }
}

/// What Cedar says, at its place.
fn said(rule: &'static crate::diagnostic::Rule, file: &PolicyFile, fault: &Fault) -> Diagnostic {
    Diagnostic::new(rule, at(file, &fault.at), fault.message.clone()).maybe_help(fault.help.clone())
}

fn at(file: &PolicyFile, bytes: &Range<usize>) -> Loc {
    let end = bytes.end.min(file.text.len());
    Loc { file: file.file, start: bytes.start.min(end) as u32, end: end as u32 }
}

/// Whether every policy has an id of its own, generated ones included.
fn same_ids(read: &[(&PolicyFile, Vec<Written>)], policy: &Policy, findings: &mut Vec<Diagnostic>) -> bool {
    let generated: BTreeSet<&str> = policy.rules.iter().map(|rule| rule.name.as_str()).collect();
    let mut seen: BTreeMap<&str, Loc> = BTreeMap::new();
    let before = findings.len();
    for (file, policies) in read {
        for written in policies {
            let here = at(file, &written.at);
            if generated.contains(written.id.as_str()) {
                let message = format!("`@id(\"{}\")` is the id of a generated policy", written.id);
                let help = "where this is a compiled file, list its folder under `exclude` in mcpctl.yaml";
                findings.push(Diagnostic::new(&rules::DUPLICATE_ID, here, message).help(help));
            } else if let Some(first) = seen.insert(&written.id, here) {
                let message = format!("two policies have the id `{}`", written.id);
                findings.push(Diagnostic::new(&rules::DUPLICATE_ID, here, message).label(first, "the other one"));
            }
        }
    }
    findings.len() == before
}

/// What can be said of one policy without the others.
fn one(
    model: &Model,
    file: &PolicyFile,
    written: &Written,
    known: Option<&BTreeSet<Uid>>,
    findings: &mut Vec<Diagnostic>,
) {
    let here = at(file, &written.at);
    let id = &written.id;
    if written.permits && !model.handwritten.permits_allowed {
        let message = format!("`{id}` permits, and hand-written policies may only forbid");
        let help =
            "`allow_handwritten_permits: true` in mcpctl.yaml lets them; what it opens is then shown by `mcpctl diff`";
        findings.push(Diagnostic::new(&rules::PERMIT, here, message).help(help));
    }
    if written.permits && !written.open.is_empty() {
        let message = format!("`{id}` permits for any {}", written.open.join(" on any "));
        let help = "name who and what in the scope: also what no registry declares is permitted by it";
        findings.push(Diagnostic::new(&rules::UNBOUNDED, here, message).help(help));
    }
    if !written.permits {
        for expression in &written.fallible {
            let message = format!("`{id}` forbids by `{expression}`, which can fail to evaluate; it is skipped then");
            let help = help_for(expression);
            findings.push(Diagnostic::new(&rules::CAN_FAIL, within(file, written, expression), message).help(help));
        }
    }
    let Some(known) = known else { return };
    for uid in written.entities.iter().filter(|uid| !known.contains(uid)) {
        let ours = uid.kind.strip_prefix(&format!("{NAMESPACE}::"));
        // Types of others, and ids of enumerations, are for the validator.
        if !ours.is_some_and(cedar::is_open_kind) {
            continue;
        }
        let alike = known.iter().filter(|other| other.kind == uid.kind).map(|other| other.id.as_str());
        let message = format!("`{id}` names `{uid}`, which is nothing in this workspace");
        findings.push(
            Diagnostic::new(&rules::UNKNOWN_ENTITY, within(file, written, &uid.to_string()), message)
                .maybe_help(did_you_mean(&uid.id, alike)),
        );
    }
}

/// What to write instead of what can fail.
fn help_for(expression: &str) -> String {
    if expression.contains(".server") {
        return format!(
            "`resource in {NAMESPACE}::Backend::\"NAME\"` holds for everything on a server, and cannot fail"
        );
    }
    "forbid by the scope, by `in`, and by facts of the context: these cannot fail".to_owned()
}

/// Where a part of a policy stands, where it is written as Cedar prints it; else the policy.
fn within(file: &PolicyFile, written: &Written, part: &str) -> Loc {
    let policy = file.text.get(written.at.clone()).unwrap_or_default();
    match policy.find(part) {
        Some(offset) => at(file, &(written.at.start + offset..written.at.start + offset + part.len())),
        None => at(file, &written.at),
    }
}

/// `accept_handwritten` names targets that cannot hold these policies, and no others.
fn accepted_targets(model: &Model, findings: &mut Vec<Diagnostic>) {
    for (name, loc) in &model.handwritten.accepted {
        let known =
            || crate::targets::TARGETS.iter().map(|target| target.name()).filter(|name| *name != cedar::TARGET.name());
        if name == cedar::TARGET.name() {
            let message = format!("target `{name}` holds hand-written Cedar, so there is nothing to accept");
            findings.push(Diagnostic::new(&rules::ACCEPTED, *loc, message));
        } else if !known().any(|target| target == name) {
            let message = format!("no target is called `{name}`");
            findings.push(Diagnostic::new(&rules::ACCEPTED, *loc, message).maybe_help(did_you_mean(name, known())));
        }
    }
}
