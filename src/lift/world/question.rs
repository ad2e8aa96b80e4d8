//! What a product can ask of a request, and what the request answers.
//!
//! An answer comes from one part of the request: the message, the token, its issuer, or what the peer shows. So it can be kept
//! beside that part, by the number that a [`super::Tree`] gives the question.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::classes::Class;
use super::{Call, FactTests, Http, Peer, Token};
use crate::model::access::{ArgumentEvidence, CalledEvidence, ClaimTest, Evidence, Issuer};
use crate::policy::seen::matches;

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
            Self::Issuer => Source::Issuer,
            Self::Claim(path) => Source::Claim(Cow::Owned(path.into_owned())),
            Self::Peer => Source::Peer,
        }
    }

    fn part(&self) -> Part {
        match self {
            Self::Method | Self::Name | Self::Uri => Part::Message,
            Self::Issuer => Part::Issuer,
            Self::Claim(_) => Part::Token,
            Self::Peer => Part::Shown,
        }
    }

    fn of<'r>(&self, request: &Request<'r>) -> Option<&'r str> {
        match self {
            Self::Method => Some(&request.message.of.call.method),
            Self::Name => request.message.of.call.name.as_deref(),
            Self::Uri => request.message.of.call.uri.as_deref(),
            Self::Issuer => request.issuer.of.map(|issuer| issuer.issuer.value.as_str()),
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

/// How a fact shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Shows<'q> {
    /// As a claim that holds this text.
    Contains(Path<'q>, Cow<'q, str>),
    /// As a claim that is there.
    Present(Path<'q>),
    /// As two claims that differ.
    Differs(Path<'q>, Path<'q>),
    /// As a claim that is compared with another.
    Compared(Path<'q>),
    /// As an argument from the first number on and below the second, by their bits.
    Number(Cow<'q, str>, u64, u64),
    /// As an argument that is this text.
    Argument(Cow<'q, str>, Cow<'q, str>),
    /// As an earlier call.
    Called(Cow<'q, CalledEvidence>),
}

/// A question about a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Question<'q> {
    /// The HTTP method: 0 POST, 1 GET, 2 DELETE.
    Http,
    /// Whether the text is there.
    Has(Source<'q>),
    /// What a claim is: [`Kind`], by its number.
    Kind(Path<'q>),
    /// Whether it is there and is this.
    Is(Source<'q>, Cow<'q, str>),
    /// Of which class it is among these, from 1 on; 0 for none.
    Among(Source<'q>, Texts),
    /// Whether it is there and begins with this.
    Begins(Source<'q>, Cow<'q, str>),
    /// Whether it is there and is of this pattern.
    Fits(Source<'q>, Cow<'q, str>),
    /// What it is, by the number of the text in the tree, from 1 on; 0 where it is not there.
    Whole(Source<'q>),
    /// Whether both are there and the same.
    Same(Source<'q>, Source<'q>),
    /// Whether the certificate names somebody in particular.
    PeerNamed,
    /// The facts that show so: bits, or an [`argument`].
    Fact(Shows<'q>),
}

/// What is known of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: facts say what it holds.
    Open,
    /// That it is not there.
    Missing,
    /// That it is there and no text.
    Object,
    /// That it is the empty text.
    Empty,
    /// That it is a text, which [`Source::Claim`] tells.
    Text,
}

impl Kind {
    /// By its number.
    pub(super) fn numbered(number: u64) -> Self {
        match number {
            0 => Self::Open,
            1 => Self::Missing,
            2 => Self::Object,
            3 => Self::Empty,
            _ => Self::Text,
        }
    }
}

/// The part of a request that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Message,
    Token,
    Issuer,
    Shown,
    /// More than one.
    Several,
}

impl Part {
    /// How many there are that answer alone.
    pub(super) const ALONE: usize = 4;

    /// The place of messages among those that answer alone.
    pub(super) const MESSAGE: usize = 0;

    /// Whether the token, and whether the peer has a part in the answer.
    pub(super) fn varies(self) -> (bool, bool) {
        match self {
            Self::Message | Self::Issuer => (false, false),
            Self::Token => (true, false),
            Self::Shown => (false, true),
            Self::Several => (true, true),
        }
    }

    /// Its place among those that answer alone.
    pub(super) fn alone(self) -> Option<usize> {
        match self {
            Self::Message => Some(Self::MESSAGE),
            Self::Token => Some(1),
            Self::Issuer => Some(2),
            Self::Shown => Some(3),
            Self::Several => None,
        }
    }
}

/// A part of a request, with what it answered to the questions of one tree.
#[derive(Debug)]
pub struct Asked<T> {
    /// The part.
    pub of: T,
    tree: u64,
    answers: RefCell<Vec<Option<u64>>>,
    class: Cell<Option<Class>>,
}

impl<T> Asked<T> {
    pub(super) fn new(tree: u64, of: T) -> Self {
        Self { of, tree, answers: RefCell::default(), class: Cell::default() }
    }

    /// Its class as it was last found to be.
    pub(super) fn class(&self) -> &Cell<Option<Class>> {
        &self.class
    }

    fn kept(&self, tree: u64, question: usize) -> Option<u64> {
        if self.tree == tree { self.answers.borrow().get(question).copied().flatten() } else { None }
    }

    fn keep(&self, tree: u64, question: usize, answer: u64) {
        if self.tree != tree {
            return;
        }
        let mut answers = self.answers.borrow_mut();
        if answers.len() <= question {
            answers.resize(question + 1, None);
        }
        if let Some(place) = answers.get_mut(question) {
            *place = Some(answer);
        }
    }
}

/// What is sent, and how facts show in it.
#[derive(Debug)]
pub struct Message<'r> {
    /// What is called.
    pub call: Call,
    /// How each fact shows.
    pub tests: &'r FactTests,
}

/// Who is at the other end of the connection.
#[derive(Debug)]
pub struct Shown<'r> {
    /// The certificate.
    pub peer: Peer,
    /// The subject of the caller, as the certificate of the caller would name it.
    pub subject: Option<&'r str>,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// What is sent.
    pub message: &'r Asked<Message<'r>>,
    /// The token.
    pub token: &'r Asked<Token>,
    /// Who issued it.
    pub issuer: &'r Asked<Option<&'r Issuer>>,
    /// The peer.
    pub shown: &'r Asked<Shown<'r>>,
}

impl Request<'_> {
    /// Whether all its parts were made for this tree.
    pub(super) fn is_for(&self, tree: u64) -> bool {
        [self.message.tree, self.token.tree, self.issuer.tree, self.shown.tree] == [tree; 4]
    }
}

/// The texts that were asked for whole, numbered.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    texts: Vec<String>,
    numbers: BTreeMap<String, u64>,
}

impl Numbered {
    fn number(&mut self, text: &str) -> u64 {
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

impl Question<'_> {
    pub(super) fn part(&self) -> Part {
        match self {
            Self::Http | Self::Fact(_) => Part::Message,
            Self::Kind(_) => Part::Token,
            Self::PeerNamed => Part::Shown,
            Self::Has(source)
            | Self::Is(source, _)
            | Self::Among(source, _)
            | Self::Begins(source, _)
            | Self::Fits(source, _)
            | Self::Whole(source) => source.part(),
            Self::Same(left, right) if left.part() == right.part() => left.part(),
            Self::Same(..) => Part::Several,
        }
    }

    /// Whether the message has a part in the answer.
    pub(super) fn looks_at_messages(&self) -> bool {
        if let Self::Same(left, right) = self {
            return [left, right].iter().any(|source| source.part() == Part::Message);
        }
        self.part() == Part::Message
    }

    /// What the request answers. `part` is its own, and `number` its number in that tree.
    pub(super) fn answer(
        &self,
        part: Part,
        request: &Request<'_>,
        tree: u64,
        number: usize,
        texts: &mut Numbered,
    ) -> u64 {
        let kept = match part {
            Part::Message => request.message.kept(tree, number),
            Part::Token => request.token.kept(tree, number),
            Part::Issuer => request.issuer.kept(tree, number),
            Part::Shown => request.shown.kept(tree, number),
            Part::Several => None,
        };
        if let Some(kept) = kept {
            return kept;
        }
        let answer = self.asked(request, texts);
        match part {
            Part::Message => request.message.keep(tree, number, answer),
            Part::Token => request.token.keep(tree, number, answer),
            Part::Issuer => request.issuer.keep(tree, number, answer),
            Part::Shown => request.shown.keep(tree, number, answer),
            Part::Several => {}
        }
        answer
    }

    fn asked(&self, request: &Request<'_>, texts: &mut Numbered) -> u64 {
        let told = |source: &Source<'_>, test: &dyn Fn(&str) -> bool| u64::from(source.of(request).is_some_and(test));
        match self {
            Self::Http => match request.message.of.call.http {
                Http::Post => 0,
                Http::Get => 1,
                Http::Delete => 2,
            },
            Self::Has(source) => told(source, &|_| true),
            Self::Kind(path) => kind(&request.token.of, path) as u64,
            Self::Is(source, text) => told(source, &|found| found == text),
            Self::Among(source, list) => {
                source.of(request).and_then(|found| list.class(found)).map_or(0, |at| at as u64 + 1)
            }
            Self::Begins(source, start) => told(source, &|found| found.starts_with(&**start)),
            Self::Fits(source, pattern) => told(source, &|found| matches(pattern, found)),
            Self::Whole(source) => source.of(request).map_or(0, |found| texts.number(found)),
            Self::Same(left, right) => told(left, &|found| right.of(request) == Some(found)),
            Self::PeerNamed => u64::from(matches!(request.shown.of.peer, Peer::Named(_))),
            Self::Fact(shows) => shows.facts(request.message.of.tests),
        }
    }

    /// The same, without borrowing.
    pub(super) fn owned(self) -> Question<'static> {
        match self {
            Self::Http => Question::Http,
            Self::Has(source) => Question::Has(source.owned()),
            Self::Kind(path) => Question::Kind(owned_path(path)),
            Self::Is(source, text) => Question::Is(source.owned(), owned_text(text)),
            Self::Among(source, list) => Question::Among(source.owned(), list),
            Self::Begins(source, start) => Question::Begins(source.owned(), owned_text(start)),
            Self::Fits(source, pattern) => Question::Fits(source.owned(), owned_text(pattern)),
            Self::Whole(source) => Question::Whole(source.owned()),
            Self::Same(left, right) => Question::Same(left.owned(), right.owned()),
            Self::PeerNamed => Question::PeerNamed,
            Self::Fact(shows) => Question::Fact(match shows {
                Shows::Contains(path, text) => Shows::Contains(owned_path(path), owned_text(text)),
                Shows::Present(path) => Shows::Present(owned_path(path)),
                Shows::Differs(left, right) => Shows::Differs(owned_path(left), owned_path(right)),
                Shows::Compared(path) => Shows::Compared(owned_path(path)),
                Shows::Number(name, start, end) => Shows::Number(owned_text(name), start, end),
                Shows::Argument(name, text) => Shows::Argument(owned_text(name), owned_text(text)),
                Shows::Called(call) => Shows::Called(Cow::Owned(call.into_owned())),
            }),
        }
    }
}

fn owned_text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn owned_path(path: Path<'_>) -> Path<'static> {
    Cow::Owned(path.into_owned())
}

fn kind(token: &Token, path: &[String]) -> Kind {
    match token.texts.get(path) {
        Some(text) if text.is_empty() => Kind::Empty,
        Some(_) => Kind::Text,
        None if token.objects.iter().any(|object| object == path) => Kind::Object,
        None if is_of_caller(token, path) => Kind::Missing,
        None => Kind::Open,
    }
}

/// Claims that tell who the caller is: all about them is in the token.
fn is_of_caller(token: &Token, path: &[String]) -> bool {
    path.first().is_some_and(|first| matches!(first.as_str(), "sub" | "act" | "iss"))
        || token.closed.iter().any(|known| known == path)
}

/// The fact that an argument shows, as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Argument {
    /// The fact.
    pub(super) bit: u64,
    /// Whether a number can show it.
    pub(super) numeric: bool,
    /// How many texts can show it.
    pub(super) texts: usize,
    /// Which of them was asked for; 0 for a number.
    pub(super) at: usize,
}

impl Argument {
    const WIDTH: u32 = 24;

    fn packed(self) -> u64 {
        let (bit, texts, at) = (u64::from(self.bit.trailing_zeros()), self.texts as u64, self.at as u64);
        1 + (((at << Self::WIDTH | texts) << 1 | u64::from(self.numeric)) << 6 | bit)
    }

    /// What an answer says; `None` for no fact.
    pub(super) fn unpacked(answer: u64) -> Option<Self> {
        let packed = answer.checked_sub(1)?;
        let rest = packed >> 7;
        let part = |bits: u64| (bits & ((1 << Self::WIDTH) - 1)) as usize;
        Some(Self {
            bit: 1 << (packed & 63),
            numeric: packed >> 6 & 1 == 1,
            texts: part(rest),
            at: part(rest >> Self::WIDTH),
        })
    }
}

impl Shows<'_> {
    fn facts(&self, tests: &FactTests) -> u64 {
        match self {
            Self::Contains(path, text) => claims(tests, |known, test| {
                known == &**path && matches!(test, ClaimTest::Contains(known) if known == text)
            }),
            Self::Present(path) => claims(tests, |known, test| known == &**path && matches!(test, ClaimTest::Present)),
            Self::Differs(left, right) => claims(tests, |known, test| {
                known == &**left && matches!(test, ClaimTest::DiffersFrom(other) if other == &**right)
            }),
            Self::Compared(path) => claims(
                tests,
                |known, test| matches!(test, ClaimTest::DiffersFrom(other) if known == &**path || other == &**path),
            ),
            Self::Number(name, start, end) => {
                let (start, end) = (f64::from_bits(*start), f64::from_bits(*end));
                arguments(tests, |found| {
                    let low = found.at_least.map_or(f64::NEG_INFINITY, |low| low as f64);
                    let high = found.at_most.map_or(f64::INFINITY, |high| (high as f64).next_up());
                    let bounded = (found.at_least, found.at_most) != (None, None);
                    (found.name == **name && low == start && high == end && bounded).then_some(0)
                })
            }
            Self::Argument(name, text) => arguments(tests, |found| {
                distinct(found).position(|one| one == &**text).filter(|_| found.name == **name)
            }),
            Self::Called(call) => {
                let is_it = |evidence: &Evidence| matches!(evidence, Evidence::Called(known) if known == &**call);
                tests.iter().filter(|(_, evidence)| is_it(evidence)).fold(0, |bits, (bit, _)| bits | bit)
            }
        }
    }
}

/// The facts that a request shows by such a claim.
fn claims(tests: &FactTests, is: impl Fn(&[String], &ClaimTest) -> bool) -> u64 {
    let shows = |evidence: &Evidence| matches!(evidence, Evidence::Claim(claim) if is(&claim.path, &claim.test));
    tests.iter().filter(|(_, evidence)| shows(evidence)).fold(0, |bits, (bit, _)| bits | bit)
}

/// The first fact that a request shows by such an argument.
fn arguments(tests: &FactTests, asked: impl Fn(&ArgumentEvidence) -> Option<usize>) -> u64 {
    let found = tests.iter().find_map(|(bit, evidence)| match evidence {
        Evidence::Argument(found) => {
            let numeric = found.at_least.is_some() || found.at_most.is_some();
            Some(Argument { bit: *bit, numeric, at: asked(found)?, texts: distinct(found).count() })
        }
        Evidence::KnownCaller | Evidence::Claim(_) | Evidence::Called(_) | Evidence::Transport => None,
    });
    found.map_or(0, Argument::packed)
}

/// The texts of an argument, each once.
fn distinct(found: &ArgumentEvidence) -> impl Iterator<Item = &str> {
    let all = found.one_of.iter().enumerate();
    let first = all.filter(|(at, text)| !found.one_of.iter().take(*at).any(|before| before == *text));
    first.map(|(_, text)| text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_survives_its_packing() {
        for (bit, numeric, texts, at) in [(1, true, 0, 0), (1 << 63, false, 300, 299), (1 << 7, true, 1, 0)] {
            let argument = Argument { bit, numeric, texts, at };
            assert_eq!(Argument::unpacked(argument.packed()), Some(argument));
        }
        assert_eq!(Argument::unpacked(0), None);
    }
}
