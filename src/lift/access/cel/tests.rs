//! What expressions come to, and which are refused.

use std::collections::BTreeMap;

use super::*;
use crate::lift::access::probe::{
    Call, FactTests, Issued, Message, Outcome, Peer, Request, Shown, Token, Tree, explore,
};
use crate::model::access::{ClaimEvidence, ClaimTest, Evidence};
use crate::policy::condition::Condition;

struct Jwt;

impl Names for Jwt {
    fn claims(&self) -> &[&str] {
        &["jwt"]
    }

    fn arguments(&self) -> Option<&[&str]> {
        None
    }

    fn other(&self, path: &[&str], _world: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
        match path {
            ["tool"] => Ok(Value::Text("t".into())),
            ["none"] => Ok(Value::Error),
            ["names"] => Ok(Value::PeerNames),
            _ => refused("unknown"),
        }
    }
}

/// When an expression is true for a token of `me`, by the fact that `amr` holds `mfa` (1) and that `act.sub` differs (2).
fn condition(text: &str) -> Result<Condition, String> {
    let expression = Expression::parse(text).map_err(|error| error.to_string())?;
    let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let claim =
        |words: &[&str], test| Evidence::Claim(ClaimEvidence { path: path(words), test, separator: None, scope: None });
    let tests: FactTests = vec![
        (1, claim(&["amr"], ClaimTest::Contains(vec!["mfa".into()]))),
        (2, claim(&["boss"], ClaimTest::DiffersFrom(path(&["sub"])))),
        (4, claim(&["ticket"], ClaimTest::Present)),
    ];
    let token = Token { texts: BTreeMap::from([(path(&["sub"]), "me".to_owned())]), ..Token::default() };
    let call = Call::post("tools/call");
    let mut tree = Tree::default();
    let message = tree.part(Message { call, tests: &tests });
    let (token, issuer) = (tree.part(token), tree.part(Issued { by: None, always: 0, never: 0 }));
    let shown = tree.part(Shown { peer: Peer::Open, subject: Some("me") });
    let request = Request { message: &message, token: &token, issuer: &issuer, shown: &shown };
    let mut outcome = Outcome::default();
    let decide = |probe: &mut Probe<'_>| Look::new(&Jwt).holds(&expression, probe);
    explore(&mut tree, request, (8, 16), &decide, &mut outcome).map_err(|error| error.to_string())?;
    outcome.condition(|| "it".to_owned()).map_err(|error| error.to_string())
}

#[test]
fn expressions_come_to_conditions() {
    let (always, never, mfa) = (Condition::always(), Condition::never(), Condition::all_of(1));
    for (text, expected) in [
        (r#"jwt.sub == "me" && tool in ["s", "t"]"#, &always),
        (r#"(has(jwt.act) ? jwt.act.sub : jwt.sub) == "me""#, &always),
        (r#"jwt.sub != "me""#, &never),
        (r#"!(jwt.sub in ["you", "me"])"#, &never),
        (r#"(jwt.amr == "mfa" || "mfa" in (jwt.amr + []))"#, &mfa),
        (r#"none == "x" || (jwt.amr == "mfa" || "mfa" in (jwt.amr + []))"#, &mfa),
        (r#"none == "x" && tool == "t""#, &never),
        (r#"!(none == "x")"#, &never),
        (r#"!(jwt.ticket in [null, "", [], {}])"#, &Condition::all_of(4)),
        (r#"jwt.boss + "" != "" && jwt.sub + "" != "" && jwt.boss != jwt.sub"#, &Condition::all_of(2)),
        (r#"tool.matches("(?s)\\At.*\\z") && tool.startsWith("t")"#, &always),
        (r#"!names.exists(name, name != jwt.sub && name in ["you", "me"])"#, &always),
        (r#"names.exists(name, name == "you")"#, &never),
    ] {
        assert_eq!(condition(text).as_ref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_implementations_understand_differently_is_refused() {
    for (text, why) in [
        (r#""mfa" in jwt.amr"#, "finds parts of a text"),
        (r#""m" in "mfa""#, "not a list"),
        (r#"jwt.amr != "mfa""#, "what a claim or an argument is not"),
        (r#"!(jwt.amr == "mfa")"#, "what a claim or an argument is not"),
        (r#"jwt.amr == "mfa" ? true : false"#, "branches on an open claim"),
        (r#"jwt.amr == "other""#, "not evidence of the model"),
        (r#"has(jwt.amr)"#, "empty or not"),
        (r#"jwt.boss != jwt.sub"#, "may be empty"),
        (r#"jwt.boss != jwt.sub && tool == "t""#, "may be empty"),
        (r#"jwt.amr.exists(x, x == "mfa")"#, "another list"),
        (r#"names.all(name, name == "me")"#, "without `exists`"),
        (r#"names.exists(name, name != "me")"#, "does not say"),
        (r#"tool.matches("t")"#, "whole text"),
        (r#"tool.contains("t")"#, "`contains`, which is not understood"),
        (r#"size(tool) == 1"#, "`size`, which is not understood"),
        (r#"jwt.amr == "mfa" &&"#, "not a CEL expression"),
    ] {
        let found = condition(text);
        assert!(found.as_ref().is_err_and(|error| error.contains(why)), "{text}: {found:?}");
    }
}
