//! The facts in use, and what shows each of them.

use std::collections::BTreeMap;

use super::{Fault, SERVICE_ACCOUNT_TOKEN};
use crate::model::Model;
use crate::model::access::Evidence;
use crate::model::name::FactName;
use crate::policy::fact::{CROSS_UNIT_APPROVAL, Facts, MOST_FACTS, MTLS, TLS};
use crate::source::{Loc, Spanned};

/// Every fact that some level, class, server, tool or grant asks for, with one place that does; and those that `identity` gives
/// evidence for and the text of a hand-written policy names.
#[must_use]
pub fn facts_in_use(model: &Model) -> BTreeMap<FactName, Loc> {
    let mut names: BTreeMap<FactName, Loc> = BTreeMap::new();
    let mut add = |fact: &Spanned<FactName>| {
        names.entry(fact.value.clone()).or_insert(fact.loc);
    };
    for rules in std::iter::once(&model.access).chain(model.overlays.values()) {
        for level in rules.levels.values() {
            level.requirements.iter().for_each(&mut add);
            level.alternatives.iter().flat_map(|a| &a.requirements).for_each(&mut add);
        }
        rules.classes.iter().flat_map(|class| &class.requires).for_each(&mut add);
    }
    for server in model.servers.values() {
        for access in std::iter::once(&server.access).chain(&server.overlay) {
            access.requires.iter().chain(access.tools.values().flat_map(|tool| &tool.requires)).for_each(&mut add);
        }
        server.resources.iter().flat_map(|r| &r.requires).for_each(&mut add);
        server.prompts.iter().flat_map(|p| &p.requires).for_each(&mut add);
    }
    let agents = model.agents.values().flat_map(|agent| &agent.may_call);
    agents.chain(model.any_agent.iter().flat_map(|any| &any.may_call)).flat_map(|g| &g.requires).for_each(&mut add);
    let evidence = model.identity.iter().flat_map(|identity| &identity.evidence);
    let named = |fact: &FactName| model.handwritten.files.iter().any(|file| file.text.contains(fact.as_str()));
    for (fact, evidence) in evidence.filter(|(fact, _)| named(fact)) {
        names.entry(fact.clone()).or_insert(evidence.loc);
    }
    names
}

/// Every fact in use, and the ones that did not fit.
pub(super) fn facts_of(model: &Model) -> (Facts, Vec<Fault>) {
    let mut names = facts_in_use(model);
    for always in [TLS, MTLS, CROSS_UNIT_APPROVAL, SERVICE_ACCOUNT_TOKEN] {
        names.remove(always);
    }
    let built_in = [TLS, MTLS, CROSS_UNIT_APPROVAL, SERVICE_ACCOUNT_TOKEN].map(FactName::from);
    let room = MOST_FACTS - built_in.len();
    let faults =
        names.iter().skip(room).map(|(name, loc)| Fault::TooManyFacts(Spanned::new(name.clone(), *loc))).collect();
    (Facts::new(names.into_keys().take(room).chain(built_in)), faults)
}

/// What shows each fact, by its bit.
pub(super) fn evidence_of(model: &Model, facts: &Facts) -> Vec<Option<Evidence>> {
    facts.names().iter().map(|fact| model.evidence_for(fact.as_str()).cloned()).collect()
}
