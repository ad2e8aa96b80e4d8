//! `unknown-argument`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity, quoted};
use crate::model::Model;
use crate::model::access::Evidence;
use crate::model::access::declared::{Fit, Need, fit};
use crate::model::name::FactName;
use crate::model::server::Tool;
use crate::policy::condition::Condition;
use crate::policy::{ObjectIx, ObjectKind, Policy};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-argument",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds evidence on an argument that the `input_schema` of a tool does not have, or has with another type, where no \
               call of the tool is allowed without that evidence. Schemas that leave their arguments open say nothing.",
        why: "No call has the argument, so no call is ever allowed; or the limit is on an argument that the tool does not read, and \
              the one that it reads has none.",
        fix: "Correct the name of the argument or the schema of the tool, or ask for the fact only where the tool has the argument.",
    },
    run,
};

/// What a tool lacks: where its schema is, and what is wrong.
struct Misfit<'a> {
    tool: String,
    schema: Loc,
    fit: Fit<'a>,
}

fn run(input: &Input<'_>, report: &mut Report) {
    let (model, policy) = (input.model, input.policy);
    let Some(identity) = &model.identity else { return };
    let read: Vec<(&FactName, Vec<String>, Need<'_>)> =
        identity.evidence.iter().flat_map(|(fact, evidence)| reads(fact, &evidence.value)).collect();
    let known = ["mcp_registry", "progressive_auth", "data_routing", "federation_config", "identity"];
    if read.is_empty() || !model.complete_for(&known) {
        return;
    }
    let schemas: Vec<(String, Loc, Value, u64)> = tools(model, policy)
        .filter_map(|(name, needed, tool)| {
            let loc = tool.input_schema?;
            let schema = serde_json::from_str(model.input_schemas.get(&loc)?).ok()?;
            Some((name, loc, schema, needed))
        })
        .collect();
    let mut found: BTreeMap<(&FactName, &[String]), Vec<Misfit<'_>>> = BTreeMap::new();
    for (fact, path, need) in &read {
        let Some(bit) = policy.facts.mask(fact.as_str()) else { continue };
        for (tool, loc, schema, _) in schemas.iter().filter(|(.., needed)| needed & bit != 0) {
            match fit(schema, path, need) {
                Fit::Fits | Fit::Open => {}
                fit @ (Fit::Missing(_) | Fit::OtherType(_)) => found
                    .entry((*fact, path.as_slice()))
                    .or_default()
                    .push(Misfit { tool: tool.clone(), schema: *loc, fit }),
            }
        }
    }
    for ((fact, path), misfits) in found {
        report.push(finding(input, fact, path, &misfits));
    }
}

/// The arguments that evidence reads, and what each has to be.
fn reads<'a>(fact: &'a FactName, evidence: &'a Evidence) -> Vec<(&'a FactName, Vec<String>, Need<'a>)> {
    let mut found = Vec::new();
    for piece in evidence.pieces() {
        match piece {
            Evidence::Argument(argument) => found.push((fact, argument.path.clone(), Need::of(&argument.test))),
            Evidence::Called(called) => {
                found.extend(called.same.keys().map(|argument| (fact, vec![argument.clone()], Need::Scalar)));
            }
            Evidence::KnownCaller
            | Evidence::Claim(_)
            | Evidence::Issuer(_)
            | Evidence::NotWorkload
            | Evidence::Transport
            | Evidence::All(_) => {}
        }
    }
    found
}

/// Every tool with a schema, with the facts without which some caller, or everybody, never gets through to it.
fn tools<'a>(model: &'a Model, policy: &'a Policy) -> impl Iterator<Item = (String, u64, &'a Tool)> {
    let always = |condition: &Condition| {
        let sets = condition.minimal_sets();
        if sets.is_empty() { 0 } else { sets.iter().fold(u64::MAX, |all, set| all & set) }
    };
    let mut needed: BTreeMap<ObjectIx, u64> = BTreeMap::new();
    for (_, object, cell) in policy.all_cells() {
        *needed.entry(object).or_default() |= always(policy.conditions.get(cell.condition));
    }
    (0..policy.objects.len() as u32).map(ObjectIx).filter_map(move |object| {
        let found = policy.object_at(object);
        let ObjectKind::Tool(name) = &found.kind else { return None };
        let tool = model.servers.get(&found.server)?.tools.get(name)?;
        let by_demand = policy.demand(object).map_or(0, always);
        Some((found.to_string(), by_demand | needed.get(&object).copied().unwrap_or(0), tool))
    })
}

fn finding(input: &Input<'_>, fact: &FactName, path: &[String], misfits: &[Misfit<'_>]) -> Diagnostic {
    let model = input.model;
    let written = model.written_evidence.iter().filter(|written| written.fact == *fact);
    let place = written.into_iter().find_map(|written| match &written.argument {
        Some(argument) if argument.is(path) => argument.loc(),
        Some(_) | None => written.same.iter().find(|name| path == [name.value.clone()]).map(|name| name.loc),
    });
    let whole = || model.identity.as_ref().map(|identity| identity.evidence.get(fact).map_or(identity.loc, |e| e.loc));
    let loc = place.or_else(whole).unwrap_or_default();
    let argument = path.join(".");
    let tools = quoted(misfits.iter().map(|misfit| misfit.tool.as_str()));
    let first = misfits.first().map(|misfit| &misfit.fit);
    let message = match first {
        Some(Fit::OtherType(found)) => format!("the argument `{argument}` of {tools} is of the type `{found}`"),
        Some(Fit::Missing(_) | Fit::Fits | Fit::Open) | None => format!("{tools} has no argument `{argument}`"),
    };
    let message = if misfits.len() > 1 { message.replace(" has no argument", " have no argument") } else { message };
    let known: Vec<&str> = match first {
        Some(Fit::Missing(known)) => known.clone(),
        Some(Fit::OtherType(_) | Fit::Fits | Fit::Open) | None => Vec::new(),
    };
    let last = path.last().map_or("", String::as_str);
    let meant = input.nearest(last, known.iter().copied());
    let help = (!known.is_empty()).then(|| format!("the schema has {}", quoted(known.iter().copied())));
    Diagnostic::new(&CHECK.rule, loc, message)
        .labels(misfits.iter().map(|misfit| (misfit.schema, format!("the arguments of `{}`", misfit.tool))))
        .maybe_help(help)
        .suggest(last, meant)
}
