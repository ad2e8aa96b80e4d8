//! Cedar's symbolic compiler on the policies: what holds of every request, whatever its token and its arguments hold.

use std::ffi::OsStr;

use super::{WORLD, texts};
use crate::cedar::solver::Solver;
use crate::cedar::symbolic::Findings;
use crate::lift::access::agentcore::schema;
use crate::targets::tests::checked;

/// No policy reaches beyond this: a token of another issuer, or one that an undeclared caller acts with.
const BOUND: &str = r#"permit (
    principal is AgentCore::OAuthUser,
    action,
    resource == AgentCore::Gateway::"arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/bank-a1b2c3"
) when {
    principal.hasTag("iss") && ["https://idp.example", "https://flows.example/"].contains(principal.getTag("iss")) &&
    (!principal.hasTag("act") || principal.hasTag("act") && (
     principal.getTag("act") like "{*\"sub\":\"spiffe://example/teller\"*" ||
     principal.getTag("act") like "{*\"sub\":\"spiffe://example/second\"*" ||
     principal.getTag("act") like "{*\"sub\":\"spiffe://example/mcp/workflow/month_end\"*" ||
     principal.getTag("act") like "{*\"sub\":\"clerk\"*"))
};"#;

fn statements() -> Vec<String> {
    let files = texts(WORLD);
    let policies = files.iter().filter(|(path, _)| path.starts_with("agentcore/policies/"));
    let statement = |text: &String| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["definition"]["cedar"]["statement"].as_str().unwrap().to_owned()
    };
    policies.map(|(_, text)| statement(text)).collect()
}

#[test]
#[ignore = "needs cvc5; tests/run runs it"]
fn the_solver_finds_nothing() {
    let mut solver = Solver::start(OsStr::new("cvc5")).unwrap();
    let schema = schema::of(checked(WORLD).0.model());
    let statements = statements();
    assert!(statements.len() > 4, "{}", statements.len());
    for statement in &statements {
        let found = solver.findings(&schema, statement, BOUND).unwrap();
        assert_eq!(found, Findings::default(), "{statement}");
    }
}

/// What it would find if a policy were another one.
#[test]
#[ignore = "needs cvc5; tests/run runs it"]
fn the_solver_finds_what_is_spoiled() {
    let mut solver = Solver::start(OsStr::new("cvc5")).unwrap();
    let schema = schema::of(checked(WORLD).0.model());
    let statements = statements();
    let of = |part: &str| statements.iter().find(|statement| statement.contains(part)).unwrap();
    let spoiled = |statement: &str, from: &str, to: &str| {
        let spoiled = statement.replace(from, to);
        assert_ne!(spoiled, statement, "{from}");
        spoiled
    };
    // A claim, and an argument, that is read without asking whether it is there is not even well typed.
    let claim = of("principal.hasTag(\"tickets\")");
    let argument = of("context.input has currency");
    for (statement, asked) in [(claim, "principal.hasTag(\"tickets\")"), (argument, "context.input has currency")] {
        let unasked = spoiled(statement, asked, "true");
        assert!(solver.findings(&schema, &unasked, BOUND).is_err(), "{unasked}");
    }
    let mut found =
        |statement: &str, from: &str, to: &str| solver.findings(&schema, &spoiled(statement, from, to), BOUND).unwrap();
    let none = Findings::default();
    // The product of two numbers may be too large.
    let product = found(argument, "context.input.amount < 1", "context.input.amount * 2 < 1");
    assert_eq!(product, Findings { fails: true, ..none });
    // Any issuer, and an actor who is not declared.
    let issuers = "[\"https://idp.example\"].contains(principal.getTag(\"iss\"))";
    assert_eq!(found(of(issuers), issuers, "true"), Findings { beyond: true, ..none });
    let actor = "\\\"sub\\\":\\\"clerk\\\"";
    assert_eq!(found(of(actor), actor, "\\\"sub\\\":\\\"cler"), Findings { beyond: true, ..none });
    let stranger = "!principal.hasTag(\"act\")";
    let anybody = of("open___ask");
    assert_eq!(found(anybody, stranger, "true"), Findings { beyond: true, ..none });
    // Everybody, and nobody.
    let (head, _) = claim.split_once("when {").unwrap();
    let other = |condition: &str| format!("{head}when {{ {condition} }};");
    // One that names the gateway says nothing of others, so it never fits everything.
    assert_eq!(solver.findings(&schema, &other("true"), BOUND).unwrap(), Findings { beyond: true, ..none });
    let (start, _) = head.split_once("resource ==").unwrap();
    let everywhere = format!("{start}resource is AgentCore::Gateway) when {{ true }};");
    let all = Findings { always: true, beyond: true, ..none };
    assert_eq!(solver.findings(&schema, &everywhere, BOUND).unwrap(), all);
    assert_eq!(solver.findings(&schema, &other("false"), BOUND).unwrap(), Findings { never: true, ..none });
}
