//! The requests that a lifter puts to an artifact.
//!
//! A lifter is an interpreter of its product: given a request, does the product let it through? It asks the request what it
//! needs to know, and [`explore`] answers in every way that a request can, once for each combination of the answers that
//! were asked for. So the set of all answers that let it through is found exactly, without a list of all fact sets.

use std::collections::BTreeMap;

use super::LiftError;
use crate::model::access::{ArgumentEvidence, ClaimTest, Evidence, Issuer};
use crate::policy::condition::Condition;

/// Most combinations of answers for one request; more is an artifact that nobody should trust.
const MOST_RUNS: usize = 1 << 14;

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

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The HTTP method.
    pub http: Http,
    /// The JSON-RPC method; empty for GET and DELETE.
    pub method: String,
    /// `params.name`.
    pub name: Option<String>,
    /// `params.uri`.
    pub uri: Option<String>,
}

impl Call {
    /// A JSON-RPC message without a name or URI.
    #[must_use]
    pub fn post(method: &str) -> Self {
        Self { http: Http::Post, method: method.to_owned(), name: None, uri: None }
    }
}

/// The token of a request: its texts by claim path, and claims that are there without being a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Token {
    /// `sub`, `act.sub`, `bu`: by path.
    pub texts: BTreeMap<Vec<String>, String>,
    /// Paths that are an object: `act`.
    pub objects: Vec<Vec<String>>,
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

/// A request, answering as it is asked.
#[derive(Debug)]
pub struct World<'a> {
    /// What is called.
    pub call: &'a Call,
    /// Who issued the token.
    pub issuer: Option<&'a Issuer>,
    /// The token.
    pub token: &'a Token,
    /// The subject of the caller, as the certificate of the caller would name it.
    pub subject: Option<&'a str>,
    /// The certificate.
    pub peer: &'a Peer,
    tests: &'a FactTests,
    tls: u64,
    mtls: u64,
    choices: Vec<(u64, Choice)>,
    script: Vec<Choice>,
    strange: Option<String>,
}

impl World<'_> {
    /// Whether the claim is a list that holds this text.
    pub fn list_has(&mut self, path: &[String], value: &str) -> bool {
        if self.is_of_caller(path) {
            return false;
        }
        self.claim(path, value) == 1
    }

    /// Whether the claim is this text.
    pub fn text_is(&mut self, path: &[String], value: &str) -> bool {
        if matches!(path, [only] if only == "iss") {
            return self.issuer.is_some_and(|issuer| issuer.issuer.value == value);
        }
        if let Some(text) = self.token.texts.get(path) {
            return text == value;
        }
        if self.is_of_caller(path) {
            return false;
        }
        self.claim(path, value) == 2
    }

    /// Whether the claim is there at all. Only claims that tell who the caller is can be asked.
    pub fn is_present(&mut self, path: &[String]) -> bool {
        if self.token.texts.contains_key(path) || self.token.objects.iter().any(|object| object == path) {
            return true;
        }
        if self.is_of_caller(path) {
            return false;
        }
        let test = |evidence: &Evidence| matches!(evidence, Evidence::Claim(claim) if claim.path == path && claim.test == ClaimTest::Present);
        self.yes_or_no(test, || format!("the presence of the claim `{}`", path.join(".")))
    }

    /// Whether both claims are there and are not the same, whatever their types.
    pub fn claims_differ(&mut self, left: &[String], right: &[String]) -> bool {
        if self.is_of_caller(left) && self.is_of_caller(right) {
            let (a, b) = (self.token.texts.get(left), self.token.texts.get(right));
            return self.is_present(left) && self.is_present(right) && (a.is_none() || b.is_none() || a != b);
        }
        let test = |evidence: &Evidence| {
            matches!(evidence, Evidence::Claim(claim) if claim.path == left
                && matches!(&claim.test, ClaimTest::DiffersFrom(other) if other == right))
        };
        self.yes_or_no(test, || format!("the claims `{}` and `{}`", left.join("."), right.join(".")))
    }

    /// Whether both claims are texts, neither empty, and differ.
    pub fn texts_differ(&mut self, left: &[String], right: &[String]) -> bool {
        let (a, b) = (self.token.texts.get(left), self.token.texts.get(right));
        let known = [left, right].map(|path| self.token.texts.contains_key(path) || self.is_of_caller(path));
        match known {
            [true, true] => return a.zip(b).is_some_and(|(a, b)| a != b && !a.is_empty() && !b.is_empty()),
            // The other one is open: it may differ from any text, and from nothing.
            [true, false] if a.is_none_or(String::is_empty) => return false,
            [false, true] if b.is_none_or(String::is_empty) => return false,
            _ => {}
        }
        let test = |evidence: &Evidence| {
            matches!(evidence, Evidence::Claim(claim) if claim.path == left
                && matches!(&claim.test, ClaimTest::DiffersFrom(other) if other == right))
        };
        self.yes_or_no(test, || format!("the claims `{}` and `{}`", left.join("."), right.join(".")))
    }

    /// Whether the claim is a text that is not empty. Only claims that tell who the caller is can be asked, and those that a
    /// fact compares, which then says it.
    pub fn is_text(&mut self, path: &[String]) -> bool {
        match self.token.texts.get(path) {
            Some(text) => !text.is_empty(),
            None if self.is_of_caller(path) => false,
            None => {
                let test = |evidence: &Evidence| {
                    matches!(evidence, Evidence::Claim(claim)
                        if matches!(&claim.test, ClaimTest::DiffersFrom(other) if claim.path == path || other == path))
                };
                self.yes_or_no(test, || format!("whether the claim `{}` is a text", path.join(".")))
            }
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
        match self.token.texts.get(path) {
            Some(text) => !text.is_empty() && text != value,
            None if self.is_of_caller(path) => false,
            None => self.stranger(format!("the claim `{}` other than `{value}`", path.join("."))) == 1,
        }
    }

    /// Whether the argument is a number from `start` on and below `end`.
    pub fn number_within(&mut self, argument: &str, start: f64, end: f64) -> bool {
        // Formats without infinity write the least and the greatest number.
        let start = if start == -f64::MAX { f64::NEG_INFINITY } else { start };
        let end = if end == f64::MAX { f64::INFINITY } else { end };
        let asked = |found: &ArgumentEvidence| {
            let low = found.at_least.map_or(f64::NEG_INFINITY, |low| low as f64);
            let high = found.at_most.map_or(f64::INFINITY, |high| (high as f64).next_up());
            found.name == argument && low == start && high == end && (found.at_least, found.at_most) != (None, None)
        };
        let what = || format!("the argument `{argument}` from {start} to {end}");
        self.argument(asked, what).is_some_and(|(_, choice)| choice == 1)
    }

    /// Whether the argument is this text.
    pub fn argument_is(&mut self, argument: &str, text: &str) -> bool {
        let asked = |found: &ArgumentEvidence| found.name == argument && found.one_of.iter().any(|one| one == text);
        let what = || format!("the argument `{argument}` as `{text}`");
        let Some((found, choice)) = self.argument(asked, what) else { return false };
        choice >= 2 && found.one_of.get(choice - 2).is_some_and(|one| one == text)
    }

    /// Whether the connection is encrypted.
    pub fn tls(&mut self) -> bool {
        match self.peer {
            Peer::Named(_) => true,
            Peer::Open if self.answered(self.mtls) == Some(1) => true,
            Peer::Open => self.choose(self.tls, 2) == 1,
        }
    }

    /// Whether the peer showed a certificate that holds.
    pub fn mtls(&mut self) -> bool {
        match self.peer {
            Peer::Named(_) => true,
            Peer::Open if self.answered(self.tls) == Some(0) => false,
            Peer::Open => self.choose(self.mtls, 2) == 1,
        }
    }

    /// Whether the peer's certificate names this.
    pub fn peer_is(&mut self, identity: &str) -> bool {
        match self.peer {
            Peer::Named(name) => name == identity,
            Peer::Open => self.subject == Some(identity) && self.mtls(),
        }
    }

    /// Claims that tell who the caller is: all about them is in the token.
    fn is_of_caller(&self, path: &[String]) -> bool {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        matches!(words.as_slice(), ["sub" | "act" | "iss", ..]) || self.token.closed.iter().any(|known| known == path)
    }

    /// 0 where the claim does not hold the value, 1 where it is a list that does, 2 where it is the value.
    fn claim(&mut self, path: &[String], value: &str) -> usize {
        let test = |evidence: &Evidence| {
            matches!(evidence, Evidence::Claim(claim) if claim.path == path
                && matches!(&claim.test, ClaimTest::Contains(text) if text == value))
        };
        match self.bits(test) {
            0 => self.stranger(format!("the claim `{}` for `{value}`", path.join("."))),
            bits => self.choose(bits, 3),
        }
    }

    fn yes_or_no(&mut self, test: impl Fn(&Evidence) -> bool, what: impl Fn() -> String) -> bool {
        match self.bits(test) {
            0 => self.stranger(what()) == 1,
            bits => self.choose(bits, 2) == 1,
        }
    }

    fn argument(
        &mut self,
        asked: impl Fn(&ArgumentEvidence) -> bool,
        what: impl Fn() -> String,
    ) -> Option<(ArgumentEvidence, usize)> {
        let found = self.tests.iter().find_map(|(bit, evidence)| match evidence {
            Evidence::Argument(argument) if asked(argument) => Some((*bit, argument.clone())),
            Evidence::Argument(_) | Evidence::KnownCaller | Evidence::Claim(_) | Evidence::Transport => None,
        });
        let Some((bit, argument)) = found else {
            self.stranger(what());
            return None;
        };
        let numeric = argument.at_least.is_some() || argument.at_most.is_some();
        // 0: the fact does not hold; 1: by number; 2 and up: by one of the texts.
        let choice = match (self.choose(bit, 1 + usize::from(numeric) + argument.one_of.len()), numeric) {
            (0, _) => 0,
            (choice, true) => choice,
            (choice, false) => choice + 1,
        };
        Some((argument, choice))
    }

    /// The facts that a request shows in this way.
    fn bits(&self, test: impl Fn(&Evidence) -> bool) -> u64 {
        self.tests.iter().filter(|(_, evidence)| test(evidence)).fold(0, |bits, (bit, _)| bits | bit)
    }

    fn answered(&self, bits: u64) -> Option<usize> {
        self.choices.iter().find(|(known, _)| *known == bits).map(|(_, choice)| choice.picked)
    }

    fn choose(&mut self, bits: u64, of: usize) -> usize {
        if bits == 0 {
            // No condition speaks of it, so nothing may depend on it.
            return self.stranger("the connection, of which no condition speaks".to_owned());
        }
        if let Some(picked) = self.answered(bits) {
            return picked;
        }
        let choice = self.script.get(self.choices.len()).copied().unwrap_or(Choice { picked: 0, of });
        self.choices.push((bits, choice));
        choice.picked
    }

    /// A question that no fact of the model answers.
    fn stranger(&mut self, what: String) -> usize {
        self.strange.get_or_insert(what);
        0
    }
}

/// What requests of one kind are let through.
#[derive(Debug, Default)]
pub struct Outcome {
    allowed: Vec<u64>,
    denied: Vec<u64>,
}

impl Outcome {
    /// Whether any request was let through.
    #[must_use]
    pub fn lets_any(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// The condition, where it is a monotone one: no request is denied that shows all facts of a set that suffices.
    ///
    /// # Errors
    /// Where it is none: facts that suffice in one request do not in another.
    pub fn condition(&self, what: impl Fn() -> String) -> Result<Condition, LiftError> {
        let condition = Condition::any_of(self.allowed.iter().copied());
        let crossed = self.denied.iter().find(|lacks| condition.minimal_sets().iter().any(|set| set & **lacks == 0));
        match crossed {
            None => Ok(condition),
            Some(_) => {
                Err(LiftError::Stranger(format!("what lets {} through is no matter of the facts alone", what())))
            }
        }
    }
}

/// The parts of a request that [`explore`] does not vary.
#[derive(Debug, Clone, Copy)]
pub struct Fixed<'a> {
    /// What is called.
    pub call: &'a Call,
    /// Who issued the token.
    pub issuer: Option<&'a Issuer>,
    /// The token.
    pub token: &'a Token,
    /// The subject of the caller.
    pub subject: Option<&'a str>,
    /// The certificate.
    pub peer: &'a Peer,
    /// How each fact shows.
    pub tests: &'a FactTests,
    /// The bits of `tls` and `mtls`; 0 where no condition speaks of them.
    pub transport: (u64, u64),
}

/// Puts every request of a kind to the artifact, and adds what became of them to the outcome.
///
/// # Errors
/// Where the artifact cannot be read, asks for something that no fact answers, or asks for too much.
pub fn explore(
    fixed: Fixed<'_>,
    decide: &dyn Fn(&mut World<'_>) -> Result<bool, LiftError>,
    outcome: &mut Outcome,
) -> Result<(), LiftError> {
    let mut script: Vec<Choice> = Vec::new();
    for _ in 0..MOST_RUNS {
        let Fixed { call, issuer, token, subject, peer, tests, transport: (tls, mtls) } = fixed;
        let mut world = World {
            call,
            issuer,
            token,
            subject,
            peer,
            tests,
            tls,
            mtls,
            choices: Vec::new(),
            script: std::mem::take(&mut script),
            strange: None,
        };
        let allowed = decide(&mut world)?;
        if let Some(what) = world.strange {
            return Err(LiftError::Stranger(format!("a rule asks for {what}, which is no evidence of the model")));
        }
        let chosen = |yes: bool| {
            let of = world.choices.iter().filter(|(_, choice)| (choice.picked > 0) == yes);
            of.fold(0, |bits, (bit, _)| bits | bit)
        };
        if allowed {
            outcome.allowed.push(chosen(true) | token.always);
        } else {
            outcome.denied.push(chosen(false) | token.never);
        }
        script = world.choices.into_iter().map(|(_, choice)| choice).collect();
        // The next combination: the last answer that has another one.
        while let Some(last) = script.last_mut() {
            if last.picked + 1 < last.of {
                last.picked += 1;
                break;
            }
            script.pop();
        }
        if script.is_empty() {
            return Ok(());
        }
    }
    Err(LiftError::Stranger(format!("the rules for `{}` ask for too many things", fixed.call.method)))
}
