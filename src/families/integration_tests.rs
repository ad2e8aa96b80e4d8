//! `integration_tests`. Source: the document, "Integration Testing".

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use crate::lower::{At, Lowering};
use crate::model::assurance::{IntegrationTests, ServerSet, TestEnvironment, TestScenario};
use crate::model::name::ServerName;
use crate::model::vocabulary::{Outcome, TestData};
use crate::source::Spanned;

/// Test environments and scenarios.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IntegrationTestsConfig {
    /// Where tests run.
    #[serde(default)]
    test_environments: Vec<EnvironmentSection>,
    /// What is tested.
    #[serde(default)]
    test_scenarios: Vec<ScenarioSection>,
}

/// Where tests run.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct EnvironmentSection {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// Its servers: `full_deployment`, `production_mirror`, or a list.
    mcp_servers: Option<Spanned<ServersSection>>,
    /// Its data, such as `synthetic` or `sanitized_production`.
    data: Option<Spanned<TestData>>,
}

/// What is tested.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ScenarioSection {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// Steps of some workflow or saga.
    #[serde(default)]
    steps: Vec<Spanned<String>>,
    /// What is broken on purpose: a server and a fault, such as `payment_server_timeout`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    inject_failure: Option<Spanned<String>>,
    /// What should come of it, such as `success` or `compensating_transaction`.
    expected_outcome: Option<Spanned<Outcome>>,
}

/// A preset word, or a list of servers.
#[derive(Debug, Clone)]
enum ServersSection {
    FullDeployment,
    ProductionMirror,
    List(Vec<Spanned<ServerName>>),
}

impl<'de> Deserialize<'de> for ServersSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ServersSection;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`full_deployment`, `production_mirror`, or a list of servers")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<ServersSection, E> {
                match word {
                    "full_deployment" => Ok(ServersSection::FullDeployment),
                    "production_mirror" => Ok(ServersSection::ProductionMirror),
                    other => Err(E::unknown_variant(other, &["full_deployment", "production_mirror"])),
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ServersSection, A::Error> {
                let mut servers = Vec::new();
                while let Some(server) = seq.next_element()? {
                    servers.push(server);
                }
                Ok(ServersSection::List(servers))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for ServersSection {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ServersSection".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let list = Vec::<Spanned<ServerName>>::json_schema(generator);
        schemars::json_schema!({
            "if": { "type": "array" },
            "then": { "allOf": [list], "minItems": 1 },
            "else": { "type": "string", "enum": ["full_deployment", "production_mirror"] }
        })
    }
}

impl IntegrationTestsConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut environments = Vec::new();
        for environment in self.test_environments {
            let key = format!("{:?}\u{0}{}", at.scope, environment.name);
            if !out.declare_as("test environment", key, &environment.name.value, environment.name.loc) {
                continue;
            }
            let servers = environment.mcp_servers.map(|servers| {
                servers.map(|servers| match servers {
                    ServersSection::FullDeployment => ServerSet::FullDeployment,
                    ServersSection::ProductionMirror => ServerSet::ProductionMirror,
                    ServersSection::List(list) => {
                        list.iter().for_each(|server| out.mention(server.clone(), "in a test environment"));
                        ServerSet::List(list)
                    }
                })
            });
            environments.push(TestEnvironment { name: environment.name, servers, data: environment.data });
        }
        let mut scenarios = Vec::new();
        for scenario in self.test_scenarios {
            let key = format!("{:?}\u{0}{}", at.scope, scenario.name);
            if out.declare_as("test scenario", key, &scenario.name.value, scenario.name.loc) {
                scenarios.push(TestScenario {
                    name: scenario.name,
                    steps: scenario.steps,
                    inject_failure: scenario.inject_failure,
                    expected_outcome: scenario.expected_outcome,
                });
            }
        }
        let tests = IntegrationTests { loc: at.key, environments, scenarios };
        out.model.integration_tests.entry(at.scope.clone()).or_insert(tests);
    }
}
