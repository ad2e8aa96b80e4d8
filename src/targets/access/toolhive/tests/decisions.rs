//! Cedar's own authorizer, asked as ToolHive asks it, decides as the relation does; and what is refused or cannot be seen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::blind_to;
use super::{TARGET, WORLD, texts};
use crate::build::{build_what_fits, missing};
use crate::cedar::Uid;
use crate::cedar::dialect::{Policies, Question};
use crate::policy::{ObjectKind, Policy};
use crate::targets::tests::{built, checked};

/// Cedar's JSON of what ToolHive makes of a claim: a number is a decimal there.
fn cedar(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!({"__extn": {"fn": "decimal", "arg": format!("{number}.0")}}),
        Value::Array(list) => list.iter().map(cedar).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), cedar(value))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// The policies of each server, by its label.
fn proxies(files: &BTreeMap<String, String>) -> BTreeMap<String, Policies> {
    let authz = files.iter().filter_map(|(path, text)| {
        let label = path.strip_prefix("toolhive/central/authz/")?.strip_suffix(".yaml")?;
        let document: Value = serde_yaml::from_str(text).unwrap();
        let policies: Vec<String> = serde_json::from_value(document["spec"]["config"]["policies"].clone()).unwrap();
        let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
        Some((label.to_owned(), Policies::read(&policies).unwrap()))
    });
    authz.collect()
}

/// What a proxy does with a call: nothing without a subject, nothing where a policy fails.
fn proxy(policies: &Policies, label: &str, tool: &str, claims: &Value, arguments: &Value) -> bool {
    let Some(sub) = claims["sub"].as_str().filter(|sub| !sub.is_empty()) else { return false };
    let mut context = serde_json::Map::new();
    for (name, value) in claims.as_object().unwrap() {
        context.insert(format!("claim_{name}"), cedar(value));
    }
    for (name, value) in arguments.as_object().unwrap() {
        context.insert(format!("arg_{name}"), cedar(value));
    }
    let uid = |kind: &str, id: &str| Uid { kind: kind.to_owned(), id: id.to_owned() };
    let question = Question {
        principal: uid("Client", sub),
        action: uid("Action", "call_tool"),
        resource: uid("Tool", tool),
        context: Value::Object(context),
        entities: json!([
            {"uid": {"type": "Client", "id": sub}, "attrs": {}, "parents": []},
            {"uid": {"type": "Tool", "id": tool}, "attrs": {"name": tool}, "parents": [{"type": "MCP", "id": label}]},
        ]),
    };
    let (allowed, errors) = policies.ask(&question).unwrap();
    allowed && errors == 0
}

fn decide(policy: &Policy, principal: &str, tool: &str, facts: &BTreeSet<&str>) -> bool {
    let principal = policy.principal(principal).unwrap();
    let object = policy
        .objects
        .iter()
        .position(|object| matches!(&object.kind, ObjectKind::Tool(name) if name.as_str() == tool));
    let mask = facts.iter().filter_map(|fact| policy.facts.mask(fact)).fold(0, |all, bit| all | bit);
    policy.decide(principal, crate::policy::ObjectIx(object.unwrap() as u32), mask)
}

#[test]
fn the_authorizer_decides_as_the_relation() {
    let files = proxies(&texts(WORLD));
    let (checked, _) = checked(WORLD);
    let policy = checked.policy();
    let given = ["tls", "mtls", "service_account_token"];
    let evidence: BTreeMap<&str, Vec<(&str, Value)>> = BTreeMap::from([
        ("mfa", vec![("amr", json!(["pwd", "mfa"])), ("amr", json!("mfa"))]),
        ("device", vec![("device", json!("laptop"))]),
        ("cross_unit_approval", vec![("unit_approvals", json!(["money", "retail"]))]),
        ("ticket", vec![("work", json!({"tickets": ["bank_server/look", "bank_server/pay"]}))]),
    ]);
    let mut allowed = 0;
    let principals = [
        ("teller", "spiffe://example/teller", "https://idp.example", None),
        ("clerk", "clerk", "https://idp.example", None),
        ("workflow:month_end", "spiffe://example/mcp/workflow/month_end", "https://flows.example", None),
        ("any_agent@retail", "somebody", "https://idp.example", Some("retail")),
        ("any_agent@money", "somebody", "https://idp.example", Some("money")),
    ];
    let tools =
        [("bank-server", "pay"), ("bank-server", "look"), ("crm", "find"), ("open", "ask"), ("idle", "nothing")];
    for (principal, subject, issuer, unit) in principals {
        for (label, tool) in tools {
            for bits in 0_u32..64 {
                let on = |bit: u32| bits >> bit & 1 == 1;
                let mut facts: BTreeSet<&str> = given.into();
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
                if let Some(unit) = unit {
                    claims["bu"] = json!(unit);
                }
                let mut arguments = json!({"n": 3});
                if on(5) {
                    facts.insert("currency");
                    arguments["currency"] = json!("EUR");
                }
                let expected = decide(policy, principal, tool, &facts);
                let file = &files[label];
                let found = proxy(file, label, tool, &claims, &arguments);
                assert_eq!(found, expected, "{principal} {tool} {claims} {arguments}");
                allowed += usize::from(found);
                for (wrong, value) in [
                    ("iss", json!("https://other.example")),
                    ("iss", json!(["https://idp.example"])),
                    ("sub", json!("")),
                    ("act", json!("clerk")),
                    ("act", json!({"sub": ["clerk"]})),
                    ("act", json!({})),
                ] {
                    let mut claims = claims.clone();
                    claims[wrong] = value;
                    assert!(!proxy(file, label, tool, &claims, &arguments), "{claims}");
                }
                assert!(!proxy(file, "other", tool, &claims, &arguments), "another server");
            }
        }
    }
    assert!(allowed > 50, "{allowed}");
}

#[test]
fn what_a_claim_does_not_hold_denies() {
    let files = proxies(&texts(WORLD));
    let file = &files["crm"];
    let teller = |approvals: Value| {
        let claims =
            json!({"iss": "https://idp.example", "sub": "spiffe://example/teller", "unit_approvals": approvals});
        proxy(file, "crm", "find", &claims, &json!({}))
    };
    assert!(teller(json!(["retail"])) && teller(json!("retail")) && teller(json!(["x y", "retail"])));
    for other in
        [json!("x retail"), json!(["x retail"]), json!([["retail"]]), json!({"retail": true}), json!(5), json!(true)]
    {
        assert!(!teller(other.clone()), "{other}");
    }
}

#[test]
fn what_is_missing_and_what_cannot_be_seen_is_said() {
    let without = WORLD.replace("speaks_for: [agents]", "speaks_for: [agents, flows]");
    assert!(missing(&checked(&without).0, &TARGET).is_empty());
    let (checked, _) = checked(WORLD);
    for fact in ["mfa", "ticket", "device", "currency", "user_delegation"] {
        for piece in checked.model().evidence_for(fact).unwrap().pieces() {
            assert_eq!(blind_to(checked.model(), fact, piece), None, "{fact}");
        }
    }
    for (evidence, why) in [
        ("{claim: sub, contains: x}", "who calls"),
        ("{claim: a, differs_from: b}", "compare"),
        ("{argument: amount, at_most: 3}", "four decimals"),
        ("{claim: [a, b, c, d, e, f, g, h, i, j, k], contains: x}", "ten deep"),
    ] {
        let text = WORLD.replace("{argument: currency, one_of: [EUR, CHF]}", evidence);
        let (checked, _) = crate::targets::tests::checked(&text);
        let found = blind_to(checked.model(), "currency", checked.model().evidence_for("currency").unwrap());
        assert!(found.is_some_and(|found| found.contains(why)), "{evidence}: {found:?}");
    }
}

#[test]
fn names_that_become_one_resource_are_refused() {
    let two = WORLD.replace("{name: idle,", "{name: bank-server,");
    let said = format!("{:?}", built(&TARGET, &two).expect_err("two servers of one name"));
    assert!(said.contains("name-collision"), "{said}");
}

#[test]
fn a_server_beyond_the_size_of_a_resource_is_left_out_of_a_plain_compile() {
    let tools: Vec<String> = (0..1500).map(|n| format!("{{name: t{n}, requires: [ticket]}}")).collect();
    let calls: Vec<String> = (0..1500).map(|n| format!("idle/t{n}")).collect();
    let large = WORLD
        .replace("tools: [{name: nothing}]", &format!("tools: [{}]", tools.join(", ")))
        .replace("\"crm/find\"]}", &format!("\"crm/find\", {}]}}", calls.join(", ")));
    let (checked, sources) = checked(&large);
    let cedar = &crate::targets::access::cedar::TARGET;
    let (_, warnings) = build_what_fits(&checked, &sources, &[&TARGET, cedar], &[], "").unwrap();
    assert_eq!((warnings.len(), warnings[0].rule.name), (1, "target-over-limit"));
    assert!(build_what_fits(&checked, &sources, &[&TARGET], &[&TARGET], "").is_err());
}

#[test]
fn hostile_names_stay_inside_their_texts() {
    for name in ["a\"); permit(principal, action, resource); //", "x\\", "\u{202e}evil", "a\u{1f642}"] {
        let text = WORLD
            .replace("tools: [{name: ask}]", &format!("tools: [{{name: {}}}]", json!(name)))
            .replace("may_call: [open/ask]", &format!("may_call: [{}]", json!(format!("open/{name}"))))
            .replace("subject: clerk,", &format!("subject: {},", json!(name)));
        let files = proxies(&texts(&text));
        let claims = json!({"iss": "https://idp.example", "sub": "somebody", "bu": "retail"});
        let named = json!({"iss": "https://idp.example", "sub": name, "bu": "retail"});
        let file = &files["open"];
        assert!(proxy(file, "open", name, &claims, &json!({})), "{name:?}");
        assert!(!proxy(file, "open", "other", &claims, &json!({})) && !proxy(file, "open", name, &named, &json!({})));
        assert!(proxy(&files["crm"], "crm", "find", &named, &json!({})), "{name:?}");
    }
}
