//! The JSON object of `mcpctl test`, version 1.

use serde_json::{Value, json};

use super::Found;
use super::failures::{near_in_words, pair};
use crate::analysis::Analysis;
use crate::model::name::FactName;
use crate::policy::invariant::Violation;
use crate::policy::origin::grant_place;
use crate::policy::policy_test::{Fault, Outcome};
use crate::render::json;
use crate::review::coverage::{Coverage, Covered};
use crate::review::mutate::{Mutation, MutationKind};
use crate::review::naming::{named, spelled};
use crate::review::suite::{TestRun, nearest};
use crate::source::Loc;

pub(super) fn of(found: &Found<'_>) -> Value {
    let Found { analysis, suite, coverage, mutation } = found;
    let (all, failed) = suite.counts();
    let tests = suite.tests.iter().map(|run| {
        json!({
            "name": run.test.name.value, "place": place(analysis, run.test.name.loc), "passed": run.passes(),
            "requests": run.outcomes.len(),
            "empty_calls": run.empty,
            "failures": run.failing().map(|outcome| failure(analysis, run, outcome)).collect::<Vec<_>>(),
        })
    });
    let invariants = suite.invariants.iter().map(|run| {
        json!({
            "name": run.invariant.name.value, "place": place(analysis, run.invariant.name.loc), "passed": run.passes(),
            "empty_calls": run.empty,
            "undecided": run.undecided.iter().map(|it| json!({
                "principal": analysis.policy().principal_at(it.principal).id.to_string(),
                "calls": it.calls.iter().map(|call| spelled(analysis.policy().object_at(*call))).collect::<Vec<_>>(),
                "why": it.why,
            })).collect::<Vec<_>>(),
            "violations": run.violations.iter().map(|it| violation(analysis, it)).collect::<Vec<_>>(),
        })
    });
    json!({
        "version": json::VERSION,
        "summary": {"tests": all, "failed": failed, "requests": suite.requests()},
        "tests": tests.collect::<Vec<_>>(),
        "invariants": invariants.collect::<Vec<_>>(),
        "coverage": coverage.as_ref().map(|coverage| covered(analysis, coverage)),
        "mutation": mutation.as_ref().map(|mutation| mutated(analysis, mutation)),
    })
}

fn place(analysis: &Analysis, loc: Loc) -> Value {
    let at = analysis.sources.position(loc);
    json!({"file": analysis.sources.file(loc.file).name(), "line": at.line, "column": at.column})
}

fn names(analysis: &Analysis, mask: u64) -> Vec<&str> {
    named(analysis.policy(), mask).into_iter().map(FactName::as_str).collect()
}

fn failure(analysis: &Analysis, run: &TestRun<'_>, outcome: &Outcome) -> Value {
    let policy = analysis.policy();
    let (principal, object) = pair(analysis, run, outcome);
    let ids = outcome.case.principal.zip(outcome.case.object);
    let cell = ids.and_then(|(who, what)| policy.cell(who, what));
    let rule = cell.map(|cell| policy.rule_at(cell.rule));
    let grant =
        ids.and_then(|(who, what)| grant_place(analysis.model(), &policy.principal_at(who).id, policy.object_at(what)));
    json!({
        "principal": principal, "object": object, "with": names(analysis, outcome.case.facts),
        "expected": word(run.test.allow.value), "decision": outcome.unknown.as_ref().map_or(word(outcome.allowed), |_| "unknown"),
        "fault": outcome.fault.map(|fault| match fault {
            Fault::Decision => "decision",
            Fault::Missing => "missing",
            Fault::Unknown => "unknown",
        }),
        "unknown": outcome.unknown,
        "missing": outcome.missing.iter().map(|set| names(analysis, *set)).collect::<Vec<_>>(),
        "rule": rule.map(|rule| &rule.name),
        "places": rule.map_or(&[][..], |rule| &rule.from).iter().map(|loc| place(analysis, *loc)).collect::<Vec<_>>(),
        "grant": grant.map(|loc| place(analysis, loc)),
        "blocked": rule.and_then(|rule| rule.blocked.as_ref()).map(|blocked| &blocked.why),
        "nearest": nearest(policy, outcome).map(|near| near_in_words(analysis, &near)),
    })
}

fn word(allowed: bool) -> &'static str {
    if allowed { "allow" } else { "deny" }
}

fn violation(analysis: &Analysis, violation: &Violation) -> Value {
    let policy = analysis.policy();
    let who = policy.principal_at(violation.principal);
    let calls = violation.calls.iter().map(|(object, set)| {
        let what = policy.object_at(*object);
        let grant = grant_place(analysis.model(), &who.id, what).unwrap_or(who.loc);
        let rule = policy.cell(violation.principal, *object).map(|cell| &policy.rule_at(cell.rule).name);
        json!({"object": spelled(what), "with": names(analysis, *set), "rule": rule, "grant": place(analysis, grant)})
    });
    json!({"principal": who.id.to_string(), "calls": calls.collect::<Vec<_>>()})
}

fn covered(analysis: &Analysis, coverage: &Coverage) -> Value {
    let policy = analysis.policy();
    let of = |it: Covered| json!({"covered": it.covered, "all": it.all});
    let untested = coverage.untested.iter().map(|cell| {
        let rule = policy.rule_at(cell.cell.rule);
        let sets = policy.conditions.get(cell.cell.condition).minimal_sets();
        json!({
            "principal": policy.principal_at(cell.principal).id.to_string(),
            "object": spelled(policy.object_at(cell.object)),
            "level": rule.level, "rule": rule.name, "rule_untested": cell.new_rule,
            "needs": sets.iter().map(|set| names(analysis, *set)).collect::<Vec<_>>(),
        })
    });
    json!({
        "percent": coverage.cells.percent(), "cells": of(coverage.cells), "levels": of(coverage.levels),
        "rules": of(coverage.rules), "untested": untested.collect::<Vec<_>>(),
    })
}

fn mutated(analysis: &Analysis, mutation: &Mutation) -> Value {
    let scores = MutationKind::ALL.iter().zip(mutation.scores);
    let scores: serde_json::Map<String, Value> = scores
        .map(|(kind, score)| (kind.word().to_owned(), json!({"made": score.made, "noticed": score.noticed})))
        .collect();
    let survivors = mutation.survivors.iter().map(
        |survivor| json!({"kind": survivor.kind.word(), "what": survivor.what, "place": place(analysis, survivor.loc)}),
    );
    json!({"scores": scores, "survivors": survivors.collect::<Vec<_>>(), "untried": mutation.untried})
}
