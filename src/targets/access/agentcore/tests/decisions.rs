//! Cedar's own authorizer, asked as AgentCore asks it, decides as the relation does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{WORLD, texts};
use crate::cedar::Uid;
use crate::cedar::dialect::{Policies, Question};
use crate::policy::{ObjectIx, ObjectKind};
use crate::targets::tests::checked;

const ARN: &str = "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/bank-a1b2c3";

/// What the gateway does with a call: every claim but `sub` becomes a text.
fn gateway(policies: &Policies, action: &str, claims: &Value, input: &Value) -> bool {
    let Some(sub) = claims["sub"].as_str().filter(|sub| !sub.is_empty()) else { return false };
    let tags: Map<String, Value> = claims
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, value)| *name != "sub" && !value.is_null())
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), json!(text))
        })
        .collect();
    let uid = |kind: &str, id: &str| Uid { kind: format!("AgentCore::{kind}"), id: id.to_owned() };
    let user = json!({"type": "AgentCore::OAuthUser", "id": sub});
    let question = Question {
        principal: uid("OAuthUser", sub),
        action: uid("Action", action),
        resource: uid("Gateway", ARN),
        context: json!({"input": input}),
        entities: json!([{"uid": user, "attrs": {"id": sub}, "parents": [], "tags": tags}]),
    };
    let (allowed, errors) = policies.ask(&question).unwrap();
    assert_eq!(errors, 0, "{claims}");
    allowed
}

#[test]
fn the_authorizer_decides_as_the_relation() {
    let files = texts(WORLD);
    let (checked, _) = checked(WORLD);
    let policy = checked.policy();
    let statements: Vec<String> = files
        .iter()
        .filter(|(path, _)| path.starts_with("agentcore/policies/"))
        .map(|(_, text)| {
            let value: Value = serde_json::from_str(text).unwrap();
            value["definition"]["cedar"]["statement"].as_str().unwrap().to_owned()
        })
        .collect();
    let texts: Vec<&str> = statements.iter().map(String::as_str).collect();
    let policies = Policies::read(&texts).unwrap();
    let evidence: BTreeMap<&str, Vec<(&str, Value)>> = BTreeMap::from([
        ("mfa", vec![("amr", json!(["pwd", "mfa", "otp"])), ("amr", json!("mfa")), ("amr", json!(["x\"", "mfa"]))]),
        ("device", vec![("device", json!("laptop"))]),
        ("cross_unit_approval", vec![("unit_approvals", json!(["money", "retail"]))]),
        ("ticket", vec![("tickets", json!(["bank_server/look", "bank_server/pay"]))]),
    ]);
    let principals = [
        ("teller", "spiffe://example/teller", "https://idp.example", None),
        ("clerk", "clerk", "https://idp.example", None),
        ("workflow:month_end", "spiffe://example/mcp/workflow/month_end", "https://flows.example/", None),
        ("any_agent@retail", "somebody", "https://idp.example", Some("retail")),
        ("any_agent@money", "somebody", "https://idp.example", Some("money")),
    ];
    let mut allowed = 0;
    for (shown, subject, issuer, unit) in principals {
        let principal = policy.principal(shown).unwrap();
        for (object, index) in policy.objects.iter().zip(0..) {
            let ObjectKind::Tool(tool) = &object.kind else { continue };
            let action = format!("{}___{tool}", object.server.as_str().replace('_', "-"));
            for bits in 0_u32..128 {
                let on = |bit: u32| bits >> bit & 1 == 1;
                let mut facts: BTreeSet<&str> = ["tls", "mtls", "service_account_token"].into();
                let mut claims = json!({"iss": issuer, "sub": subject});
                for ((fact, forms), bit) in evidence.iter().zip(0..) {
                    if on(bit) {
                        facts.insert(fact);
                        let (name, value) = &forms[bits as usize % forms.len()];
                        claims[name] = value.clone();
                    }
                }
                if on(4) {
                    facts.insert("user_delegation");
                    claims["sub"] = json!("user");
                    claims["act"] = json!({"sub": subject, "iss": issuer});
                }
                let mut input = json!({"amount": if on(5) { 10_000 } else { 10_001 }});
                if on(5) {
                    facts.insert("small");
                }
                if on(6) {
                    facts.insert("currency");
                    input["currency"] = json!("CHF");
                }
                if let Some(unit) = unit {
                    claims["bu"] = json!(unit);
                }
                let mask = facts.iter().filter_map(|fact| policy.facts.mask(fact)).fold(0, |all, bit| all | bit);
                // Of strangers, AgentCore lets none act for a user.
                let expected = policy.decide(principal, ObjectIx(index), mask) && !(on(4) && unit.is_some());
                let found = gateway(&policies, &action, &claims, &input);
                assert_eq!(found, expected, "{shown} {action} {claims} {input}");
                allowed += usize::from(found);
                for (wrong, value) in [
                    ("iss", json!("https://other.example")),
                    ("iss", json!(["https://idp.example"])),
                    ("act", json!("clerk")),
                    ("act", json!({"sub": ["clerk"]})),
                    ("act", json!({"sub": "someone", "act": {"iss": "x", "sub": subject, "y": 1}})),
                    ("act", json!({})),
                ] {
                    let mut claims = claims.clone();
                    claims[wrong] = value;
                    assert!(!gateway(&policies, &action, &claims, &input), "{claims}");
                }
            }
        }
    }
    assert!(allowed > 100, "{allowed}");
}
