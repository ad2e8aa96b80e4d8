//! Integration tests, chaos experiments, access tests and accepted findings.
//! Source: the document's "Testing Strategies"; `policy_tests` and `waivers` are ours.

pub mod hit;
pub mod target;

use super::name::{ClassName, FactName, ServerName, UnitName};
use super::quantity::{Duration, Percent};
use super::server::Location;
use super::vocabulary::{Outcome, TestData};
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
    pub data: Option<Spanned<TestData>>,
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
    pub expected_outcome: Option<Spanned<Outcome>>,
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
    pub expected: Option<Spanned<Outcome>>,
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

/// An access test: every principal, call and set of facts together must be decided as stated.
#[derive(Debug, Clone)]
pub struct PolicyTest {
    /// What it states.
    pub name: Spanned<String>,
    /// Who calls (`customer_360_agent`, `workflow:x`, `any_agent@retail`, `workflow:*`, `*`).
    pub principals: Vec<Spanned<String>>,
    /// The tools (`server/tool`, `server/*`).
    pub calls: Vec<Spanned<String>>,
    /// Sets of all facts of a request; nothing is implied but `tls` by `mtls`. At least one, which may be empty.
    pub with: Vec<Vec<Spanned<FactName>>>,
    /// Whether it should be allowed.
    pub allow: Spanned<bool>,
    /// The set of minimal missing sets, where stated.
    pub missing: Option<Vec<Vec<Spanned<FactName>>>>,
}

/// Something that must never be possible, whatever the facts of a request are.
#[derive(Debug, Clone)]
pub struct Invariant {
    /// What it states.
    pub name: Spanned<String>,
    /// What must not be.
    pub never: Never,
}

/// What must never be possible.
#[derive(Debug, Clone)]
pub enum Never {
    /// That one of them makes one of the calls.
    Call {
        /// Who.
        who: Callers,
        /// The tools (`server/tool`, `server/*`).
        calls: Vec<Spanned<String>>,
    },
    /// That one principal can make both calls, two different ones.
    Both(Spanned<String>, Spanned<String>),
    /// That one principal can call a server of a class, or of a more sensitive one, and also a tool of another server that
    /// takes something in (is not annotated as read-only) and is one of these.
    Flow {
        /// The least sensitive class that it is about.
        from_class: Spanned<ClassName>,
        /// Tools of servers of this class, or of a less sensitive one.
        to_class: Option<Spanned<ClassName>>,
        /// Tools of servers that stand there.
        to_location: Option<Spanned<Location>>,
        /// These tools (`server/tool`, `server/*`).
        to_calls: Vec<Spanned<String>>,
    },
}

impl Never {
    /// Every call that it names.
    pub fn calls(&self) -> impl Iterator<Item = &Spanned<String>> {
        let (both, listed): ([Option<&Spanned<String>>; 2], &[Spanned<String>]) = match self {
            Self::Call { calls, .. } => ([None, None], calls),
            Self::Both(one, other) => ([Some(one), Some(other)], &[]),
            Self::Flow { to_calls, .. } => ([None, None], to_calls),
        };
        both.into_iter().flatten().chain(listed)
    }

    /// Every principal that it names.
    #[must_use]
    pub fn principals(&self) -> &[Spanned<String>] {
        match self {
            Self::Call { who: Callers::Listed(names), .. } => names,
            Self::Call { who: Callers::OutsideUnit(_), .. } | Self::Both(..) | Self::Flow { .. } => &[],
        }
    }
}

/// The principals of an invariant.
#[derive(Debug, Clone)]
pub enum Callers {
    /// Named ones, or patterns, as in [`PolicyTest::principals`].
    Listed(Vec<Spanned<String>>),
    /// Everybody who is not of that unit; central principals are not.
    OutsideUnit(Spanned<UnitName>),
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
