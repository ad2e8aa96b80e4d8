//! A caller and a server, and what is known of callers before: one that the product cannot tell from another is not asked about
//! again.

use super::messages::Messages;
use crate::lift::access::probe::{Asked, Message, Request, Shown, Token, Tree};
use crate::model::access::Issuer;
use crate::model::name::ServerName;
use crate::policy::condition::Condition;
use crate::policy::{Principal, PrincipalId};

/// A caller as the product sees it: tokens that all mean the same caller.
pub(super) struct Caller<'a> {
    pub(super) principal: &'a Principal,
    pub(super) subject: Option<&'a str>,
    pub(super) tokens: Vec<Asked<Token>>,
    /// By which claim each of them names the caller.
    pub(super) claims: Vec<NamedBy>,
    /// Tokens that mean the caller, too, but not to the product.
    pub(super) unread: Vec<Asked<Token>>,
    /// No certificate, or its own.
    pub(super) open: Asked<Shown<'a>>,
}

/// By which claim a token names its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// By `act.sub`, whatever issuer it is of.
    Act,
    /// By `sub`, where its issuer names no other claim.
    Sub,
    /// By this claim, where its issuer names it; and by `sub` as well, where that is said.
    Claim(Vec<String>, bool),
}

impl NamedBy {
    /// Whether a token of an issuer names its caller so.
    pub(super) fn is_of(&self, issuer: Option<&Issuer>) -> bool {
        let claim = issuer.and_then(|issuer| issuer.caller.as_ref()).map(|path| &path.value);
        match self {
            Self::Act => true,
            Self::Sub => claim.is_none(),
            Self::Claim(path, sub_too) => claim == Some(path) || *sub_too && claim.is_none(),
        }
    }
}

/// What a caller may do on a server, object by object.
pub(super) type Conditions = Vec<(u32, Condition)>;

/// One server, with what is put to the product about it.
pub(super) struct Here<'s, 'a> {
    pub(super) server: &'s ServerName,
    pub(super) messages: &'s Messages<'s, 'a>,
    pub(super) tree: Tree,
    pub(super) known: Vec<Known>,
    /// What the caller that is asked about now may send, with the condition of each: one of those that the product cannot tell
    /// apart.
    pub(super) sent: Vec<(&'s Asked<Message<'s>>, Condition)>,
}

/// A caller whose every request was put to the product.
pub(super) struct Known {
    /// For each issuer, whether it may speak for the caller.
    pub(super) speaks: Vec<bool>,
    /// How many questions the product had asked then.
    pub(super) questions: usize,
    /// What the caller answers to these.
    pub(super) answers: Vec<Vec<u64>>,
    pub(super) conditions: Conditions,
}

impl Caller<'_> {
    /// Whether an issuer may speak for it.
    pub(super) fn is_spoken_for(&self, issuer: Option<&Issuer>) -> bool {
        issuer.is_none_or(|issuer| self.principal.is_spoken_for_by(issuer))
    }
}

impl<'s> Here<'s, '_> {
    /// What is known of a message by another one that the product cannot tell from it. The request is one with this message.
    pub(super) fn known_of(&mut self, request: &Request<'_>) -> Option<Condition> {
        let Self { tree, sent, .. } = self;
        sent.iter().find(|(other, _)| !tree.tells_apart(request, other)).map(|(_, condition)| condition.clone())
    }

    /// The certificates of others that a caller shows: of so many principals, and of the gateways.
    pub(super) fn others(&self, caller: &Caller<'_>, most: usize) -> Vec<&'s Asked<Shown<'s>>> {
        let principals = self.messages.principals.iter().filter(|(name, _)| Some(*name) != caller.subject).take(most);
        principals.map(|(_, shown)| shown).chain(&self.messages.gateways).collect()
    }

    /// What the tokens of a caller, and the certificates that it shows everywhere, answer to the first questions.
    pub(super) fn answers(&mut self, first: usize, caller: &Caller<'_>) -> Vec<Vec<u64>> {
        let others = self.others(caller, 1);
        let shown: Vec<&Asked<Shown<'_>>> = self.messages.before.iter().chain([&caller.open]).chain(others).collect();
        let all = [&caller.tokens, &caller.unread];
        all.map(|tokens| self.tree.likeness(first, tokens, &shown)).into()
    }
}

/// The subject of a principal, if it has one of its own; `None` for one that no token can mean.
pub(super) fn who(principal: &Principal) -> Option<Option<&str>> {
    match (&principal.id, principal.subject.as_deref()) {
        (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) => Some(Some(subject)),
        (PrincipalId::AnyAgent(_), _) => Some(None),
        (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => None,
    }
}
