//! The comparison against brute force over all requests, on random pairs of workspaces.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::access::{Change, Compared, Side, compare};
use super::cause::{changed, decide, turning};
use super::excuse::Rules;
use super::group::{Group, groups};
use super::mixture::{copy, cut};
use super::premises::At;
use super::rename::Renamed;
use super::replay::replay;
use crate::model::Model;
use crate::model::gate::Gate;
use crate::model::name::FactName;
use crate::policy::derive::derive;
use crate::policy::{Object, Policy, PrincipalId};
use crate::source::{SourceFile, Sources};
use crate::targets::access::cedar::tests::properties::model;

struct Pair {
    base: (Model, Policy),
    head: (Model, Policy),
}

impl Pair {
    fn of(base: Model, head: Model) -> Self {
        let (of_base, of_head) = (derive(&base), derive(&head));
        Self { base: (base, of_base), head: (head, of_head) }
    }

    fn sides(&self) -> (Side<'_>, Side<'_>) {
        let side = |(model, policy)| Side { model, policy };
        let (base, head) = (&self.base, &self.head);
        (side((&base.0, &base.1)), side((&head.0, &head.1)))
    }

    fn compared(&self) -> (Compared, Vec<Group>) {
        let (base, head) = self.sides();
        let compared = compare(base, head).unwrap();
        let rules = Rules { gate: &Gate::default(), today: None };
        let groups = groups(&compared, base, head, rules, &Renamed::default());
        (compared, groups)
    }
}

/// A workspace and the same with some bytes of its description changed.
fn pair(mut bytes: Vec<u8>, changes: &[(usize, u8)]) -> Pair {
    let base = model(&bytes);
    for (at, byte) in changes {
        let at = at % bytes.len();
        bytes[at] = *byte;
    }
    Pair::of(base, model(&bytes))
}

/// Every set of the facts in use that a request can show: `mtls` comes with `tls`.
fn requests(compared: &Compared) -> Vec<u64> {
    (0..=compared.facts.all()).filter(|set| compared.facts.closed(*set) == *set).collect()
}

fn named(compared: &Compared, set: u64) -> Vec<FactName> {
    compared.facts.named(set).cloned().collect()
}

/// All pairs of either side.
fn places(compared: &Compared) -> impl Iterator<Item = At<'_>> {
    let of = |principal| compared.objects.iter().map(move |object| At { principal, object });
    compared.principals.iter().flat_map(of)
}

fn check(pair: &Pair) {
    let (base, head) = pair.sides();
    let (compared, groups) = pair.compared();
    let mut listed: BTreeMap<(&PrincipalId, &Object), &Group> = BTreeMap::new();
    for group in &groups {
        for principal in &group.principals {
            for object in &group.objects {
                assert!(
                    listed.insert((principal, object), group).is_none(),
                    "{principal} {object} stands in two groups"
                );
            }
        }
    }
    for at in places(&compared) {
        let (mut opened, mut closed) = (false, false);
        let group = listed.get(&(at.principal, at.object));
        for set in requests(&compared) {
            let facts = named(&compared, set);
            let (before, after) = (decide(base.policy, at, &facts), decide(head.policy, at, &facts));
            opened |= after && !before;
            closed |= before && !after;
            if let Some(group) = group {
                let holds = |sets: &[Vec<FactName>]| sets.iter().any(|set| set.iter().all(|fact| facts.contains(fact)));
                assert_eq!((holds(&group.before), holds(&group.after)), (before, after), "{group:?}");
            }
        }
        let widens = group.is_some_and(|group| group.change.widens());
        let narrows = group.is_some_and(|group| !matches!(group.change, Change::Added | Change::Widened));
        assert_eq!((widens, narrows), (opened, closed), "{} {}", at.principal, at.object);
    }
    for group in &groups {
        let example = &group.example;
        let at = At { principal: &example.principal, object: &example.object };
        assert_eq!(decide(base.policy, at, &example.facts), !example.allowed);
        assert_eq!(decide(head.policy, at, &example.facts), example.allowed);
        assert!(!group.causes.is_empty(), "{group:?}");
    }
}

/// What is cut out decides as the whole, and the parts that explain a decision do, each of them needed.
fn check_causes(pair: &Pair) {
    let (base, head) = pair.sides();
    let compared = compare(base, head).unwrap();
    for at in places(&compared) {
        let (before, after) = (cut(base, at), cut(head, at));
        let [cut_base, cut_head] = [&before, &after].map(derive);
        let parts = changed(base, head, at);
        for set in requests(&compared) {
            let facts = named(&compared, set);
            let (old, new) = (decide(base.policy, at, &facts), decide(head.policy, at, &facts));
            assert_eq!((decide(&cut_base, at, &facts), decide(&cut_head, at, &facts)), (old, new));
            if old == new {
                continue;
            }
            let turning = turning(base, head, at, &parts, &facts).unwrap_or_else(|| {
                panic!(
                    "{parts:?} do not explain {facts:?} of {} on {}: {before:#?} {after:#?}",
                    at.principal, at.object
                )
            });
            for left_out in &turning {
                let mut hybrid = before.clone();
                turning.iter().filter(|part| *part != left_out).for_each(|part| copy(part, &mut hybrid, &after, at));
                assert_eq!(decide(&derive(&hybrid), at, &facts), old, "{left_out:?} is not needed");
            }
        }
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 160)
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0_usize..160, any::<u8>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_list_is_complete_and_exact(bytes in bytes(), changes in changes()) {
        check(&pair(bytes, &changes));
    }

    #[test]
    fn unrelated_workspaces_compare_exactly(base in bytes(), head in bytes()) {
        check(&Pair::of(model(&base), model(&head)));
    }

    #[test]
    fn a_workspace_does_not_differ_from_itself(bytes in bytes()) {
        let (compared, groups) = Pair::of(model(&bytes), model(&bytes)).compared();
        prop_assert!(compared.flips.is_empty() && groups.is_empty());
    }

    #[test]
    fn the_other_way_round_is_the_mirror(bytes in bytes(), changes in changes()) {
        let one = pair(bytes, &changes);
        let other = Pair { base: (one.head.0.clone(), one.head.1.clone()), head: (one.base.0.clone(), one.base.1.clone()) };
        let (forth, back) = (one.compared().0, other.compared().0);
        let shown = |compared: &Compared, mirrored: bool| -> Vec<String> {
            compared.flips.iter().map(|flip| {
                let sets = |id| compared.conditions.get(id).minimal_sets().iter().map(|set| compared.facts.shown(*set)).collect::<Vec<_>>();
                let (a, b) = if mirrored { (flip.after, flip.before) } else { (flip.before, flip.after) };
                format!("{} {} {:?} {:?}", compared.principals[flip.principal], compared.objects[flip.object], sets(a), sets(b))
            }).collect()
        };
        prop_assert_eq!(shown(&forth, false), shown(&back, true));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_part_of_a_cause_is_needed(bytes in bytes(), changes in changes()) {
        check_causes(&pair(bytes, &changes));
    }

    #[test]
    fn cedar_decides_the_examples_alike(bytes in bytes(), changes in changes()) {
        let pair = pair(bytes, &changes);
        let (base, head) = pair.sides();
        let mut sources = Sources::new();
        sources.add(SourceFile::new("a.yaml", "\n".repeat(4096)));
        for group in pair.compared().1 {
            let at = At { principal: &group.example.principal, object: &group.example.object };
            let facts = &group.example.facts;
            prop_assert_eq!(replay(base, &sources, at, facts).unwrap(), !group.example.allowed);
            prop_assert_eq!(replay(head, &sources, at, facts).unwrap(), group.example.allowed);
        }
    }
}
