//! That nothing is taken for known which is not.

use std::cell::Cell;

use super::*;
use crate::model::access::{ClaimEvidence, ClaimTest};
use crate::policy::condition::Condition;

const MANY: usize = 30;

/// Puts every request of many tools, subjects and certificates to a product; how often it was asked, and what each outcome is
/// beside what the product says by itself.
fn put_all(decide: &dyn Fn(&mut Probe<'_>) -> bool) -> (usize, Vec<Outcome>) {
    let _counted = COUNTED.read().unwrap();
    let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let test = ClaimTest::Contains(vec!["mfa".into()]);
    let claim = ClaimEvidence { path: path(&["amr"]), test, separator: None, scope: None };
    let tests: FactTests = vec![(1, Evidence::Claim(claim))];
    let asked = Cell::new(0);
    let decide = |probe: &mut Probe<'_>| {
        asked.set(asked.get() + 1);
        Ok(decide(probe))
    };
    let mut tree = Tree::default();
    let message = |n: usize| Call { name: Some(format!("tool-{n}")), ..Call::post("tools/call") };
    let messages: Vec<_> = (0..MANY).map(|n| tree.part(Message { call: message(n), tests: &tests })).collect();
    let token = |n: usize| Token { texts: [(path(&["sub"]), format!("agent-{n}"))].into(), ..Token::default() };
    let tokens: Vec<_> = (0..MANY).map(|n| tree.part(token(n))).collect();
    let peers = (0..MANY).map(|n| Peer::Named(format!("agent-{n}"))).chain([Peer::Open]);
    let shown: Vec<_> = peers.map(|peer| tree.part(Shown { peer, subject: Some("agent-1") })).collect();
    let issuer = tree.part(Issued { by: None, always: 0, never: 0 });
    let mut outcomes = Vec::new();
    for message in &messages {
        for token in &tokens {
            for shown in &shown {
                let request = Request { message, token, issuer: &issuer, shown };
                let mut outcome = Outcome::default();
                explore(&mut tree, request, (2, 4), &decide, &mut outcome).unwrap();
                outcomes.push(outcome);
            }
        }
    }
    (asked.get(), outcomes)
}

fn last(text: &str) -> String {
    format!("{text}-{}", MANY - 1)
}

/// The places of the requests that are let through.
fn let_through(outcomes: &[Outcome]) -> Vec<usize> {
    outcomes.iter().enumerate().filter(|(_, outcome)| outcome.lets_any()).map(|(at, _)| at).collect()
}

#[test]
fn one_request_among_all_is_found_whatever_singles_it_out() {
    let sub = ["sub".to_owned()];
    let (asked, outcomes) = put_all(&|probe| {
        probe.is(&Source::Name, &last("tool")) && probe.text_is(&sub, &last("agent")) && probe.peer_is(&last("agent"))
    });
    // The open certificate comes after those that name somebody.
    assert_eq!(let_through(&outcomes), [MANY * MANY * (MANY + 1) - 2]);
    assert!(asked < 10, "{asked}");
    let (asked, outcomes) = put_all(&|probe| {
        probe.whole(&Source::Name) == Some(last("tool")) && probe.same(&Source::claim(&sub), &Source::Peer)
    });
    let (first, row) = (MANY * (MANY - 1) * (MANY + 1), MANY + 1);
    let own = |n: usize| first + n * row + n;
    let mut expected: Vec<usize> = (0..MANY).map(own).chain([first + row + MANY]).collect();
    expected.sort_unstable();
    assert_eq!(let_through(&outcomes), expected);
    assert!(asked < 2 * MANY + 2, "{asked}");
}

#[test]
fn facts_are_chosen_anew_for_each_request() {
    let amr = ["amr".to_owned()];
    let names: Texts = ["tool-3", "tool-4"].into_iter().collect();
    let (asked, outcomes) = put_all(&|probe| {
        probe.one_of(&Source::Name, &names) && (probe.text_is(&amr, "mfa") || probe.list_has(&amr, "mfa"))
    });
    for (at, outcome) in outcomes.iter().enumerate() {
        let expected =
            if [3, 4].contains(&(at / MANY / (MANY + 1))) { Condition::all_of(1) } else { Condition::never() };
        assert_eq!(outcome.condition(|| "it".to_owned()).unwrap(), expected);
    }
    assert_eq!(asked, 4);
}

#[test]
fn a_product_that_is_not_deterministic_is_refused() {
    let tests = Vec::new();
    let mut tree = Tree::default();
    let message = tree.part(Message { call: Call::post("ping"), tests: &tests });
    let (token, issuer) = (tree.part(Token::default()), tree.part(Issued { by: None, always: 0, never: 0 }));
    let shown = tree.part(Shown { peer: Peer::Open, subject: None });
    let request = Request { message: &message, token: &token, issuer: &issuer, shown: &shown };
    let put = |tree: &mut Tree, method: &str, decision: bool| {
        let mut way = Way::default();
        let question = Question::Is(Source::Method, Cow::Borrowed(method));
        tree.ask(&mut way, &request, question).and_then(|_| tree.decide(&way, decision))
    };
    assert!(put(&mut tree, "ping", true).is_ok());
    assert!(put(&mut tree, "ping", true).is_ok());
    assert!(put(&mut tree, "ping", false).is_err());
    assert!(put(&mut tree, "pong", true).is_err());
}
