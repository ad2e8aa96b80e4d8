//! How Envoy sees who calls and what a request shows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::predicate::{
    MCP, Maybe, Predicate, any_value, claim, claims_differ, contains, metadata, one_of, peer_has_certificate, present,
    some_text,
};
use crate::model::Model;
use crate::model::access::{ArgumentEvidence, ClaimTest, Evidence, Issuer, default_evidence};
use crate::model::server::Server;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{Policy, Principal, PrincipalId, PrincipalIx};

/// The largest whole number that a JSON number surely keeps (2^53).
pub(super) const MOST_EXACT: i64 = 1 << 53;

/// What the workspace says of evidence and callers, in the form of predicates.
pub(super) struct Evidences<'a> {
    model: &'a Model,
    policy: &'a Policy,
    defaults: Vec<(&'static str, Evidence)>,
    /// Whether every peer of the listener has shown a certificate, so that nothing asks for one again.
    certificates: bool,
    subjects: Vec<&'a str>,
}

impl<'a> Evidences<'a> {
    pub(super) fn new(model: &'a Model, policy: &'a Policy, certificates: bool) -> Self {
        let mut subjects: Vec<&str> = policy.principals.iter().filter_map(|p| p.subject.as_deref()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        Self { model, policy, defaults: default_evidence(), certificates, subjects }
    }

    /// Every declared subject, sorted.
    pub(super) fn subjects(&self) -> &[&'a str] {
        &self.subjects
    }

    /// Arguments that some fact in use asks for, sorted.
    pub(super) fn arguments(&self) -> Vec<&str> {
        let facts = self.policy.facts.names().iter();
        let mut names: Vec<&str> = facts
            .filter_map(|fact| match self.of(fact.as_str())? {
                Evidence::Argument(argument) => Some(argument.name.as_str()),
                Evidence::KnownCaller | Evidence::Claim(_) | Evidence::Called(_) | Evidence::Transport => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every fact that some condition speaks of.
    pub(super) fn facts(&self) -> impl Iterator<Item = &str> {
        self.policy.facts.names().iter().map(|fact| fact.as_str())
    }

    pub(super) fn of(&self, fact: &str) -> Option<&Evidence> {
        let declared = self.model.identity.as_ref().and_then(|identity| identity.evidence_for(fact));
        declared.or_else(|| self.defaults.iter().find(|(name, _)| *name == fact).map(|(_, evidence)| evidence))
    }

    /// That a request for one of these tools of the server shows the fact; `None` where none can.
    pub(super) fn fact(&self, fact: &str, server: &Server, tools: &[&str]) -> Maybe {
        match self.of(fact)? {
            Evidence::KnownCaller => Predicate::all([]),
            Evidence::Transport => match fact {
                TLS => Predicate::all([]),
                MTLS if self.certificates => Predicate::all([]),
                MTLS => Some(peer_has_certificate()),
                _ => None,
            },
            Evidence::Argument(argument) => argument_within(argument),
            Evidence::Called(_) => None,
            Evidence::Claim(evidence) => match &evidence.test {
                ClaimTest::Present => Some(claim(&evidence.path, something())),
                ClaimTest::DiffersFrom(other) => Predicate::all([
                    Some(claim(&evidence.path, some_text())),
                    Some(claim(other, some_text())),
                    Some(claims_differ(&evidence.path, other)),
                ]),
                ClaimTest::Contains(text) => {
                    let text = text.replace("{server}", server.name.value.as_str());
                    let text = match (text.contains("{unit}"), server.unit.as_ref()) {
                        (true, None) => return None,
                        (true, Some(unit)) => text.replace("{unit}", unit.value.as_str()),
                        (false, _) => text,
                    };
                    if text.is_empty() {
                        return None;
                    }
                    if !text.contains("{tool}") {
                        return Some(claim(&evidence.path, contains(&text)));
                    }
                    // Each tool has its own text.
                    Predicate::any(tools.iter().map(|tool| {
                        let named = (tools.len() > 1).then(|| metadata(MCP, &["params", "name"], one_of([*tool])));
                        let shown = claim(&evidence.path, contains(&text.replace("{tool}", tool)));
                        Predicate::all(named.map(Some).into_iter().chain([Some(shown)]))
                    }))
                }
            },
        }
    }

    /// That one of these principals calls, by a token of an issuer that may speak for it; `None` where no token can mean any.
    pub(super) fn callers(&self, principals: &[PrincipalIx]) -> Maybe {
        let issuers: &[Issuer] = self.model.identity.as_ref().map_or(&[], |identity| &identity.issuers);
        let mut by_issuers: BTreeMap<Vec<&str>, Vec<&Principal>> = BTreeMap::new();
        for principal in principals {
            let principal = self.policy.principal_at(*principal);
            let kind = if matches!(principal.id, PrincipalId::Flow(_)) { "flows" } else { "agents" };
            let speak = issuers.iter().filter(|issuer| issuer.may_speak_for(kind, principal.unit.as_ref()));
            let speak = speak.map(|issuer| issuer.issuer.value.as_str()).collect();
            by_issuers.entry(speak).or_default().push(principal);
        }
        Predicate::any(by_issuers.into_iter().map(|(speak, principals)| {
            if speak.is_empty() {
                return None;
            }
            let issued = (speak.len() < issuers.len()).then(|| claim(&["iss".to_owned()], one_of(speak)));
            Predicate::all(issued.map(Some).into_iter().chain([self.named_callers(&principals)]))
        }))
    }

    fn named_callers(&self, principals: &[&Principal]) -> Maybe {
        let mut subjects: Vec<&str> = Vec::new();
        let mut any = Vec::new();
        for principal in principals {
            match (&principal.id, principal.subject.as_deref()) {
                (PrincipalId::AnyAgent(unit), _) => any.push(unit.as_ref()),
                (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) => subjects.push(subject),
                (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => {}
            }
        }
        let declared = (!subjects.is_empty()).then(|| caller_is(one_of(subjects))).flatten();
        let unit_claim = self.model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref());
        let anybody = any.into_iter().map(|unit| {
            let unit = match (unit, unit_claim) {
                (None, _) => Predicate::all([]),
                (Some(unit), Some(name)) => Some(claim(std::slice::from_ref(&name.value), one_of([unit.as_str()]))),
                (Some(_), None) => None,
            };
            Predicate::all([self.undeclared(), unit])
        });
        Predicate::any(std::iter::once(declared).chain(anybody))
    }

    /// A caller that is none of the declared ones.
    fn undeclared(&self) -> Maybe {
        if self.subjects.is_empty() {
            return caller_is(some_text());
        }
        let declared = caller_is(one_of(self.subjects.iter().copied()))?;
        Predicate::all([caller_is(some_text()), Some(declared.negated())])
    }
}

/// The caller's subject: `act.sub` of a token with `act` (RFC 8693), else `sub`.
pub(super) fn caller_is(value: Value) -> Maybe {
    let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    Predicate::any([
        Some(claim(&path(&["act", "sub"]), value.clone())),
        Predicate::all([Some(claim(&path(&["act"]), present()).negated()), Some(claim(&path(&["sub"]), value))]),
    ])
}

/// Something that is not empty: a text, a list, a number or `true`.
fn something() -> Value {
    any_value(vec![
        some_text(),
        json!({"list_match": {"one_of": {"present_match": true}}}),
        json!({"double_match": {"range": {"start": -f64::MAX, "end": f64::MAX}}}),
        json!({"bool_match": true}),
    ])
}

fn argument_within(argument: &ArgumentEvidence) -> Maybe {
    let mut values: Vec<Value> = argument.one_of.iter().map(|text| json!({"string_match": {"exact": text}})).collect();
    if argument.at_least.is_some() || argument.at_most.is_some() {
        // The range ends before its end, so the end is the next number that there is.
        let start = argument.at_least.map_or(-f64::MAX, |least| least as f64);
        let end = argument.at_most.map_or(f64::MAX, |most| (most as f64).next_up());
        values.insert(0, json!({"double_match": {"range": {"start": start, "end": end}}}));
    }
    (!values.is_empty()).then(|| metadata(MCP, &["params", "arguments", &argument.name], any_value(values)))
}
