//! Random models: what each target makes of one is read back as what the model says, or the target says why it cannot hold it.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::*;
use crate::build::missing;
use crate::model::access::{ClaimEvidence, ClaimTest, Evidence};
use crate::model::name::{FactName, ServerName};
use crate::model::protocol::deniable;
use crate::model::topology::Unit;
use crate::source::Loc;
use crate::source::Spanned;
use crate::targets::access::cedar::tests::properties::world;
use crate::targets::access::cedar::tests::world::World;
use crate::targets::access::{agentcore, agentgateway, agentic_networking, ai_gateway, envoy, istio, toolhive};

/// Random models for each target.
const CASES: u32 = 48;

/// What random models are deployed with. The facts that they use are `mfa`, `on_shift` and `hardware_key`.
const DEPLOYED: &str = "
targets:
  envoy: {listen: 0.0.0.0:8443, tls: {cert: /c.crt, key: /c.key, ca: /ca.crt}}
  agentgateway: {listen: 0.0.0.0:9443, tls: {cert: /c.crt, key: /c.key, ca: /ca.crt}}
  agentic-networking: {namespace: mcp, assume: [mfa], assume_reason: the proxy in front}
  ai-gateway: {namespace: mcp, gateway: central, assume: [tls, mtls], assume_reason: the listener}
  istio: {namespace: mcp, verified_headers: true}
  agentcore:
    gateway_arn: arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/random
    assume: [tls, mtls]
    assume_reason: private endpoint
  toolhive: {assume: [tls, mtls], assume_reason: the mesh}
# file: all.yaml
identity:
  trust_domain: example.org
  business_unit_claim: bu
  requirements: {on_shift: ON_SHIFT, hardware_key: HARDWARE_KEY}
  issuers: ISSUERS
data_routing: {classifications: [{level: public, mcp_servers: [s]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry:
  central_gateway: https://mcp.example.com
  business_units: [{name: retail}, {name: treasury}]
  servers: [{name: s, business_unit: retail, url: 'https://s.example/mcp', tools: [{name: get_a}]}]
  agents: [{name: x, business_unit: retail, subject: x, may_call: [s/get_a]}]
";

/// What proves `on_shift`.
const ON_SHIFT: [&str; 22] = [
    "{claim: groups, contains: on-shift}",
    "{claim: [work, rota], contains: '{server}/{tool}'}",
    "{claim: shift, present: true}",
    "{argument: amount, at_least: 1, at_most: 10}",
    "{argument: currency, one_of: [EUR, CHF]}",
    "{claim: [act, sub], differs_from: sub}",
    "{called: s/get_a, within: 30m, answer: {ok: true, note: all well}, same: {amount: sum}}",
    "{claim: amr, contains: mfa}",
    "{claim: groups, one_of: [on-shift, standby, '{unit}']}",
    "{claim: scope, contains: 'notes:write'}",
    "{claim: roles, one_of: [a, b], separator: ','}",
    "{claim: email_verified, contains: true}",
    "{claim: clearance, one_of: [3, 4.5, high]}",
    "{claim: sub, one_of: [alice, bob]}",
    "{claim: iss, contains: 'https://idp.example'}",
    "{claim: groups, contains: dealers, issuer: 'https://idp.example'}",
    "{all: [{claim: groups, contains: on-shift}, {claim: shift, present: true}, {argument: amount, at_most: 10}]}",
    "{argument: [filter, region], one_of: [emea, apac]}",
    "{argument: amount, at_least: 0, at_most: 9999.99}",
    "{argument: mode, one_of: [1, 2.5, fast, true]}",
    "{argument: repo, matches: 'sandbox-*.x'}",
    "{argument: customer, equals_claim: [act, customer]}",
];

/// What proves `hardware_key`.
const HARDWARE_KEY: [&str; 6] = [
    "{claim: amr, contains: hwk}",
    "{claim: keys, contains: '{unit}'}",
    "{claim: tickets, contains: '{server}/{tool}', scope: mcp.ticket}",
    "{called: s/get_a, within: 1h}",
    "{claim: groups, one_of: [standby, hwk]}",
    ALONE,
];

/// What a claim must be as a whole, as `class_from` asks it: no requirement can be written so.
const ALONE: &str = "{claim: groups, one_of: [hwk, on-shift]}";

/// Who issues tokens.
const ISSUERS: [&str; 4] = [
    "[{issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys'}]",
    "[{issuer: 'https://idp.example', audiences: [mcp, other], jwks: 'https://idp.example/keys', speaks_for: [agents]}, \
     {issuer: 'https://flows.example', audiences: [mcp], jwks: 'https://flows.example/keys', speaks_for: [flows]}]",
    "[{issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys', speaks_for: [retail]}, \
     {issuer: 'https://all.example', audience: per_server, jwks: 'https://all.example/keys', speaks_for: [agents, flows]}]",
    "[{issuer: 'https://idp.example', audiences: [mcp], jwks: 'https://idp.example/keys', speaks_for: [agents]}, \
     {issuer: 'https://clients.example', audience: per_server, jwks: 'https://clients.example/keys', caller: azp, \
      speaks_for: [agents, flows]}]",
];

/// A random model with all that targets need, made of random bytes. A plain one has one issuer, and one gateway.
fn deployed(bytes: &[u8], plain: bool, shared: bool) -> World {
    let (choices, rest) = bytes.split_at(8);
    let pick = |at: usize, of: usize| usize::from(choices[at]) % of;
    let text = DEPLOYED
        .replace("ON_SHIFT", ON_SHIFT[pick(0, ON_SHIFT.len())])
        .replace("HARDWARE_KEY", HARDWARE_KEY[pick(1, HARDWARE_KEY.len())])
        .replace("ISSUERS", ISSUERS[pick(2, if plain { 1 } else { ISSUERS.len() })]);
    // One gateway of AgentCore is for all servers.
    let text = if shared { text.replace("audience: per_server", "audiences: [mcp]") } else { text };
    let (checked, _) = checked(&text);
    let given = checked.model();
    let mut world = world(rest);
    let model = &mut world.model;
    model.identity = given.identity.clone();
    if HARDWARE_KEY[pick(1, HARDWARE_KEY.len())] == ALONE {
        let evidence = model.identity.as_mut().unwrap().evidence.get_mut(&FactName::from("hardware_key"));
        if let Some(Evidence::Claim(ClaimEvidence { test, .. })) = evidence.map(|evidence| &mut evidence.value) {
            *test = ClaimTest::Is(test.texts().map(str::to_owned).collect());
        }
    }
    model.deployment = given.deployment.clone();
    model.called_before = given.called_before.clone();
    model.topology.central_gateway = given.topology.central_gateway.clone();
    let at = |text: String| Some(Spanned::new(text, Loc::default()));
    for server in model.servers.values_mut() {
        server.url = at(format!("https://{}.example/mcp", server.name));
    }
    // Some servers deny some methods.
    for (number, server) in (0..).zip(model.servers.values_mut()) {
        let denied = |at: usize| pick(6, 3) > 0 && (usize::from(choices[7]) + 5 * number + 3 * at).is_multiple_of(4);
        let methods = deniable().enumerate().filter(|(at, _)| denied(*at));
        server.denied_methods = methods.map(|(_, row)| (row.name, Loc::default())).collect();
    }
    // Some units have a gateway of their own.
    for (unit, at_all) in model.topology.units.values_mut().zip([pick(3, 3), pick(4, 3)]) {
        let Unit { name, gateway, .. } = unit;
        *gateway = at(format!("https://gw.{name}.example")).filter(|_| at_all == 0 && !plain);
    }
    let servers: Vec<ServerName> = model.servers.keys().cloned().collect();
    for flow in model.flows.values_mut() {
        for step in &mut flow.steps {
            step.calls.retain(|call| call.server.as_ref().is_some_and(|server| servers.contains(server)));
        }
        flow.subject = at(format!("spiffe://example.org/mcp/{}/{}", flow.id.value.kind.word(), flow.id.value.name));
    }
    // Arguments are typed by the schemas of tools.
    let schema = r#"{"type":"object","properties":{"amount":{"type":"integer"},"currency":{"type":"string"}}}"#;
    for (number, tool) in (1..).zip(model.servers.values_mut().flat_map(|server| server.tools.values_mut())) {
        let loc = Loc { start: 10_000 + 2 * number, end: 10_001 + 2 * number, ..Loc::default() };
        if pick(5, 4) > 0 {
            tool.input_schema = Some(loc);
            model.input_schemas.insert(loc, schema.to_owned());
        }
    }
    world
}

/// Files in which every place of a random model is.
fn sources() -> Sources {
    let mut sources = Sources::new();
    for name in ["world.yaml", "all.yaml", "more.yaml"] {
        sources.add(crate::source::SourceFile::new(name, "x\n".repeat(10_000)));
    }
    sources
}

/// How many of the random models a target holds, and how many it cannot, each by its own word.
fn tried(target: &'static Target) -> (usize, BTreeMap<String, usize>) {
    let held = Cell::new(0);
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    let refused = std::cell::RefCell::new(&mut others);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let strategy = prop::collection::vec(any::<u8>(), 224);
    let outcome = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
    .run(&strategy, |bytes| {
        let plain = matches!(target.id, TargetId::AiGateway | TargetId::AgenticNetworking);
        let world = deployed(&bytes, plain, target.id == TargetId::Agentcore);
        let checked = world.checked();
        let note = |what: String| *refused.borrow_mut().entry(what).or_default() += 1;
        if let Some(need) = missing(&checked, target).first() {
            note(format!("needs {}", need.what));
            return Ok(());
        }
        match build(&checked, &sources(), &[target], "sha256:0") {
            Ok(_) => held.set(held.get() + 1),
            Err(errors) => {
                for error in errors {
                    match error {
                        BuildError::Compile { cause: CompileError::Findings(found), .. } => {
                            note(found.first().map_or_else(String::new, |found| found.message.clone()));
                        }
                        BuildError::Compile { cause: CompileError::Beyond { what, .. }, .. } => note(what),
                        error @ (BuildError::Compile { .. }
                        | BuildError::Verify { .. }
                        | BuildError::Differs { .. }
                        | BuildError::UnknownTarget(_)) => return Err(TestCaseError::fail(format!("{error:#?}"))),
                    }
                }
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{}: {error}", target.name());
    }
    (held.get(), others)
}

/// Asserts that at least so many in a hundred of the random models are held.
fn holds(target: &'static Target, percent: usize) {
    let (held, others) = tried(target);
    let all = held + others.values().sum::<usize>();
    assert!(held * 100 >= all * percent, "{} holds {held} of {all} random models: {others:#?}", target.name());
}

#[test]
fn envoy_holds_random_models() {
    holds(&envoy::TARGET, 90);
}

#[test]
fn agentgateway_holds_random_models() {
    holds(&agentgateway::TARGET, 90);
}

#[test]
fn agentic_networking_holds_random_models() {
    holds(&agentic_networking::TARGET, 60);
}

#[test]
fn ai_gateway_holds_random_models() {
    holds(&ai_gateway::TARGET, 90);
}

#[test]
fn istio_holds_random_models() {
    holds(&istio::TARGET, 90);
}

#[test]
fn agentcore_holds_random_models() {
    holds(&agentcore::TARGET, 70);
}

#[test]
fn toolhive_holds_random_models() {
    holds(&toolhive::TARGET, 65);
}
