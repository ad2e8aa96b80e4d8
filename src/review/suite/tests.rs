//! Tests and invariants against every request that there is.

use proptest::prelude::*;

use super::*;
use crate::model::assurance::{Callers, Never};
use crate::model::name::FactName;
use crate::policy::condition::Condition;
use crate::policy::derive::derive;
use crate::policy::whole::Whole;
use crate::source::{Loc, Spanned};
use crate::targets::access::cedar::tests::properties::world;

fn put<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Loc::default())
}

fn text(text: &str) -> Spanned<String> {
    put(text.to_owned())
}

/// Whether some request lets the principal call the tool.
fn can(policy: &Policy, who: PrincipalIx, what: ObjectIx) -> bool {
    (0..=policy.facts.all()).any(|facts| policy.decide(who, what, facts))
}

/// The principals that can do it, told from every request alone.
fn brute(model: &Model, policy: &Policy, never: &Never) -> Vec<PrincipalIx> {
    let tools: Vec<ObjectIx> = (0..policy.objects.len() as u32)
        .map(ObjectIx)
        .filter(|at| policy.object_at(*at).kind != ObjectKind::Protocol)
        .collect();
    let fits = |call: &str, at: ObjectIx| {
        let object = policy.object_at(at);
        call == object.to_string() || call.strip_suffix("/*").is_some_and(|server| object.server.as_str() == server)
    };
    let rank = |at: ObjectIx| {
        let server = policy.object_at(at).server.as_str();
        model.access.classes.iter().position(|class| class.servers.iter().any(|it| it.value.as_str() == server))
    };
    let bad = |who: PrincipalIx| {
        let able: Vec<ObjectIx> = tools.iter().copied().filter(|at| can(policy, who, *at)).collect();
        let pairs = || able.iter().flat_map(|one| able.iter().map(|other| (*one, *other)));
        match never {
            Never::Call { who: Callers::Listed(names), calls } => {
                let id = policy.principal_at(who).id.to_string();
                let about = names.iter().any(|name| {
                    name.value == id || name.value.strip_suffix('*').is_some_and(|start| id.starts_with(start))
                });
                about && able.iter().any(|at| calls.iter().any(|call| fits(&call.value, *at)))
            }
            Never::Call { who: Callers::OutsideUnit(unit), calls } => {
                policy.principal_at(who).unit.as_ref() != Some(&unit.value)
                    && able.iter().any(|at| calls.iter().any(|call| fits(&call.value, *at)))
            }
            Never::Both(first, second) => {
                pairs().any(|(one, other)| one != other && fits(&first.value, one) && fits(&second.value, other))
            }
            Never::Flow { .. } => pairs().any(|(one, other)| {
                let (from, to) = (policy.object_at(one), policy.object_at(other));
                // The classes are `public`, `internal`, `secret`, the first ones of them: from `internal` to `public`.
                from.server != to.server
                    && rank(one).is_none_or(|rank| rank >= 1)
                    && rank(other).is_none_or(|rank| rank == 0)
                    && matches!(to.kind, ObjectKind::Tool(_))
                    && !to.to_string().contains("/get_")
            }),
        }
    };
    (0..policy.principals.len() as u32).map(PrincipalIx).filter(|who| bad(*who)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_are_decided_as_by_every_request(bytes in prop::collection::vec(any::<u8>(), 160)) {
        let mut model = world(&bytes).model;
        // In one class only, and one that the flow can speak of.
        for at in 1..model.access.classes.len() {
            let (before, class) = model.access.classes.split_at_mut(at);
            class[0].servers.retain(|server| !before.iter().any(|it| it.servers.iter().any(|s| s.value == server.value)));
        }
        let mut rules = vec![
            Never::Call { who: Callers::Listed(vec![text("*")]), calls: vec![text("s/*")] },
            Never::Call { who: Callers::Listed(vec![text("workflow:*"), text("x")]), calls: vec![text("t/b"), text("u/*")] },
            Never::Call { who: Callers::OutsideUnit(put("retail".into())), calls: vec![text("t/*")] },
            Never::Both(text("s/b"), text("t/*")),
            Never::Both(text("s/*"), text("s/*")),
        ];
        if model.access.classes.len() > 1 {
            rules.push(Never::Flow {
                from_class: put("internal".into()), to_class: Some(put("public".into())), to_location: None, to_calls: vec![],
            });
        }
        model.invariants =
            rules.into_iter().map(|never| crate::model::assurance::Invariant { name: text("it"), never }).collect();
        let policy = derive(&model);
        for run in run(&model, Whole::of(&policy, None), "").invariants {
            let wanted = brute(&model, &policy, &run.invariant.never);
            let found: Vec<PrincipalIx> = run.violations.iter().map(|violation| violation.principal).collect();
            prop_assert_eq!(found, wanted, "{:?}", run.invariant.never);
            for violation in &run.violations {
                for (object, facts) in &violation.calls {
                    prop_assert!(policy.decide(violation.principal, *object, *facts));
                    // Nothing could be left out.
                    for bit in 0..policy.facts.names().len() {
                        let fewer = facts & !(1 << bit);
                        prop_assert!(
                            policy.facts.closed(fewer) == *facts || !policy.decide(violation.principal, *object, fewer)
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn tests_are_decided_as_every_request(bytes in prop::collection::vec(any::<u8>(), 160)) {
        let mut model = world(&bytes).model;
        let sets: [&[&str]; 3] = [&[], &["service_account_token", "mfa", "mtls"], &["mtls", "on_shift", "mfa"]];
        let facts = |names: &[&str]| names.iter().map(|name| put(FactName::from(*name))).collect::<Vec<_>>();
        model.policy_tests = vec![PolicyTest {
            name: text("all"),
            principals: vec![text("*"), text("x")],
            calls: vec![text("s/*"), text("t/*"), text("s/b")],
            with: sets.iter().map(|set| facts(set)).collect(),
            allow: put(true),
            missing: None,
        }];
        let policy = derive(&model);
        let suite = run(&model, Whole::of(&policy, None), "");
        let outcomes = &suite.tests[0].outcomes;
        let tools = policy.objects.iter().filter(|object| {
            object.kind != ObjectKind::Protocol && ["s", "t"].contains(&object.server.as_str())
        });
        prop_assert_eq!(outcomes.len(), policy.principals.len() * tools.count() * 3);
        for outcome in outcomes {
            let (who, what) = outcome.case.principal.zip(outcome.case.object).unwrap();
            let allowed = policy.decide(who, what, outcome.case.facts);
            prop_assert_eq!(outcome.allowed, allowed);
            prop_assert_eq!(outcome.fault.is_none(), allowed);
            let condition = policy.cell(who, what).map(|cell| policy.conditions.get(cell.condition).clone());
            match nearest(&policy, outcome) {
                None => prop_assert!(allowed || !can(&policy, who, what)),
                Some(Nearest::MoreFacts(more)) => {
                    prop_assert!(!allowed && policy.decide(who, what, outcome.case.facts | more));
                    let missing = condition.unwrap_or_else(Condition::never).missing(outcome.case.facts);
                    prop_assert!(missing.iter().all(|set| set.count_ones() >= more.count_ones()));
                }
                Some(Nearest::OtherTool(tool, set)) => {
                    prop_assert!(!can(&policy, who, what) && policy.decide(who, tool, set));
                }
                Some(Nearest::OtherPrincipal(other, set)) => {
                    prop_assert!(!can(&policy, who, what) && policy.decide(other, what, set));
                }
            }
        }
    }
}
