//! Who may do what on each server, in the few groups that rules are written for: callers who may do the same things under the
//! same evidence stand together, and so do things that the same callers may do.

use std::collections::{BTreeMap, BTreeSet};

use super::cel::{Names, expanded, shows};
use crate::model::Model;
use crate::model::access::{ClaimEvidence, ClaimTest, Evidence, default_evidence};
use crate::model::name::{ServerName, UnitName};
use crate::policy::condition::Condition;
use crate::policy::{Object, ObjectKind, Policy, Principal, PrincipalId};

/// What requests ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The protocol's own methods.
    Protocol,
    /// Tools, by name.
    Tool,
    /// Resources, by URI pattern.
    Resource,
    /// Any resource at all: lists of them.
    SomeResource,
    /// Prompts, by name.
    Prompt,
    /// Any prompt at all: the list of them.
    SomePrompt,
}

/// Who a token must name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// One of the grant's subjects.
    Subjects,
    /// Somebody who is no declared principal, of this unit where units are declared.
    AnyAgent(Option<UnitName>),
}

/// What some callers may do on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// What kind of thing.
    pub kind: Kind,
    /// Who.
    pub who: Who,
    /// The issuers that may speak for them; `None` where all may.
    pub issuers: Option<Vec<String>>,
    /// Their subjects.
    pub subjects: BTreeSet<String>,
    /// The facts, as conjuncts: each fact with its expression.
    pub shown: Vec<Shown>,
    /// Which things: tools, patterns or prompts by name; empty for the protocol and for lists.
    pub names: BTreeSet<String>,
}

/// A fact that a request must show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// The fact's bit.
    pub fact: u64,
    /// The expression that is true where it is shown.
    pub expression: String,
    /// The claim that must be, or hold, a text, and the text; where that is what shows it.
    pub claim: Option<(Vec<String>, String)>,
    /// The scope that a step-up challenge asks for.
    pub scope: Option<String>,
}

/// Everything that is granted, by server. `given` are facts that hold for every request that gets here.
#[must_use]
pub fn grants<'m>(
    model: &'m Model,
    policy: &'m Policy,
    names: Names<'_>,
    given: u64,
) -> BTreeMap<&'m ServerName, Vec<Grant>> {
    let look = Look { evidence: evidence(model, policy), names, given };
    let mut by_server: BTreeMap<&ServerName, Server> = BTreeMap::new();
    for (principal, row) in policy.principals.iter().zip(&policy.cells) {
        let Some((who, issuers)) = callers(model, principal) else { continue };
        let subject = principal.subject.clone().filter(|_| who == Who::Subjects);
        let mut lists: BTreeMap<(&ServerName, Kind), Condition> = BTreeMap::new();
        for (object, cell) in row {
            let object = policy.object_at(*object);
            let condition = policy.conditions.get(cell.condition);
            let (kind, name) = match &object.kind {
                ObjectKind::Protocol => (Kind::Protocol, None),
                ObjectKind::Tool(tool) => (Kind::Tool, Some(tool.as_str())),
                ObjectKind::Resource(pattern) => (Kind::Resource, Some(pattern.as_str())),
                ObjectKind::Prompt(prompt) => (Kind::Prompt, Some(prompt.as_str())),
            };
            let list = match kind {
                Kind::Resource => Some(Kind::SomeResource),
                Kind::Prompt => Some(Kind::SomePrompt),
                Kind::Protocol | Kind::Tool | Kind::SomeResource | Kind::SomePrompt => None,
            };
            if let Some(list) = list {
                let known = lists.entry((&object.server, list)).or_insert_with(Condition::never);
                *known = known.or(condition);
            }
            let entry = by_server.entry(&object.server).or_default();
            entry.add(&look, object, unit(model, object), condition, |shown| Key {
                kind,
                name: name.map(str::to_owned),
                who: who.clone(),
                issuers: issuers.clone(),
                shown,
            });
            entry.name(subject.as_deref());
        }
        for ((server, kind), condition) in lists {
            let object = Object { server: server.clone(), kind: ObjectKind::Protocol };
            let entry = by_server.entry(server).or_default();
            entry.add(&look, &object, unit(model, &object), &condition, |shown| Key {
                kind,
                name: None,
                who: who.clone(),
                issuers: issuers.clone(),
                shown,
            });
            entry.name(subject.as_deref());
        }
    }
    by_server.into_iter().map(|(server, found)| (server, found.grouped())).collect()
}

/// Every subject that names a declared principal, sorted.
#[must_use]
pub fn subjects(policy: &Policy) -> Vec<&str> {
    let mut subjects: Vec<&str> = policy.principals.iter().filter_map(|p| p.subject.as_deref()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

/// The evidence for each fact, by its bit.
fn evidence(model: &Model, policy: &Policy) -> Vec<(u64, Evidence)> {
    let defaults = default_evidence();
    let found = policy.facts.names().iter().filter_map(|fact| {
        let declared = model.identity.as_ref().and_then(|identity| identity.evidence_for(fact.as_str()));
        let default = || defaults.iter().find(|(name, _)| *name == fact.as_str()).map(|(_, evidence)| evidence);
        Some((policy.facts.mask(fact.as_str())?, declared.or_else(default)?.clone()))
    });
    found.collect()
}

fn unit<'m>(model: &'m Model, object: &Object) -> Option<&'m UnitName> {
    model.servers.get(&object.server).and_then(|server| server.unit.as_ref()).map(|unit| &unit.value)
}

/// Who a principal is to a gateway, and the issuers that may speak for it; `None` for one that no token can name.
fn callers(model: &Model, principal: &Principal) -> Option<(Who, Option<Vec<String>>)> {
    let (who, kind) = match (&principal.id, &principal.subject) {
        (PrincipalId::AnyAgent(unit), _) => (Who::AnyAgent(unit.clone()), "agents"),
        (PrincipalId::Agent(_), Some(_)) => (Who::Subjects, "agents"),
        (PrincipalId::Flow(_), Some(_)) => (Who::Subjects, "flows"),
        (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => return None,
    };
    let all = model.identity.as_ref().map(|identity| identity.issuers.as_slice()).unwrap_or_default();
    let speaking: Vec<String> = all
        .iter()
        .filter(|issuer| issuer.may_speak_for(kind, principal.unit.as_ref()))
        .map(|issuer| issuer.issuer.value.clone())
        .collect();
    match (speaking.len(), all.len()) {
        (0, 1..) => None,
        (some, all) if some == all => Some((who, None)),
        _ => Some((who, Some(speaking))),
    }
}

/// How facts show.
struct Look<'a> {
    evidence: Vec<(u64, Evidence)>,
    names: Names<'a>,
    given: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: Kind,
    name: Option<String>,
    who: Who,
    issuers: Option<Vec<String>>,
    shown: Vec<Shown>,
}

/// What is found for one server: for each thing and evidence, who.
#[derive(Debug, Default)]
struct Server {
    found: BTreeMap<Key, BTreeSet<String>>,
    last: Vec<Key>,
}

impl Server {
    /// Adds each way to meet a condition that a request can show.
    fn add(
        &mut self,
        look: &Look<'_>,
        object: &Object,
        unit: Option<&UnitName>,
        condition: &Condition,
        key: impl Fn(Vec<Shown>) -> Key,
    ) {
        self.last.clear();
        for set in condition.minimal_sets() {
            let mut left = set & !look.given;
            let mut shown = Vec::new();
            for (bit, evidence) in &look.evidence {
                if left & bit != 0
                    && let Some(expression) = shows(look.names, evidence, object, unit)
                {
                    left &= !bit;
                    let claim = match evidence {
                        Evidence::Claim(ClaimEvidence { path, test: ClaimTest::Contains(text), .. }) => {
                            expanded(text, object, unit).map(|text| (path.clone(), text))
                        }
                        Evidence::Claim(_)
                        | Evidence::Argument(_)
                        | Evidence::Called(_)
                        | Evidence::KnownCaller
                        | Evidence::Transport => None,
                    };
                    let scope = match evidence {
                        Evidence::Claim(claim) => claim.scope.clone(),
                        Evidence::Argument(_) | Evidence::Called(_) | Evidence::KnownCaller | Evidence::Transport => {
                            None
                        }
                    };
                    shown.push(Shown { fact: *bit, expression, claim, scope });
                }
            }
            if left == 0 {
                self.last.push(key(shown));
            }
        }
    }

    /// Says who may do what was added last.
    fn name(&mut self, subject: Option<&str>) {
        for key in self.last.drain(..) {
            self.found.entry(key).or_default().extend(subject.map(str::to_owned));
        }
    }

    fn grouped(self) -> Vec<Grant> {
        let mut grouped: BTreeMap<(Key, BTreeSet<String>), BTreeSet<String>> = BTreeMap::new();
        for (mut key, subjects) in self.found {
            let name = key.name.take();
            grouped.entry((key, subjects)).or_default().extend(name);
        }
        let grants = grouped.into_iter().map(|((key, subjects), names)| {
            let Key { kind, who, issuers, shown, name: _ } = key;
            Grant { kind, who, issuers, subjects, shown, names }
        });
        grants.collect()
    }
}
