//! Verdicts against brute force over all requests, on random pairs of workspaces with random hand-written policies.
//!
//! The tests with `solver` in their names need cvc5, so a plain `cargo test` shows them as ignored; `tests/run` runs them.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::model::Model;
use crate::model::handwritten::PolicyFile;
use crate::policy::Policy;
use crate::policy::derive::derive;
use crate::source::{FileId, SourceFile};
use crate::targets::access::cedar::tests::properties::model;

fn sources() -> Sources {
    let mut sources = Sources::new();
    sources.add(SourceFile::new("a.yaml", "\n".repeat(4096)));
    sources
}

/// Policies made of random bytes over what a workspace has: a condition is a small tree of its facts.
fn written(bytes: &[u8], policy: &Policy, model: &Model) -> String {
    let mut bytes = bytes.iter().copied();
    let mut pick = |limit: usize| usize::from(bytes.next().unwrap_or(0)) % limit.max(1);
    let facts = policy.facts.names();
    let mut text = String::new();
    for number in 0..pick(4) {
        let principal = match pick(3) {
            0 => "principal".to_owned(),
            _ => format!("principal == {}", principal_uid(&policy.principals[pick(policy.principals.len())].id)),
        };
        let resource = match pick(4) {
            0 => "resource".to_owned(),
            1 => format!("resource in Mcp::Backend::{:?}", model.servers.keys()[pick(model.servers.len())].as_str()),
            _ => format!("resource == {}", request_of(&policy.objects[pick(policy.objects.len())]).1),
        };
        let mut fact = || {
            let name = &facts[pick(facts.len())];
            if pick(2) == 0 { format!("context.{name}") } else { format!("!context.{name}") }
        };
        let (a, b, c) = (fact(), fact(), fact());
        let condition = match pick(5) {
            0 => a,
            1 => format!("{a} && {b}"),
            2 => format!("{a} || {b} && {c}"),
            3 => format!("if {a} then {b} else {c}"),
            _ => format!("({a}) == ({b})"),
        };
        let effect = if pick(2) == 0 { "permit" } else { "forbid" };
        text.push_str(&format!(
            "@id(\"w{number}\")\n{effect} ({principal}, action, {resource})\nwhen {{ {condition} }};\n"
        ));
    }
    text
}

/// A workspace with hand-written policies.
fn with(bytes: &[u8], policies: &[u8]) -> Option<(Model, Policy)> {
    let mut model = model(bytes);
    let policy = derive(&model);
    if policy.principals.is_empty() || policy.objects.is_empty() {
        return None;
    }
    let text = written(policies, &policy, &model);
    if !text.is_empty() {
        model.handwritten.files.push(PolicyFile { file: FileId(0), name: "own.cedar".to_owned(), text: text.into() });
    }
    Some((model, policy))
}

/// The word of the verdict on each pair in which hand-written policies have a say, counted, told from every request alone.
fn brute(base: &Loaded<'_>, head: &Loaded<'_>) -> BTreeMap<&'static str, usize> {
    let words = vocabulary([base.side, head.side]);
    let mut counted = BTreeMap::new();
    let principals: BTreeSet<_> =
        [base, head].iter().flat_map(|side| side.side.policy.principals.iter().map(|p| p.id.clone())).collect();
    let objects: BTreeSet<_> = [base, head].iter().flat_map(|side| side.side.policy.objects.clone()).collect();
    for principal in &principals {
        for object in &objects {
            let has_a_say = [base, head].iter().any(|side| {
                let policy = side.side.policy;
                let known = policy.principal(&principal.to_string()).is_some() && policy.object(object).is_some();
                known && !side.effect(principal, object).unwrap().is_none()
            });
            if !has_a_say {
                continue;
            }
            let (mut opened, mut closed) = (false, false);
            for set in 0..(1_u32 << words.facts.len()) {
                let facts: Vec<String> = words
                    .facts
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| set >> bit & 1 == 1)
                    .map(|(_, f)| f.clone())
                    .collect();
                let holds = |name: &str| facts.iter().any(|fact| fact == name);
                if words.implied.iter().any(|(one, other)| holds(one) && !holds(other)) {
                    continue;
                }
                let before = base.decide(principal, object, &facts).unwrap().0;
                let after = head.decide(principal, object, &facts).unwrap().0;
                opened |= after && !before;
                closed |= before && !after;
            }
            let word = match (opened, closed) {
                (false, false) => "same",
                (true, false) => "WIDENED",
                (false, true) => "NARROWED",
                (true, true) => "INCOMPARABLE",
            };
            *counted.entry(word).or_insert(0) += 1;
        }
    }
    counted
}

fn told(found: &Found) -> BTreeMap<&'static str, usize> {
    let mut counted: BTreeMap<&'static str, usize> = BTreeMap::new();
    if found.same > 0 {
        counted.insert("same", found.same);
    }
    for group in &found.groups {
        let word = if group.proof == Proof::Equivalent { "same" } else { group.proof.word() };
        *counted.entry(word).or_insert(0) += group.pairs;
    }
    counted
}

#[test]
#[ignore = "needs cvc5; tests/run runs it"]
fn the_solver_says_what_every_request_says() {
    let mut solver = Solver::start(OsStr::new("cvc5")).unwrap();
    let mut runner = TestRunner::new(Config { cases: 120, failure_persistence: None, ..Config::default() });
    let bytes = || proptest::collection::vec(any::<u8>(), 8..64);
    let cases = (bytes(), bytes(), bytes(), proptest::collection::vec((0..64_usize, any::<u8>()), 0..3));
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let seen = std::cell::RefCell::new(&mut seen);
    let solver = std::cell::RefCell::new(&mut solver);
    runner
        .run(&cases, |(model, before, after, changes)| {
            let mut changed = model.clone();
            for (at, byte) in &changes {
                let at = at % changed.len();
                changed[at] = *byte;
            }
            let (Some(base), Some(head)) = (with(&model, &before), with(&changed, &after)) else { return Ok(()) };
            let sources = sources();
            let side = |(model, policy)| Side { model, policy };
            let base = Loaded::new(side((&base.0, &base.1)), &sources).unwrap();
            let head = Loaded::new(side((&head.0, &head.1)), &sources).unwrap();
            let found = compare(&base, &head, Some(&mut **solver.borrow_mut())).unwrap();
            prop_assert_eq!(told(&found), brute(&base, &head));
            for (word, count) in told(&found) {
                *seen.borrow_mut().entry(word).or_insert(0) += count;
            }
            // Without a solver nothing is said to open nothing that opens something.
            let unproved = compare(&base, &head, None).unwrap();
            prop_assert!(found.groups.iter().any(|group| group.proof.may_open()) <= unproved.may_open());
            Ok(())
        })
        .unwrap();
    for word in ["same", "WIDENED", "NARROWED", "INCOMPARABLE"] {
        assert!(seen.borrow().get(word).is_some_and(|count| *count > 10), "{:?}", seen.borrow());
    }
}

#[test]
#[ignore = "needs cvc5; tests/run runs it"]
fn the_solver_and_the_normal_form_agree_on_generated_policies() {
    let mut solver = Solver::start(OsStr::new("cvc5")).unwrap();
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let solver = std::cell::RefCell::new(&mut solver);
    let compared = std::cell::Cell::new(0);
    runner
        .run(&(proptest::collection::vec(any::<u8>(), 8..64), any::<(usize, u8)>()), |(bytes, (at, byte))| {
            let mut changed = bytes.clone();
            changed[at % bytes.len()] = byte;
            let (base, head) = (derive(&model(&bytes)), derive(&model(&changed)));
            let names: BTreeSet<String> =
                [&base, &head].iter().flat_map(|policy| policy.facts.names()).map(ToString::to_string).collect();
            let words = Vocabulary { facts: names.into_iter().collect(), implied: Vec::new() };
            let sets = |policy: &Policy, object: &Object, principal: &PrincipalId| -> Vec<Vec<String>> {
                let pair = policy.principal(&principal.to_string()).zip(policy.object(object));
                let cell = pair.and_then(|(principal, object)| policy.cell(principal, object));
                let sets = cell.map(|cell| policy.conditions.get(cell.condition).minimal_sets().to_vec());
                sets.into_iter()
                    .flatten()
                    .map(|set| policy.facts.named(set).map(ToString::to_string).collect())
                    .collect()
            };
            let implies = |one: &[Vec<String>], other: &[Vec<String>]| {
                one.iter().all(|set| other.iter().any(|known| known.iter().all(|fact| set.contains(fact))))
            };
            let mut done = BTreeSet::new();
            for principal in &base.principals {
                for object in &base.objects {
                    let before = sets(&base, object, &principal.id);
                    let after = sets(&head, object, &principal.id);
                    if !done.insert((before.clone(), after.clone())) {
                        continue;
                    }
                    let decided = |generated| Decided { generated, effect: Effect::default() };
                    let said =
                        solver.borrow_mut().compare(&words, &decided(before.clone()), &decided(after.clone())).unwrap();
                    let expected = (implies(&after, &before), implies(&before, &after));
                    let told = match said {
                        Verdict::Equivalent => (true, true),
                        Verdict::Widened(_) => (false, true),
                        Verdict::Narrowed(_) => (true, false),
                        Verdict::Incomparable(..) => (false, false),
                        Verdict::Unknown(why) => panic!("{why}"),
                    };
                    prop_assert_eq!(told, expected, "{:?} {:?}", before, after);
                    compared.set(compared.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(compared.get() > 200, "{}", compared.get());
}
