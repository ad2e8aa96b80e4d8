//! The requests that a lifter puts to an artifact.
//!
//! A lifter is an interpreter of its product: given a request, does the product let it through? It asks the request what it
//! needs to know, and [`explore`] answers in every way that a request can, once for each combination of the answers that
//! were asked for. So the set of all answers that let it through is found exactly, without a list of all fact sets.

mod classes;
mod explore;
mod part;
mod question;
mod request;
mod shows;
mod source;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use self::explore::{Outcome, explore};
pub use self::question::Kind;
pub(super) use self::question::tells_the_caller;
pub use self::request::{Asked, Issued, Message, Request, Shown};
pub use self::source::{Source, Texts};
pub use self::tree::Tree;
#[cfg(test)]
pub(crate) use self::tree::{COUNTED, FORGETS};

use self::question::Question;
use self::shows::{Form, Shows, Slot};
use self::tree::{Otherwise, Way};
use crate::model::access::{CalledEvidence, Decimal, Evidence, Scalar};

/// What is sent over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Http {
    /// A JSON-RPC message.
    Post,
    /// The event stream of a session.
    Get,
    /// The end of a session.
    Delete,
}

/// What a message is, told by its top-level keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// `method`, and neither `result` nor `error`.
    Request,
    /// `result` or `error`, `jsonrpc` and `id`, and no other key.
    Response,
    /// The same with `error` in the place of `result`.
    ErrorResponse,
    /// `method` and `result`.
    Both,
    /// `method` and `error`.
    WithError,
    /// A request one of whose keys is there in another case, too.
    AnotherCase,
    /// `method`, `result` and `id`, without `jsonrpc`: as many keys as a response has.
    WithoutVersion,
    /// `method`, `result` and `jsonrpc`, without `id`.
    WithoutId,
    /// A request with a header that says something else of an argument than its body.
    Mismatched,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The HTTP method.
    pub http: Http,
    /// What the message is.
    pub shape: Shape,
    /// The JSON-RPC method; empty for GET, DELETE and responses.
    pub method: String,
    /// `params.name`.
    pub name: Option<String>,
    /// `params.uri`.
    pub uri: Option<String>,
    /// `params.ref`: whether it is a prompt, and its name or URI.
    pub reference: Option<(bool, String)>,
    /// The resources in `params.notifications`.
    pub subscribed: Vec<String>,
    /// The header `MCP-Protocol-Version`.
    pub revision: Option<String>,
    /// The header `Origin`.
    pub origin: Option<String>,
}

impl Shape {
    /// Those that are two things at once.
    pub const SEVERAL: [Self; 4] = [Self::Both, Self::WithError, Self::WithoutVersion, Self::WithoutId];
}

impl Call {
    /// A JSON-RPC request or notification that addresses nothing, of no revision in particular.
    #[must_use]
    pub fn post(method: &str) -> Self {
        Self::http(Http::Post, method)
    }

    /// A request of HTTP without a body.
    #[must_use]
    pub fn bodiless(http: Http) -> Self {
        Self::http(http, "")
    }

    fn http(http: Http, method: &str) -> Self {
        Self {
            http,
            shape: Shape::Request,
            method: method.to_owned(),
            name: None,
            uri: None,
            reference: None,
            subscribed: Vec::new(),
            revision: None,
            origin: None,
        }
    }
}

/// The token of a request: its texts by claim path, and claims that are there without being a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Token {
    /// `sub`, `act.sub`, `bu`: by path.
    pub texts: BTreeMap<Vec<String>, String>,
    /// Paths that are an object: `act`.
    pub objects: Vec<Vec<String>>,
    /// Paths that are null.
    pub nulls: Vec<Vec<String>>,
    /// Further paths of which the token holds just what `texts` says: the claim of the caller's unit.
    pub closed: Vec<Vec<String>>,
    /// Facts that follow from these texts and are false: [`Facts`] bits.
    pub never: u64,
    /// Facts that follow from these texts and are true.
    pub always: u64,
}

/// The certificate that the peer of a connection shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Any, or none: the facts `tls` and `mtls` say which, and it names the caller or nobody.
    Open,
    /// One that names this and not the caller.
    Named(String),
}

/// How each fact shows in a request for one object: bit and evidence, in which `{server}`, `{tool}` and `{unit}` are
/// replaced.
pub type FactTests = Vec<(u64, Evidence)>;

/// An answer that was given, and how many there are.
#[derive(Debug, Clone, Copy)]
struct Choice {
    picked: usize,
    of: usize,
}

/// An answer, with what it is about.
type Picked = (Slot, Choice);

/// A SPIFFE ID begins so, and names a workload, never a user.
const SPIFFE: &str = crate::model::access::evidence::SPIFFE;

/// A request, answering as it is asked.
#[derive(Debug)]
pub struct World<'a> {
    request: Request<'a>,
    tree: &'a mut Tree,
    way: Way,
    tls: u64,
    mtls: u64,
    choices: Vec<Picked>,
    script: Vec<Choice>,
    strange: Option<String>,
}

impl World<'_> {
    /// The HTTP method.
    pub fn http(&mut self) -> Http {
        match self.ask(Question::Http) {
            0 => Http::Post,
            1 => Http::Get,
            _ => Http::Delete,
        }
    }

    /// What the message is.
    pub fn shape(&mut self) -> Shape {
        match self.ask(Question::Shape) {
            0 => Shape::Request,
            1 => Shape::Response,
            2 => Shape::ErrorResponse,
            3 => Shape::Both,
            4 => Shape::WithError,
            5 => Shape::AnotherCase,
            6 => Shape::WithoutVersion,
            7 => Shape::WithoutId,
            _ => Shape::Mismatched,
        }
    }

    /// How many resources the message subscribes to.
    pub fn subscriptions(&mut self) -> u64 {
        self.ask(Question::Subscriptions)
    }

    /// Whether a text is there.
    pub fn has(&mut self, source: &Source<'_>) -> bool {
        self.ask(Question::Has(source.clone())) == 1
    }

    /// Whether a text is there and is this.
    pub fn is(&mut self, source: &Source<'_>, text: &str) -> bool {
        self.ask(Question::Is(source.clone(), Cow::Borrowed(text))) == 1
    }

    /// Whether a text is one of these.
    pub fn one_of(&mut self, source: &Source<'_>, texts: &Texts) -> bool {
        self.among(source, texts).is_some()
    }

    /// The class of a text among these.
    pub fn among(&mut self, source: &Source<'_>, texts: &Texts) -> Option<usize> {
        usize::try_from(self.ask(Question::Among(source.clone(), texts.clone()))).ok()?.checked_sub(1)
    }

    /// Whether a text is there and begins with this. Who calls is told by whole names alone, and by the beginning of `sub` only
    /// that it is a SPIFFE ID.
    pub fn begins(&mut self, source: &Source<'_>, start: &str) -> bool {
        if let Source::Claim(path) = source
            && (start != SPIFFE || !matches!(path.as_ref(), [only] if only == "sub"))
        {
            return self.unknown(format!("a caller whose name begins with `{start}`"));
        }
        self.ask(Question::Begins(source.clone(), Cow::Borrowed(start))) == 1
    }

    /// Whether a text is there and is of a pattern, in which `*` stands for any text. Who calls is told by whole names alone.
    pub fn fits(&mut self, source: &Source<'_>, pattern: &str) -> bool {
        if let Source::Claim(_) = source {
            return self.unknown(format!("a caller whose name is like `{pattern}`"));
        }
        self.ask(Question::Fits(source.clone(), Cow::Borrowed(pattern))) == 1
    }

    /// Whether a text is there and is a URI in normal form.
    pub fn is_normal(&mut self, source: &Source<'_>) -> bool {
        self.ask(Question::Normal(source.clone())) == 1
    }

    /// All of a text, and not of a claim. Any other question is better: this one tells every two texts apart, and what they are
    /// compared with is not seen.
    pub fn whole(&mut self, source: &Source<'_>) -> Option<String> {
        if let Source::Claim(path) = source {
            self.stranger(format!("all of the claim `{}`", path.join(".")));
            return None;
        }
        let number = self.ask(Question::Whole(source.clone()));
        self.tree.texts.text(number).map(str::to_owned)
    }

    /// Whether both texts are there and the same: claims, or a claim and the name of the peer.
    pub fn same(&mut self, left: &Source<'_>, right: &Source<'_>) -> bool {
        if !matches!(
            (left, right),
            (Source::Claim(_), Source::Claim(_) | Source::Peer) | (Source::Peer, Source::Claim(_))
        ) {
            return self.unknown(format!("whether two texts are the same: {left:?} and {right:?}"));
        }
        self.ask(Question::Same(left.clone(), right.clone())) == 1
    }

    /// What is known of a claim.
    pub fn kind(&mut self, path: &[String]) -> Kind {
        Kind::numbered(self.ask(Question::Kind(Cow::Borrowed(path))))
    }

    /// Whether the claim is a list that holds this text.
    pub fn list_has(&mut self, path: &[String], value: &str) -> bool {
        self.list_holds(path, &value.into())
    }

    /// Whether the claim is a list that holds this value.
    pub fn list_holds(&mut self, path: &[String], value: &Scalar) -> bool {
        self.kind(path) == Kind::Open && self.claim(path, value, Form::Element) == 1
    }

    /// Whether the claim is this text.
    pub fn text_is(&mut self, path: &[String], value: &str) -> bool {
        self.value_is(path, &value.into())
    }

    /// Whether the claim is this value.
    pub fn value_is(&mut self, path: &[String], value: &Scalar) -> bool {
        let kind = if matches!(path, [only] if only == "iss") { Kind::Text } else { self.kind(path) };
        match (kind, value) {
            (Kind::Text | Kind::Empty, Scalar::Text(text)) if matches!(path, [only] if only == "iss") => {
                self.is(&Source::Issuer, text)
            }
            (Kind::Text | Kind::Empty, Scalar::Text(text)) => self.is(&Source::claim(path), text),
            (Kind::Text | Kind::Empty, Scalar::Truth(_) | Scalar::Number(_)) => false,
            (Kind::Missing | Kind::Object | Kind::Null, _) => false,
            (Kind::Open, _) => self.claim(path, value, Form::Whole) == 2,
        }
    }

    /// Whether the claim is a text that holds this one between separators.
    pub fn part_is(&mut self, path: &[String], value: &str, separator: char) -> bool {
        match self.kind(path) {
            Kind::Open => self.claim(path, &value.into(), Form::Between(separator)) == 2,
            Kind::Text | Kind::Empty | Kind::Missing | Kind::Object | Kind::Null => {
                self.unknown(format!("a part of the claim `{}`", path.join(".")))
            }
        }
    }

    /// Whether the claim is there at all. Only claims that tell who the caller is can be asked.
    pub fn is_present(&mut self, path: &[String]) -> bool {
        match self.kind(path) {
            // A claim that is null is there to a product that asks for no more.
            Kind::Text | Kind::Empty | Kind::Object | Kind::Null => true,
            Kind::Missing => false,
            Kind::Open => self.yes_or_no(Shows::Present(Cow::Borrowed(path)), || {
                format!("the presence of the claim `{}`", path.join("."))
            }),
        }
    }

    /// Whether the claim is there and null. What no evidence speaks of is not.
    pub fn is_null(&mut self, path: &[String]) -> bool {
        self.kind(path) == Kind::Null
    }

    /// Whether both claims are there and are not the same, whatever their types.
    pub fn claims_differ(&mut self, left: &[String], right: &[String]) -> bool {
        match (self.kind(left), self.kind(right)) {
            (Kind::Open, _) | (_, Kind::Open) => self.differ(left, right),
            (Kind::Missing, _) | (_, Kind::Missing) => false,
            (Kind::Object | Kind::Null, _) | (_, Kind::Object | Kind::Null) => true,
            (Kind::Text | Kind::Empty, Kind::Text | Kind::Empty) => {
                !self.same(&Source::claim(left), &Source::claim(right))
            }
        }
    }

    /// Whether both claims are texts, neither empty, and differ.
    pub fn texts_differ(&mut self, left: &[String], right: &[String]) -> bool {
        match (self.kind(left), self.kind(right)) {
            (Kind::Text, Kind::Text) => !self.same(&Source::claim(left), &Source::claim(right)),
            (Kind::Missing | Kind::Object | Kind::Null | Kind::Empty, _)
            | (_, Kind::Missing | Kind::Object | Kind::Null | Kind::Empty) => false,
            // The other one is open: it may differ from any text, and from nothing.
            (Kind::Open, Kind::Open | Kind::Text) | (Kind::Text, Kind::Open) => self.differ(left, right),
        }
    }

    /// Whether the claim is a text that is not empty. Only claims that tell who the caller is can be asked, and those that a
    /// fact compares, which then says it.
    pub fn is_text(&mut self, path: &[String]) -> bool {
        match self.kind(path) {
            Kind::Text => true,
            Kind::Empty | Kind::Missing | Kind::Object | Kind::Null => false,
            Kind::Open => self.yes_or_no(Shows::Compared(Cow::Borrowed(path)), || {
                format!("whether the claim `{}` is a text", path.join("."))
            }),
        }
    }

    /// A question that nothing of the model answers; the artifact is refused for it.
    pub fn unknown(&mut self, what: String) -> bool {
        self.stranger(what);
        false
    }

    /// Whether the claim is a text, not empty, and another one than this. Only claims that tell who the caller is can be
    /// asked.
    pub fn text_other_than(&mut self, path: &[String], value: &str) -> bool {
        match self.kind(path) {
            Kind::Text => !self.is(&Source::claim(path), value),
            Kind::Empty | Kind::Missing | Kind::Object | Kind::Null => false,
            Kind::Open => self.stranger(format!("the claim `{}` other than `{value}`", path.join("."))) == 1,
        }
    }

    /// Whether the argument is a number from `start` on and below `end`.
    pub fn number_within(&mut self, argument: &[String], start: f64, end: f64) -> bool {
        // Formats without infinity write the least and the greatest number.
        let start = if start == -f64::MAX { f64::NEG_INFINITY } else { start };
        let end = if end == f64::MAX { f64::INFINITY } else { end };
        let what = || format!("the argument `{}` from {start} to {end}", argument.join("."));
        let within = Shows::Number(Cow::Borrowed(argument), start.to_bits(), end.to_bits());
        // A range that holds one number asks for that number.
        let one = Decimal::from_f64(start).filter(|_| end == start.next_up());
        match one {
            Some(number) if self.slot(within.clone()).bits == 0 => self.argument_is(argument, &Scalar::Number(number)),
            Some(_) | None => self.yes_or_no(within, what),
        }
    }

    /// Whether the argument is this value.
    pub fn argument_is(&mut self, argument: &[String], value: &Scalar) -> bool {
        let what = || format!("the argument `{}` as `{value}`", argument.join("."));
        self.yes_or_no(Shows::Argument(Cow::Borrowed(argument), Cow::Borrowed(value)), what)
    }

    /// Whether the argument is a text of this pattern.
    pub fn argument_matches(&mut self, argument: &[String], pattern: &str) -> bool {
        let what = || format!("the argument `{}` like `{pattern}`", argument.join("."));
        self.yes_or_no(Shows::Matches(Cow::Borrowed(argument), Cow::Borrowed(pattern)), what)
    }

    /// Whether the argument equals this claim.
    pub fn argument_equals(&mut self, argument: &[String], claim: &[String]) -> bool {
        let what = || format!("the argument `{}` as the claim `{}`", argument.join("."), claim.join("."));
        self.yes_or_no(Shows::Equals(Cow::Borrowed(argument), Cow::Borrowed(claim)), what)
    }

    /// Whether the caller made this call before.
    pub fn called(&mut self, call: &CalledEvidence) -> bool {
        self.yes_or_no(Shows::Called(Cow::Borrowed(call)), || call.in_words())
    }

    /// Whether the connection is encrypted.
    pub fn tls(&mut self) -> bool {
        self.names_somebody()
            || self.answered(Slot::only(self.mtls)) == Some(1)
            || self.choose(Slot::only(self.tls), 2) == 1
    }

    /// Whether the peer showed a certificate that holds.
    pub fn mtls(&mut self) -> bool {
        self.names_somebody()
            || self.answered(Slot::only(self.tls)) != Some(0) && self.choose(Slot::only(self.mtls), 2) == 1
    }

    /// Whether the peer's certificate names this.
    pub fn peer_is(&mut self, identity: &str) -> bool {
        self.is(&Source::Peer, identity) && self.mtls()
    }

    /// The class of the name in the peer's certificate, among these.
    pub fn peer_among(&mut self, identities: &Texts) -> Option<usize> {
        self.among(&Source::Peer, identities).filter(|_| self.mtls())
    }

    /// Whether the certificate names somebody in particular, and not the caller.
    fn names_somebody(&mut self) -> bool {
        self.ask(Question::PeerNamed) == 1
    }

    /// Whether a fact says that the claims differ.
    fn differ(&mut self, left: &[String], right: &[String]) -> bool {
        self.yes_or_no(Shows::Differs(Cow::Borrowed(left), Cow::Borrowed(right)), || {
            format!("the claims `{}` and `{}`", left.join("."), right.join("."))
        })
    }

    /// 0 where the claim does not hold the value, 1 where it is a list that does, 2 where it is the value.
    fn claim(&mut self, path: &[String], value: &Scalar, form: Form) -> usize {
        let slot = self.slot(Shows::Contains(Cow::Borrowed(path), Cow::Borrowed(value), form));
        match slot.bits {
            0 => self.stranger(format!("the claim `{}` for `{value}`", path.join("."))),
            _ => self.choose(slot, 3),
        }
    }

    fn yes_or_no(&mut self, shows: Shows<'_>, what: impl Fn() -> String) -> bool {
        let slot = self.slot(shows);
        match slot.bits {
            0 => self.stranger(what()) == 1,
            _ => self.choose(slot, 2) == 1,
        }
    }

    fn slot(&mut self, shows: Shows<'_>) -> Slot {
        let bits = self.ask(Question::Fact(shows.clone()));
        let value = if bits == 0 { 0 } else { self.ask(Question::Value(shows)) };
        Slot { bits, value: value as u32 }
    }

    /// The one way to what a request holds.
    fn ask(&mut self, question: Question<'_>) -> u64 {
        self.tree.ask(&mut self.way, &self.request, question).unwrap_or_else(|Otherwise| {
            self.stranger("something that it did not ask of a request just like this one".to_owned());
            0
        })
    }

    fn answered(&self, slot: Slot) -> Option<usize> {
        self.choices.iter().find(|(known, _)| *known == slot).map(|(_, choice)| choice.picked)
    }

    fn choose(&mut self, slot: Slot, of: usize) -> usize {
        if slot.bits == 0 {
            // No condition speaks of it, so nothing may depend on it.
            return self.stranger("the connection, of which no condition speaks".to_owned());
        }
        if let Some(picked) = self.answered(slot) {
            return picked;
        }
        let choice = self.script.get(self.choices.len()).copied().unwrap_or(Choice { picked: 0, of });
        self.choices.push((slot, choice));
        if self.tree.choose(&mut self.way, slot, choice).is_err() {
            return self.stranger("a fact that it did not ask of a request just like this one".to_owned());
        }
        choice.picked
    }

    /// A question that no fact of the model answers.
    fn stranger(&mut self, what: String) -> usize {
        self.strange.get_or_insert(what);
        0
    }
}

#[cfg(test)]
mod tests;
