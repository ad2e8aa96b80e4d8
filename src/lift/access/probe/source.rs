//! Texts of a request, and lists of texts that they are looked for in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Peer;
use super::part::Part;
use super::request::Request;

/// A path of claims.
pub(super) type Path<'q> = Cow<'q, [String]>;

/// A text of a request. What it says is told by questions alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source<'q> {
    /// The JSON-RPC method; empty for GET and DELETE.
    Method,
    /// `params.name`.
    Name,
    /// `params.uri`.
    Uri,
    /// `params.ref.type`.
    ReferredType,
    /// `params.ref.name`.
    ReferredName,
    /// `params.ref.uri`.
    ReferredUri,
    /// The resource at this place of `params.notifications`, from 0 on.
    SubscribedUri(usize),
    /// The header `MCP-Protocol-Version`.
    Revision,
    /// The header `Origin`.
    Origin,
    /// Who issued the token.
    Issuer,
    /// A claim that tells who the caller is.
    Claim(Path<'q>),
    /// The name that the peer's certificate can hold: somebody in particular, or else the caller.
    Peer,
}

impl<'q> Source<'q> {
    /// The claim of this path.
    #[must_use]
    pub fn claim(path: &'q [String]) -> Self {
        Self::Claim(Cow::Borrowed(path))
    }

    /// The same, without borrowing.
    #[must_use]
    pub fn owned(self) -> Source<'static> {
        match self {
            Self::Method => Source::Method,
            Self::Name => Source::Name,
            Self::Uri => Source::Uri,
            Self::ReferredType => Source::ReferredType,
            Self::ReferredName => Source::ReferredName,
            Self::ReferredUri => Source::ReferredUri,
            Self::SubscribedUri(place) => Source::SubscribedUri(place),
            Self::Revision => Source::Revision,
            Self::Origin => Source::Origin,
            Self::Issuer => Source::Issuer,
            Self::Claim(path) => Source::Claim(Cow::Owned(path.into_owned())),
            Self::Peer => Source::Peer,
        }
    }

    pub(super) fn part(&self) -> Part {
        match self {
            Self::Method
            | Self::Name
            | Self::Uri
            | Self::ReferredType
            | Self::ReferredName
            | Self::ReferredUri
            | Self::SubscribedUri(_)
            | Self::Revision
            | Self::Origin => Part::Message,
            Self::Issuer => Part::Issuer,
            Self::Claim(_) => Part::Token,
            Self::Peer => Part::Shown,
        }
    }

    pub(super) fn of<'r>(&self, request: &Request<'r>) -> Option<&'r str> {
        let call = &request.message.of.call;
        let referred =
            |prompt: bool| call.reference.as_ref().filter(|(is, _)| *is == prompt).map(|(_, text)| text.as_str());
        match self {
            Self::Method => Some(&call.method),
            Self::Name => call.name.as_deref(),
            Self::Uri => call.uri.as_deref(),
            Self::ReferredType => {
                call.reference.as_ref().map(|(prompt, _)| if *prompt { "ref/prompt" } else { "ref/resource" })
            }
            Self::ReferredName => referred(true),
            Self::ReferredUri => referred(false),
            Self::SubscribedUri(place) => call.subscribed.get(*place).map(String::as_str),
            Self::Revision => call.revision.as_deref(),
            Self::Origin => call.origin.as_deref(),
            Self::Issuer => request.issuer.of.by.map(|issuer| issuer.issuer.value.as_str()),
            Self::Claim(path) => request.token.of.texts.get(&**path).map(String::as_str),
            Self::Peer => match &request.shown.of.peer {
                Peer::Named(name) => Some(name),
                Peer::Open => request.shown.of.subject,
            },
        }
    }
}

/// Texts that are searched at once, each with its class. What a request answers is the class alone, so that a product does not
/// tell texts apart of which it does not want to know which it is.
#[derive(Debug, Clone, Default)]
pub struct Texts(Arc<BTreeMap<String, usize>>);

impl Texts {
    /// The texts, each a class of its own: its place.
    pub fn each<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut classes = BTreeMap::new();
        for (at, text) in texts.into_iter().enumerate() {
            classes.entry(text.to_owned()).or_insert(at);
        }
        Self(Arc::new(classes))
    }

    /// The texts with their classes.
    pub fn classed(texts: impl IntoIterator<Item = (String, usize)>) -> Self {
        Self(Arc::new(texts.into_iter().collect()))
    }

    /// The texts in their order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The class of a text.
    #[must_use]
    pub fn class(&self, text: &str) -> Option<usize> {
        self.0.get(text).copied()
    }
}

/// All of one class.
impl<T: Into<String>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self::classed(texts.into_iter().map(|text| (text.into(), 0)))
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Texts {}

impl Hash for Texts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal ones are of one length and begin alike; the rest is left to the comparison.
        self.0.len().hash(state);
        self.0.first_key_value().hash(state);
    }
}

/// The texts that were asked for whole, numbered.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    texts: Vec<String>,
    numbers: BTreeMap<String, u64>,
}

impl Numbered {
    pub(super) fn number(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.to_owned());
        let number = self.texts.len() as u64;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(super) fn text(&self, number: u64) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.texts.get(index).map(String::as_str)
    }
}
