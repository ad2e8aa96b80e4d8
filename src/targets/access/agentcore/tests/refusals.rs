//! What AgentCore does not hold, cannot see, or refuses.

use super::super::{is_arn, sight};
use super::{TARGET, WORLD, texts};
use crate::build::{BuildError, build, build_what_fits, missing};
use crate::targets::CompileError;
use crate::targets::tests::{built, checked};

const SMALL: &str = r#"
targets: {agentcore: {gateway_arn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g"}}
# file: all.yaml
identity: {issuer: 'https://idp.example', audiences: [mcp]}
data_routing: {classifications: [{level: public, mcp_servers: [s]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}, {level: 2, requirements: [mfa]}]}
mcp_registry:
  servers: [{name: s, tools: [{name: t}]}]
  agents: [{name: a, subject: a, may_call: [s/t]}]
"#;

fn said(text: &str) -> String {
    format!("{:?}", built(&TARGET, text).expect_err("this must be refused"))
}

#[test]
fn a_small_workspace_has_one_policy() {
    let files = texts(SMALL);
    assert_eq!(files.keys().filter(|path| path.contains("/policies/")).count(), 1);
    assert!(files.values().all(|text| !text.contains("temporal")));
}

#[test]
fn an_arn_is_one_of_a_gateway() {
    assert!(is_arn("arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/refund-gateway-a1b2"));
    for bad in [
        "",
        "gateway/x",
        "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/x",
        "arn:aws:lambda:us-west-2:123456789012:gateway/x",
        "arn:aws:bedrock-agentcore:us-west-2:12345:gateway/x",
        "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/",
        "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/x\"",
    ] {
        assert!(!is_arn(bad), "{bad}");
    }
}

#[test]
fn names_that_become_one_target_are_refused() {
    let two = SMALL
        .replace(
            "servers: [{name: s, tools: [{name: t}]}]",
            "servers: [{name: a_b, tools: [{name: t}]}, {name: a-b, tools: [{name: t}]}]",
        )
        .replace("mcp_servers: [s]", "mcp_servers: [a_b, a-b]")
        .replace("may_call: [s/t]", "may_call: [a_b/t, a-b/t]");
    assert!(said(&two).contains("name-collision"), "{}", said(&two));
}

#[test]
fn what_is_missing_is_said() {
    let needs =
        |text: &str| -> Vec<String> { missing(&checked(text).0, &TARGET).into_iter().map(|need| need.what).collect() };
    assert!(needs(SMALL).is_empty());
    let without = SMALL.split_once("# file").unwrap().1;
    assert_eq!(needs(&format!("# file{without}")), ["the ARN of the gateway"]);
    assert_eq!(
        needs(&SMALL.replace("identity: {issuer: 'https://idp.example', audiences: [mcp]}", "")),
        ["a token issuer"]
    );
    let strict = SMALL.replace("data_routing", "zero_trust_config: {service_mesh: {mutual_tls: strict}}\ndata_routing");
    assert!(needs(&strict)[0].starts_with("`mtls`"), "{:?}", needs(&strict));
}

#[test]
fn a_workspace_beyond_a_limit_is_left_out_of_a_plain_compile_alone() {
    // Callers of different issuers cannot share a policy, and no two tools need the same.
    let tools: Vec<String> = (0..400).map(|n| format!("{{name: t{n}, requires: [approval_workflow]}}")).collect();
    let calls: Vec<String> = (0..400).map(|n| format!("s/t{n}")).collect();
    let large = SMALL
        .replace("tools: [{name: t}]", &format!("tools: [{}]", tools.join(", ")))
        .replace("may_call: [s/t]", &format!("may_call: [{}]", calls.join(", ")));
    let (checked, sources) = checked(&large);
    let errors = build(&checked, &sources, &[&TARGET], "").expect_err("it is too large");
    assert!(
        matches!(&errors[0], BuildError::Compile { cause: CompileError::Beyond { what, .. }, .. } if what.contains("200000 bytes"))
    );
    assert!(build_what_fits(&checked, &sources, &[&TARGET], &[&TARGET], "").is_err());
    let cedar = &crate::targets::access::cedar::TARGET;
    let (built, warnings) = build_what_fits(&checked, &sources, &[&TARGET, cedar], &[], "").unwrap();
    assert_eq!((warnings.len(), warnings[0].rule.name), (1, "target-over-limit"));
    assert!(built.bundle.artifacts.keys().all(|path| path.starts_with("cedar/")));
}

#[test]
fn tools_beyond_the_schema_are_too_many() {
    let tools: Vec<String> = (0..2400).map(|n| format!("{{name: t{n}}}")).collect();
    let large = SMALL.replace("tools: [{name: t}]", &format!("tools: [{}, {{name: t}}]", tools.join(", ")));
    assert!(said(&large).contains("a schema of at most"), "{}", said(&large));
}

#[test]
fn a_long_policy_is_split() {
    let agents: Vec<String> = (0..90)
        .map(|n| format!("{{name: a{n}, subject: 'spiffe://example.org/ns/agents/sa/number-{n}', may_call: [s/t]}}"))
        .collect();
    let files = texts(&SMALL.replace("{name: a, subject: a, may_call: [s/t]}", &agents.join(", ")));
    assert!(files.keys().filter(|path| path.contains("/policies/")).count() > 1);
}

#[test]
fn a_stranger_who_acts_for_a_user_cannot_be_granted() {
    let any = SMALL
        .replace("  agents:", "  any_agent: {may_call: [s/t]}\n  agents:")
        .replace("[service_account_token]", "[user_delegation]");
    assert!(said(&any).contains("who acts"), "{}", said(&any));
}

#[test]
fn what_cannot_be_seen_has_a_reason() {
    let (checked, _) = checked(WORLD);
    for fact in ["mfa", "ticket", "device", "small", "currency", "user_delegation"] {
        for piece in checked.model().evidence_for(fact).unwrap().pieces() {
            assert_eq!(sight::blind_to(checked.model(), fact, piece), None, "{fact}");
        }
    }
    for (evidence, why) in [
        ("{claim: [a, b], contains: x}", "nested"),
        ("{claim: amr, contains: \"a b\"}", "letters, digits"),
        ("{claim: amr, contains: \"5\"}", "letters, digits"),
        ("{claim: sub, contains: x}", "who calls"),
        ("{claim: a, differs_from: b}", "compare"),
        ("{argument: other, at_most: 3}", "input_schema"),
        ("{argument: amount, one_of: [x]}", "input_schema"),
        ("{argument: amount, at_most: 3.5}", "whole numbers"),
        ("{argument: [amount, net], at_most: 3}", "nested"),
        ("{claim: amr, contains: true}", "texts alone"),
        ("{claim: amr, contains: a, separator: ','}", "separators"),
    ] {
        // A schema that leaves open what its arguments are.
        let open = "additionalProperties: true\n            properties: {amount: {type: [integer, string, object]}";
        let text = WORLD.replace("{argument: amount, at_least: 1, at_most: 10000}", evidence);
        let text = match evidence.contains("argument:") {
            true => text.replace("properties: {amount: {type: integer}", open),
            false => text,
        };
        let (checked, _) = crate::targets::tests::checked(&text);
        let found = sight::blind_to(checked.model(), "small", checked.model().evidence_for("small").unwrap());
        assert!(found.is_some_and(|found| found.contains(why)), "{evidence}: {found:?}");
    }
}

fn with_names(name: &str) -> String {
    let quoted = serde_json::Value::from(name).to_string();
    SMALL
        .replace("tools: [{name: t}]", &format!("tools: [{{name: {quoted}}}]"))
        .replace("may_call: [s/t]", &format!("may_call: [{}]", serde_json::Value::from(format!("s/{name}"))))
        .replace("subject: a,", &format!("subject: {quoted},"))
}

#[test]
fn hostile_names_stay_inside_their_texts() {
    for name in ["a\"); permit(principal, action, resource); //", "x\\", "a___b", "{\"sub\":\"b\"}"] {
        let files = texts(&with_names(name));
        assert_eq!(files.keys().filter(|path| path.contains("/policies/")).count(), 1, "{name:?}");
    }
    for name in ["\u{202e}evil", "a\u{1f642}"] {
        assert!(said(&with_names(name)).contains("printable ASCII"), "{name:?}");
    }
}
