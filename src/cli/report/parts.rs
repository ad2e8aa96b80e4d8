//! What a report says, before it is written.

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::access::Evidence;
use crate::policy::fact::MTLS;
use crate::render::json as versioned;
use crate::review::coverage::{Coverage, coverage};
use crate::review::graph::access::{Access, access};
use crate::review::proof::Claim;
use crate::review::suite;

/// Most pairs without a test that are shown by name.
const MOST_UNTESTED: usize = 50;

/// A finding.
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) check: &'static str,
    pub(super) message: String,
    pub(super) place: String,
}

/// A policy test or an invariant.
pub(super) struct Test {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) requests: usize,
    pub(super) holds: bool,
}

/// A waiver.
pub(super) struct Waiver {
    pub(super) name: String,
    pub(super) check: String,
    pub(super) place: String,
    pub(super) reason: String,
    pub(super) owner: String,
    pub(super) expires: String,
    pub(super) expired: bool,
}

/// A fact, and what shows it.
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) shown_by: Option<String>,
    pub(super) declared: bool,
}

/// What a report says.
pub(super) struct Parts {
    /// The day that waivers are judged by.
    pub(super) day: String,
    pub(super) access: Access,
    pub(super) facts: Vec<Fact>,
    pub(super) findings: Vec<Finding>,
    /// Findings that somebody accepted, each with why.
    pub(super) accepted: Vec<(Finding, String)>,
    pub(super) waivers: Vec<Waiver>,
    pub(super) tests: Vec<Test>,
    pub(super) coverage: Coverage,
    /// Pairs without a test: who, and what.
    pub(super) untested: Vec<(String, String)>,
    pub(super) claims: Vec<Claim>,
}

impl Parts {
    /// All but the claims.
    pub(super) fn of(analysis: &Analysis, day: String) -> Self {
        let (model, policy) = (analysis.model(), analysis.policy());
        let finding = |one: &Diagnostic| Finding {
            severity: one.severity,
            check: one.rule.name,
            message: one.message.clone(),
            place: analysis.sources.shown_line(one.loc),
        };
        let report = analysis.report();
        let waivers = model.waivers.iter().map(|waiver| Waiver {
            name: waiver.name.to_string(),
            check: waiver.check.to_string(),
            place: waiver.line.as_ref().map_or(waiver.file.to_string(), |line| format!("{}:{line}", waiver.file)),
            reason: waiver.reason.to_string(),
            owner: waiver.owner.to_string(),
            expires: waiver.expires.to_string(),
            // Days of this form are in the order of their texts.
            expired: waiver.expires.value < day,
        });
        let suite = suite::run(model, analysis.whole(), "");
        let of_tests = suite.tests.iter().map(|run| Test {
            kind: "test",
            name: run.test.name.to_string(),
            requests: run.outcomes.len(),
            holds: run.passes(),
        });
        let of_invariants = suite.invariants.iter().map(|run| Test {
            kind: "invariant",
            name: run.invariant.name.to_string(),
            requests: 0,
            holds: run.passes(),
        });
        let coverage = coverage(policy, &suite);
        let untested = coverage.untested.iter().take(MOST_UNTESTED).map(|cell| {
            (policy.principal_at(cell.principal).id.to_string(), policy.object_at(cell.object).to_string())
        });
        // A default stands where the section does.
        let section = model.identity.as_ref().map(|identity| identity.loc);
        let facts = policy.facts.named(u64::MAX).map(|fact| Fact {
            name: fact.to_string(),
            shown_by: model.evidence_for(fact.as_str()).map(|evidence| in_words(fact.as_str(), evidence)),
            declared: model.declared_evidence(fact.as_str()).is_some_and(|evidence| Some(evidence.loc) != section),
        });
        Self {
            access: access(model, analysis.whole()),
            facts: facts.collect(),
            findings: report.diagnostics.iter().map(finding).collect(),
            accepted: report.suppressed.iter().map(|one| (finding(&one.diagnostic), one.by.justification())).collect(),
            waivers: waivers.collect(),
            tests: of_tests.chain(of_invariants).collect(),
            untested: untested.collect(),
            claims: Vec::new(),
            coverage,
            day,
        }
    }

    /// How many findings have a level.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Version 1.
    pub(super) fn data(&self) -> Value {
        let finding = |one: &Finding| json!({"severity": one.severity.word(), "check": one.check, "message": one.message, "place": one.place});
        let covered = |part: crate::review::coverage::Covered| json!({"covered": part.covered, "all": part.all});
        json!({
            "version": versioned::VERSION,
            "today": self.day,
            "access": self.access,
            "facts": self.facts.iter().map(|fact| json!({
                "name": fact.name, "shown_by": fact.shown_by, "declared": fact.declared,
            })).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "accepted": self.accepted.iter().map(|(one, why)| json!({"finding": finding(one), "why": why})).collect::<Vec<_>>(),
            "waivers": self.waivers.iter().map(|one| json!({
                "name": one.name, "check": one.check, "place": one.place, "reason": one.reason, "owner": one.owner,
                "expires": one.expires, "expired": one.expired,
            })).collect::<Vec<_>>(),
            "tests": self.tests.iter().map(|one| json!({
                "kind": one.kind, "name": one.name, "requests": one.requests, "holds": one.holds,
            })).collect::<Vec<_>>(),
            "coverage": {
                "cells": covered(self.coverage.cells),
                "levels": covered(self.coverage.levels),
                "rules": covered(self.coverage.rules),
            },
            "claims": self.claims.iter().map(|one| json!({
                "name": one.name, "claim": one.what, "status": one.status.word(), "by": one.by,
            })).collect::<Vec<_>>(),
        })
    }
}

/// What shows a fact, for any call.
fn in_words(fact: &str, evidence: &Evidence) -> String {
    if *evidence == Evidence::Transport && fact == MTLS {
        return "the caller shows a client certificate".to_owned();
    }
    evidence.in_words(&|text| text.to_owned())
}
