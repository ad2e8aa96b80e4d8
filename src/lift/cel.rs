//! An interpreter of the CEL that gateways are given: exactly the operators that occur, by the rules that all implementations
//! share. Anything else is an error, and so is what implementations understand differently.
//!
//! Nothing is assumed about claims and arguments that the request leaves open: each test of one is put to the [`World`].
//! A test that finds nothing may be false or may fail, as the claim is missing or of another type; what would be true for one
//! and not for the other is refused.

mod operators;

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators as op};

use super::LiftError;
use super::world::{Peer, World};
use operators::{Truth, truth};

/// A name that no certificate of a workspace holds.
const STRANGER: &str = "\u{1}nobody";

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression(IdedExpr);

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// Nothing.
    Null,
    /// An object, of which nothing is known.
    Object,
    /// A list.
    List(Vec<Value>),
    /// It fails: something is missing, or of a type that the operator does not take.
    Error,
    /// A test that found nothing: false, or it fails.
    Miss,
    /// A claim that the request leaves open.
    Claim(Vec<String>),
    /// Such a claim with an empty list added: a list, or it fails.
    ClaimAsList(Vec<String>),
    /// Such a claim with an empty text added: a text, or it fails.
    ClaimAsText(Vec<String>),
    /// An argument of the call.
    Argument(String),
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
    fn other(&self, path: &[&str], world: &mut World<'_>) -> Result<Value, LiftError>;
}

pub(super) fn refused<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Stranger(what.into()))
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, LiftError> {
        match cel::parser::Parser::new().parse(text) {
            Ok(parsed) => Ok(Self(parsed)),
            Err(_) => refused(format!("`{text}` is no CEL expression")),
        }
    }

    /// Whether it is true for this request.
    ///
    /// # Errors
    /// Where it holds anything that this interpreter does not know.
    pub fn holds(&self, names: &dyn Names, world: &mut World<'_>) -> Result<bool, LiftError> {
        let value = Scope { names, local: None }.value(&self.0, world)?;
        Ok(value == Value::Bool(true))
    }

    /// For each part of it of the form `!("a" in list && "b" in list)`, the texts: not all of them are in the list.
    #[must_use]
    pub fn lacking(&self, list: &[&str]) -> Vec<BTreeSet<&str>> {
        operators::lacking(&self.0, list)
    }

    /// Every text in it.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        let mut found = Vec::new();
        texts(&self.0, &mut found);
        found
    }
}

fn texts<'e>(expression: &'e IdedExpr, found: &mut Vec<&'e str>) {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => found.push(text.inner()),
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).for_each(|part| texts(part, found)),
        Expr::List(list) => list.elements.iter().for_each(|part| texts(part, found)),
        Expr::Select(select) => texts(&select.operand, found),
        Expr::Comprehension(all) => {
            for part in [&all.iter_range, &all.accu_init, &all.loop_cond, &all.loop_step, &all.result] {
                texts(part, found);
            }
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) => {}
    }
}

/// The names that an expression can use.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    names: &'a dyn Names,
    /// The variable of the list that is walked, with its value.
    local: Option<(&'a str, &'a Value)>,
}

impl Scope<'_> {
    /// What an expression comes to.
    fn value(&self, expression: &IdedExpr, world: &mut World<'_>) -> Result<Value, LiftError> {
        match &expression.expr {
            Expr::Literal(literal) => Ok(match literal {
                LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
                LiteralValue::String(value) => Value::Text(value.inner().to_owned()),
                LiteralValue::Int(value) => Value::Number(*value.inner() as f64),
                LiteralValue::Double(value) => Value::Number(*value.inner()),
                LiteralValue::Null => Value::Null,
                LiteralValue::Bytes(_) | LiteralValue::UInt(_) => {
                    return refused("a rule holds bytes or an unsigned number");
                }
            }),
            Expr::List(list) if list.optional_indices.is_empty() => {
                let values = list.elements.iter().map(|element| self.value(element, world));
                values.collect::<Result<_, _>>().map(Value::List)
            }
            Expr::Map(map) if map.entries.is_empty() => Ok(Value::Object),
            Expr::Select(select) if select.test => {
                let Some(mut path) = path_of(&select.operand) else { return refused("`has` of something computed") };
                path.push(&select.field);
                match self.claim_of(&path) {
                    Some(claim) if is_known(&claim, world) => Ok(Value::Bool(world.is_present(&claim))),
                    _ => refused(format!("a rule asks whether `{}` is there, empty or not", path.join("."))),
                }
            }
            Expr::Comprehension(all) => self.exists(all, world),
            Expr::Call(call) => match path_of(expression) {
                Some(path) => self.variable(&path, world),
                None => self.call(expression, call, world),
            },
            Expr::Ident(_) | Expr::Select(_) => match path_of(expression) {
                Some(path) => self.variable(&path, world),
                None => refused("a rule looks into something computed"),
            },
            Expr::List(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => refused("a rule builds a value"),
        }
    }

    /// The claim that a path of variables means.
    fn claim_of(&self, path: &[&str]) -> Option<Vec<String>> {
        let claim = path.strip_prefix(self.names.claims())?;
        (!claim.is_empty()).then(|| claim.iter().map(|part| (*part).to_owned()).collect())
    }

    /// The argument that a path of variables means.
    fn argument_of(&self, path: &[&str]) -> Option<String> {
        match path.strip_prefix(self.names.arguments()?)? {
            [name] => Some((*name).to_owned()),
            _ => None,
        }
    }

    fn variable(&self, path: &[&str], world: &mut World<'_>) -> Result<Value, LiftError> {
        if let (Some((name, value)), [asked]) = (self.local, path)
            && name == *asked
        {
            return Ok(value.clone());
        }
        if let Some(claim) = self.claim_of(path) {
            return Ok(claim_value(claim, world));
        }
        match self.argument_of(path) {
            Some(argument) => Ok(Value::Argument(argument)),
            None => self.names.other(path, world),
        }
    }

    /// `names.exists(name, body)` over the names in the peer's certificate.
    fn exists(&self, all: &ComprehensionExpr, world: &mut World<'_>) -> Result<Value, LiftError> {
        let is_accumulator = |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if *name == all.accu_var);
        let body = match &all.loop_step.expr {
            Expr::Call(CallExpr { func_name, target: None, args }) if func_name == op::LOGICAL_OR => {
                Some(args.as_slice())
            }
            Expr::Call(_)
            | Expr::Unspecified
            | Expr::Comprehension(_)
            | Expr::Ident(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Select(_)
            | Expr::Struct(_) => None,
        };
        let body = match body {
            Some([before, body]) if is_accumulator(before) => Some(body),
            _ => None,
        };
        let starts_false = matches!(&all.accu_init.expr, Expr::Literal(LiteralValue::Boolean(value)) if !value.inner());
        let (Some(body), true, true, None) = (body, starts_false, is_accumulator(&all.result), &all.iter_var2) else {
            return refused("a rule walks a list otherwise than with `exists`");
        };
        if self.local.is_some() || self.value(&all.iter_range, world)? != Value::PeerNames {
            return refused("a rule walks another list than the names of a certificate");
        }
        // A certificate names somebody in particular, or else the caller, or nobody that the rules know.
        let named = match world.peer {
            Peer::Named(name) => Some(name.clone()),
            Peer::Open => world.subject.map(str::to_owned),
        };
        if let Some(name) = named {
            let value = Value::Text(name.clone());
            let found = (Scope { local: Some((&all.iter_var, &value)), ..*self }).value(body, world)?;
            match truth(&found) {
                Truth::No => {}
                Truth::Yes if world.peer_is(&name) => return Ok(Value::Bool(true)),
                Truth::Yes => {}
                Truth::Fails => return Ok(Value::Error),
                Truth::Open => return refused("a rule asks claims for a name of a certificate"),
            }
        }
        let value = Value::Text(STRANGER.to_owned());
        let found = (Scope { local: Some((&all.iter_var, &value)), ..*self }).value(body, world)?;
        match truth(&found) {
            Truth::No => Ok(found),
            Truth::Fails => Ok(Value::Error),
            Truth::Yes | Truth::Open => refused("a rule is true for a name of a certificate that it does not say"),
        }
    }
}

/// Whether the request says all about a claim: those that tell who the caller is.
fn is_known(claim: &[String], world: &World<'_>) -> bool {
    matches!(claim.first().map(String::as_str), Some("sub" | "act" | "iss"))
        || world.token.closed.iter().any(|known| known == claim)
}

/// What is known of a claim.
pub(super) fn claim_value(claim: Vec<String>, world: &World<'_>) -> Value {
    if claim == ["iss"] {
        return world.issuer.map_or(Value::Error, |issuer| Value::Text(issuer.issuer.value.clone()));
    }
    if !is_known(&claim, world) {
        return Value::Claim(claim);
    }
    if world.token.objects.contains(&claim) {
        return Value::Object;
    }
    world.token.texts.get(&claim).map_or(Value::Error, |text| Value::Text(text.clone()))
}

/// `a.b["c"]` as a path; `json(request.body)` is its own beginning.
fn path_of(expression: &IdedExpr) -> Option<Vec<&str>> {
    if let Expr::Ident(name) = &expression.expr {
        return Some(vec![name]);
    }
    if let Expr::Select(select) = &expression.expr {
        let mut path = path_of(&select.operand).filter(|_| !select.test)?;
        path.push(&select.field);
        return Some(path);
    }
    let Expr::Call(CallExpr { func_name, target: None, args }) = &expression.expr else { return None };
    match (func_name.as_str(), args.as_slice()) {
        (op::INDEX, [operand, IdedExpr { expr: Expr::Literal(LiteralValue::String(key)), .. }]) => {
            let mut path = path_of(operand)?;
            path.push(key.inner());
            Some(path)
        }
        ("json", [text]) if path_of(text)? == ["request", "body"] => Some(vec!["json(request.body)"]),
        _ => None,
    }
}
