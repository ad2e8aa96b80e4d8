//! Levels, classes, callers and the evidence for facts.
//! Source: the document's "Progressive Authentication Pattern" and "Data Classification and Routing".

use std::collections::BTreeMap;

pub mod called;
pub mod classification;
pub mod declared;
pub mod evidence;
pub mod placeholder;
pub mod scalar;
pub mod written;

pub use called::{AnswerTest, CalledEvidence};
pub use evidence::{ArgumentEvidence, ArgumentTest, ClaimEvidence, ClaimTest, DEFAULT_EVIDENCE, Evidence};
pub use placeholder::Placeholder;
pub use scalar::{Decimal, Scalar};

use super::Suspension;
use super::name::{AgentName, ClassName, FactName, ServerName, ToolName, UnitName};
use super::server::Server;
pub use super::server::readable::{PROMPT, RESOURCE, Readable};
use super::topology::Topology;
use crate::source::{Loc, Spanned};

/// The rules one scope sets on calls.
#[derive(Debug, Clone, Default)]
pub struct AccessRules {
    /// Authentication levels by number. Empty means that none are declared.
    pub levels: BTreeMap<u32, AuthLevel>,
    /// The least level of tools that may destroy something.
    pub destructive_min_level: Option<Spanned<u32>>,
    /// Where `progressive_auth` stands, if this scope has it.
    pub progressive_auth: Option<Loc>,
    /// Data classes in the order of their sensitivity, the least first.
    pub classes: Vec<DataClass>,
    /// Where `data_routing` stands, if this scope has it.
    pub data_routing: Option<Loc>,
    /// `service_mesh.mutual_tls`; absent means permissive.
    pub mutual_tls: Option<Spanned<MutualTls>>,
}

impl AccessRules {
    /// These rules with every part that `overlay` restates replaced by it: a level, a class, the transport mode. The
    /// order of the classes stays as it is here.
    #[must_use]
    pub fn restated_by(&self, overlay: &AccessRules) -> AccessRules {
        let mut result = self.clone();
        result.levels.extend(overlay.levels.iter().map(|(number, level)| (*number, level.clone())));
        result.progressive_auth = self.progressive_auth.or(overlay.progressive_auth);
        if overlay.destructive_min_level.is_some() {
            result.destructive_min_level.clone_from(&overlay.destructive_min_level);
        }
        for class in &overlay.classes {
            if let Some(mine) = result.classes.iter_mut().find(|c| c.name == class.name) {
                let encryption = mine.encryption.take();
                *mine = class.clone();
                mine.encryption = mine.encryption.take().or(encryption);
            }
        }
        if overlay.mutual_tls.is_some() {
            result.mutual_tls.clone_from(&overlay.mutual_tls);
        }
        result
    }

    /// The classes that list a server, with their ranks (0 is the least sensitive) and the place of the listing.
    pub fn classes_of<'a>(&'a self, server: &str) -> impl Iterator<Item = (usize, &'a DataClass, Loc)> + use<'a> {
        let server = server.to_owned();
        self.classes.iter().enumerate().filter_map(move |(rank, class)| {
            class.servers.iter().find(|s| s.value.as_str() == server.as_str()).map(|s| (rank, class, s.loc))
        })
    }

    /// The class that governs a server: the one that lists it; where several do (an error elsewhere) the most
    /// sensitive; where none does, the most sensitive declared. `None` only without any class.
    #[must_use]
    pub fn governing_class(&self, server: &str) -> Option<(usize, &DataClass)> {
        self.classes_of(server)
            .map(|(rank, class, _)| (rank, class))
            .last()
            .or_else(|| self.classes.iter().enumerate().next_back())
    }
}

/// One step of `progressive_auth.levels`.
#[derive(Debug, Clone)]
pub struct AuthLevel {
    /// Its number, and where it stands.
    pub number: Spanned<u32>,
    /// What the document says of it.
    pub description: Option<Spanned<String>>,
    /// What it asks for itself, without the lower levels.
    pub requirements: Vec<Spanned<FactName>>,
    /// Other complete ways to meet it (our key).
    pub alternatives: Vec<Alternative>,
}

/// A named other way to meet a level.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// Its name.
    pub name: Spanned<String>,
    /// All facts that it takes; nothing is inherited.
    pub requirements: Vec<Spanned<FactName>>,
}

/// One class of `data_routing.classifications`.
#[derive(Debug, Clone)]
pub struct DataClass {
    /// Its name (`level` in the document).
    pub name: Spanned<ClassName>,
    /// Servers that hold such data.
    pub servers: Vec<Spanned<ServerName>>,
    /// Where it must be encrypted.
    pub encryption: Option<Spanned<ClassEncryption>>,
    /// Where its servers must stand.
    pub location: Option<Spanned<RequiredLocation>>,
    /// Controls that its servers must have in place.
    pub additional_controls: Vec<Spanned<String>>,
    /// Replaces the derivation by rank (our key).
    pub min_auth_level: Option<Spanned<u32>>,
    /// More facts for every tool of its servers (our key).
    pub requires: Vec<Spanned<FactName>>,
    /// Switched off, with all its servers.
    pub suspended: Suspension,
}

impl DataClass {
    /// Whether its data may be nowhere but in its servers: it demands a place, or controls that are in place there.
    #[must_use]
    pub fn is_confined(&self) -> bool {
        let place = self.location.as_ref().is_some_and(|location| location.value != RequiredLocation::Any);
        place || !self.additional_controls.is_empty()
    }
}

/// `classifications[].encryption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClassEncryption {
    /// On the wire.
    InTransit,
    /// On the wire and on disk.
    InTransitAndAtRest,
}

/// `classifications[].location`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequiredLocation {
    /// Own premises or a secure enclave.
    OnPremisesOnly,
    /// A secure enclave.
    SecureEnclave,
    /// Anywhere.
    Any,
}

impl RequiredLocation {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::OnPremisesOnly => "on_premises_only",
            Self::SecureEnclave => "secure_enclave",
        }
    }
}

/// `service_mesh.mutual_tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MutualTls {
    /// Every call needs the fact `mtls`.
    Strict,
    /// Offered, not needed.
    Permissive,
    /// Not offered.
    Disabled,
}

/// An agent of the registry.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its name.
    pub name: Spanned<AgentName>,
    /// Its unit, or `central`; required where units are declared.
    pub unit: Option<Spanned<UnitName>>,
    /// The token subject that is this agent.
    pub subject: Option<Spanned<String>>,
    /// The one issuer whose tokens may name it; any that speaks for it where this is absent.
    pub issuer: Option<Spanned<String>>,
    /// What it may call.
    pub may_call: Vec<Grant>,
    /// Switched off.
    pub suspended: Suspension,
}

/// `any_agent`: any caller with a valid token that is not a declared principal.
#[derive(Debug, Clone)]
pub struct AnyAgent {
    /// Where it stands.
    pub loc: Loc,
    /// What it may call.
    pub may_call: Vec<Grant>,
    /// Switched off.
    pub suspended: Suspension,
}

/// One entry of `may_call`.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The entry as written, and its place.
    pub text: Spanned<String>,
    /// The server.
    pub server: ServerName,
    /// What of it.
    pub what: Granted,
    /// Leaves out every tool that is not annotated as read-only.
    pub only_read_only: bool,
    /// More facts for calls under this grant.
    pub requires: Vec<Spanned<FactName>>,
}

/// What part of a server a grant covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// `server/*`: every tool, resource and prompt that the registry lists.
    All,
    /// `server/tool`.
    Tool(ToolName),
    /// `server/resource:URI` or `server/prompt:NAME`.
    Readable(Readable),
}

/// The `identity` section.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Where it stands.
    pub loc: Loc,
    /// Token issuers, in the order written.
    pub issuers: Vec<Issuer>,
    /// SPIFFE trust domain; flows without a subject of their own get theirs from it.
    pub trust_domain: Option<Spanned<String>>,
    /// The claim that names the unit of an undeclared caller.
    pub business_unit_claim: Option<Spanned<String>>,
    /// How each fact is found, defaults included; by fact name.
    pub evidence: BTreeMap<FactName, Spanned<Evidence>>,
}

/// A token issuer.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// `iss`.
    pub issuer: Spanned<String>,
    /// Accepted `aud` values, the same at every server. Empty where `per_server` is set.
    pub audiences: Vec<Spanned<String>>,
    /// Where `audience: per_server` is written: a token works only at the server whose URL is in its `aud`
    /// ([`Issuer::audiences_at`]).
    pub per_server: Option<Loc>,
    /// Where its keys are.
    pub keys: Option<Spanned<Jwks>>,
    /// Which principals it may speak for (`agents`, `flows`, a unit). Empty only where there is a single issuer that says
    /// nothing of it: it speaks for all.
    pub speaks_for: Vec<Spanned<String>>,
    /// The path of the claim that names the caller where the token has no `act`; `sub` where it is absent.
    pub caller: Option<Spanned<Vec<String>>>,
}

/// A kind of principals, as issuers name it in `speaks_for`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerKind {
    /// `agents`.
    Agents,
    /// `flows`: workflows, sagas and processors.
    Flows,
}

impl CallerKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Agents, Self::Flows];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Flows => "flows",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Issuer {
    /// Whether any token of it would be accepted, regardless of its audience. An error elsewhere.
    #[must_use]
    pub fn takes_any_audience(&self) -> bool {
        self.audiences.is_empty() && self.per_server.is_none()
    }

    /// The values of which `aud` must hold one in a token that is used at this server.
    #[must_use]
    pub fn audiences_at(&self, server: &Server, topology: &Topology) -> Vec<String> {
        match self.per_server {
            Some(_) => topology.canonical_uris(server),
            None => self.audiences.iter().map(|audience| audience.value.clone()).collect(),
        }
    }

    /// Whether it may speak for a principal of that kind and unit. Kinds and units restrict each by
    /// itself: with `[agents, retail]` it speaks for the agents of retail. An empty list restricts nothing.
    #[must_use]
    pub fn may_speak_for(&self, kind: CallerKind, unit: Option<&UnitName>) -> bool {
        let words = || self.speaks_for.iter().map(|word| word.value.as_str());
        let mut kinds = words().filter_map(CallerKind::named).peekable();
        let mut units = words().filter(|word| CallerKind::named(word).is_none()).peekable();
        (kinds.peek().is_none() || kinds.any(|word| word == kind))
            && (units.peek().is_none() || unit.is_some_and(|unit| units.any(|word| word == unit.as_str())))
    }
}

/// A key set's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jwks {
    /// Fetched from a URL.
    Url(String),
    /// Read from a file inside the workspace.
    File(String),
}
