//! Policy tests and invariants, compared: what is no longer stated does not judge the next change.

use std::collections::{BTreeMap, BTreeSet};

use super::super::access::Side;
use super::super::access::Which;
use super::super::naming::as_written;
use super::TrustChange;
use crate::model::assurance::{Callers, Invariant, Never, PolicyTest};
use crate::model::name::FactName;
use crate::policy::Policy;
use crate::policy::policy_test;
use crate::source::{Loc, Spanned};

/// Every test and invariant that states something else now. One that the base states and the head does not is a widening, unless
/// it is about what is gone. `monotone` says that a request with fewer facts is denied where one with more is.
pub(super) fn changes(base: Side<'_>, head: Side<'_>, monotone: bool) -> Vec<TrustChange> {
    let (before, after) = (said(base), said(head));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter_map(|what| {
        let (old, new) = (before.get(what), after.get(what));
        let text = |it: Option<&Said<'_>>| it.map(|it| it.text.clone());
        let at = new.map(|new| (Which::Head, new.loc)).or(old.map(|old| (Which::Base, old.loc)));
        let lost = |stated: &Stated<'_>| match stated {
            Stated::Test(test) => !keeps_test(test, base.policy, head, monotone),
            Stated::Invariant(invariant) => !keeps_invariant(invariant, base.policy, head),
        };
        let widening = old.is_some_and(|old| old.all.iter().any(lost));
        let change = || TrustChange::new(what.clone(), text(old), text(new), at);
        (text(old) != text(new)).then(|| TrustChange { widening, ..change() })
    });
    changed.collect()
}

/// What stands under one name.
struct Said<'a> {
    text: String,
    loc: Loc,
    all: Vec<Stated<'a>>,
}

/// A statement.
enum Stated<'a> {
    Test(&'a PolicyTest),
    Invariant(&'a Invariant),
}

fn said(side: Side<'_>) -> BTreeMap<String, Said<'_>> {
    let tests = side.model.policy_tests.iter();
    let tests =
        tests.map(|test| (format!("policy test `{}`", test.name), of_test(test), test.name.loc, Stated::Test(test)));
    let invariants = side.model.invariants.iter().map(|invariant| {
        let what = format!("invariant `{}`", invariant.name);
        (what, of_invariant(&invariant.never), invariant.name.loc, Stated::Invariant(invariant))
    });
    let mut all: BTreeMap<String, Said<'_>> = BTreeMap::new();
    for (what, text, loc, stated) in tests.chain(invariants) {
        let entry = all.entry(what).or_insert_with(|| Said { text: String::new(), loc, all: Vec::new() });
        let glue = if entry.text.is_empty() { "" } else { "; " };
        entry.text = format!("{}{glue}{text}", entry.text);
        entry.all.push(stated);
    }
    all
}

fn listed(names: &[Spanned<String>]) -> String {
    names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(", ")
}

/// `deny claims_agent on claims_server/pay_claim with approval_workflow + mtls, missing mfa`.
fn of_test(test: &PolicyTest) -> String {
    let set = |set: &Vec<Spanned<FactName>>| match facts(set) {
        set if set.is_empty() => "nothing".to_owned(),
        set => set.into_iter().collect::<Vec<_>>().join(" + "),
    };
    let sets = |all: &[Vec<Spanned<FactName>>]| all.iter().map(set).collect::<Vec<_>>().join(" or ");
    let word = if test.allow.value { "allow" } else { "deny" };
    let missing = test.missing.as_ref().map(|missing| format!(", missing {}", sets(missing))).unwrap_or_default();
    format!("{word} {} on {} with {}{missing}", listed(&test.principals), listed(&test.calls), sets(&test.with))
}

fn of_invariant(never: &Never) -> String {
    match never {
        Never::Call { who: Callers::Listed(names), calls } => format!("never {} on {}", listed(names), listed(calls)),
        Never::Call { who: Callers::OutsideUnit(unit), calls } => {
            format!("never anybody outside of unit {unit} on {}", listed(calls))
        }
        Never::Both(one, other) => format!("never both {one} and {other}"),
        Never::Flow { from_class, to_class, to_location, to_calls } => {
            let class = to_class.as_ref().map(|class| format!("class {class}"));
            let location = to_location.as_ref().map(|at| format!("location {}", as_written(&at.value)));
            let calls = (!to_calls.is_empty()).then(|| listed(to_calls));
            let to: Vec<String> = [class, location, calls].into_iter().flatten().collect();
            format!("never from class {from_class} to {}", to.join(" or "))
        }
    }
}

fn facts(set: &[Spanned<FactName>]) -> BTreeSet<&str> {
    set.iter().map(|fact| fact.value.as_str()).collect()
}

/// Whether a pattern of principals stands for all that another one does.
fn has_principals(pattern: &str, other: &str) -> bool {
    pattern == other
        || (pattern == "any_agent" && other.starts_with("any_agent@"))
        || pattern.strip_suffix('*').is_some_and(|start| other.starts_with(start))
}

/// Whether a pattern of calls stands for all that another one does.
fn has_calls(pattern: &str, other: &str) -> bool {
    pattern == other
        || pattern.strip_suffix("/*").is_some_and(|server| other.split_once('/').is_some_and(|(on, _)| on == server))
}

/// Those names of a list that stood for something, and stand for nothing now, left out: nothing can be said of them.
fn left<'a>(
    names: &'a [Spanned<String>],
    [base, head]: [&Policy; 2],
    stands: fn(&Policy, &str) -> bool,
) -> Vec<&'a str> {
    let names = names.iter().map(|name| name.value.as_str());
    names.filter(|name| stands(head, name) || !stands(base, name)).collect()
}

fn is_principal(policy: &Policy, name: &str) -> bool {
    !policy_test::principals(policy, name).is_empty()
}

fn is_call(policy: &Policy, call: &str) -> bool {
    !policy_test::objects(policy, call).is_empty()
}

/// Pairs of the principals and the calls that are still there.
fn pairs_left<'a>(
    principals: &'a [Spanned<String>],
    calls: &'a [Spanned<String>],
    sides: [&Policy; 2],
) -> Vec<(&'a str, &'a str)> {
    let calls = left(calls, sides, is_call);
    let principals = left(principals, sides, is_principal).into_iter();
    principals.flat_map(|name| calls.iter().map(move |call| (name, *call))).collect()
}

/// Whether the head states all that a test of the base denies.
fn keeps_test(test: &PolicyTest, base: &Policy, head: Side<'_>, monotone: bool) -> bool {
    let sets = |sets: &Vec<Vec<Spanned<FactName>>>| -> BTreeSet<Vec<String>> {
        sets.iter().map(|set| facts(set).into_iter().map(str::to_owned).collect()).collect()
    };
    let missing = test.missing.as_ref().map(sets);
    let states = |other: &PolicyTest, who: &str, what: &str, with: &BTreeSet<&str>| {
        let same_missing = missing.is_none() || other.missing.as_ref().map(sets) == missing;
        let denies = |set: &Vec<Spanned<FactName>>| {
            let shown = facts(set);
            shown == *with || (monotone && missing.is_none() && shown.is_superset(with))
        };
        !other.allow.value
            && same_missing
            && other.principals.iter().any(|pattern| has_principals(&pattern.value, who))
            && other.calls.iter().any(|pattern| has_calls(&pattern.value, what))
            && other.with.iter().any(denies)
    };
    test.allow.value
        || pairs_left(&test.principals, &test.calls, [base, head.policy]).into_iter().all(|(who, what)| {
            test.with
                .iter()
                .map(|set| facts(set))
                .all(|with| head.model.policy_tests.iter().any(|other| states(other, who, what, &with)))
        })
}

/// Whether the head states all that an invariant of the base does.
fn keeps_invariant(invariant: &Invariant, base: &Policy, head: Side<'_>) -> bool {
    let others = || head.model.invariants.iter().map(|other| &other.never);
    let has = |calls: &[Spanned<String>], call: &str| calls.iter().any(|pattern| has_calls(&pattern.value, call));
    match &invariant.never {
        Never::Call { who: Callers::Listed(names), calls } => {
            pairs_left(names, calls, [base, head.policy]).into_iter().all(|(who, what)| {
                others().any(|other| match other {
                    Never::Call { who: Callers::Listed(patterns), calls } => {
                        patterns.iter().any(|pattern| has_principals(&pattern.value, who)) && has(calls, what)
                    }
                    Never::Call { who: Callers::OutsideUnit(_), .. } | Never::Both(..) | Never::Flow { .. } => false,
                })
            })
        }
        Never::Call { who: Callers::OutsideUnit(unit), calls } => {
            left(calls, [base, head.policy], is_call).into_iter().all(|what| {
                others().any(|other| match other {
                    Never::Call { who: Callers::OutsideUnit(other), calls } => {
                        other.value == unit.value && has(calls, what)
                    }
                    Never::Call { who: Callers::Listed(names), calls } => {
                        names.iter().any(|name| name.value == "*") && has(calls, what)
                    }
                    Never::Both(..) | Never::Flow { .. } => false,
                })
            })
        }
        Never::Both(one, other) => {
            let (one, other) = (one.value.as_str(), other.value.as_str());
            let gone = |call: &str| !is_call(head.policy, call) && is_call(base, call);
            let names = |pattern: &Spanned<String>, call: &str| has_calls(&pattern.value, call);
            gone(one)
                || gone(other)
                || others().any(|never| match never {
                    Never::Both(a, b) => (names(a, one) && names(b, other)) || (names(a, other) && names(b, one)),
                    Never::Call { .. } | Never::Flow { .. } => false,
                })
        }
        // What stands for what here follows from classes and places, so only the same says the same.
        flow @ Never::Flow { .. } => others().any(|other| of_invariant(other) == of_invariant(flow)),
    }
}
