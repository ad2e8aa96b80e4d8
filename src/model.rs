//! The waist: what the configuration means, whatever file and spelling it came from.
//!
//! Plain data with public fields. Every check, every target and the review read this and nothing before it. Fields are
//! named for their meaning; units are in the types. Built by [`crate::lower`], never changed afterwards.

pub mod access;
pub mod assurance;
pub mod controls;
pub mod deployment;
pub mod flow;
pub mod gate;
pub mod handwritten;
pub mod layers;
pub mod name;
pub mod operations;
pub mod protocol;
pub mod quantity;
pub mod server;
pub mod telemetry;
pub mod topology;
pub mod uri;
pub mod url;
pub mod value;
pub mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Loc, Spanned};
use name::{FactName, FlowId, ServerName, UnitName};

/// Whose configuration a value is: the central one (`None`) or one unit folder's.
pub type Scope = Option<UnitName>;

/// Servers in the order of their names. Found by hash: tens of thousands of calls each ask for theirs several times.
pub type Servers = indexmap::IndexMap<ServerName, server::Server, foldhash::fast::RandomState>;

/// Everything the workspace says.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Units, gateways, federation rules and the zero-trust network.
    pub topology: topology::Topology,
    /// Levels, classes and transport rules of the central configuration.
    pub access: access::AccessRules,
    /// What unit folders restate, for the calls to their own servers.
    pub overlays: BTreeMap<UnitName, access::AccessRules>,
    /// Who is calling, and how facts are found in a request.
    pub identity: Option<access::Identity>,
    /// Calls that prove a fact where they were made before, as `identity` writes them: `server/tool`.
    pub called_before: Vec<Spanned<String>>,
    /// Evidence word for word, in the order of the facts.
    pub written_evidence: Vec<access::written::WrittenEvidence>,
    /// Agents of the registry, by name.
    pub agents: BTreeMap<name::AgentName, access::Agent>,
    /// What any caller with a valid token may call.
    pub any_agent: Option<access::AnyAgent>,
    /// Servers of the registry and servers that are only mentioned, by name.
    pub servers: Servers,
    /// Where the registry stands, if there is one. With a registry, a server not in it is an error.
    pub registry: Option<Loc>,
    /// Workflows, sagas and event processors.
    pub flows: BTreeMap<FlowId, flow::Flow>,
    /// How workflows are run, for each scope that says so.
    pub orchestration: BTreeMap<Scope, flow::Orchestration>,
    /// The event bus and its topics, joined over all sections of a scope.
    pub event_bus: BTreeMap<Scope, flow::EventBus>,
    /// Batching, for each scope.
    pub batch: BTreeMap<Scope, flow::Batch>,
    /// Circuit breaking, for each scope.
    pub breaker: BTreeMap<Scope, operations::Breaker>,
    /// Bulkheads, joined over all sections of a scope.
    pub bulkheads: BTreeMap<Scope, Vec<operations::ResourcePool>>,
    /// Health checks, discovery and load balancing, for each scope.
    pub health: BTreeMap<Scope, operations::Health>,
    /// Cache layers, inner to outer as written, for each scope.
    pub caching: BTreeMap<Scope, Vec<operations::CacheLayer>>,
    /// Connection pools, joined over all sections of a scope.
    pub connections: BTreeMap<Scope, operations::Connections>,
    /// Tracing, for each scope.
    pub tracing: BTreeMap<Scope, telemetry::Tracing>,
    /// Custom metrics, joined over all sections of a scope.
    pub metrics: BTreeMap<Scope, Vec<telemetry::Metric>>,
    /// Logging, for each scope.
    pub logging: BTreeMap<Scope, telemetry::Logging>,
    /// Integration tests, for each scope.
    pub integration_tests: BTreeMap<Scope, assurance::IntegrationTests>,
    /// Chaos experiments, for each scope.
    pub chaos: BTreeMap<Scope, assurance::Chaos>,
    /// Access tests of all `policy_tests` sections, in the order of their places.
    pub policy_tests: Vec<assurance::PolicyTest>,
    /// What must never be possible, of all `policy_tests` sections, in the order of their places.
    pub invariants: Vec<assurance::Invariant>,
    /// Accepted findings of all `waivers` sections.
    pub waivers: Vec<assurance::Waiver>,
    /// The key sets that `identity` names as files, by the path written there: JSON texts.
    pub key_sets: BTreeMap<String, String>,
    /// The JSON Schemas of tools as JSON texts, by the place that [`server::Tool::input_schema`] or
    /// [`server::Tool::output_schema`] gives; only where something depends on them.
    pub input_schemas: BTreeMap<Loc, String>,
    /// Cedar that stands beside the YAML.
    pub handwritten: handwritten::Handwritten,
    /// How it is deployed: what `mcpctl.yaml` says of targets.
    pub deployment: deployment::Deployment,
    /// What access a change may widen without failing the gate of `mcpctl diff`.
    pub gate: gate::Gate,
    /// Every key in use, by family: the key's path inside the section (`resource_pools[].resources.cpu_cores`) and the
    /// first place it is used. Targets report the ones that they cannot express.
    pub keys: BTreeMap<&'static str, BTreeMap<String, Loc>>,
    /// Families of which a section could not be read. Checks that conclude from an absence keep silent about them.
    pub unread: BTreeSet<&'static str>,
    /// Those of them of which a part could not be read that may have declared names.
    pub nameless: BTreeSet<&'static str>,
    /// Whether some file could not be read at all, so that anything may be missing.
    pub unread_files: bool,
}

impl Model {
    /// Whether some issuer's tokens are for one server each (`audience: per_server`).
    #[must_use]
    pub fn has_tokens_per_server(&self) -> bool {
        self.identity.iter().flat_map(|identity| &identity.issuers).any(|issuer| issuer.per_server.is_some())
    }

    /// Whether these families were read whole, so that something can be concluded from what they do not say.
    #[must_use]
    pub fn complete_for(&self, families: &[&str]) -> bool {
        !self.unread_files && families.iter().all(|family| !self.unread.contains(family))
    }

    /// Whether every name that these families declare is known, so that another name can be called unknown. Values beside
    /// the names may be unread.
    #[must_use]
    pub fn names_known(&self, families: &[&str]) -> bool {
        !self.unread_files && families.iter().all(|family| !self.nameless.contains(family))
    }

    /// The access rules that hold for calls to servers of that unit: the unit folder's, each part that it omits taken
    /// from the central one. `None` where the unit restates nothing.
    #[must_use]
    pub fn restated_for(&self, unit: &UnitName) -> Option<access::AccessRules> {
        self.overlays.get(unit).map(|overlay| self.access.restated_by(overlay))
    }

    /// The server entry of that name.
    #[must_use]
    pub fn server(&self, name: &str) -> Option<&server::Server> {
        self.servers.get(name)
    }

    /// The unit of a server, where it is registered and has one.
    #[must_use]
    pub fn unit_of(&self, server: &ServerName) -> Option<&str> {
        self.servers.get(server)?.unit.as_ref().map(|unit| unit.value.as_str())
    }

    /// What proves a fact: what `identity` declares, else the default. `None` where nothing does.
    #[must_use]
    pub fn evidence_for(&self, fact: &str) -> Option<&access::Evidence> {
        self.declared_evidence(fact).map(|evidence| &evidence.value).or_else(|| access::DEFAULT_EVIDENCE.get(fact))
    }

    /// What `identity` declares of a fact. Its place is that of the section where the section has no line for the fact.
    #[must_use]
    pub fn declared_evidence(&self, fact: &str) -> Option<&Spanned<access::Evidence>> {
        self.identity.as_ref().and_then(|identity| identity.evidence.get(fact))
    }

    /// Every fact that something proves, in use or not.
    #[must_use]
    pub fn proved_facts(&self) -> BTreeSet<&str> {
        let declared = self.identity.iter().flat_map(|identity| identity.evidence.keys());
        declared.map(FactName::as_str).chain(access::DEFAULT_EVIDENCE.keys().copied()).collect()
    }

    /// Every listing of a registered server in a class: the central one, and each unit folder's for servers of that unit.
    pub fn class_members(&self) -> impl Iterator<Item = (&access::DataClass, &server::Server, Loc)> {
        self.class_scopes().flat_map(move |(unit, rules)| {
            rules.classes.iter().flat_map(move |class| {
                class.servers.iter().filter_map(move |listed| {
                    let server = self.server(listed.value.as_str())?;
                    is_within(server, unit).then_some((class, server, listed.loc))
                })
            })
        })
    }

    /// Every registered server with each class that it is treated as: those that list it, and where none does, the most sensitive one
    /// of each scope. Gateways go by this, which costs nobody who lists each server, and opens nothing for who forgot one.
    pub fn class_treatment(&self) -> impl Iterator<Item = (&access::DataClass, &server::Server)> {
        let listed: BTreeSet<&ServerName> = self.class_members().map(|(_, server, _)| &server.name.value).collect();
        let unlisted = self.class_scopes().filter_map(|(unit, rules)| Some((unit, rules.classes.last()?)));
        let unlisted = unlisted.flat_map(move |(unit, most)| {
            let listed = listed.clone();
            let others = self.servers.values().filter(move |server| !listed.contains(&server.name.value));
            others.filter(move |server| is_within(server, unit)).map(move |server| (most, server))
        });
        self.class_members().map(|(class, server, _)| (class, server)).chain(unlisted)
    }

    /// The classes that one registered server is treated as, as [`Self::class_treatment`] has them.
    #[must_use]
    pub fn treated_as(&self, server: &server::Server) -> Vec<&access::DataClass> {
        let scopes = || self.class_scopes().filter(|(unit, _)| is_within(server, *unit)).map(|(_, rules)| rules);
        let name = server.name.value.as_str();
        let listed: Vec<_> = scopes().flat_map(|rules| rules.classes_of(name)).map(|(_, class, _)| class).collect();
        if listed.is_empty() { scopes().filter_map(|rules| rules.classes.last()).collect() } else { listed }
    }

    /// The central access rules, and those of each unit folder.
    fn class_scopes(&self) -> impl Iterator<Item = (Option<&UnitName>, &access::AccessRules)> {
        let overlays = self.overlays.iter().map(|(unit, rules)| (Some(unit), rules));
        std::iter::once((None, &self.access)).chain(overlays)
    }

    /// Every grant of an agent or of `any_agent`.
    pub fn grants(&self) -> impl Iterator<Item = &access::Grant> {
        let agents = self.agents.values().flat_map(|agent| &agent.may_call);
        agents.chain(self.any_agent.iter().flat_map(|any| &any.may_call))
    }

    /// Every principal that a test or an invariant names.
    pub fn tested_principals(&self) -> impl Iterator<Item = &Spanned<String>> {
        let of_tests = self.policy_tests.iter().flat_map(|test| &test.principals);
        of_tests.chain(self.invariants.iter().flat_map(|invariant| invariant.never.principals()))
    }

    /// Every call that a test or an invariant names.
    pub fn tested_calls(&self) -> impl Iterator<Item = &Spanned<String>> {
        let of_tests = self.policy_tests.iter().flat_map(|test| &test.calls);
        of_tests.chain(self.invariants.iter().flat_map(|invariant| invariant.never.calls()))
    }

    /// The scope itself if it holds a value, else the central value.
    pub fn in_scope<'a, T>(map: &'a BTreeMap<Scope, T>, scope: &Scope) -> Option<&'a T> {
        map.get(scope).or_else(|| map.get(&None))
    }
}

/// A reason for switching something off, and where it stands: `suspended: "reason"`.
pub type Suspension = Option<Spanned<String>>;

/// Whether a server is registered, and of this unit where one is named.
fn is_within(server: &server::Server, unit: Option<&UnitName>) -> bool {
    server.registered && unit.is_none_or(|unit| server.unit.as_ref().is_some_and(|own| own.value == *unit))
}
