//! Decisions of the real authorizer, and what the files look like.

use super::world::{World, engine_of, enterprise, text};
use crate::cedar::Uid;
use crate::model::access::MutualTls;
use crate::source::Spanned;

#[test]
fn an_enterprise_decides_as_the_model() {
    enterprise().decides_as_the_model();
}

#[test]
fn a_world_without_levels_classes_or_units_decides_as_the_model() {
    World::default()
        .server("s", None, &["a", "b"])
        .agent("x", None, &[("s", Some("a"))])
        .any_agent(&[("s", Some("b"))])
        .decides_as_the_model();
}

#[test]
fn nobody_and_nothing_compile_to_policies_that_permit_nothing() {
    for world in [
        World::default(),
        World::default().server("s", None, &["a"]),
        World::default().agent("x", None, &[]),
        World::default().unit("u").server("s", None, &["a"]).agent("x", Some("u"), &[("s", None)]),
    ] {
        let (_, built) = world.built();
        assert_eq!(engine_of(&built.bundle.artifacts).policy_count(), 0);
        world.decides_as_the_model();
    }
}

#[test]
fn a_grant_on_a_servers_methods_does_not_reach_its_tools() {
    let world =
        World::default().level(1, &[], &[]).server("s", None, &["a", "b"]).agent("x", None, &[("s", Some("a"))]);
    let (_, built) = world.built();
    let engine = engine_of(&built.bundle.artifacts);
    let x = Uid::new("Agent", "x");
    let allowed = |action, kind, id: &str| {
        let facts = ["tls", "mtls", "cross_unit_approval", "service_account_token"].map(|fact| (fact, true));
        engine.decide(&x, action, &Uid::new(kind, id), facts).unwrap().allowed
    };
    assert!(allowed("use_server", "Server", "s"));
    assert!(allowed("call_tool", "Tool", "s/a"));
    assert!(!allowed("call_tool", "Tool", "s/b"));
    assert!(!allowed("call_tool", "Tool", "s/unheard_of"));
    assert!(!allowed("read_resource", "Resource", "s"));
}

#[test]
fn an_unknown_principal_is_denied_with_an_error() {
    let (_, built) = enterprise().built();
    let engine = engine_of(&built.bundle.artifacts);
    let facts =
        ["tls", "mtls", "cross_unit_approval", "service_account_token", "user_delegation", "mfa", "hardware_key"];
    let found = engine
        .decide(&Uid::new("Agent", "ghost"), "call_tool", &Uid::new("Tool", "site/publish"), facts.map(|f| (f, true)))
        .unwrap();
    assert!(!found.allowed && !found.errors.is_empty(), "{found:?}");
}

#[test]
fn the_number_of_policies_does_not_depend_on_the_number_of_tools() {
    let policies = |tools: usize| {
        let names: Vec<String> = (0..tools).map(|n| format!("tool_{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let world = World::default()
            .level(1, &["service_account_token"], &[])
            .level(2, &["mfa"], &[])
            .class("low", &["s"])
            .server("s", None, &names)
            .server("t", None, &names)
            .agent("x", None, &[("s", None), ("t", Some("tool_0"))])
            .agent("y", None, &[("s", Some("tool_1"))]);
        let (_, built) = world.built();
        (text(&built.bundle.artifacts, "policies.cedar").to_owned(), engine_of(&built.bundle.artifacts).policy_count())
    };
    let without_places = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("@source")).map(str::to_owned).collect()
    };
    let (few, many) = (policies(2), policies(60));
    assert_eq!(few.1, many.1);
    assert_eq!(without_places(&few.0), without_places(&many.0));
}

/// Each tool is granted to another set of agents, so each is a group of its own.
#[test]
fn many_groups_are_not_enumerated_and_still_verify() {
    let tools: Vec<String> = (1..1_024).map(|n| format!("tool_{n}")).collect();
    let names: Vec<&str> = tools.iter().map(String::as_str).collect();
    let mut world = World::default().server("s", None, &names);
    for bit in 0..10 {
        let granted = names.iter().zip(1_u32..).filter(|(_, n)| n >> bit & 1 == 1);
        let grants: Vec<(&str, Option<&str>)> = granted.map(|(name, _)| ("s", Some(*name))).collect();
        world = world.agent(&format!("agent_{bit}"), None, &grants);
    }
    let (_, built) = world.built();
    let schema = text(&built.bundle.artifacts, "schema.cedarschema");
    assert!(schema.contains("\n  entity Group;\n"), "{schema}");
    assert_eq!(engine_of(&built.bundle.artifacts).policy_count(), 2);
}

#[test]
fn compiling_twice_gives_the_same_bytes() {
    assert_eq!(enterprise().built().1.bundle.files().unwrap(), enterprise().built().1.bundle.files().unwrap());
}

#[test]
fn two_principals_with_one_subject_are_refused() {
    let mut world = enterprise();
    let subject = Spanned::new("spiffe://example.org/clerk".to_owned(), world.at());
    world.model.agents.get_mut("idle").unwrap().subject = Some(subject);
    let found = crate::build::build(&world.checked(), &world.sources(), &[&super::super::TARGET], "sha256:0");
    let errors = found.err().unwrap();
    let cause = std::error::Error::source(&errors[0]).unwrap().to_string();
    assert!(cause.contains("`spiffe://example.org/clerk`"), "{cause}");
}

/// One small world and its files, as they are printed.
#[test]
fn the_files_of_a_small_world() {
    let mut world = World::default()
        .level(1, &["service_account_token"], &[])
        .level(2, &["mfa"], &[&["hardware_key"]])
        .class("public", &["site"])
        .class("secret", &["bank"])
        .server("bank", None, &["pay"])
        .server("site", None, &["get_page"])
        .agent("clerk", None, &[("site", None), ("bank", None)]);
    world.model.access.mutual_tls = Some(world.put(MutualTls::Permissive));
    let (_, built) = world.built();
    let artifacts = &built.bundle.artifacts;
    insta::assert_snapshot!(text(artifacts, "schema.cedarschema"), @r#"
    namespace Mcp {
      type Facts = {
        cross_unit_approval: __cedar::Bool,
        hardware_key: __cedar::Bool,
        mfa: __cedar::Bool,
        mtls: __cedar::Bool,
        service_account_token: __cedar::Bool,
        tls: __cedar::Bool
      };

      type Grants = {
        "level-1": Set<Group>,
        "level-2": Set<Group>,
        protocol: Set<Group>
      };

      entity Agent = {
        grants: Grants
      };

      entity AnyAgent = {
        grants: Grants
      };

      entity Backend enum ["bank", "site"];

      entity Class enum ["public", "secret"];

      entity Group enum ["bank (protocol)", "bank/pay", "site/get_page"];

      entity Level enum ["1", "2"];

      entity Processor = {
        grants: Grants
      };

      entity Prompt in [Backend, Class, Group, Level] = {
        server: Server
      };

      entity Resource in [Backend, Class, Group, Level] = {
        server: Server
      };

      entity Saga = {
        grants: Grants
      };

      entity Server in [Backend, Class, Group];

      entity Tool in [Backend, Class, Group, Level] = {
        server: Server
      };

      entity Workflow = {
        grants: Grants
      };

      action "call_tool" in [Action::"request"] appliesTo {
        principal: [Agent, AnyAgent, Workflow, Saga, Processor],
        resource: [Tool],
        context: Facts
      };

      action "get_prompt" in [Action::"request"] appliesTo {
        principal: [Agent, AnyAgent, Workflow, Saga, Processor],
        resource: [Prompt],
        context: Facts
      };

      action "read_resource" in [Action::"request"] appliesTo {
        principal: [Agent, AnyAgent, Workflow, Saga, Processor],
        resource: [Resource],
        context: Facts
      };

      action "request";

      action "use_server" in [Action::"request"] appliesTo {
        principal: [Agent, AnyAgent, Workflow, Saga, Processor],
        resource: [Server],
        context: Facts
      };
    }
    "#);
    insta::assert_snapshot!(text(artifacts, "policies.cedar"), @r#"
    @id("level-1")
    @source("world.yaml:3")
    permit (
      principal,
      action in [Mcp::Action::"request"],
      resource
    )
    when { (resource in principal.grants["level-1"]) && context.service_account_token };

    @id("level-2")
    @source("world.yaml:7")
    permit (
      principal,
      action in [Mcp::Action::"request"],
      resource
    )
    when
    {
      (resource in principal.grants["level-2"]) && (context.hardware_key || (context.mfa && context.service_account_token))
    };

    @id("protocol")
    @source("world.yaml:14")
    permit (
      principal,
      action in [Mcp::Action::"request"],
      resource
    )
    when { resource in principal.grants.protocol };
    "#);
    insta::assert_snapshot!(text(artifacts, "entities.json"), @r#"
    [
    {"uid":{"type":"Mcp::Action","id":"call_tool"},"attrs":{},"parents":[{"type":"Mcp::Action","id":"request"}]},
    {"uid":{"type":"Mcp::Action","id":"get_prompt"},"attrs":{},"parents":[{"type":"Mcp::Action","id":"request"}]},
    {"uid":{"type":"Mcp::Action","id":"read_resource"},"attrs":{},"parents":[{"type":"Mcp::Action","id":"request"}]},
    {"uid":{"type":"Mcp::Action","id":"request"},"attrs":{},"parents":[]},
    {"uid":{"type":"Mcp::Action","id":"use_server"},"attrs":{},"parents":[{"type":"Mcp::Action","id":"request"}]},
    {"uid":{"type":"Mcp::Agent","id":"clerk"},"attrs":{"grants":{"level-1":[{"__entity":{"type":"Mcp::Group","id":"site/get_page"}}],"level-2":[{"__entity":{"type":"Mcp::Group","id":"bank/pay"}}],"protocol":[{"__entity":{"type":"Mcp::Group","id":"bank (protocol)"}}]}},"parents":[]},
    {"uid":{"type":"Mcp::Server","id":"bank"},"attrs":{},"parents":[{"type":"Mcp::Backend","id":"bank"},{"type":"Mcp::Class","id":"secret"},{"type":"Mcp::Group","id":"bank (protocol)"}]},
    {"uid":{"type":"Mcp::Server","id":"site"},"attrs":{},"parents":[{"type":"Mcp::Backend","id":"site"},{"type":"Mcp::Class","id":"public"},{"type":"Mcp::Group","id":"bank (protocol)"}]},
    {"uid":{"type":"Mcp::Tool","id":"bank/pay"},"attrs":{"server":{"__entity":{"type":"Mcp::Server","id":"bank"}}},"parents":[{"type":"Mcp::Backend","id":"bank"},{"type":"Mcp::Class","id":"secret"},{"type":"Mcp::Group","id":"bank/pay"},{"type":"Mcp::Level","id":"2"}]},
    {"uid":{"type":"Mcp::Tool","id":"site/get_page"},"attrs":{"server":{"__entity":{"type":"Mcp::Server","id":"site"}}},"parents":[{"type":"Mcp::Backend","id":"site"},{"type":"Mcp::Class","id":"public"},{"type":"Mcp::Group","id":"site/get_page"},{"type":"Mcp::Level","id":"1"}]}
    ]
    "#);
}
