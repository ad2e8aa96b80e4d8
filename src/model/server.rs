//! MCP servers: the registry's entries, and servers that other sections merely mention.

pub mod readable;

use std::collections::BTreeMap;

use self::readable::Readable;
use super::Suspension;
use super::access::written::WrittenPath;
use super::name::{FactName, ServerName, ToolName, UnitName};
use super::uri::holds;
use crate::source::{Loc, Spanned};

/// A server by name.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name and the place that declares it: the registry entry, else the first mention.
    pub name: Spanned<ServerName>,
    /// Whether the registry has an entry for it.
    pub registered: bool,
    /// For a server that is not in the registry: every mention, with what it is mentioned as ("workflow step").
    pub mentions: Vec<(Loc, &'static str)>,
    /// Its unit: the registry entry's, else the unit folder's that declares it.
    pub unit: Option<Spanned<UnitName>>,
    /// Streamable HTTP endpoint.
    pub url: Option<Spanned<String>>,
    /// Where it stands.
    pub location: Option<Spanned<Location>>,
    /// Whether its data is encrypted on disk.
    pub encryption_at_rest: Option<Spanned<bool>>,
    /// Additional controls that are in place.
    pub controls: Vec<Spanned<String>>,
    /// Workload labels.
    pub labels: BTreeMap<String, Spanned<String>>,
    /// What says of which class the data of a call is, for all of it that has no way of its own.
    pub class_from: Option<ClassFrom>,
    /// Switched off.
    pub suspended: Suspension,
    /// What the central configuration asks of calls to it.
    pub access: ServerAccess,
    /// What a unit folder restates of it.
    pub overlay: Option<ServerAccess>,
    /// Tools that the registry lists, and, where it lists none, the tools that flows name. By name.
    pub tools: BTreeMap<ToolName, Tool>,
    /// Whether the registry lists its tools, so that another one is an error.
    pub lists_tools: bool,
    /// Readable resources; none by default.
    pub resources: Vec<Resource>,
    /// Prompts; none by default.
    pub prompts: Vec<Prompt>,
    /// Methods of [`super::protocol::TABLE`] that no caller may use here, whatever it is granted, each with its place: those of the
    /// registry's entry, and those that a unit folder adds.
    pub denied_methods: BTreeMap<&'static str, Loc>,
}

impl Server {
    /// Whether its entry says that a tool may destroy something.
    #[must_use]
    pub fn is_destructive(&self, tool: &str) -> bool {
        self.tools.get(tool).and_then(|tool| tool.destructive.as_ref()).is_some_and(|flag| flag.value)
    }

    /// A server of which only the name is known.
    #[must_use]
    pub fn bare(name: Spanned<ServerName>) -> Self {
        Self {
            name,
            registered: false,
            mentions: Vec::new(),
            unit: None,
            url: None,
            location: None,
            encryption_at_rest: None,
            controls: Vec::new(),
            labels: BTreeMap::new(),
            class_from: None,
            suspended: None,
            access: ServerAccess::default(),
            overlay: None,
            tools: BTreeMap::new(),
            lists_tools: false,
            resources: Vec::new(),
            prompts: Vec::new(),
            denied_methods: BTreeMap::new(),
        }
    }

    /// Whether its entry denies a method.
    #[must_use]
    pub fn denies(&self, method: &str) -> bool {
        self.denied_methods.contains_key(method)
    }

    /// Those of some methods that its entry does not deny.
    pub fn permitted<'m>(&self, methods: impl IntoIterator<Item = &'m str>) -> Vec<&'m str> {
        methods.into_iter().filter(|method| !self.denies(method)).collect()
    }

    /// A URI, or a pattern, that is not listed and lies within one that is, as a resource of its own: with what the narrowest of
    /// those says of it, and at its place.
    #[must_use]
    pub fn narrower(&self, uri: &str) -> Option<Resource> {
        if self.resources.iter().any(|known| known.uri.value == uri) {
            return None;
        }
        let around: Vec<&Resource> = self.patterns_around(uri).collect();
        let narrowest = around.iter().find(|one| around.iter().all(|other| holds(&other.uri.value, &one.uri.value)));
        let like = narrowest.or(around.first())?;
        Some(Resource { uri: Spanned::new(uri.to_owned(), like.uri.loc), ..Resource::clone(like) })
    }

    /// Whether the registry lists a prompt, or a resource or a pattern that holds all its URIs.
    #[must_use]
    pub fn offers(&self, readable: &Readable) -> bool {
        match readable {
            Readable::Resource(uri) => self.resources.iter().any(|known| holds(&known.uri.value, uri)),
            Readable::Prompt(name) => self.prompts.iter().any(|known| known.name.value == *name),
        }
    }

    /// The resources whose patterns hold all URIs of this one, itself left out.
    pub fn patterns_around(&self, uri: &str) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(move |other| other.uri.value != uri && holds(&other.uri.value, uri))
    }
}

/// What calls to a server, and to each of its tools, need.
#[derive(Debug, Clone, Default)]
pub struct ServerAccess {
    /// The entry that says it.
    pub at: Option<Loc>,
    /// Level of all its tools that set none of their own.
    pub auth_level: Option<Spanned<u32>>,
    /// More facts, for all its tools.
    pub requires: Vec<Spanned<FactName>>,
    /// What single tools set; in the central entry only those that set something. In an overlay with any entry here, a
    /// tool without one is denied.
    pub tools: BTreeMap<ToolName, ToolAccess>,
}

/// What calls to one tool need.
#[derive(Debug, Clone, Default)]
pub struct ToolAccess {
    /// Its own level.
    pub auth_level: Option<Spanned<u32>>,
    /// More facts.
    pub requires: Vec<Spanned<FactName>>,
    /// Switched off.
    pub suspended: Suspension,
}

impl ToolAccess {
    /// Whether it asks for nothing of its own.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.auth_level.is_none() && self.requires.is_empty() && self.suspended.is_none()
    }
}

/// A tool.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name and the place that declares it: the registry's entry, else the first flow step that calls it.
    pub name: Spanned<ToolName>,
    /// Whether the registry lists it.
    pub registered: bool,
    /// MCP annotation: does not modify anything.
    pub read_only: Option<Spanned<bool>>,
    /// MCP annotation: may destroy.
    pub destructive: Option<Spanned<bool>>,
    /// MCP annotation: repeating it changes nothing more.
    pub idempotent: Option<Spanned<bool>>,
    /// What says of which class the data of a call is.
    pub class_from: Option<ClassFrom>,
    /// Where the tool's own JSON Schema stands, if it is given. What it says is for other tools to read.
    pub input_schema: Option<Loc>,
    /// Where the JSON Schema of its structured results stands, if it is given.
    pub output_schema: Option<Loc>,
    /// The arguments that clients repeat in headers `Mcp-Param-NAME`, as its schema marks them: the path of each, by NAME in lower
    /// case. Source: MCP 2026-07-28, `x-mcp-header`.
    pub mirrored: BTreeMap<String, Vec<String>>,
}

/// What says of which class the data of a call is.
#[derive(Debug, Clone)]
pub enum ClassFrom {
    /// An argument of the call of a tool: a text that is the name of the class.
    Argument(WrittenPath),
    /// A claim of the caller's token: such a text, and never a list.
    Claim(WrittenPath),
}

impl ClassFrom {
    /// The name of the argument or claim, or the path to it.
    #[must_use]
    pub fn path(&self) -> &WrittenPath {
        let (Self::Argument(path) | Self::Claim(path)) = self;
        path
    }

    /// The place of its name.
    #[must_use]
    pub fn loc(&self) -> Option<Loc> {
        self.path().loc()
    }
}

/// A readable MCP resource or a family of them.
#[derive(Debug, Clone)]
pub struct Resource {
    /// URI, in which `*` matches any text. The registry lists it, or it lies within one that the registry lists, and a grant
    /// names it.
    pub uri: Spanned<String>,
    /// Its level, else the server's.
    pub auth_level: Option<Spanned<u32>>,
    /// More facts.
    pub requires: Vec<Spanned<FactName>>,
}

/// An MCP prompt.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Its name.
    pub name: Spanned<String>,
    /// Its level, else the server's.
    pub auth_level: Option<Spanned<u32>>,
    /// More facts.
    pub requires: Vec<Spanned<FactName>>,
}

/// Where a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// A public cloud.
    Cloud,
    /// Own premises.
    OnPremises,
    /// A secure enclave.
    SecureEnclave,
}

impl Location {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::OnPremises => "on_premises",
            Self::SecureEnclave => "secure_enclave",
        }
    }
}
