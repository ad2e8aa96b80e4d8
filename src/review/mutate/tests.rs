//! Every mutant is laxer, and what notices it is what would fail.

use proptest::prelude::*;

use super::*;
use crate::model::assurance::{Callers, Invariant, Never, PolicyTest};
use crate::model::name::FactName;
use crate::policy::condition::Condition;
use crate::policy::whole::Whole;
use crate::review::suite::run;
use crate::source::Spanned;
use crate::targets::access::cedar::tests::properties::world;
use crate::targets::access::cedar::tests::world::enterprise;

fn put<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Loc::default())
}

fn test(principal: &str, call: &str, with: &[&str], allow: bool) -> PolicyTest {
    PolicyTest {
        name: put(format!("{principal} {call} {with:?}")),
        principals: vec![put(principal.to_owned())],
        calls: vec![put(call.to_owned())],
        with: vec![with.iter().map(|fact| put(FactName::from(*fact))).collect()],
        allow: put(allow),
        missing: None,
    }
}

fn condition(policy: &Policy, who: u32, what: u32) -> Condition {
    let cell = policy.cell(PrincipalIx(who), ObjectIx(what));
    cell.map_or_else(Condition::never, |cell| policy.conditions.get(cell.condition).clone())
}

/// A test for every minimal set of every cell, and one for every such set without one fact of it: together they hold the
/// relation as it is.
fn tight(policy: &Policy) -> Vec<PolicyTest> {
    let mut tests = Vec::new();
    for (principal, who) in (0..).zip(&policy.principals) {
        for (index, object) in (0..).zip(&policy.objects) {
            if !matches!(object.kind, ObjectKind::Tool(_)) {
                continue;
            }
            let condition = condition(policy, principal, index);
            for set in 0..=policy.facts.all() {
                if policy.facts.closed(set) == set {
                    let facts: Vec<&str> = policy.facts.named(set).map(FactName::as_str).collect();
                    tests.push(test(&who.id.to_string(), &object.to_string(), &facts, condition.holds(set)));
                }
            }
        }
    }
    tests
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_mutant_is_laxer_and_speaks_of_the_same(bytes in prop::collection::vec(any::<u8>(), 160)) {
        let model = world(&bytes).model;
        let policy = derive(&model);
        let pinned = edits::with_facts_pinned(&model, &policy);
        prop_assert!(same_decisions(&policy, &derive(&pinned)));
        for edit in edits::edits(&model) {
            let mut mutated = pinned.clone();
            (edit.apply)(&mut mutated);
            let mutated = derive(&mutated);
            prop_assert_eq!(&mutated.facts, &policy.facts);
            prop_assert_eq!(&mutated.objects, &policy.objects);
            for who in 0..policy.principals.len() as u32 {
                for what in 0..policy.objects.len() as u32 {
                    let (before, after) = (condition(&policy, who, what), condition(&mutated, who, what));
                    // A lower level may lack a way that the higher one offers.
                    let laxer = edit.kind == MutationKind::Lower || before.implies(&after);
                    prop_assert!(laxer, "{} narrows {who} {what}", edit.what);
                }
            }
        }
        let everything = derive(&generous::generous(&model));
        prop_assert_eq!(&everything.facts, &policy.facts);
        prop_assert_eq!(&everything.objects, &policy.objects);
    }

    /// Tests that say everything of every tool leave no mutant of a tool unnoticed.
    #[test]
    fn whole_tests_notice_every_mutant_of_a_tool(bytes in prop::collection::vec(any::<u8>(), 160)) {
        let mut model = world(&bytes).model;
        let policy = derive(&model);
        model.policy_tests = tight(&policy);
        let found = mutate(&model, Whole::of(&policy, None), &run(&model, Whole::of(&policy, None), ""));
        prop_assert!(found.survivors.is_empty(), "{:?}", found.survivors);
    }
}

#[test]
fn without_tests_every_mutant_survives() {
    let model = enterprise().model;
    let policy = derive(&model);
    let found = mutate(&model, Whole::of(&policy, None), &run(&model, Whole::of(&policy, None), ""));
    assert!(found.scores.iter().all(|score| score.noticed == 0 && score.made > 0), "{:?}", found.scores);
    assert_eq!(found.survivors.len(), found.scores.iter().map(|score| score.made).sum::<usize>());
    let has = |what: &str| found.survivors.iter().any(|survivor| survivor.what == what);
    assert!(has("tool `bank/pay` does not ask for `hardware_key`"));
    assert!(has("`idle` may also call `bank/pay`"));
    assert!(has("tool `bank/pay` is of level 2 instead of 3"));
    assert!(!has("`clerk` may also call `crm/record`"), "it may already");
}

#[test]
fn a_test_notices_what_it_is_about_and_an_invariant_a_grant() {
    let mut model = enterprise().model;
    let policy = derive(&model);
    let all = ["service_account_token", "user_delegation", "mfa", "mtls", "tls", "cross_unit_approval"];
    model.policy_tests = vec![test("workflow:onboarding", "bank/pay", &all, false)];
    let never =
        Never::Call { who: Callers::Listed(vec![put("idle".to_owned())]), calls: vec![put("bank/*".to_owned())] };
    model.invariants = vec![
        Invariant { name: put("never".to_owned()), never },
        Invariant {
            name: put("both".to_owned()),
            never: Never::Both(put("crm/record".to_owned()), put("site/get_page".to_owned())),
        },
    ];
    let suite = run(&model, Whole::of(&policy, None), "");
    assert_eq!(suite.counts(), (3, 0));
    let found = mutate(&model, Whole::of(&policy, None), &suite);
    let survives = |what: &str| found.survivors.iter().any(|survivor| survivor.what == what);
    assert!(!survives("tool `bank/pay` does not ask for `hardware_key`"));
    assert!(!survives("`idle` may also call `bank/pay`"));
    assert!(survives("`idle` may also call `crm/record`"));
    assert!(!survives("`clerk` may also call `site/get_page`"), "it may record already");
}

#[test]
fn a_dropped_requirement_is_the_only_one() {
    let mut model = enterprise().tool_access("bank", "pay", Some(3), &["hardware_key", "on_shift"]).model;
    let edits = edits::edits(&model);
    let what = "tool `bank/pay` does not ask for `hardware_key`";
    let edit = edits.iter().find(|edit| edit.what == what).unwrap();
    (edit.apply)(&mut model);
    let left = &model.servers["bank"].access.tools["pay"].requires;
    assert_eq!(left.iter().map(|fact| fact.value.as_str()).collect::<Vec<_>>(), ["on_shift"]);
}
