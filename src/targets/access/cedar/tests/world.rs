//! Small models, built by hand, and what is asked of every one.

use std::collections::BTreeMap;

use super::super::layout::{object_uid, principal_uid};
use crate::build::{Built, build};
use crate::bundle::Artifact;
use crate::cedar::engine::Engine;
use crate::checks::{CheckedModel, accept};
use crate::diagnostic::Report;
use crate::model::Model;
use crate::model::access::{Agent, Alternative, AnyAgent, AuthLevel, DataClass, Grant, Granted};
use crate::model::flow::{Call, Flow, Step};
use crate::model::name::{FactName, FlowId, FlowKind, ServerName, ToolName};
use crate::model::server::{Server, Tool, ToolAccess};
use crate::model::topology::Unit;
use crate::policy::derive::derive;
use crate::policy::{Object, ObjectKind, Policy};
use crate::source::{Loc, SourceFile, Sources, Spanned};
use crate::targets::access::cedar::{TARGET, action};

/// A model in the making. Every value has its own line in `world.yaml`.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) model: Model,
    lines: u32,
}

impl World {
    pub(crate) fn at(&mut self) -> Loc {
        self.lines += 1;
        Loc { start: self.lines * 2, end: self.lines * 2 + 1, ..Loc::default() }
    }

    pub(crate) fn put<T>(&mut self, value: T) -> Spanned<T> {
        Spanned::new(value, self.at())
    }

    pub(crate) fn facts(&mut self, names: &[&str]) -> Vec<Spanned<FactName>> {
        names.iter().map(|name| self.put(FactName::from(*name))).collect()
    }

    pub(crate) fn level(mut self, number: u32, facts: &[&str], alternatives: &[&[&str]]) -> Self {
        let requirements = self.facts(facts);
        let alternatives = alternatives
            .iter()
            .map(|facts| Alternative { name: self.put("other".to_owned()), requirements: self.facts(facts) })
            .collect();
        let number_at = self.put(number);
        let level = AuthLevel { number: number_at, description: None, requirements, alternatives };
        self.model.access.levels.insert(number, level);
        self
    }

    pub(crate) fn class(mut self, name: &str, servers: &[&str]) -> Self {
        let class = DataClass {
            name: self.put(name.into()),
            servers: servers.iter().map(|server| self.put(ServerName::from(*server))).collect(),
            encryption: None,
            location: None,
            additional_controls: Vec::new(),
            min_auth_level: None,
            requires: Vec::new(),
            suspended: None,
        };
        self.model.access.classes.push(class);
        self
    }

    pub(crate) fn unit(mut self, name: &str) -> Self {
        let unit = Unit { name: self.put(name.into()), gateway: None, suspended: None };
        self.model.topology.units.insert(name.into(), unit);
        self
    }

    pub(crate) fn server(mut self, name: &str, unit: Option<&str>, tools: &[&str]) -> Self {
        let tools = tools
            .iter()
            .map(|tool| {
                let name = self.put(ToolName::from(*tool));
                let tool = Tool {
                    name: name.clone(),
                    registered: true,
                    read_only: Some(self.put(tool.starts_with("get"))),
                    destructive: None,
                    idempotent: None,
                    input_schema: None,
                    class_from: None,
                    output_schema: None,
                    mirrored: BTreeMap::new(),
                };
                (name.value, tool)
            })
            .collect();
        let server = Server {
            registered: true,
            unit: unit.map(|unit| self.put(unit.into())),
            tools,
            lists_tools: true,
            ..Server::bare(self.put(name.into()))
        };
        self.model.servers.insert(name.into(), server);
        self
    }

    /// Sets what one tool needs.
    pub(crate) fn tool_access(mut self, server: &str, tool: &str, level: Option<u32>, requires: &[&str]) -> Self {
        let access = ToolAccess {
            auth_level: level.map(|level| self.put(level)),
            requires: self.facts(requires),
            suspended: None,
        };
        self.model.servers.get_mut(server).expect("a server of the world").access.tools.insert(tool.into(), access);
        self
    }

    pub(crate) fn grant(&mut self, server: &str, tool: Option<&str>, requires: &[&str]) -> Grant {
        Grant {
            text: self.put(format!("{server}/{}", tool.unwrap_or("*"))),
            server: server.into(),
            what: tool.map_or(Granted::All, |tool| Granted::Tool(tool.into())),
            only_read_only: false,
            requires: self.facts(requires),
        }
    }

    /// An agent with grants of (server, tool or all).
    pub(crate) fn agent(mut self, name: &str, unit: Option<&str>, grants: &[(&str, Option<&str>)]) -> Self {
        let agent = Agent {
            name: self.put(name.into()),
            unit: unit.map(|unit| self.put(unit.into())),
            subject: Some(self.put(format!("spiffe://example.org/{name}"))),
            issuer: None,
            may_call: grants.iter().map(|(server, tool)| self.grant(server, *tool, &[])).collect(),
            suspended: None,
        };
        self.model.agents.insert(name.into(), agent);
        self
    }

    pub(crate) fn any_agent(mut self, grants: &[(&str, Option<&str>)]) -> Self {
        let may_call = grants.iter().map(|(server, tool)| self.grant(server, *tool, &[])).collect();
        self.model.any_agent = Some(AnyAgent { loc: self.at(), may_call, suspended: None });
        self
    }

    /// A flow of one step.
    pub(crate) fn flow(mut self, kind: FlowKind, name: &str, unit: &str, calls: &[(&str, &str)]) -> Self {
        let calls = calls
            .iter()
            .map(|(server, tool)| Call {
                routed: None,
                tool: self.put((*tool).into()),
                server: Some((*server).into()),
                compensation: false,
            })
            .collect();
        let step = Step {
            name: self.put("step".to_owned()),
            servers: Vec::new(),
            calls,
            reads: Vec::new(),
            depends_on: Vec::new(),
            optional: None,
            proceed_if: None,
            takes: Vec::new(),
        };
        let id = FlowId { kind, name: name.into() };
        let flow = Flow {
            id: self.put(id.clone()),
            unit: self.put(unit.into()),
            unit_written: true,
            subject: None,
            steps: vec![step],
            compensations_enabled: None,
            subscribes_to: Vec::new(),
            suspended: None,
        };
        self.model.flows.insert(id, flow);
        self
    }

    pub(crate) fn sources(&self) -> Sources {
        let mut sources = Sources::new();
        sources.add(SourceFile::new("world.yaml", "x\n".repeat(self.lines as usize + 2)));
        sources
    }

    pub(crate) fn checked(&self) -> CheckedModel {
        let policy = derive(&self.model);
        accept(self.model.clone(), policy, &Report::default()).expect("no finding speaks against it")
    }

    /// Compiles and verifies.
    pub(crate) fn built(&self) -> (Policy, Built) {
        let checked = self.checked();
        let built = build(&checked, &self.sources(), &[&TARGET], "sha256:0");
        (checked.policy().clone(), built.unwrap_or_else(|errors| panic!("{errors:#?}")))
    }

    /// Compiles, and asks Cedar every question that there is: each principal, object and subset of facts.
    pub(crate) fn decides_as_the_model(&self) {
        let (policy, built) = self.built();
        let engine = engine_of(&built.bundle.artifacts);
        for (p, principal) in (0..).zip(&policy.principals) {
            for (o, object) in (0..).zip(&policy.objects) {
                let cell = policy.cell(crate::policy::PrincipalIx(p), crate::policy::ObjectIx(o));
                for facts in 0..=policy.facts.all() {
                    let expected = cell.is_some_and(|cell| policy.conditions.get(cell.condition).holds(facts));
                    let sent = policy
                        .facts
                        .names()
                        .iter()
                        .enumerate()
                        .map(|(bit, name)| (name.as_str(), facts >> bit & 1 == 1));
                    let found = engine
                        .decide(&principal_uid(&principal.id), action_on(object), &object_uid(object), sent)
                        .unwrap_or_else(|error| panic!("{error}: {:?}", error.said()));
                    assert_eq!(found.errors, Vec::<String>::new());
                    assert_eq!(
                        found.allowed,
                        expected,
                        "{} on {object} with {}",
                        principal.id,
                        policy.facts.shown(facts)
                    );
                }
            }
        }
    }
}

pub(crate) fn engine_of(artifacts: &BTreeMap<String, Artifact>) -> Engine {
    crate::lift::access::cedar::engine(artifacts).expect("what was built verifies")
}

pub(crate) fn text<'a>(artifacts: &'a BTreeMap<String, Artifact>, file: &str) -> &'a str {
    std::str::from_utf8(&artifacts[&format!("cedar/{file}")].bytes).expect("artifacts are text")
}

fn action_on(object: &Object) -> &'static str {
    match object.kind {
        ObjectKind::Protocol => action::USE_SERVER,
        ObjectKind::Tool(_) => action::CALL_TOOL,
        ObjectKind::Resource(_) => action::READ_RESOURCE,
        ObjectKind::Prompt(_) => action::GET_PROMPT,
    }
}

/// Two units, four levels with an alternative, three classes, and every kind of principal and object.
pub(crate) fn enterprise() -> World {
    use crate::model::access::MutualTls;
    use crate::model::server::{Prompt, Resource};
    use crate::model::topology::{CrossUnitRouting, DataSharing, Encryption};
    let mut world = World::default()
        .level(1, &["service_account_token"], &[])
        .level(2, &["service_account_token", "user_delegation"], &[])
        .level(3, &["mfa"], &[&["service_account_token", "hardware_key"]])
        .class("public", &["site"])
        .class("internal", &["crm"])
        .class("restricted", &["bank"])
        .unit("retail")
        .unit("treasury")
        .server("site", Some("retail"), &["get_page", "publish"])
        .server("crm", Some("retail"), &["get_customer", "record"])
        .server("bank", Some("treasury"), &["get_balance", "pay"])
        .tool_access("bank", "pay", Some(3), &["hardware_key"])
        .agent("clerk", Some("retail"), &[("crm", None), ("site", Some("publish")), ("bank", Some("get_balance"))])
        .agent("auditor", Some("central"), &[("bank", None), ("crm", Some("get_customer"))])
        .agent("idle", Some("treasury"), &[])
        .any_agent(&[("site", Some("get_page"))])
        .flow(FlowKind::Workflow, "onboarding", "central", &[("crm", "record"), ("bank", "pay")])
        .flow(FlowKind::Saga, "order", "treasury", &[("bank", "pay"), ("crm", "record")])
        .flow(FlowKind::Processor, "order", "retail", &[("site", "publish")]);
    world.model.access.mutual_tls = Some(world.put(MutualTls::Strict));
    world.model.topology.encryption_in_transit = Some(world.put(Encryption::Required));
    world.model.topology.cross_unit_routing = Some(world.put(CrossUnitRouting::ExplicitApproval));
    world.model.topology.data_sharing = Some(world.put(DataSharing::Restricted));
    let resource = Resource { uri: world.put("crm://customer/*".to_owned()), auth_level: None, requires: Vec::new() };
    let prompt =
        Prompt { name: world.put("summarize".to_owned()), auth_level: Some(world.put(1)), requires: Vec::new() };
    let crm = world.model.servers.get_mut("crm").expect("declared above");
    crm.resources.push(resource);
    crm.prompts.push(prompt);
    world
}
