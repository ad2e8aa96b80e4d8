//! The list of scenarios that the runner goes through. Its JSON Schema is `schemas/scenarios.schema.json`.

use serde::Serialize;

/// What is tried in which environments, and what should come of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct List {
    /// The version of this format.
    #[cfg_attr(test, schemars(range(min = 1, max = 1)))]
    pub version: u32,
    /// The environments that tests may run in.
    pub environments: Vec<Environment>,
    /// URLs of gateways and servers of this workspace. Nothing at these addresses is called, unless the bundle was compiled for the
    /// environment.
    pub addresses: Vec<String>,
    /// The scenarios, each with the flows that it is about.
    pub scenarios: Vec<Scenario>,
}

/// A test environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Environment {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub name: String,
    /// Which servers it has: all of the workspace (`full_deployment`), copies of those of production, so that nothing but reading tools
    /// is called (`production_mirror`), or those of `only` (`listed`).
    pub servers: Servers,
    /// The servers that it has, where they are `listed`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// Where the inputs of runs come from: made up (`synthetic`), or given, out of data of production without what identifies people
    /// (`sanitized_production`). Absent where the workspace does not say: they are made up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'static str>,
}

/// The servers of an environment: see [`Environment::servers`].
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Servers {
    FullDeployment,
    ProductionMirror,
    Listed,
}

/// A scenario.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Its name.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub name: String,
    /// The flows that are run, one after the other.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub flows: Vec<Run>,
    /// The steps that have to be done where the outcome is `success` or `graceful_degradation`.
    pub steps: Vec<String>,
    /// What is broken meanwhile. Absent for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What should come of each run.
    pub expected: &'static str,
}

/// A flow that is run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Run {
    /// Kind and name, such as `saga:order_processing_saga`.
    #[cfg_attr(test, schemars(regex(pattern = "^(workflow|saga):.")))]
    pub flow: String,
    /// The file of its plan, in the folder `plans` of the target `temporal`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub plan: String,
    /// Whether all that it calls is annotated as reading.
    pub reads_only: bool,
}

/// What is broken.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Failure {
    /// The server.
    pub server: String,
    /// How: a word of `inject_failure`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub fault: String,
}
