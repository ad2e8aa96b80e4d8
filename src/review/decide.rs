//! One decision with its reasons, and all decisions about one object or of one principal.

use std::collections::BTreeMap;

use crate::model::Model;
use crate::model::protocol::{self, Right};
use crate::policy::cell::RuleId;
use crate::policy::condition::Condition;
use crate::policy::origin::grant_places;
use crate::policy::whole::Whole;
use crate::policy::{Object, ObjectIx, ObjectKind, Policy, PrincipalIx};
use crate::source::Loc;

#[cfg(test)]
mod tests;

/// A decision and why it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// When a request would be allowed.
    pub condition: Condition,
    /// The minimal sets of facts that would turn a denial around, sorted. Empty where the request is allowed, and where
    /// nothing would help.
    pub missing: Vec<u64>,
    /// Why, for each object that the request is about.
    pub reasons: Vec<Reason>,
}

/// Why one object may or may not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The object.
    pub object: ObjectIx,
    /// The rule of the pair; `None` where nothing grants it.
    pub rule: Option<RuleId>,
    /// Where it was granted: each entry or step that does.
    pub grants: Vec<Loc>,
    /// For the protocol: what of the same server opens it.
    pub opened_by: Option<ObjectIx>,
    /// Why no facts would help.
    pub closed: Option<Closed>,
    /// The methods about this object that the entry of its server denies to every caller, each with its place.
    pub denied: Vec<(&'static str, Loc)>,
}

/// Why a pair is denied whatever the request's facts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// Nothing grants it.
    NotGranted,
    /// It is granted and something blocks it: a suspension, a crossing of units, a contradiction.
    Blocked {
        /// What, in words.
        why: String,
        /// Where that stands, if it is written anywhere.
        loc: Option<Loc>,
        /// Whether somebody switched it off.
        suspension: bool,
    },
    /// Its condition never holds, because of a fault that a finding reports.
    Never,
}

/// Decides a request of these facts (see [`super::naming::facts`]) about these objects: all of them must allow it.
#[must_use]
pub fn decide(model: &Model, policy: &Policy, principal: PrincipalIx, objects: &[ObjectIx], facts: u64) -> Answer {
    let facts = policy.facts.closed(facts);
    let condition = condition(policy, principal, objects);
    let allowed = condition.holds(facts);
    let missing = if allowed { Vec::new() } else { condition.missing(facts) };
    let reasons = objects.iter().map(|object| reason(model, policy, principal, *object)).collect();
    Answer { allowed, condition, missing, reasons }
}

/// When a principal may use all of these objects at once. No objects are never allowed.
fn condition(policy: &Policy, principal: PrincipalIx, objects: &[ObjectIx]) -> Condition {
    let of = |object: &ObjectIx| {
        let cell = policy.cell(principal, *object);
        cell.map_or_else(Condition::never, |cell| policy.conditions.get(cell.condition).clone())
    };
    objects.iter().map(of).reduce(|all, one| all.and(&one)).unwrap_or_else(Condition::never)
}

/// Why this pair is decided as it is.
#[must_use]
pub fn reason(model: &Model, policy: &Policy, principal: PrincipalIx, object: ObjectIx) -> Reason {
    let who = &policy.principal_at(principal).id;
    let is_protocol = policy.object_at(object).kind == ObjectKind::Protocol;
    let denied = denied_methods(model, policy.object_at(object));
    let Some(cell) = policy.cell(principal, object) else {
        let closed = Some(Closed::NotGranted);
        return Reason { object, rule: None, grants: vec![], opened_by: None, closed, denied };
    };
    let opened_by = if is_protocol { opener(policy, principal, object) } else { None };
    let grants = grant_places(model, who, policy.object_at(opened_by.unwrap_or(object)));
    let closed = match &policy.rule_at(cell.rule).blocked {
        Some(blocked) => {
            Some(Closed::Blocked { why: blocked.why.clone(), loc: blocked.loc, suspension: blocked.suspension })
        }
        None if policy.is_never(cell.condition) => Some(Closed::Never),
        None => None,
    };
    Reason { object, rule: Some(cell.rule), grants, opened_by, closed, denied }
}

/// The methods that are about an object, among those that the entry of its server denies. All of them are about the protocol's own.
fn denied_methods(model: &Model, object: &Object) -> Vec<(&'static str, Loc)> {
    let is_about = |method: &&'static str| {
        let row = protocol::TABLE.iter().find(|row| row.name == *method);
        match (&object.kind, row.map(|row| row.right)) {
            (ObjectKind::Protocol, _) => true,
            (ObjectKind::Resource(_), Some(right)) => {
                matches!(right, Right::Resource | Right::Reference | Right::Subscription)
            }
            (ObjectKind::Prompt(_), Some(right)) => right == Right::Reference,
            (ObjectKind::Tool(_), _) | (ObjectKind::Resource(_) | ObjectKind::Prompt(_), None) => false,
        }
    };
    let entry = model.servers.get(&object.server).into_iter().flat_map(|server| &server.denied_methods);
    entry.map(|(method, loc)| (*method, *loc)).filter(|(method, _)| is_about(method)).collect()
}

/// The first thing of the object's server that the principal may use: it opens the protocol's own methods.
fn opener(policy: &Policy, principal: PrincipalIx, object: ObjectIx) -> Option<ObjectIx> {
    policy.index.beside(object).map(ObjectIx).find(|at| {
        let possible = policy.cell(principal, *at).is_some_and(|cell| !policy.is_never(cell.condition));
        possible && policy.object_at(*at).kind != ObjectKind::Protocol
    })
}

/// Pairs that lack the same sets of facts. The empty set alone is nothing lacking: allowed. No set at all is never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups<T> {
    /// Those of which it is settled.
    pub known: BTreeMap<Vec<u64>, Vec<T>>,
    /// The others, by the reason.
    pub unknown: BTreeMap<String, Vec<T>>,
}

impl<T> Groups<T> {
    fn new() -> Self {
        Self { known: BTreeMap::new(), unknown: BTreeMap::new() }
    }

    fn add(&mut self, lacks: Result<Vec<u64>, String>, item: T) {
        match lacks {
            Ok(missing) => self.known.entry(missing).or_default().push(item),
            Err(why) => self.unknown.entry(why).or_default().push(item),
        }
    }
}

/// Whether the pairs of a group are allowed.
#[must_use]
pub fn is_allowed(missing: &[u64]) -> bool {
    matches!(missing, [0])
}

/// What a request with these facts lacks; where that is not settled, at least whether it is allowed.
fn lacks(
    whole: Whole<'_>,
    who: PrincipalIx,
    objects: &[ObjectIx],
    facts: u64,
    given: bool,
) -> Result<Vec<u64>, String> {
    whole.missing(who, objects, facts).or_else(|why| match whole.decide(who, objects, facts) {
        Ok(true) => Ok(vec![0]),
        // What else it would take is not known, and was not asked.
        Ok(false) if given => Err(format!("denied; what it lacks is not settled: {why}")),
        Ok(false) | Err(_) => Err(why),
    })
}

/// Everybody who is granted all of these objects, or permitted by hand, grouped by the minimal sets of facts that a request with
/// these facts lacks.
#[must_use]
pub fn who_can(whole: Whole<'_>, objects: &[ObjectIx], facts: u64) -> Groups<PrincipalIx> {
    let mut groups = Groups::new();
    for principal in (0..whole.policy.principals.len() as u32).map(PrincipalIx) {
        let granted = objects.iter().all(|object| whole.policy.cell(principal, *object).is_some());
        if granted || objects.iter().any(|object| !whole.policies(principal, *object).is_empty()) {
            let lacks = lacks(whole, principal, objects, facts, facts != 0);
            if granted || lacks.as_ref().map_or(true, |missing| !missing.is_empty()) {
                groups.add(lacks, principal);
            }
        }
    }
    groups
}

/// Everything that a principal is granted, or permitted by hand, grouped by the minimal sets of facts that a request with these
/// facts lacks.
#[must_use]
pub fn what_can(whole: Whole<'_>, principal: PrincipalIx, facts: u64) -> Groups<ObjectIx> {
    let mut groups = Groups::new();
    let granted = whole.policy.cells.get(principal.0 as usize).into_iter().flatten().map(|(object, _)| *object);
    let all = (0..whole.policy.objects.len() as u32).map(ObjectIx);
    let permitted = all.filter(|object| {
        whole.policy.cell(principal, *object).is_none() && !whole.policies(principal, *object).is_empty()
    });
    let mut objects: Vec<ObjectIx> =
        granted.chain(permitted.take(if whole.written.is_some() { usize::MAX } else { 0 })).collect();
    objects.sort_unstable();
    for object in objects {
        let lacks = lacks(whole, principal, &[object], facts, facts != 0);
        let is_granted = whole.policy.cell(principal, object).is_some();
        if is_granted || lacks.as_ref().map_or(true, |missing| !missing.is_empty()) {
            groups.add(lacks, object);
        }
    }
    groups
}
