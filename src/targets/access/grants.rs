//! Who may do what on each server, in the few groups that rules are written for: callers who may do the same things under the
//! same evidence stand together, and so do things that the same callers may do.

use std::collections::{BTreeMap, BTreeSet};

use super::cel::{Names, shows};
use crate::model::Model;
use crate::model::access::placeholder::filled;
use crate::model::access::{ClaimTest, Evidence, Scalar};
use crate::model::name::{ServerName, UnitName};
use crate::policy::condition::Condition;
use crate::policy::{Object, ObjectKind, Policy, Principal, PrincipalId};

/// What requests ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
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
    /// Somebody who is not a declared principal, of this unit where units are declared.
    AnyAgent(Option<UnitName>),
}

/// What some callers may do on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// What kind of thing.
    pub kind: RequestKind,
    /// Who.
    pub who: Who,
    /// The issuers that may speak for them; `None` where all may. All of them name callers by the same claim.
    pub issuers: Option<Vec<String>>,
    /// That claim.
    pub by: Vec<String>,
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
    let evidence = policy.shown().map(|(bit, evidence)| (bit, evidence.clone())).collect();
    let look = Look { evidence, names, given, subjects: policy.subjects() };
    let mut by_server: BTreeMap<&ServerName, Server> = BTreeMap::new();
    for (principal, row) in policy.principals.iter().zip(&policy.cells) {
        let Some((who, issuers)) = callers(model, principal) else { continue };
        let subject = principal.subject.clone().filter(|_| who == Who::Subjects);
        let mut lists: BTreeMap<(&ServerName, RequestKind), Condition> = BTreeMap::new();
        for (object, cell) in row {
            let object = policy.object_at(*object);
            let condition = policy.conditions.get(cell.condition);
            let (kind, name) = match &object.kind {
                ObjectKind::Protocol => (RequestKind::Protocol, None),
                ObjectKind::Tool(tool) => (RequestKind::Tool, Some(tool.as_str())),
                ObjectKind::Resource(pattern) => (RequestKind::Resource, Some(pattern.as_str())),
                ObjectKind::Prompt(prompt) => (RequestKind::Prompt, Some(prompt.as_str())),
            };
            let list = match kind {
                RequestKind::Resource => Some(RequestKind::SomeResource),
                RequestKind::Prompt => Some(RequestKind::SomePrompt),
                RequestKind::Protocol | RequestKind::Tool | RequestKind::SomeResource | RequestKind::SomePrompt => None,
            };
            if let Some(list) = list {
                let known = lists.entry((&object.server, list)).or_insert_with(Condition::never);
                *known = known.or(condition);
            }
            let entry = by_server.entry(&object.server).or_default();
            for issuers in &issuers {
                entry.add(&look, object, unit(model, object), condition, |shown| Key {
                    kind,
                    name: name.map(str::to_owned),
                    who: who.clone(),
                    issuers: issuers.clone(),
                    shown,
                });
                entry.name(subject.as_deref());
            }
        }
        for ((server, kind), condition) in lists {
            let object = Object { server: server.clone(), kind: ObjectKind::Protocol };
            let entry = by_server.entry(server).or_default();
            for issuers in &issuers {
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
    }
    by_server.into_iter().map(|(server, found)| (server, found.grouped())).collect()
}

fn unit<'m>(model: &'m Model, object: &Object) -> Option<&'m UnitName> {
    model.servers.get(&object.server).and_then(|server| server.unit.as_ref()).map(|unit| &unit.value)
}

/// Issuers that name callers by the same claim, and the claim; `None` for all there are.
type Issuers = (Option<Vec<String>>, Vec<String>);

/// Who a principal is to a gateway, and the issuers that may speak for it, by the claim with which they name callers; nothing for
/// one that no token can name.
fn callers(model: &Model, principal: &Principal) -> Option<(Who, Vec<Issuers>)> {
    let who = match (&principal.id, &principal.subject) {
        (PrincipalId::AnyAgent(unit), _) => Who::AnyAgent(unit.clone()),
        (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(_)) => Who::Subjects,
        (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => return None,
    };
    let all = model.identity.as_ref().map(|identity| identity.issuers.as_slice()).unwrap_or_default();
    let sub = || vec!["sub".to_owned()];
    if all.is_empty() {
        return Some((who, vec![(None, sub())]));
    }
    let mut by_claim: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for issuer in all.iter().filter(|issuer| principal.is_spoken_for_by(issuer)) {
        let by = issuer.caller.as_ref().map_or_else(sub, |path| path.value.clone());
        by_claim.entry(by).or_default().push(issuer.issuer.value.clone());
    }
    let issuers =
        by_claim.into_iter().map(|(by, some)| if some.len() == all.len() { (None, by) } else { (Some(some), by) });
    Some((who, issuers.collect()))
}

/// How facts show.
struct Look<'a> {
    evidence: Vec<(u64, Evidence)>,
    names: Names<'a>,
    given: u64,
    subjects: Vec<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: RequestKind,
    name: Option<String>,
    who: Who,
    issuers: Issuers,
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
                    && let Some(expression) = shows(look.names, evidence, object, unit, &look.subjects)
                {
                    left &= !bit;
                    let claim = match evidence.claims().next().map(|claim| (&claim.path, &claim.test)) {
                        Some((path, ClaimTest::Contains(values))) => match values.as_slice() {
                            [Scalar::Text(text)] => {
                                filled(text, object.server.as_str(), object.tool(), unit.map(UnitName::as_str))
                                    .map(|text| (path.clone(), text))
                            }
                            _ => None,
                        },
                        Some((_, ClaimTest::Is(_) | ClaimTest::DiffersFrom(_) | ClaimTest::Present)) | None => None,
                    };
                    let scope = evidence.scope().map(str::to_owned);
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
            let (issuers, by) = issuers;
            Grant { kind, who, issuers, by, subjects, shown, names }
        });
        grants.collect()
    }
}
