//! An interpreter of the CEL that gateways are given: exactly the operators that occur, by the rules that all implementations
//! share. Anything else is an error, and so is what implementations understand differently.
//!
//! Nothing is assumed about claims and arguments that the request leaves open: each test of one is put to the [`Probe`].
//! A test that finds nothing may be false or may fail, as the claim is missing or of another type; what would be true for one
//! and not for the other is refused.

mod operators;
mod parsed;
mod tree;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use self::parsed::Parsed;
use super::probe::{ClaimKind, Probe, Source};
use crate::lift::LiftError;
use operators::{Truth, added, equal, negated, of_text, or, truth};
use tree::Node;

use crate::model::uri::is_normal;
use crate::policy::visibility::matches;

/// A name that no certificate of a workspace holds.
pub(super) const NOBODY: &str = "\u{1}nobody";

/// A parsed expression: parts that must all hold. Expressions that were parsed together share the parts that they have in
/// common.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression(Vec<Arc<Node>>);

/// What an expression comes to. It borrows from the expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'n> {
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(Cow<'n, str>),
    /// A text of the request.
    Of(Source<'n>),
    /// A number.
    Number(f64),
    /// Nothing.
    Null,
    /// An object, of which nothing is known.
    Object,
    /// A list.
    List(Vec<Value<'n>>),
    /// It fails: something is missing, or of a type that the operator does not take.
    Error,
    /// A test that found nothing: false, or it fails.
    Miss,
    /// A claim that the request leaves open.
    Claim(&'n [String]),
    /// Such a claim with an empty list added: a list, or it fails.
    ClaimAsList(&'n [String]),
    /// Such a claim with an empty text added: a text, or it fails.
    ClaimAsText(&'n [String]),
    /// An argument of the call.
    Argument(&'n [String]),
    /// The names in the certificate of the peer.
    PeerNames,
}

/// What a product's expressions can name.
pub trait Names {
    /// The variable that holds the claims of the token, as a path.
    fn claims(&self) -> &[&str];

    /// The variable that holds the arguments of the call, where there is one.
    fn arguments(&self) -> Option<&[&str]>;

    /// Any other variable; `json(request.body)` is a path that begins with that text.
    ///
    /// # Errors
    /// Where the product knows none of that name.
    fn other(&self, path: &[&str], probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError>;

    /// Whether such a variable is there, which is not a claim: a truth value, or that looking there fails. `None` where the
    /// product's reader does not know.
    fn has(&self, _: &[&str], _: &mut Probe<'_>) -> Option<Result<Value<'static>, LiftError>> {
        None
    }
}

fn refused<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// Where it is none, or holds anything that this interpreter does not know.
    pub fn parse(text: &str) -> Result<Self, LiftError> {
        match cel::parser::Parser::new().parse(text) {
            Ok(parsed) => {
                let node = Node::of(&parsed)?;
                Ok(Self(if let Node::And(parts) = node { parts } else { vec![Arc::new(node)] }))
            }
            Err(_) => refused(format!("`{text}` is not a CEL expression")),
        }
    }

    /// True where all of these are, as if they were joined by `&&`.
    #[must_use]
    pub fn all_of(expressions: Vec<Self>) -> Self {
        Self(expressions.into_iter().flat_map(|expression| expression.0).collect())
    }

    /// For each part of it of the form `!("a" in list && "b" in list)`, the texts: not all of them are in the list.
    #[must_use]
    pub fn lacking(&self, list: &[&str]) -> Vec<BTreeSet<&str>> {
        tree::lacking(&self.0, list)
    }

    /// Every text in it.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.0.iter().for_each(|part| part.texts(&mut found));
        found
    }
}

/// One look at a request by what can be named of it. Parts that several expressions share are looked at once.
pub struct Look<'a> {
    names: &'a dyn Names,
    /// What parts came to.
    told: RefCell<Vec<(Arc<Node>, Truth)>>,
}

impl<'a> Look<'a> {
    /// A look that starts with nothing.
    #[must_use]
    pub fn new(names: &'a dyn Names) -> Self {
        Self { names, told: RefCell::default() }
    }

    /// Whether an expression is true for this request; the same one on every call.
    ///
    /// # Errors
    /// Where it asks for something that cannot be told exactly.
    pub fn holds(&self, expression: &Expression, probe: &mut Probe<'_>) -> Result<bool, LiftError> {
        let scope = Scope { names: self.names, local: None, told: &self.told };
        Ok(scope.all(&expression.0, probe)? == Value::Bool(true))
    }
}

/// The names that an expression can use.
#[derive(Clone, Copy)]
struct Scope<'a> {
    names: &'a dyn Names,
    /// The variable of the list that is walked, with its value.
    local: Option<(&'a str, &'a Value<'static>)>,
    told: &'a RefCell<Vec<(Arc<Node>, Truth)>>,
}

impl Scope<'_> {
    /// What an expression comes to.
    fn value<'n>(&self, node: &'n Node, probe: &mut Probe<'_>) -> Result<Cow<'n, Value<'n>>, LiftError> {
        let found = match node {
            Node::Value(value) => return Ok(Cow::Borrowed(value)),
            Node::Texts(texts) => Value::List(texts.all().map(|text| Value::Text(Cow::Borrowed(text))).collect()),
            Node::List(nodes) => {
                let values = nodes.iter().map(|node| self.value(node, probe).map(Cow::into_owned));
                Value::List(values.collect::<Result<_, _>>()?)
            }
            Node::Variable(path) => self.variable(path, probe)?,
            Node::Has(path) => match self.claim_of(path) {
                Some(claim) if is_known(claim, probe) => Value::Bool(probe.is_present(claim)),
                _ => {
                    let names: Vec<&str> = path.iter().map(String::as_str).collect();
                    match self.names.has(&names, probe) {
                        Some(told) => told?,
                        None => {
                            return refused(format!("a rule asks whether `{}` is there, empty or not", path.join(".")));
                        }
                    }
                }
            },
            Node::And(nodes) => self.all(nodes, probe)?,
            Node::Or(both) => {
                let [left, right] = both.as_ref();
                match truth(self.value(left, probe)?.as_ref()) {
                    Truth::Yes => Value::Bool(true),
                    left @ (Truth::No | Truth::Fails | Truth::Open) => {
                        or(left, truth(self.value(right, probe)?.as_ref()))
                    }
                }
            }
            Node::Not(what) => self.not(what, probe)?,
            Node::If(three) => {
                let [condition, yes, no] = three.as_ref();
                return match truth(self.value(condition, probe)?.as_ref()) {
                    Truth::Yes => self.value(yes, probe),
                    Truth::No => self.value(no, probe),
                    Truth::Fails => Ok(Cow::Owned(Value::Error)),
                    Truth::Open => refused("a rule branches on an open claim"),
                };
            }
            Node::Equal(both) => {
                let [left, right] = both.as_ref();
                let left = self.value(left, probe)?;
                equal(left.as_ref(), self.value(right, probe)?.as_ref(), probe)?
            }
            Node::Differs(both) => {
                let [left, right] = both.as_ref();
                let left = self.value(left, probe)?;
                negated(&equal(left.as_ref(), self.value(right, probe)?.as_ref(), probe)?)?
            }
            Node::In(both) => {
                let [what, list] = both.as_ref();
                self.is_in(what, list, probe)?
            }
            Node::Add(both) => {
                let [left, right] = both.as_ref();
                let left = self.value(left, probe)?;
                added(left.as_ref(), self.value(right, probe)?.as_ref(), probe)?
            }
            Node::AtLeast(of, low) => self.within(of, *low, f64::INFINITY, probe)?,
            Node::AtMost(of, high) => self.within(of, f64::NEG_INFINITY, high.next_up(), probe)?,
            Node::StartsWith(of, start) => {
                let of = self.value(of, probe)?;
                of_text(of, |text| text.starts_with(start), |source| probe.begins(source, start))?
            }
            Node::IsOf(of, pattern) => {
                let of = self.value(of, probe)?;
                of_text(of, |text| matches(pattern, text), |source| probe.fits(source, pattern))?
            }
            Node::NotNormal(of) => {
                let of = self.value(of, probe)?;
                of_text(of, |text| !is_normal(text), |source| probe.has(source) && !probe.is_normal(source))?
            }
            Node::Exists(both, name) => {
                let [list, body] = both.as_ref();
                self.exists(list, name, body, probe)?
            }
        };
        Ok(Cow::Owned(found))
    }

    /// The claim that a path of variables means.
    fn claim_of<'n>(&self, path: &'n [String]) -> Option<&'n [String]> {
        let claims = self.names.claims();
        let (start, claim) = path.split_at_checked(claims.len())?;
        (start.iter().eq(claims) && !claim.is_empty()).then_some(claim)
    }

    fn variable<'n>(&self, path: &'n [String], probe: &mut Probe<'_>) -> Result<Value<'n>, LiftError> {
        if let (Some((name, value)), [asked]) = (self.local, path)
            && name == asked
        {
            return Ok(value.clone());
        }
        if let Some(claim) = self.claim_of(path) {
            return Ok(claim_value(claim, probe));
        }
        if let Some(arguments) = self.names.arguments()
            && let Some((start, path)) = path.split_at_checked(arguments.len())
            && start.iter().eq(arguments)
            && !path.is_empty()
        {
            return Ok(Value::Argument(path));
        }
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        self.names.other(&words, probe)
    }

    /// `names.exists(name, body)` over the names in the peer's certificate: somebody in particular, or else the caller, or
    /// nobody that the rules know.
    fn exists(&self, list: &Node, name: &str, body: &Node, probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
        if self.local.is_some() || *self.value(list, probe)? != Value::PeerNames {
            return refused("a rule walks another list than the names of a certificate");
        }
        let named = probe.has(&Source::Peer).then_some(Value::Of(Source::Peer));
        for value in named.into_iter().chain([Value::Text(Cow::Borrowed(NOBODY))]) {
            let found = (Scope { local: Some((name, &value)), ..*self }).value(body, probe)?;
            match (truth(found.as_ref()), &value) {
                (Truth::No, _) => {}
                (Truth::Yes, Value::Of(_)) if probe.mtls() => return Ok(Value::Bool(true)),
                (Truth::Yes, Value::Of(_)) => {}
                (Truth::Yes, _) => {
                    return refused("a rule is true for a name of a certificate that it does not say");
                }
                (Truth::Fails, _) => return Ok(Value::Error),
                (Truth::Open, _) => return refused("a rule asks claims for a name of a certificate"),
            }
        }
        Ok(Value::Bool(false))
    }
}

/// Whether the request says all about a claim: those that tell who the caller is.
fn is_known(claim: &[String], probe: &mut Probe<'_>) -> bool {
    probe.kind(claim) != ClaimKind::Open
}

/// What is known of a claim.
pub(super) fn claim_value<'n>(claim: &'n [String], probe: &mut Probe<'_>) -> Value<'n> {
    if claim == ["iss"] {
        return if probe.has(&Source::Issuer) { Value::Of(Source::Issuer) } else { Value::Error };
    }
    match probe.kind(claim) {
        ClaimKind::Open => Value::Claim(claim),
        ClaimKind::Object => Value::Object,
        ClaimKind::Null => Value::Null,
        ClaimKind::Text | ClaimKind::Empty => Value::Of(Source::claim(claim)),
        ClaimKind::Missing => Value::Error,
    }
}

#[cfg(test)]
mod tests;
