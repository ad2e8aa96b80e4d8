//! Which key holds which kind of name: one table, from which follow definitions, references, renaming, completion and symbols.

pub use super::kind::Kind;

/// How a value is read for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It is one name.
    Name(Kind),
    /// `server/tool`, `server/prompt:NAME`, `server/resource:URI` or `server/*`.
    Call,
    /// An agent, `workflow:NAME`, `saga:NAME`, `processor:NAME` or `any_agent@UNIT`.
    Principal,
}

/// What a value does with the name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It declares the name, or says more of what another file declares.
    Definition,
    /// It uses the name.
    Reference,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The key of the family, or [`SETTINGS`] for `mcpctl.yaml`.
    pub family: &'static str,
    /// The path in the section: `[]` is an element of a list, `[]?` one value or a list of them, `*` the value of any key, and `{}`
    /// that key itself.
    pub path: &'static str,
    /// How the value is read.
    pub holds: Holds,
    /// What it does.
    pub role: Role,
    /// The path of the name that the name is within: of the server of a tool, of the flow of a step. Empty where names are known
    /// everywhere.
    pub of: &'static str,
}

/// The family of rows about `mcpctl.yaml`.
pub const SETTINGS: &str = "";

const fn defines(family: &'static str, path: &'static str, kind: Kind) -> Place {
    Place { family, path, holds: Holds::Name(kind), role: Role::Definition, of: "" }
}

const fn names(family: &'static str, path: &'static str, kind: Kind) -> Place {
    Place { family, path, holds: Holds::Name(kind), role: Role::Reference, of: "" }
}

const fn calls(family: &'static str, path: &'static str) -> Place {
    Place { family, path, holds: Holds::Call, role: Role::Reference, of: "" }
}

const fn callers(family: &'static str, path: &'static str) -> Place {
    Place { family, path, holds: Holds::Principal, role: Role::Reference, of: "" }
}

impl Place {
    const fn of(self, of: &'static str) -> Self {
        Self { of, ..self }
    }
}

use Kind::{
    Agent, Check, Class, Entry, Fact, Issuer, Level, Processor, Prompt, Resource, Saga, Server, Step, Tool, Topic,
    Unit, Workflow,
};

/// The table.
pub static PLACES: &[Place] = &[
    // The inventory.
    defines("mcp_registry", "business_units.[].name", Unit),
    defines("mcp_registry", "servers.[].name", Server),
    names("mcp_registry", "servers.[].business_unit", Unit),
    names("mcp_registry", "servers.[].auth_level", Level),
    names("mcp_registry", "servers.[].requires.[]", Fact),
    defines("mcp_registry", "servers.[].tools.[].name", Tool).of("servers.[].name"),
    names("mcp_registry", "servers.[].tools.[].auth_level", Level),
    names("mcp_registry", "servers.[].tools.[].requires.[]", Fact),
    defines("mcp_registry", "servers.[].resources.[].uri", Resource).of("servers.[].name"),
    names("mcp_registry", "servers.[].resources.[].auth_level", Level),
    names("mcp_registry", "servers.[].resources.[].requires.[]", Fact),
    defines("mcp_registry", "servers.[].prompts.[].name", Prompt).of("servers.[].name"),
    names("mcp_registry", "servers.[].prompts.[].auth_level", Level),
    names("mcp_registry", "servers.[].prompts.[].requires.[]", Fact),
    defines("mcp_registry", "agents.[].name", Agent),
    names("mcp_registry", "agents.[].business_unit", Unit),
    names("mcp_registry", "agents.[].issuer", Issuer),
    calls("mcp_registry", "agents.[].may_call.[]"),
    calls("mcp_registry", "agents.[].may_call.[].tools"),
    names("mcp_registry", "agents.[].may_call.[].requires.[]", Fact),
    calls("mcp_registry", "any_agent.may_call.[]"),
    calls("mcp_registry", "any_agent.may_call.[].tools"),
    names("mcp_registry", "any_agent.may_call.[].requires.[]", Fact),
    // Flows.
    defines("workflow_definition", "name", Workflow),
    names("workflow_definition", "business_unit", Unit),
    defines("workflow_definition", "steps.[].name", Step).of("name"),
    names("workflow_definition", "steps.[].mcp_server.[]?", Server),
    names("workflow_definition", "steps.[].tools.[]", Tool).of("steps.[].mcp_server.[]?"),
    names("workflow_definition", "steps.[].compensation.[]", Tool).of("steps.[].mcp_server.[]?"),
    names("workflow_definition", "steps.[].resources.[]", Resource).of("steps.[].mcp_server.[]?"),
    names("workflow_definition", "steps.[].prompts.[]", Prompt).of("steps.[].mcp_server.[]?"),
    names("workflow_definition", "steps.[].depends_on.[]", Step).of("name"),
    names("workflow_definition", "steps.[].proceed_if.step", Step).of("name"),
    names("workflow_definition", "steps.[].arguments.[].step", Step).of("name"),
    defines("saga_definition", "name", Saga),
    names("saga_definition", "business_unit", Unit),
    defines("saga_definition", "steps.[].name", Step).of("name"),
    names("saga_definition", "steps.[].mcp_server.[]?", Server),
    names("saga_definition", "steps.[].action", Tool).of("steps.[].mcp_server.[]?"),
    names("saga_definition", "steps.[].compensation", Tool).of("steps.[].mcp_server.[]?"),
    names("saga_definition", "steps.[].proceed_if.step", Step).of("name"),
    names("saga_definition", "steps.[].arguments.[].step", Step).of("name"),
    names("saga_definition", "steps.[].resources.[]", Resource).of("steps.[].mcp_server.[]?"),
    names("saga_definition", "steps.[].prompts.[]", Prompt).of("steps.[].mcp_server.[]?"),
    defines("event_driven_config", "event_bus.topics.[].name", Topic),
    defines("event_driven_config", "event_processors.[].name", Processor),
    // A processor is one step, called as it is.
    defines("event_driven_config", "event_processors.[].name", Step).of("event_processors.[].name"),
    names("event_driven_config", "event_processors.[].business_unit", Unit),
    names("event_driven_config", "event_processors.[].subscribes_to.[]", Topic),
    names("event_driven_config", "event_processors.[].triggers_mcp.[]?", Server),
    names("event_driven_config", "event_processors.[].tools.[]", Tool).of("event_processors.[].triggers_mcp.[]?"),
    names("event_driven_config", "event_processors.[].resources.[]", Resource)
        .of("event_processors.[].triggers_mcp.[]?"),
    names("event_driven_config", "event_processors.[].prompts.[]", Prompt).of("event_processors.[].triggers_mcp.[]?"),
    // Access.
    defines("progressive_auth", "levels.[].level", Level),
    names("progressive_auth", "levels.[].requirements.[]", Fact),
    names("progressive_auth", "levels.[].alternatives.[].requirements.[]", Fact),
    defines("data_routing", "classifications.[].level", Class),
    names("data_routing", "classifications.[].mcp_servers.[]", Server),
    names("data_routing", "classifications.[].min_auth_level", Level),
    names("data_routing", "classifications.[].requires.[]", Fact),
    defines("identity", "issuer", Issuer),
    defines("identity", "issuers.[].issuer", Issuer),
    names("identity", "issuers.[].speaks_for.[]", Unit),
    defines("identity", "requirements.{}", Fact),
    names("identity", "requirements.*.issuer", Issuer),
    names("identity", "requirements.*.all.[].issuer", Issuer),
    calls("identity", "requirements.*.called"),
    calls("identity", "requirements.*.all.[].called"),
    names("federation_config", "central_gateway.global_policies.[]?.cross_unit_max_class", Class),
    // Operation.
    defines("bulkhead_config", "resource_pools.[].name", Entry),
    names("bulkhead_config", "resource_pools.[].mcp_servers.[]", Server),
    names("connection_pooling", "database_pools.[].mcp_server", Server),
    names("connection_pooling", "http_pools.[].mcp_server", Server),
    defines("caching_strategy", "layers.[].name", Entry),
    defines("batch_processing", "strategies.[].name", Entry),
    defines("tracing_config", "exporters.[].name", Entry),
    defines("metrics_config", "custom_metrics.[].name", Entry),
    // Tests and waivers.
    defines("integration_tests", "test_environments.[].name", Entry),
    names("integration_tests", "test_environments.[].mcp_servers.[]", Server),
    defines("integration_tests", "test_scenarios.[].name", Entry),
    names("integration_tests", "test_scenarios.[].steps.[]", Step),
    names("chaos_experiments", "network_partitions.[].target", Server),
    names("chaos_experiments", "resource_exhaustion.[].target", Server),
    names("chaos_experiments", "dependency_failures.[].target", Server),
    defines("policy_tests", "[].name", Entry),
    callers("policy_tests", "[].principal.[]?"),
    calls("policy_tests", "[].call.[]?"),
    names("policy_tests", "[].with.[]", Fact),
    names("policy_tests", "[].with.[].[]", Fact),
    names("policy_tests", "[].missing.[].[]", Fact),
    callers("policy_tests", "[].never.principals.[]?"),
    names("policy_tests", "[].never.principals.outside_unit", Unit),
    calls("policy_tests", "[].never.calls.[]?"),
    calls("policy_tests", "[].never_both.[]"),
    names("policy_tests", "[].never_flow.from_class", Class),
    names("policy_tests", "[].never_flow.to_class", Class),
    calls("policy_tests", "[].never_flow.to_calls.[]?"),
    defines("waivers", "[].name", Entry),
    names("waivers", "[].check", Check),
    // `mcpctl.yaml`.
    names(SETTINGS, "checks.{}", Check),
    names(SETTINGS, "units.{}", Unit),
    names(SETTINGS, "review.units.{}", Unit),
    names(SETTINGS, "review.classes.{}", Class),
    callers(SETTINGS, "review.waivers.[].principals.[]?"),
    calls(SETTINGS, "review.waivers.[].tools.[]?"),
    names(SETTINGS, "review.waivers.[].facts.[]", Fact),
    names(SETTINGS, "targets.envoy.gateways.{}", Unit),
    names(SETTINGS, "targets.agentgateway.gateways.{}", Unit),
    names(SETTINGS, "targets.otel-collector.pseudonyms_up_to", Class),
];

/// A step from a collection to what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// To the value of a key.
    Key(String),
    /// To an element of a list.
    Element,
}

/// Where in a section something is: the steps from its body, and whether it is a key of a map there.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The key of the family.
    pub family: &'a str,
    /// The steps to it; for a key, to its map.
    pub path: &'a [Part],
    /// Whether it is a key.
    pub is_key: bool,
}

/// The rows for a spot.
pub fn at(spot: Spot<'_>) -> impl Iterator<Item = &'static Place> + '_ {
    PLACES.iter().filter(move |place| place.family == spot.family && matches(place.path, spot.path, spot.is_key))
}

fn matches(pattern: &str, path: &[Part], is_key: bool) -> bool {
    let (token, rest) = pattern.split_once('.').map_or((pattern, None), |(token, rest)| (token, Some(rest)));
    let go_on = |path: &[Part]| match rest {
        Some(rest) => matches(rest, path, is_key),
        None => path.is_empty() && !is_key,
    };
    match (token, path.split_first()) {
        ("{}", None) => is_key && rest.is_none(),
        ("[]?", first) => {
            let one = go_on(path);
            one || matches!(first, Some((Part::Element, after)) if go_on(after))
        }
        ("[]", Some((Part::Element, after))) => go_on(after),
        ("*", Some((Part::Key(_), after))) => go_on(after),
        (token, Some((Part::Key(key), after))) => token == key && go_on(after),
        (_, Some((Part::Element, _)) | None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::FamilyId;
    use crate::schema::shape::{Shape, settings};

    fn path(text: &str) -> Vec<Part> {
        let part = |token: &str| if token == "[]" { Part::Element } else { Part::Key(token.to_owned()) };
        text.split('.').filter(|token| !token.is_empty()).map(part).collect()
    }

    #[test]
    fn patterns_match_paths() {
        for (pattern, text, is_key, expected) in [
            ("a.[].b", "a.[].b", false, true),
            ("a.[].b", "a.[].c", false, false),
            ("a.[].b", "a.b", false, false),
            ("a.[]?", "a", false, true),
            ("a.[]?", "a.[]", false, true),
            ("a.[]?.b", "a.[].b", false, true),
            ("a.[]?.b", "a.b", false, true),
            ("a.{}", "a", true, true),
            ("a.{}", "a", false, false),
            ("a", "a", true, false),
            ("a.*.b", "a.x.b", false, true),
            ("[].a", "[].a", false, true),
        ] {
            assert_eq!(matches(pattern, &path(text), is_key), expected, "{pattern} {text} {is_key}");
        }
    }

    #[test]
    fn every_row_is_a_place_that_a_schema_has() {
        for place in PLACES {
            let mut shapes = match place.family {
                SETTINGS => settings(),
                key => FamilyId::of_key(key).and_then(Shape::of_family).into_iter().collect(),
            };
            for token in place.path.split('.') {
                shapes = match token {
                    "[]" => shapes.iter().flat_map(|shape| shape.element()).collect(),
                    "[]?" => shapes.iter().flat_map(|shape| shape.element().into_iter().chain([*shape])).collect(),
                    "{}" | "*" => shapes.iter().flat_map(|shape| shape.value_of("x")).collect(),
                    key => shapes.iter().flat_map(|shape| shape.value_of(key)).collect(),
                };
            }
            assert!(!shapes.is_empty(), "{} {}", place.family, place.path);
            let within = PLACES.iter().any(|other| other.family == place.family && other.path == place.of);
            assert!(place.of.is_empty() || within, "{} {}", place.family, place.of);
        }
    }
}
