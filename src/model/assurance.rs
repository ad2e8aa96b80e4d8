//! Integration tests, chaos experiments, access tests and accepted findings.
//! Source: the document's "Testing Strategies"; `policy_tests` and `waivers` are ours.

use super::name::{FactName, ServerName};
use super::quantity::{Duration, Percent};
use crate::source::{Loc, Spanned};

/// The `integration_tests` section.
#[derive(Debug, Clone)]
pub struct IntegrationTests {
    /// Where it stands.
    pub loc: Loc,
    /// Environments.
    pub environments: Vec<TestEnvironment>,
    /// Scenarios.
    pub scenarios: Vec<TestScenario>,
}

/// A test environment.
#[derive(Debug, Clone)]
pub struct TestEnvironment {
    /// Its name.
    pub name: Spanned<String>,
    /// Which servers it has.
    pub servers: Option<Spanned<ServerSet>>,
    /// Which data it holds (`synthetic`, `sanitized_production`).
    pub data: Option<Spanned<String>>,
}

/// The servers of a test environment.
#[derive(Debug, Clone)]
pub enum ServerSet {
    /// `full_deployment`.
    FullDeployment,
    /// `production_mirror`.
    ProductionMirror,
    /// Named ones.
    List(Vec<Spanned<ServerName>>),
}

/// A test scenario.
#[derive(Debug, Clone)]
pub struct TestScenario {
    /// Its name.
    pub name: Spanned<String>,
    /// Step names, of some workflow or saga.
    pub steps: Vec<Spanned<String>>,
    /// What is broken on purpose (`payment_server_timeout`).
    pub inject_failure: Option<Spanned<String>>,
    /// What should come of it.
    pub expected_outcome: Option<Spanned<String>>,
}

/// The `chaos_experiments` section.
#[derive(Debug, Clone)]
pub struct Chaos {
    /// Where it stands.
    pub loc: Loc,
    /// The experiments, in the order written.
    pub experiments: Vec<Experiment>,
}

/// One experiment.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// What kind.
    pub kind: ExperimentKind,
    /// What it hits (`database_connection`).
    pub target: Spanned<String>,
    /// How long.
    pub duration: Option<Spanned<Duration>>,
    /// Share of the resource used up, or of calls failed.
    pub amount: Option<Spanned<Percent>>,
    /// What the system should do (`graceful_degradation`).
    pub expected: Option<Spanned<String>>,
}

/// Which list of `chaos_experiments` an experiment stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExperimentKind {
    /// `network_partitions`.
    NetworkPartition,
    /// `resource_exhaustion`.
    ResourceExhaustion,
    /// `dependency_failures`.
    DependencyFailure,
}

/// An access test.
#[derive(Debug, Clone)]
pub struct PolicyTest {
    /// What it states.
    pub name: Spanned<String>,
    /// Who calls (`customer_360_agent`, `workflow:x`, `any_agent@retail`).
    pub principal: Spanned<String>,
    /// The tool (`server/tool`).
    pub call: Spanned<String>,
    /// All facts of the request; nothing is implied but `tls` by `mtls`.
    pub with: Vec<Spanned<FactName>>,
    /// Whether it should be allowed.
    pub allow: Spanned<bool>,
    /// The set of minimal missing sets, where stated.
    pub missing: Option<Vec<Vec<Spanned<FactName>>>>,
}

/// An accepted finding.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// Its name and place.
    pub name: Spanned<String>,
    /// The check whose finding is accepted.
    pub check: Spanned<String>,
    /// The file, and optionally the line, of the finding.
    pub file: Spanned<String>,
    /// The line, where only one of a file is meant.
    pub line: Option<Spanned<u32>>,
    /// A part of the message, where only one of a line is meant.
    pub matches: Option<Spanned<String>>,
    /// Why it is accepted.
    pub reason: Spanned<String>,
    /// Who accepted it.
    pub owner: Spanned<String>,
    /// Last day on which it holds, `YYYY-MM-DD`.
    pub expires: Spanned<String>,
    /// Where it stands.
    pub loc: Loc,
}
