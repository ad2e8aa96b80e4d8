//! Decisions and their reasons, against every request that there is.

use proptest::prelude::*;

use super::*;
use crate::policy::derive::derive;
use crate::policy::whole::Whole;
use crate::review::naming::{facts, objects, sets_in_words, spelled};
use crate::targets::access::cedar::tests::properties::world;
use crate::targets::access::cedar::tests::world::enterprise;

/// The minimal sets that turn a denial around, by trying all of them.
fn brute_missing(policy: &Policy, principal: PrincipalIx, object: ObjectIx, facts: u64) -> Vec<u64> {
    let helps = |more: u64| policy.decide(principal, object, facts | more);
    // A set stands for the request that it gives rise to, so `mtls` brings `tls` along.
    let added = |set: u64| policy.facts.closed(facts | set) & !facts;
    let mut sets: Vec<u64> =
        (0..=policy.facts.all()).filter(|set| set & facts == 0 && helps(*set)).map(added).collect();
    sets.sort_unstable();
    sets.dedup();
    let all = sets.clone();
    sets.retain(|set| !all.iter().any(|other| other != set && other & set == *other));
    sets
}

fn every_answer_is_right(model: &Model) -> Result<(), TestCaseError> {
    let policy = derive(model);
    for facts in [0, 0b10101, 0b01010, 0b110110, u64::MAX] {
        let facts = policy.facts.closed(facts & policy.facts.all());
        for principal in (0..policy.principals.len() as u32).map(PrincipalIx) {
            let what = what_can(Whole::of(&policy, None), principal, facts);
            for object in (0..policy.objects.len() as u32).map(ObjectIx) {
                let allowed = policy.decide(principal, object, facts);
                let answer = decide(model, &policy, principal, &[object], facts);
                prop_assert_eq!(answer.allowed, allowed);
                let wanted = if allowed { vec![] } else { brute_missing(&policy, principal, object, facts) };
                prop_assert_eq!(&answer.missing, &wanted);
                let reason = &answer.reasons[0];
                prop_assert_eq!(reason.closed.is_some(), !allowed && wanted.is_empty());
                prop_assert_eq!(reason.grants.is_empty(), reason.rule.is_none());
                // The same in the answers about an object, and of a principal.
                let group = if allowed { vec![0] } else { wanted };
                let who = who_can(Whole::of(&policy, None), &[object], facts);
                let cell = policy.cell(principal, object).is_some();
                prop_assert_eq!(who.known.get(&group).is_some_and(|them| them.contains(&principal)), cell);
                prop_assert_eq!(what.known.get(&group).is_some_and(|them| them.contains(&object)), cell);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_every_request(bytes in prop::collection::vec(any::<u8>(), 160)) {
        every_answer_is_right(&world(&bytes).model)?;
    }
}

#[test]
fn every_object_is_found_as_it_is_spelled() {
    let policy = derive(&enterprise().model);
    for (object, index) in policy.objects.iter().zip(0..) {
        assert_eq!(objects(&policy, &spelled(object)), Ok(vec![ObjectIx(index)]), "{object}");
    }
    let resource = |written: &str| objects(&policy, written).map(|found| found.len());
    assert_eq!(resource("crm/resource:crm://customer/42"), Ok(1));
    let unknown = objects(&policy, "crm/get_custmer").unwrap_err();
    assert_eq!((unknown.kind, unknown.nearest.as_deref()), ("tool", Some("did you mean `crm/get_customer`?")));
    let unknown = objects(&policy, "cm/get_customer").unwrap_err();
    assert_eq!((unknown.kind, unknown.nearest.as_deref()), ("server", Some("did you mean `crm`?")));
    assert_eq!(objects(&policy, "crm/prompt:none").unwrap_err().kind, "prompt");
    assert_eq!(objects(&policy, "crm/resource:x://y").unwrap_err().kind, "resource");
}

#[test]
fn a_uri_of_several_patterns_needs_what_each_needs() {
    let mut world = enterprise();
    let (uri, requires) = (world.put("crm://*".to_owned()), world.facts(&["on_shift"]));
    let wide = crate::model::server::Resource { uri, auth_level: None, requires };
    world.model.servers.get_mut("crm").unwrap().resources.push(wide);
    let policy = derive(&world.model);
    let clerk = policy.principal("clerk").unwrap();
    let asked = |written: &str| {
        let found = objects(&policy, written).unwrap();
        decide(&world.model, &policy, clerk, &found, 0)
    };
    let narrow = asked("crm/resource:crm://customer/42");
    assert_eq!(narrow.reasons.len(), 1, "the narrower pattern asks for both");
    assert!(sets_in_words(&policy, &narrow.missing).contains("on_shift"));
    assert_eq!(asked("crm/resource:crm://order/1").reasons.len(), 1);
}

#[test]
fn facts_are_found_by_name_and_mtls_implies_tls() {
    let model = enterprise().model;
    let policy = derive(&model);
    let bit = |fact: &str| policy.facts.mask(fact).unwrap();
    assert_eq!(facts(&model, &policy, ["mtls", "mfa"]), Ok(bit("mtls") | bit("tls") | bit("mfa")));
    // Known by default, and asked for by nothing.
    assert_eq!(facts(&model, &policy, ["approval_workflow"]), Ok(0));
    let unknown = facts(&model, &policy, ["mfaa"]).unwrap_err();
    assert_eq!(unknown.nearest.as_deref(), Some("did you mean `mfa`?"));
    assert_eq!(sets_in_words(&policy, &[bit("mtls") | bit("tls") | bit("mfa"), 0]), "mfa and mtls, or nothing");
}

#[test]
fn a_grant_that_leaves_the_tool_out_is_not_shown() {
    let mut world = enterprise();
    let reading = world.grant("bank", None, &[]);
    let paying = world.grant("bank", Some("pay"), &[]);
    let at = paying.text.loc;
    let clerk = world.model.agents.get_mut("clerk").unwrap();
    clerk.may_call = vec![crate::model::access::Grant { only_read_only: true, ..reading }, paying];
    let policy = derive(&world.model);
    let object = objects(&policy, "bank/pay").unwrap();
    let answer = decide(&world.model, &policy, policy.principal("clerk").unwrap(), &object, 0);
    assert_eq!(answer.reasons[0].grants, [at]);
}
