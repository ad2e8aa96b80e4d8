//! Random small models.

use proptest::prelude::*;

use super::world::World;
use crate::model::access::{AccessRules, Grant, Granted, MutualTls, Readable};
use crate::model::name::{FlowKind, UnitName};
use crate::model::server::{Prompt, Resource, ServerAccess, ToolAccess};
use crate::model::topology::{CrossUnitRouting, DataSharing, Encryption};

const FACTS: [&str; 3] = ["service_account_token", "mfa", "on_shift"];
const UNITS: [&str; 2] = ["retail", "treasury"];
const SERVERS: [&str; 3] = ["s", "t", "u"];
const TOOLS: [&str; 3] = ["get_a", "b", "c"];

/// Choices read from random bytes; all zero where they run out, so that shrinking leads to the plainest model.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % limit
    }
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
    fn facts(&mut self) -> Vec<&'static str> {
        FACTS.into_iter().filter(|_| self.one_in(4)).collect()
    }
}

/// A random small model: the same bytes, the same model, and a byte changed here or there a small change.
pub(crate) fn model(bytes: &[u8]) -> crate::model::Model {
    world(bytes).model
}

/// A small model, made of random bytes.
pub(crate) fn world(bytes: &[u8]) -> World {
    let mut choices = Choices(bytes.iter());
    let c = &mut choices;
    let mut world = World::default();
    for number in 1..=c.below(4) as u32 {
        let other = ["hardware_key", FACTS[c.below(3)]];
        let alternatives: &[&[&str]] = if c.one_in(2) { &[&other] } else { &[] };
        world = world.level(number * 2, &c.facts(), alternatives);
    }
    for class in ["public", "internal", "secret"].into_iter().take(c.below(4)) {
        let servers: Vec<&str> = SERVERS.into_iter().filter(|_| c.one_in(2)).collect();
        world = world.class(class, &servers);
    }
    let units = c.below(3);
    let unit = |c: &mut Choices<'_>| -> Option<&'static str> {
        if units == 0 { None } else { [UNITS[0], UNITS[units - 1], UnitName::CENTRAL].get(c.below(4)).copied() }
    };
    for name in UNITS.into_iter().take(units) {
        world = world.unit(name);
    }
    let servers = 1 + c.below(3);
    for server in SERVERS.into_iter().take(servers) {
        let tools = 1 + c.below(3);
        world = world.server(server, unit(c), &TOOLS[..tools]);
        for tool in TOOLS.into_iter().take(tools) {
            if c.one_in(3) {
                let level = c.one_in(2).then(|| c.below(7) as u32);
                world = world.tool_access(server, tool, level, &c.facts());
            }
        }
    }
    for agent in ["x", "y"].into_iter().take(1 + c.below(2)) {
        let grants: Vec<(&str, Option<&str>)> = SERVERS
            .into_iter()
            .map(|server| (server, c.below(8)))
            .filter(|(_, choice)| *choice < 6)
            .map(|(server, choice)| (server, TOOLS.get(choice).copied()))
            .collect();
        world = world.agent(agent, unit(c), &grants);
    }
    if c.one_in(3) {
        world = world.any_agent(&[(SERVERS[c.below(3)], TOOLS.get(c.below(4)).copied())]);
    }
    let kinds = [FlowKind::Workflow, FlowKind::Saga, FlowKind::Processor];
    for kind in kinds.into_iter().take(c.below(3)) {
        let calls: Vec<(&str, &str)> = (0..c.below(3)).map(|_| (SERVERS[c.below(3)], TOOLS[c.below(3)])).collect();
        world = world.flow(kind, "f", unit(c).unwrap_or(UnitName::CENTRAL), &calls);
    }
    settle(&mut world, c);
    world
}

/// Patterns of resources, the widest first; the last one is none of the others'.
const PATTERNS: [&str; 4] = ["x://*", "x://a/*", "x://a/b", "*z"];

/// Rules between units, transport, further facts, suspensions, overlays, resources and prompts.
fn settle(world: &mut World, c: &mut Choices<'_>) {
    let routing = [CrossUnitRouting::ExplicitApproval, CrossUnitRouting::Allowed, CrossUnitRouting::Denied];
    let sharing = [DataSharing::Allowed, DataSharing::Restricted, DataSharing::Prohibited];
    world.model.topology.cross_unit_routing = routing.get(c.below(10) / 3).map(|mode| world.put(*mode));
    world.model.topology.data_sharing = sharing.get(c.below(10) / 3).map(|mode| world.put(*mode));
    if c.one_in(2) {
        world.model.topology.encryption_in_transit = Some(world.put(Encryption::Required));
    }
    if c.one_in(2) {
        world.model.access.mutual_tls = Some(world.put(MutualTls::Strict));
    }
    for server in SERVERS {
        let (requires, at) = (c.facts(), world.at());
        let requires = world.facts(&requires);
        let (suspended, restated, extra) = (c.one_in(16), c.one_in(8), c.one_in(3));
        let overlay =
            ServerAccess { at: None, auth_level: None, requires: world.facts(&c.facts()), tools: Default::default() };
        let patterns = PATTERNS.into_iter().take(1 + c.below(PATTERNS.len()));
        let resources: Vec<Resource> = patterns
            .map(|uri| Resource {
                uri: world.put(uri.to_owned()),
                auth_level: c.one_in(3).then(|| world.put(c.below(4) as u32)),
                requires: world.facts(&c.facts()),
            })
            .collect();
        let prompt = Prompt { name: world.put("p".to_owned()), auth_level: Some(world.put(3)), requires: Vec::new() };
        let suspended_tool = c.one_in(6).then(|| TOOLS[c.below(3)]);
        let Some(server) = world.model.servers.get_mut(server) else { continue };
        let reason = Some(crate::source::Spanned::new("an incident".to_owned(), at));
        server.access.requires = requires;
        server.suspended = reason.clone().filter(|_| suspended);
        server.overlay = restated.then_some(overlay);
        if extra {
            server.resources.extend(resources);
            server.prompts.push(prompt);
        }
        if let Some(tool) = suspended_tool {
            server.access.tools.insert(tool.into(), ToolAccess { suspended: reason, ..ToolAccess::default() });
        }
    }
    for agent in ["x", "y"] {
        for _ in 0..c.below(3) {
            let readable = match c.below(PATTERNS.len() + 1) {
                at if at < PATTERNS.len() => Readable::Resource(PATTERNS[at].to_owned()),
                _ => Readable::Prompt("p".to_owned()),
            };
            let grant = world.grant(SERVERS[c.below(3)], None, &c.facts());
            let grant = Grant { what: Granted::Readable(readable), ..grant };
            world.model.agents.get_mut(agent).into_iter().for_each(|agent| agent.may_call.push(grant.clone()));
        }
    }
    let grant = world.grant("s", None, &c.facts());
    let read_only = c.one_in(2);
    if let Some(agent) = world.model.agents.get_mut("x") {
        agent.may_call.push(Grant { only_read_only: read_only, ..grant });
    }
    if c.one_in(3) {
        let mut overlay = AccessRules { mutual_tls: Some(world.put(MutualTls::Strict)), ..AccessRules::default() };
        if let Some((number, level)) = world.model.access.levels.iter().next() {
            let level = crate::model::access::AuthLevel { requirements: world_facts(c), ..level.clone() };
            overlay.levels.insert(*number, level);
        }
        world.model.overlays.insert(UNITS[0].into(), overlay);
    }
}

fn world_facts(c: &mut Choices<'_>) -> Vec<crate::source::Spanned<crate::model::name::FactName>> {
    World::default().facts(&c.facts())
}

/// The random models are worth testing with: most permit something, and some of every kind is among them.
#[test]
fn random_models_are_not_empty() {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let (mut permitting, mut cross_unit, mut restated, mut blocked, mut several) = (0, 0, 0, 0, 0);
    for _ in 0..200 {
        let bytes: Vec<u8> = (0..160).map(|_| next()).collect();
        let policy = crate::policy::derive::derive(&world(&bytes).model);
        let used: Vec<_> = policy.all_cells().map(|(_, _, cell)| policy.rule_at(cell.rule)).collect();
        permitting += usize::from(used.iter().any(|rule| rule.blocked.is_none()));
        cross_unit += usize::from(used.iter().any(|rule| rule.cross_unit && rule.blocked.is_none()));
        restated += usize::from(used.iter().any(|rule| rule.restated_by.is_some()));
        blocked += usize::from(used.iter().any(|rule| rule.blocked.is_some()));
        several += usize::from(used.iter().any(|rule| policy.conditions.get(rule.condition).minimal_sets().len() > 1));
    }
    let counts = [permitting, cross_unit, restated, blocked, several];
    assert!(permitting > 100 && counts.iter().all(|count| *count > 5), "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_authorizer_decides_as_the_model(bytes in prop::collection::vec(any::<u8>(), 216)) {
        world(&bytes).decides_as_the_model();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// `built` compares the lifted relation with the model's.
    #[test]
    fn the_lifter_reads_what_the_model_says(bytes in prop::collection::vec(any::<u8>(), 216)) {
        world(&bytes).built();
    }
}
