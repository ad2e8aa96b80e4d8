//! What a product is to the questions: an interpreter of its files, which decides some requests.

use std::collections::BTreeSet;

use crate::lift::LiftError;
use crate::lift::access::probe::{Probe, Token};
use crate::model::access::Issuer;
use crate::model::name::ServerName;
use crate::policy::compare::Lifted;

/// Which requests a product decides. What it does not decide is not put to it.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    /// The protocol's own methods, and that every other method is denied.
    pub protocol: bool,
    /// GET and DELETE of sessions.
    pub sessions: bool,
    /// Resources, and the lists of them.
    pub resources: bool,
    /// Whether it denies URIs that are not in normal form.
    pub spellings: bool,
    /// Prompts, and the list of them.
    pub prompts: bool,
    /// Completions, by what they refer to. Without it, nobody may ask for one.
    pub references: bool,
    /// Subscriptions of the revision without sessions that name no resource. Without it, nobody may subscribe so.
    pub listens: bool,
    /// Such subscriptions by the resource that they name. Without it, nobody may name one.
    pub subscriptions: bool,
    /// Responses are let through. Without it, nobody may send one.
    pub responses: bool,
    /// Each rule denies a request that has a result or an error, too. Without it, the product's reader sees to that.
    pub alone: bool,
    /// Methods that the entries of servers deny. Without it, the product decides them as if no entry did.
    pub methods: bool,
    /// Whether a certificate that names another principal than the token must be denied.
    pub certificates: bool,
}

impl Decided {
    /// Everything.
    pub const ALL: Self = Self {
        protocol: true,
        sessions: true,
        resources: true,
        spellings: true,
        prompts: true,
        references: true,
        listens: true,
        subscriptions: true,
        responses: true,
        alone: false,
        methods: true,
        certificates: true,
    };
    /// Methods by their names, and what they name; nothing that a message says elsewhere.
    pub const METHODS: Self =
        Self { references: false, listens: false, subscriptions: false, responses: false, ..Self::ALL };
    /// Tools alone.
    pub const TOOLS: Self = Self {
        protocol: false,
        sessions: false,
        resources: false,
        spellings: false,
        prompts: false,
        references: false,
        listens: false,
        subscriptions: false,
        responses: false,
        alone: false,
        methods: false,
        certificates: false,
    };
}

/// Who may stand before the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before<'a> {
    /// The callers themselves.
    Callers,
    /// A gateway whose certificate names this, and nobody else.
    Gateway(&'a str),
}

/// An interpreter of a product's files.
pub trait Product: Sync {
    /// Whether a request that is routed to this server is let through.
    ///
    /// # Errors
    /// Where the files cannot be read exactly.
    fn decide(&self, server: &ServerName, probe: &mut Probe<'_>) -> Result<bool, LiftError>;

    /// The subjects that the rules for this server name: callers that are none of them are all alike to it.
    fn subjects(&self, server: &ServerName) -> BTreeSet<String>;

    /// Whether it can tell from such a token who calls. Where it cannot, it must deny whatever the token means.
    fn reads(&self, _token: &Token) -> bool {
        true
    }

    /// Whether it can tell from tokens of this issuer who calls.
    fn reads_callers_of(&self, _issuer: &Issuer) -> bool {
        true
    }

    /// Whether it tells requests for one server apart. Where not, all of them are decided alike, and those that the model
    /// knows nothing of with them: it is for the server to refuse these.
    fn tells_apart(&self) -> bool {
        true
    }
}

/// What one gateway's files decide.
#[derive(Debug)]
pub struct Part {
    /// The gateway, for messages; empty where there is one alone.
    pub gateway: String,
    /// The relation.
    pub lifted: Lifted,
    /// The servers that it speaks of; `None` for all.
    pub servers: Option<BTreeSet<ServerName>>,
    /// Facts that hold for every request that reaches its rules: `tls`, and `mtls` where no peer comes without certificate.
    pub given: BTreeSet<&'static str>,
}

impl Part {
    /// The one gateway that there is.
    #[must_use]
    pub fn whole(lifted: Lifted) -> Vec<Self> {
        vec![Self { gateway: String::new(), lifted, servers: None, given: BTreeSet::new() }]
    }
}
