//! The access relation of a workspace as JSON, from the library's own analysis: what the tests of running products expect.
//! It is made from the normal form and from nothing that a target emits.
//!
//! `cargo run --example relation -- FOLDER`

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use mcpctl::analysis::{Analysis, analyse};
use mcpctl::model::access::{ArgumentTest, ClaimTest, Decimal, Evidence, Scalar};
use mcpctl::policy::{ObjectKind, PrincipalId};
use mcpctl::workspace::{self, Disk, Input};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: relation FOLDER")?;
    let analysis = analyse(workspace::read(&Input::Path(PathBuf::from(folder)), &Disk, None)?, None);
    let errors = analysis.report().diagnostics.iter().filter(|finding| finding.severity.word() == "error");
    let errors: Vec<&str> = errors.map(|finding| finding.message.as_str()).collect();
    if !errors.is_empty() {
        return Err(errors.join("\n").into());
    }
    let relation = json!({
        "facts": facts(&analysis),
        "principals": principals(&analysis),
        "issuers": issuers(&analysis),
        "trust_domain": analysis.model().identity.as_ref().and_then(|i| i.trust_domain.as_ref()).map(|t| &t.value),
        "unit_claim": analysis.model().identity.as_ref().and_then(|i| i.business_unit_claim.as_ref()).map(|c| &c.value),
        "units": units(&analysis),
        "servers": servers(&analysis),
        "objects": objects(&analysis),
        "cells": cells(&analysis),
    });
    writeln!(std::io::stdout().lock(), "{relation:#}")?;
    Ok(())
}

/// How a request shows a piece of evidence.
fn shown(piece: &Evidence) -> Value {
    let values = |values: &[Scalar]| values.iter().map(Scalar::to_json).collect::<Vec<_>>();
    match piece {
        Evidence::KnownCaller => json!({"kind": "caller"}),
        Evidence::Transport => json!({"kind": "transport"}),
        Evidence::Claim(claim) => {
            let test = match &claim.test {
                ClaimTest::Contains(some) => match some.as_slice() {
                    [Scalar::Text(text)] if claim.separator.is_none() => json!({"contains": text}),
                    some => json!({"one_of": values(some), "separator": claim.separator}),
                },
                ClaimTest::Is(texts) => json!({"one_of": texts, "separator": null}),
                ClaimTest::DiffersFrom(path) => json!({"differs_from": path}),
                ClaimTest::Present => json!("present"),
            };
            json!({"kind": "claim", "path": claim.path, "test": test})
        }
        Evidence::Called(called) => json!({"kind": "called", "call": called.call()}),
        Evidence::Argument(argument) => match (argument.path.as_slice(), &argument.test) {
            ([name], ArgumentTest::Within { at_least, at_most }) => json!({
                "kind": "argument", "name": name,
                "at_least": at_least.map(Decimal::to_json), "at_most": at_most.map(Decimal::to_json),
            }),
            (path, test) => json!({"kind": "other_argument", "path": path, "test": format!("{test:?}")}),
        },
        Evidence::Issuer(issuer) => json!({"kind": "issuer", "issuer": issuer}),
        Evidence::NotWorkload => json!({"kind": "user"}),
        Evidence::All(_) => Value::Null,
    }
}

/// Each fact that conditions speak of, and how a request shows it.
fn facts(analysis: &Analysis) -> Vec<Value> {
    let one = |name: &str| {
        // That a user is not a workload is true of every user that the tests know.
        let pieces = analysis.policy().evidence_for(name).map(Evidence::pieces).unwrap_or_default();
        let pieces: Vec<&Evidence> = pieces.iter().filter(|piece| **piece != Evidence::NotWorkload).collect();
        let shown = match pieces.as_slice() {
            [] => Value::Null,
            [piece] => shown(piece),
            pieces => json!({"kind": "all", "pieces": pieces.iter().map(|piece| shown(piece)).collect::<Vec<_>>()}),
        };
        json!({"name": name, "evidence": shown})
    };
    analysis.policy().facts.names().iter().map(|fact| one(fact.as_str())).collect()
}

fn kind(id: &PrincipalId) -> &'static str {
    match id {
        PrincipalId::Agent(_) => "agent",
        PrincipalId::AnyAgent(_) => "any_agent",
        PrincipalId::Flow(id) => id.kind.word(),
    }
}

fn principals(analysis: &Analysis) -> Vec<Value> {
    let each = analysis.policy().principals.iter();
    each.map(|principal| {
        json!({
            "name": principal.id.to_string(),
            "kind": kind(&principal.id),
            "unit": principal.unit.as_ref().map(ToString::to_string),
            "subject": principal.subject,
        })
    })
    .collect()
}

/// Each issuer, and the principals that its tokens may speak for.
fn issuers(analysis: &Analysis) -> Vec<Value> {
    let each = analysis.model().identity.iter().flat_map(|identity| &identity.issuers);
    each.map(|issuer| {
        let spoken_for = analysis.policy().principals.iter().filter(|principal| principal.is_spoken_for_by(issuer));
        json!({
            "issuer": issuer.issuer.value,
            "audiences": issuer.audiences.iter().map(|audience| &audience.value).collect::<Vec<_>>(),
            "per_server": issuer.per_server.is_some(),
            "speaks_for": spoken_for.map(|principal| principal.id.to_string()).collect::<Vec<_>>(),
        })
    })
    .collect()
}

fn units(analysis: &Analysis) -> Vec<Value> {
    let each = analysis.model().topology.units.values();
    each.map(
        |unit| json!({"name": unit.name.value.to_string(), "gateway": unit.gateway.as_ref().map(|url| &url.value)}),
    )
    .collect()
}

fn servers(analysis: &Analysis) -> Vec<Value> {
    let each = analysis.model().servers.values();
    each.map(|server| {
        json!({
            "name": server.name.value.to_string(),
            "unit": server.unit.as_ref().map(|unit| unit.value.to_string()),
            "url": server.url.as_ref().map(|url| &url.value),
            "audiences": analysis.model().topology.canonical_uris(server),
            "denied_methods": server.denied_methods.keys().collect::<Vec<_>>(),
        })
    })
    .collect()
}

fn objects(analysis: &Analysis) -> Vec<Value> {
    let each = analysis.policy().objects.iter();
    each.map(|object| {
        let (kind, name) = match &object.kind {
            ObjectKind::Protocol => ("protocol", None),
            ObjectKind::Tool(tool) => ("tool", Some(tool.to_string())),
            ObjectKind::Resource(uri) => ("resource", Some(uri.clone())),
            ObjectKind::Prompt(prompt) => ("prompt", Some(prompt.clone())),
        };
        json!({"server": object.server.to_string(), "kind": kind, "name": name})
    })
    .collect()
}

/// Each cell by the indexes of its principal and object: the minimal sufficient sets of facts, and the rule's name.
fn cells(analysis: &Analysis) -> Vec<Value> {
    let policy = analysis.policy();
    let each = policy.all_cells();
    each.map(|(principal, object, cell)| {
        let sets = policy.conditions.get(cell.condition).minimal_sets().iter();
        let sets: Vec<Vec<String>> =
            sets.map(|set| policy.facts.named(*set).map(ToString::to_string).collect()).collect();
        json!({"principal": principal.0, "object": object.0, "sets": sets, "rule": policy.rule_at(cell.rule).name})
    })
    .collect()
}
