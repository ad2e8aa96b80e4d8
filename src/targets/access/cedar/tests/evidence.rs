//! The evidence map.

use serde_json::{Value, json};

use super::world::{World, enterprise, text};
use crate::model::access::{
    ArgumentEvidence, ArgumentTest, ClaimEvidence, ClaimTest, Decimal, Evidence, Identity, Issuer, Jwks,
};

fn map_of(world: &World) -> Value {
    serde_json::from_str(text(&world.built().1.bundle.artifacts, "evidence.json")).unwrap()
}

/// An identity section that replaces one default and says how to find a fact that has none.
fn with_identity(mut world: World) -> World {
    let issuer = Issuer {
        issuer: world.put("https://idp.example.com".to_owned()),
        audiences: vec![world.put("gateway".to_owned())],
        per_server: None,
        keys: Some(world.put(Jwks::File("keys.json".to_owned()))),
        caller: None,
        speaks_for: vec![world.put("retail".to_owned())],
    };
    let test = ArgumentTest::Within { at_least: None, at_most: Decimal::whole(10) };
    let amount = ArgumentEvidence { path: vec!["amount".to_owned()], test };
    let claim = ClaimEvidence { path: vec!["acr".to_owned()], test: ClaimTest::Present, separator: None, scope: None };
    let evidence = [
        ("hardware_key".into(), world.put(Evidence::Argument(amount))),
        ("mfa".into(), world.put(Evidence::Claim(claim))),
    ];
    let identity = Identity {
        loc: world.at(),
        issuers: vec![issuer],
        trust_domain: Some(world.put("example.org".to_owned())),
        business_unit_claim: Some(world.put("bu".to_owned())),
        evidence: evidence.into(),
    };
    world.model.identity = Some(identity);
    world
}

#[test]
fn every_fact_of_the_context_has_a_source() {
    let world = enterprise();
    let map = map_of(&world);
    let (policy, _) = world.built();
    let facts: Vec<&str> = map["facts"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected: Vec<&str> = policy.facts.names().iter().map(|fact| fact.as_str()).collect();
    assert_eq!(facts, expected);
    let of = |fact: &str| map["facts"][fact]["from"].as_str().unwrap();
    assert_eq!(
        [of("mtls"), of("tls"), of("mfa"), of("service_account_token")],
        ["transport", "transport", "claim", "caller"]
    );
    assert_eq!(of("hardware_key"), "nothing");
    assert!(map["facts"]["hardware_key"]["holds_if"].as_str().unwrap().starts_with("never"));
    assert!(map["facts"]["mtls"]["holds_if"].as_str().unwrap().contains("mtls implies tls: send both"));
    assert!(map["deny"].to_string().contains("diagnostics report any error"));
}

#[test]
fn declared_evidence_replaces_the_default() {
    let map = map_of(&with_identity(enterprise()));
    assert_eq!(map["facts"]["mfa"]["path"], json!(["acr"]));
    assert_eq!(map["facts"]["mfa"].get("contains"), None);
    assert_eq!(map["facts"]["hardware_key"]["at_most"], json!(10));
    assert_eq!(map["facts"]["user_delegation"]["all"][0]["differs_from"], json!(["sub"]));
    assert_eq!(map["facts"]["user_delegation"]["all"][1]["from"], "user");
    let issuer = &map["tokens"]["issuers"][0];
    assert_eq!((&issuer["jwks_file"], &issuer["speaks_for"]), (&json!("keys.json"), &json!(["retail"])));
}

#[test]
fn every_principal_can_be_found_or_is_named_as_unreachable() {
    let map = map_of(&enterprise());
    assert_eq!(map["principal"]["subjects"].as_object().unwrap().len(), 3);
    assert_eq!(map["principal"]["without_subject"].as_array().unwrap().len(), 3);
    assert_eq!(map["principal"]["any_agent"]["units"]["retail"]["type"], "Mcp::AnyAgent");
    let map = map_of(&with_identity(enterprise()));
    let subjects = map["principal"]["subjects"].as_object().unwrap();
    assert_eq!(subjects["spiffe://example.org/mcp/saga/order"], json!({"type": "Mcp::Saga", "id": "order"}));
    assert_eq!(map["principal"]["without_subject"], json!([]));
    assert_eq!(map["principal"]["any_agent"]["unit_claim"], "bu");
}
