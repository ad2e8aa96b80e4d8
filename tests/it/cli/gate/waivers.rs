//! Waivers: what they excuse, for how long, and what a change of one means.

use super::statements::DROPPED;
use super::{Change, LOWERED, TRUST};
use crate::cli::{mcpctl, put};

pub(super) fn waiver(principals: &str, tools: &str, more: &str, expires: &str) -> String {
    format!(
        "review:\n  waivers:\n    - principals: {principals}\n      tools: {tools}\n{more}      reason: a trial\n      owner: sec\n      expires: {expires}\n"
    )
}

#[test]
fn what_is_waived_does_not_count_and_is_shown_in_every_format() {
    let change = Change::of(&waiver("\"*\"", "crm_server/*", "", "2026-11-22"), &[LOWERED]);
    assert_eq!(change.run(&[]).code, 0, "its last day is one on which it holds: {:?}", change.run(&[]));
    for format in ["human", "short", "markdown", "json", "html"] {
        let ran = change.run(&["--format", format]);
        assert_eq!(ran.code, 0, "{format}");
        for said in ["a trial", "2026-11-22", "sec", "mcpctl.yaml"] {
            assert!(ran.out.contains(said), "`{said}` in {format}:\n{}", ran.out);
        }
    }
    let json = change.json();
    assert_eq!((json["gate"]["opened"].as_u64(), json["gate"]["fails"].as_bool()), (Some(0), Some(false)));
    assert_eq!(json["gate"]["waived"].as_u64(), Some(change.opened()));
    // `--deny any` asks whether anything changes.
    let any = mcpctl(&["diff", "--no-artifacts", "--deny", "any"]).arg(&change.base).arg(&change.head).run();
    assert_eq!(any.code, 1);
}

#[test]
fn a_waiver_is_about_what_it_names_and_no_more() {
    let all = Change::of("", &[LOWERED]).opened();
    let rest = |review: &str| {
        let json = Change::of(review, &[LOWERED]).json();
        let (opened, waived) = (json["gate"]["opened"].as_u64().unwrap(), json["gate"]["waived"].as_u64().unwrap());
        assert_eq!(opened + waived, all, "{review}");
        for group in json["access"]["groups"].as_array().unwrap().iter().filter(|group| !group["waiver"].is_null()) {
            for principal in group["principals"].as_array().unwrap() {
                assert!(review.contains('*') || review.contains(principal.as_str().unwrap()), "{principal} {review}");
            }
        }
        opened
    };
    assert_eq!(rest(&waiver("[desk_agent]", "[crm_server/get_customer]", "", "2027-01-01")), all - 1);
    assert_eq!(rest(&waiver("desk_agent", "crm_server/update_customer", "", "2027-01-01")), all);
    // The flow is not an agent.
    assert_eq!(rest(&waiver("\"*_agent\"", "\"crm_server/*\"", "", "2027-01-01")), 1);
    assert_eq!(rest(&waiver("\"*\"", "\"crm_server/*\"", "", "2027-01-01")), 0);
    // What opens needs mtls, so a waiver that asks for it holds; one that asks for the factor that is gone does not.
    assert_eq!(rest(&waiver("desk_agent", "crm_server/get_customer", "      facts: [mtls]\n", "2027-01-01")), all - 1);
    assert_eq!(rest(&waiver("desk_agent", "crm_server/get_customer", "      facts: [mfa]\n", "2027-01-01")), all);
    assert_eq!(
        rest(&waiver("desk_agent", "crm_server/get_customer", "      facts: [no_such_fact]\n", "2027-01-01")),
        all
    );
}

#[test]
fn an_expired_waiver_excuses_nothing_and_is_shown() {
    let change = Change::of(&waiver("\"*\"", "\"*\"", "", "2026-11-21"), &[LOWERED]);
    for format in ["human", "short", "markdown", "json", "html"] {
        let ran = change.run(&["--format", format]);
        assert_eq!(ran.code, 1, "{format}");
        assert!(ran.out.contains("expired") && ran.out.contains("a trial"), "{format}:\n{}", ran.out);
    }
    assert!(change.run(&[]).err.contains("1 waiver has expired"), "{}", change.run(&[]).err);
}

#[test]
fn a_waiver_that_is_added_prolonged_or_wider_is_a_widening() {
    let of = |principals: &str, facts: &str, expires: &str| waiver(principals, "crm_server/*", facts, expires);
    let known = of("\"*_agent\"", "      facts: [mfa]\n", "2027-01-31");
    let judged = |after: &str| {
        let change = Change::of(&known, &[]);
        put(&change.head, "mcpctl.yaml", &format!("units: {{claims: units/claims}}\n{after}"));
        change.run(&["--format", "short"])
    };
    let (mfa, none) = ("      facts: [mfa]\n", "");
    for (after, widens) in [
        (of("\"*_agent\"", mfa, "2027-02-01"), true),
        (of("\"*_agent\"", mfa, "2027-01-30"), false),
        (of("\"*\"", mfa, "2027-01-31"), true),
        (of("desk_agent", mfa, "2027-01-31"), false),
        (of("\"*_agent\"", none, "2027-01-31"), true),
        (of("\"*_agent\"", mfa, "2027-01-31").replace("crm_server/*", "\"*\""), true),
        (of("\"*_agent\"", mfa, "2027-01-31").replace("a trial", "another reason"), false),
        (String::new(), false),
    ] {
        let ran = judged(&after);
        assert_eq!(ran.code, u8::from(widens), "{after}\n{ran:?}");
        assert!(ran.out.contains("gate: waiver of "), "{after}\n{ran:?}");
    }
}

#[test]
fn a_waiver_of_trust_accepts_one_value() {
    let with = |to: &str| {
        let waiver = format!("{{trust: evidence of mfa, {to}reason: r, owner: sec, expires: 2027-01-31}}");
        Change::of(&format!("review: {{waivers: [{waiver}]}}\n"), &[TRUST])
    };
    assert_eq!(with("to: claim groups contains staff, ").run(&[]).code, 0);
    assert_eq!(with("to: \"claim `groups` contains `staff`\", ").run(&[]).code, 0, "as it is shown");
    for other in ["to: claim groups contains everybody, ", "to: claim groups contains *, ", "to: claim groups, "] {
        assert_eq!(with(other).run(&[]).code, 1, "{other}");
    }
    let without = with("");
    let ran = without.run(&[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = mcpctl(&["validate"]).arg(&without.base).run();
    assert_eq!(ran.code, 1, "{ran:?}");
    for said in
        ["waiver-without-value", "the waiver of `evidence of mfa` does not say which value it accepts", "add `to:`"]
    {
        assert!(ran.out.contains(said), "{said}\n{}", ran.out);
    }
    // What is gone is nothing, and a value without what it is of is a mistake.
    let waiver = "{trust: policy test nobody pays a claim without a second factor, to: nothing, reason: r, owner: sec, expires: 2027-01-31}";
    let gone = Change::of(&format!("review: {{waivers: [{waiver}]}}\n"), &[DROPPED]);
    let ran = gone.run(&[]);
    assert!(ran.code == 0 && ran.out.contains("waived"), "{ran:?}");
    let lonely = Change::of(
        "review: {waivers: [{to: x, principals: '*', tools: '*', reason: r, owner: o, expires: 2027-01-31}]}\n",
        &[],
    );
    let ran = mcpctl(&["validate"]).arg(&lonely.base).run();
    assert!(ran.code == 1 && ran.out.contains("trust"), "{ran:?}");
}
