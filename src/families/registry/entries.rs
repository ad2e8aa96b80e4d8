//! The entries of the registry's lists.

use serde::Deserialize;

use super::Labels;
use super::grants::{GrantEntry, mention_granted};
use super::listed::{ClassFromEntry, PromptSection, ResourceSection, ToolSection};
use super::methods::MethodsSection;
use crate::diagnostic::Diagnostic;
use crate::families::text::words;
use crate::lower::{At, Lowering, ServerEntry, bare_tool, rules};
use crate::model::access::{Agent, AnyAgent};
use crate::model::name::{AgentName, FactName, ServerName, ToolName, UnitName};
use crate::model::server::{Location, Prompt, Resource, ToolAccess};
use crate::source::{Loc, Spanned};

/// A business unit.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct UnitEntry {
    /// Its name; `central` is taken.
    pub(super) name: Spanned<UnitName>,
    /// URL of its gateway proxy, as the central gateway reaches it.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    pub(super) gateway: Option<Spanned<String>>,
    /// Switches the unit off, callers and servers alike, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub(super) suspended: Option<Spanned<String>>,
}

/// An MCP server.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ServerSection {
    /// Its name.
    name: Spanned<ServerName>,
    /// Its unit, or `central`. Needed where units are declared.
    business_unit: Option<Spanned<UnitName>>,
    /// Its streamable HTTP endpoint, as the gateway in front of it reaches it.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    url: Option<Spanned<String>>,
    /// Where it stands.
    location: Option<Spanned<LocationWord>>,
    /// Whether its data is encrypted on disk.
    encryption_at_rest: Option<Spanned<bool>>,
    /// Additional controls that are in place there, such as `data_loss_prevention`.
    #[serde(default)]
    controls: Vec<Spanned<String>>,
    /// Labels of its workload, as Kubernetes takes them.
    #[cfg_attr(test, schemars(extend(
        "propertyNames" = { "format": "mcpctl-label-key" },
        "additionalProperties" = { "type": "string", "format": "mcpctl-label-value" },
    )))]
    #[serde(default)]
    labels: Labels,
    /// How a call of any of its tools says of which class its data is, unless the tool has a way of its own. A call is denied whose
    /// class is more sensitive than the server's, is not declared, or is not said.
    class_from: Option<ClassFromEntry>,
    /// The authentication level of all its tools that set none; never below the one that follows from its class.
    auth_level: Option<Spanned<u32>>,
    /// More facts, for all its tools.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    requires: Vec<Spanned<FactName>>,
    /// Switches the server off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    suspended: Option<Spanned<String>>,
    /// Its tools. Where listed, no other tool can be called.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    tools: Vec<ToolSection>,
    /// Resources that may be read; none by default.
    #[serde(default)]
    resources: Vec<ResourceSection>,
    /// Prompts that may be fetched; none by default.
    #[serde(default)]
    prompts: Vec<PromptSection>,
    /// The protocol's own methods, where its callers may use fewer than the protocol has.
    methods: Option<MethodsSection>,
}

/// An agent.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct AgentEntry {
    /// Its name. A colon or an at sign would make it look like another kind of principal.
    #[cfg_attr(test, schemars(extend("pattern" = "^[^:@]+$")))]
    name: Spanned<AgentName>,
    /// Its unit, or `central`. Needed where units are declared.
    business_unit: Option<Spanned<UnitName>>,
    /// The token subject that is this agent.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-subject")))]
    subject: Option<Spanned<String>>,
    /// The issuer whose tokens alone are this agent's. In a token of another one its subject names nobody.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    issuer: Option<Spanned<String>>,
    /// What it may use: `server/tool`, `server/resource:URI`, `server/prompt:NAME`, `server/*` for everything that the registry
    /// lists, or a map with conditions.
    #[serde(default)]
    may_call: Vec<GrantEntry>,
    /// Switches the agent off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    suspended: Option<Spanned<String>>,
}

/// Callers that are no declared principal.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct AnyAgentEntry {
    /// What any of them may use.
    #[serde(default)]
    may_call: Vec<GrantEntry>,
    /// Switches them off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    suspended: Option<Spanned<String>>,
}

words! {
    /// `location`.
    enum LocationWord { Cloud = "cloud", OnPremises = "on_premises", SecureEnclave = "secure_enclave", }
}
/// A server as the model has it. Files are read in parallel and lowered one after the other, so this is made while
/// reading; what depends on the place of the file, and on other entries, waits.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "ServerSection")]
pub(super) struct ReadyServer {
    entry: Box<ServerEntry>,
    /// Tools that stand a second time, with the place of the first.
    repeated: Vec<(Spanned<ToolName>, Loc)>,
    /// What is wrong with the schemas of its tools.
    found: Vec<Diagnostic>,
    methods: Option<MethodsSection>,
    resources: Vec<ResourceSection>,
    prompts: Vec<PromptSection>,
}

impl From<ServerSection> for ReadyServer {
    fn from(section: ServerSection) -> Self {
        let (mut repeated, mut found) = (Vec::new(), Vec::new());
        let mut entry = Box::new(ServerEntry::new(section.name, section.business_unit));
        let server = &mut entry.server;
        server.url = section.url;
        server.location = section.location.map(|word| {
            word.map(|word| match word {
                LocationWord::Cloud => Location::Cloud,
                LocationWord::OnPremises => Location::OnPremises,
                LocationWord::SecureEnclave => Location::SecureEnclave,
            })
        });
        server.encryption_at_rest = section.encryption_at_rest;
        server.controls = section.controls;
        server.labels = section.labels;
        server.class_from = section.class_from.and_then(ClassFromEntry::read);
        server.suspended = section.suspended;
        server.access.at = Some(server.name.loc);
        server.access.auth_level = section.auth_level;
        server.access.requires = section.requires;
        server.lists_tools = !section.tools.is_empty();
        for section in section.tools {
            if let Some(first) = server.tools.get(&section.name.value) {
                repeated.push((section.name, first.name.loc));
                continue;
            }
            let name = section.name.value.clone();
            let access =
                ToolAccess { auth_level: section.auth_level, requires: section.requires, suspended: section.suspended };
            if !access.is_plain() {
                server.access.tools.insert(name.clone(), access);
            }
            let mut tool = bare_tool(section.name, true);
            tool.class_from = section.class_from.and_then(ClassFromEntry::read);
            if let Some(annotations) = section.annotations {
                tool.read_only = annotations.read_only;
                tool.destructive = annotations.destructive;
                tool.idempotent = annotations.idempotent;
            }
            if let Some(schema) = section.input_schema {
                tool.input_schema = Some(schema.loc);
                tool.mirrored = schema.value.read(&mut found);
            }
            tool.output_schema = section.output_schema.map(|schema| schema.loc);
            server.tools.insert(name, tool);
        }
        let ServerSection { methods, resources, prompts, .. } = section;
        Self { entry, repeated, found, methods, resources, prompts }
    }
}

impl ReadyServer {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut entry = self.entry;
        entry.unit = out.unit_of(at, entry.unit.take(), "a server");
        for (tool, first) in self.repeated {
            let message = format!("tool `{tool}` is declared a second time");
            let finding = Diagnostic::new(&rules::DUPLICATE_NAME, tool.loc, message);
            out.report.push(finding.label(first, "first here"));
        }
        out.report.extend(self.found);
        let server = &mut entry.server;
        server.denied_methods = self.methods.map(|methods| methods.lower(&mut out.report)).unwrap_or_default();
        if at.scope.is_some() {
            // In a unit folder the list itself has a meaning: a tool that it leaves out is denied.
            for tool in server.tools.keys() {
                server.access.tools.entry(tool.clone()).or_default();
            }
        }
        for r in self.resources {
            let uri = r.uri.map(|uri| uri.to_string());
            let key = format!("{:?}\u{0}{}/{}", at.scope, server.name, uri);
            if out.declare_as("resource", key, &uri.value, uri.loc) {
                server.resources.push(Resource { uri, auth_level: r.auth_level, requires: r.requires });
            }
        }
        for p in self.prompts {
            let key = format!("{:?}\u{0}{}/{}", at.scope, server.name, p.name);
            if out.declare_as("prompt", key, &p.name.value, p.name.loc) {
                server.prompts.push(Prompt { name: p.name, auth_level: p.auth_level, requires: p.requires });
            }
        }
        out.server_entry(at, entry);
    }
}

impl AgentEntry {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let unit = out.unit_of(at, self.business_unit, "an agent");
        if self.name.value.as_str() == "any_agent" {
            let message = "`any_agent` means every caller that is not a declared agent, and cannot be the name of one";
            out.report.push(Diagnostic::new(&rules::DUPLICATE_NAME, self.name.loc, message));
        }
        if !out.declare("agent", self.name.value.as_str(), self.name.loc) {
            return;
        }
        let may_call = mention_granted(out, self.may_call);
        let name = self.name.value.clone();
        let agent = Agent {
            name: self.name,
            unit,
            subject: self.subject,
            issuer: self.issuer,
            may_call,
            suspended: self.suspended,
        };
        out.model.agents.insert(name, agent);
    }
}

impl AnyAgentEntry {
    pub(super) fn lower(self, loc: Loc, out: &mut Lowering) {
        let may_call = mention_granted(out, self.may_call);
        match &mut out.model.any_agent {
            Some(any) => {
                any.may_call.extend(may_call);
                any.suspended = any.suspended.take().or(self.suspended);
            }
            none @ None => *none = Some(AnyAgent { loc, may_call, suspended: self.suspended }),
        }
    }
}
