//! Invariants: what must never be possible, over every principal, grant, flow and set of facts.
//!
//! Facts count in favour and none excludes another, so a pair is possible exactly where its normal form has a set, and a
//! smallest one of them is the plainest request that shows it.

use super::policy_test::{is_reported, objects, principals};
use super::whole::Whole;
use super::{ObjectIx, ObjectKind, Policy, PrincipalIx};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::assurance::{Callers, Invariant, Never};
use crate::model::name::ClassName;
use crate::model::server::Location;
use crate::source::Spanned;

/// An invariant by index: whom it is about, and what they must not do.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// For each principal whether it is about it.
    who: Vec<bool>,
    /// For each object whether it is the call, or the first of two.
    first: Vec<bool>,
    /// For each object whether it is the second of two.
    second: Option<Vec<bool>>,
    /// Whether the two calls must go to different servers.
    apart: bool,
}

/// A principal that can do what must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Who.
    pub principal: PrincipalIx,
    /// The calls that show it, one or two, each with a smallest set of facts under which it is allowed.
    pub calls: Vec<(ObjectIx, u64)>,
}

/// A principal of which it is not settled whether it can do what must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// Who.
    pub principal: PrincipalIx,
    /// The calls, one or two.
    pub calls: Vec<ObjectIx>,
    /// Why.
    pub why: String,
}

impl Resolved {
    /// Resolves an invariant. Names that nothing has stand for nothing; they are reported by their own checks.
    #[must_use]
    pub fn of(model: &Model, policy: &Policy, invariant: &Invariant) -> Self {
        let everybody = || vec![true; policy.principals.len()];
        match &invariant.never {
            Never::Call { who, calls } => {
                let who = match who {
                    Callers::Listed(names) => {
                        let mut who = vec![false; policy.principals.len()];
                        mark(&mut who, names.iter().flat_map(|name| principals(policy, &name.value)).map(|at| at.0));
                        who
                    }
                    Callers::OutsideUnit(unit) => {
                        policy.principals.iter().map(|who| who.unit.as_ref() != Some(&unit.value)).collect()
                    }
                };
                Self { who, first: marked(policy, calls), second: None, apart: false }
            }
            Never::Both(one, other) => {
                let (first, second) = (marked(policy, [one]), marked(policy, [other]));
                Self { who: everybody(), first, second: Some(second), apart: false }
            }
            Never::Flow { from_class, to_class, to_location, to_calls } => {
                let classes = Classification::of(&model.access);
                let at_least = rank(model, from_class);
                let at_most = to_class.as_ref().map(|class| rank(model, class));
                let mut second = marked(policy, to_calls);
                let mut first = vec![false; policy.objects.len()];
                for ((object, reads), sends) in policy.objects.iter().zip(&mut first).zip(&mut second) {
                    // What is read is data of its server's class; only tools take any in.
                    let tool = match &object.kind {
                        ObjectKind::Protocol => continue,
                        ObjectKind::Tool(tool) => Some(tool),
                        ObjectKind::Resource(_) | ObjectKind::Prompt(_) => None,
                    };
                    let server = model.server(object.server.as_str());
                    let listed = classes.listed(object.server.as_str()).map(|listing| listing.rank);
                    // What is not known of a server counts against it.
                    *reads = listed.is_none_or(|rank| at_least.is_none_or(|least| rank >= least));
                    let low =
                        at_most.is_some_and(|most| listed.is_none_or(|rank| most.is_none_or(|most| rank <= most)));
                    let there = |place: &Spanned<Location>| {
                        let stands = server.and_then(|server| server.location.as_ref());
                        stands.is_none_or(|stands| stands.value == place.value)
                    };
                    let declared = server.zip(tool).and_then(|(server, tool)| server.tools.get(tool));
                    let read_only = declared.and_then(|tool| tool.read_only.as_ref()).is_some_and(|flag| flag.value);
                    *sends = tool.is_some() && !read_only && (*sends || low || to_location.as_ref().is_some_and(there));
                }
                Self { who: everybody(), first, second: Some(second), apart: true }
            }
        }
    }

    /// How this principal can do what must never be, where it can. `possible` gives a smallest set of facts under which it is
    /// allowed an object, for every object that it ever is, sorted by object.
    #[must_use]
    pub fn violated_by(
        &self,
        policy: &Policy,
        principal: PrincipalIx,
        possible: &[(ObjectIx, u64)],
    ) -> Option<Violation> {
        if !is_marked(&self.who, principal.0) {
            return None;
        }
        let firsts = possible.iter().filter(|(object, _)| is_marked(&self.first, object.0));
        let Some(second) = &self.second else {
            let call = firsts.min_by_key(|(object, facts)| (facts.count_ones(), *object))?;
            return Some(Violation { principal, calls: vec![*call] });
        };
        let seconds: Vec<&(ObjectIx, u64)> =
            possible.iter().filter(|(object, _)| is_marked(second, object.0)).collect();
        let differ = |one: ObjectIx, other: ObjectIx| {
            one != other && (!self.apart || !policy.index.beside(one).contains(&other.0))
        };
        firsts
            .flat_map(|one| seconds.iter().map(move |other| (one, *other)))
            .filter(|(one, other)| differ(one.0, other.0))
            .min_by_key(|(one, other)| (one.1.count_ones() + other.1.count_ones(), one.0, other.0))
            .map(|(one, other)| Violation { principal, calls: vec![*one, *other] })
    }

    /// Every principal that can do what must never be, each with its plainest way; and every other one of which that is not
    /// settled.
    #[must_use]
    pub fn judged(&self, whole: Whole<'_>) -> (Vec<Violation>, Vec<Undecided>) {
        let (mut violations, mut undecided) = (Vec::new(), Vec::new());
        let all = (0..whole.policy.principals.len() as u32).map(PrincipalIx);
        for principal in all.filter(|principal| is_marked(&self.who, principal.0)) {
            let (mut possible, open) = whole.possible(principal);
            if let Some(violation) = self.violated_by(whole.policy, principal, &possible) {
                violations.push(violation);
                continue;
            }
            possible.extend(open.iter().map(|(object, _)| (*object, 0)));
            possible.sort_unstable();
            if let Some(perhaps) = self.violated_by(whole.policy, principal, &possible) {
                let calls: Vec<ObjectIx> = perhaps.calls.iter().map(|(object, _)| *object).collect();
                let why = open.into_iter().find(|(object, _)| calls.contains(object)).map(|(_, why)| why);
                undecided.push(Undecided { principal, calls, why: why.unwrap_or_default() });
            }
        }
        (violations, undecided)
    }

    /// Every principal that can do what must never be, each with its plainest way.
    #[must_use]
    pub fn violations(&self, whole: Whole<'_>) -> Vec<Violation> {
        self.judged(whole).0
    }
}

/// The calls of an invariant that stand for no tool at all, so that it says nothing of them; without those that are errors
/// of their own, and without `server/*` of a server that merely has no tools yet.
pub fn empty_calls<'i>(
    model: &Model,
    policy: &Policy,
    invariant: &'i Invariant,
) -> impl Iterator<Item = &'i Spanned<String>> {
    let is_known = |call: &str| call.strip_suffix("/*").is_some_and(|server| model.server(server).is_some());
    let is_empty = move |call: &str| !is_known(call) && objects(policy, call).is_empty() && !is_reported(model, call);
    invariant.never.calls().filter(move |call| is_empty(&call.value))
}

/// A class's place in the order of sensitivity; `None` for one that is not declared.
fn rank(model: &Model, class: &Spanned<ClassName>) -> Option<usize> {
    model.access.classes.iter().position(|declared| declared.name.value == class.value)
}

fn marked<'a>(policy: &Policy, calls: impl IntoIterator<Item = &'a Spanned<String>>) -> Vec<bool> {
    let mut marks = vec![false; policy.objects.len()];
    mark(&mut marks, calls.into_iter().flat_map(|call| objects(policy, &call.value)).map(|at| at.0));
    marks
}

fn mark(marks: &mut [bool], at: impl Iterator<Item = u32>) {
    at.for_each(|at| {
        if let Some(mark) = marks.get_mut(at as usize) {
            *mark = true;
        }
    });
}

fn is_marked(marks: &[bool], at: u32) -> bool {
    marks.get(at as usize).copied().unwrap_or_default()
}
