//! The rules that let calls to one server through.
//!
//! A caller shows in two ways: as `sub` of a token without `act`, or as `act.sub`. Rules are grouped: callers that the same
//! issuers speak for and that need the same claims share one, with all the tools that they share.

mod requests;
mod shown;

use std::collections::{BTreeMap, BTreeSet};

use self::requests::{Request, joined, operations};
use self::shown::{Claims, Shown};
use super::api::security::{From, Operation, Rule, Source, To, When};
use super::claims::{exact, verified_headers};
use super::narrow::delegations;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::Evidence;
use crate::policy::condition::Condition;
use crate::policy::{ObjectIx, Policy, PrincipalIx};
use crate::source::Loc;
use crate::targets::Input;
use crate::targets::cluster::ServerPlace;

/// Callers that are alike but for their subjects.
type Alike = (Shown, Vec<String>, Claims);

/// What principals may use on a server, and when.
type Rows<'a> = BTreeMap<PrincipalIx, Vec<(ObjectIx, &'a Condition)>>;

/// What the rules of all servers have in common.
pub(super) struct Rules<'a> {
    model: &'a Model,
    policy: &'a Policy,
    evidence: Vec<(u64, Evidence)>,
    delegations: u64,
    /// The subject of each principal that has one, which Istio takes as it is.
    subjects: Vec<Option<String>>,
    declared: Vec<String>,
    verified: bool,
    /// The principals that may use something on each server, with what they may use.
    by_server: BTreeMap<&'a str, Rows<'a>>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(model: &'a Model, policy: &'a Policy) -> Result<Self, Vec<Diagnostic>> {
        let mut by_server: BTreeMap<&str, Rows<'_>> = BTreeMap::new();
        for (principal, object, cell) in policy.all_cells().filter(|(_, _, cell)| !policy.is_never(cell.condition)) {
            let server = policy.object_at(object).server.as_str();
            let row = by_server.entry(server).or_default().entry(principal).or_default();
            row.push((object, policy.conditions.get(cell.condition)));
        }
        let mut subjects = Vec::new();
        let mut findings = Vec::new();
        for principal in &policy.principals {
            let subject = principal.subject.as_ref().map(|subject| exact(subject, "the subject", principal.loc));
            subjects.push(subject.transpose().unwrap_or_else(|finding| {
                findings.push(*finding);
                None
            }));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let evidence = policy.shown().map(|(bit, evidence)| (bit, evidence.clone())).collect();
        let mut declared: Vec<String> = subjects.iter().flatten().cloned().collect();
        declared.sort();
        declared.dedup();
        Ok(Self {
            model,
            policy,
            evidence,
            delegations: delegations(policy),
            subjects,
            declared,
            verified: verified_headers(model),
            by_server,
        })
    }

    /// The rules for a server behind a gateway whose certificate names `gateway`. None where nobody may use it.
    pub(super) fn of(&self, place: &ServerPlace<'_>, gateway: &str) -> Result<Vec<Rule>, Box<Diagnostic>> {
        let mut callers: BTreeMap<Alike, BTreeMap<Request, BTreeSet<String>>> = BTreeMap::new();
        let rows = self.by_server.get(place.server.name.value.as_str());
        for (index, cells) in rows.into_iter().flatten() {
            let principal = self.policy.principal_at(*index);
            let subject = self.subjects.get(index.0 as usize).and_then(Option::as_deref);
            let issuers = self.issuers(principal);
            if issuers.is_empty() {
                continue;
            }
            for (requests, object, condition) in self.requests(place.server, cells) {
                for set in condition.minimal_sets() {
                    let Some(claims) = self.claims(*set, object, place)? else { continue };
                    for shown in self.shown(principal, subject, *set) {
                        let alike = callers.entry((shown, issuers.clone(), claims.clone())).or_default();
                        for request in &requests {
                            alike.entry(request.clone()).or_default().extend(subject.map(str::to_owned));
                        }
                    }
                }
            }
        }
        let mut rules = Vec::new();
        for ((shown, issuers, claims), requests) in callers {
            let mut by_subjects: BTreeMap<BTreeSet<String>, Vec<Request>> = BTreeMap::new();
            for (request, subjects) in requests {
                by_subjects.entry(subjects).or_default().push(request);
            }
            for (subjects, requests) in by_subjects {
                let mut common = self.who(&shown, &issuers, subjects);
                for claim in &claims {
                    // What is asked of one claim is asked at once.
                    let same = common.iter_mut().find(|when| when.key == claim.key && when.values == claim.values);
                    match same {
                        Some(when) => when.not_values = joined(when.not_values.take(), claim.not_values.as_ref()),
                        None => common.push(claim.when()),
                    }
                }
                rules.extend(operations(place.server, requests).into_iter().map(|(methods, headers)| Rule {
                    from: vec![From { source: Source { principals: vec![gateway.to_owned()] } }],
                    to: vec![To {
                        operation: Operation {
                            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
                            paths: vec![place.path.to_owned()],
                        },
                    }],
                    when: common.iter().cloned().chain(headers).collect(),
                }));
            }
        }
        Ok(rules)
    }

    /// Where what decides on calls to a server is written: the server, the principals and the rules.
    pub(super) fn places(input: &Input<'_>, place: &ServerPlace<'_>) -> Vec<Loc> {
        let mut found = vec![place.loc()];
        let on = input.policy.index.on(place.server.name.value.as_str());
        for (index, row) in (0..).map(PrincipalIx).zip(&input.policy.cells) {
            let start = row.partition_point(|(object, _)| object.0 < on.start);
            for (_, cell) in row.iter().skip(start).take_while(|(object, _)| object.0 < on.end) {
                found.push(input.policy.principal_at(index).loc);
                found.extend(input.policy.rule_at(cell.rule).from.iter().copied());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn is(key: &str, values: impl IntoIterator<Item = String>) -> When {
    When { key: key.to_owned(), values: Some(values.into_iter().collect()), not_values: None }
}

fn is_not(key: &str, values: impl IntoIterator<Item = String>) -> When {
    When { key: key.to_owned(), values: None, not_values: Some(values.into_iter().collect()) }
}
