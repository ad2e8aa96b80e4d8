//! The requests that a lifter puts to an artifact.
//!
//! A lifter is an interpreter of its product: given a request, does the product let it through? It asks the request what it
//! needs to know, and [`explore`] answers in every way that a request can, once for each combination of the answers that
//! were asked for. So the set of all answers that let it through is found exactly, without a list of all fact sets.

mod arguments;
mod call;
mod claims;
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

use self::question::Question;
use self::shows::{Shows, Slot};
use self::tree::{Otherwise, Way};
use crate::model::access::Evidence;

pub use self::call::{Call, Http, Shape};
pub use self::explore::{Outcome, explore};
pub use self::question::ClaimKind;
pub(super) use self::question::tells_the_caller;
pub use self::request::{Asked, Issued, Message, Request, Shown};
pub use self::source::{Source, Texts};
pub use self::tree::Tree;
#[cfg(test)]
pub(crate) use self::tree::{COUNTED, FORGETS};

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
pub struct Probe<'a> {
    request: Request<'a>,
    tree: &'a mut Tree,
    way: Way,
    tls: u64,
    mtls: u64,
    choices: Vec<Picked>,
    script: Vec<Choice>,
    strange: Option<String>,
}

impl Probe<'_> {
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

    /// Whether a text is there and is of a pattern, in which `*` matches any text. Who calls is told by whole names alone.
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
            self.unexpected(format!("all of the claim `{}`", path.join(".")));
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

    /// A question that nothing of the model answers; the artifact is refused for it.
    pub fn unknown(&mut self, what: String) -> bool {
        self.unexpected(what);
        false
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

    fn yes_or_no(&mut self, shows: Shows<'_>, what: impl Fn() -> String) -> bool {
        let slot = self.slot(shows);
        match slot.bits {
            0 => self.unexpected(what()) == 1,
            _ => self.choose(slot, 2) == 1,
        }
    }

    fn slot(&mut self, shows: Shows<'_>) -> Slot {
        let bits = self.ask(Question::Fact(shows.clone()));
        if bits == 0 {
            return Slot::only(0);
        }
        let alone = if shows.has_forms() { self.ask(Question::Alone(shows.clone())) } else { 0 };
        Slot { bits, alone, value: self.ask(Question::Value(shows)) as u32 }
    }

    /// The one way to what a request holds.
    fn ask(&mut self, question: Question<'_>) -> u64 {
        self.tree.ask(&mut self.way, &self.request, question).unwrap_or_else(|Otherwise| {
            self.unexpected("something that it did not ask of a request just like this one".to_owned());
            0
        })
    }

    fn answered(&self, slot: Slot) -> Option<usize> {
        self.choices.iter().find(|(known, _)| *known == slot).map(|(_, choice)| choice.picked)
    }

    fn choose(&mut self, slot: Slot, of: usize) -> usize {
        if slot.bits == 0 {
            // No condition speaks of it, so nothing may depend on it.
            return self.unexpected("the connection, of which no condition speaks".to_owned());
        }
        if let Some(picked) = self.answered(slot) {
            return picked;
        }
        let choice = self.script.get(self.choices.len()).copied().unwrap_or(Choice { picked: 0, of });
        self.choices.push((slot, choice));
        if self.tree.choose(&mut self.way, slot, choice).is_err() {
            return self.unexpected("a fact that it did not ask of a request just like this one".to_owned());
        }
        choice.picked
    }

    /// A question that no fact of the model answers.
    fn unexpected(&mut self, what: String) -> usize {
        self.strange.get_or_insert(what);
        0
    }
}

#[cfg(test)]
mod tests;
