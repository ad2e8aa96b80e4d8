//! The operators and functions that occur.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators as op};

use super::{Scope, Value, path_of, refused};
use crate::lift::LiftError;
use crate::lift::world::World;
use crate::policy::seen::matches;

impl Scope<'_> {
    /// What a call comes to.
    pub(super) fn call(
        &self,
        expression: &IdedExpr,
        call: &CallExpr,
        world: &mut World<'_>,
    ) -> Result<Value, LiftError> {
        let name = call.func_name.as_str();
        match (name, &call.target, call.args.as_slice()) {
            (op::LOGICAL_AND | op::GREATER_EQUALS | op::LESS_EQUALS, None, [_, _]) => {
                let mut all = Vec::new();
                conjuncts(expression, &mut all);
                self.all(&all, world)
            }
            (op::LOGICAL_OR, None, [left, right]) => {
                let left = self.value(left, world)?;
                if left == Value::Bool(true) {
                    return Ok(left);
                }
                match (truth(&left), truth(&self.value(right, world)?)) {
                    (_, Truth::Yes) => Ok(Value::Bool(true)),
                    (Truth::No, Truth::No) => Ok(Value::Bool(false)),
                    (Truth::Fails, Truth::No | Truth::Fails) | (Truth::No, Truth::Fails) => Ok(Value::Error),
                    (Truth::Yes | Truth::No | Truth::Fails | Truth::Open, _) => Ok(Value::Miss),
                }
            }
            (op::LOGICAL_NOT, None, [what]) => self.not(what, world),
            (op::CONDITIONAL, None, [condition, yes, no]) => match truth(&self.value(condition, world)?) {
                Truth::Yes => self.value(yes, world),
                Truth::No => self.value(no, world),
                Truth::Fails => Ok(Value::Error),
                Truth::Open => refused("a rule branches on an open claim"),
            },
            (op::EQUALS, None, [left, right]) => {
                let (left, right) = (self.value(left, world)?, self.value(right, world)?);
                equal(&left, &right, world)
            }
            (op::NOT_EQUALS, None, [left, right]) => {
                let (left, right) = (self.value(left, world)?, self.value(right, world)?);
                negated(&equal(&left, &right, world)?)
            }
            (op::IN, None, [what, list]) => {
                let what = self.value(what, world)?;
                if let Value::Text(text) = &what
                    && let Some(found) = among(text, list)
                {
                    return Ok(Value::Bool(found));
                }
                let list = self.value(list, world)?;
                is_in(&what, &list, world)
            }
            (op::ADD, None, [left, right]) => added(self.value(left, world)?, self.value(right, world)?),
            ("startsWith", Some(target), [start]) => match (self.value(target, world)?, self.value(start, world)?) {
                (Value::Text(text), Value::Text(start)) => Ok(Value::Bool(text.starts_with(&start))),
                (Value::Error, Value::Text(_)) => Ok(Value::Error),
                _ => refused("`startsWith` on something that is no text"),
            },
            ("matches", Some(target), [pattern]) => match (self.value(target, world)?, self.value(pattern, world)?) {
                (Value::Text(text), Value::Text(pattern)) => Ok(Value::Bool(matches(&as_pattern(&pattern)?, &text))),
                (Value::Error, Value::Text(pattern)) => as_pattern(&pattern).map(|_| Value::Error),
                _ => refused("`matches` on something that is no text"),
            },
            _ => refused(format!("a rule uses `{name}`, which is not understood")),
        }
    }

    fn not(&self, what: &IdedExpr, world: &mut World<'_>) -> Result<Value, LiftError> {
        // That a claim is there, and is not empty.
        if let Expr::Call(CallExpr { func_name, target: None, args }) = &what.expr
            && func_name == op::IN
            && let [claim, list] = args.as_slice()
        {
            let (claim, list) = (self.value(claim, world)?, self.value(list, world)?);
            let empty = [Value::Null, Value::Text(String::new()), Value::List(Vec::new()), Value::Object];
            if let (Value::Claim(path), Value::List(list)) = (&claim, &list) {
                return match *list == empty {
                    true => Ok(if world.is_present(path) { Value::Bool(true) } else { Value::Miss }),
                    false => refused(format!("a rule asks what the claim `{}` is not", path.join("."))),
                };
            }
            return negated(&is_in(&claim, &list, world)?);
        }
        negated(&self.value(what, world)?)
    }

    /// Several conditions that must all hold. Those that make one test together are put to the request as one.
    fn all(&self, conditions: &[&IdedExpr], world: &mut World<'_>) -> Result<Value, LiftError> {
        let claim = |expression: &IdedExpr| path_of(expression).and_then(|path| self.claim_of(&path));
        // `claim + "" != ""`
        let not_empty_of = |condition: &IdedExpr| {
            let (left, right) = two(condition, op::NOT_EQUALS)?;
            let (what, nothing) = two(left, op::ADD)?;
            if is_empty_text(nothing) && is_empty_text(right) { claim(what) } else { None }
        };
        let differing_of = |condition: &IdedExpr| {
            let (left, right) = two(condition, op::NOT_EQUALS)?;
            Some((claim(left)?, claim(right)?))
        };
        let not_empty: Vec<Vec<String>> = conditions.iter().filter_map(|condition| not_empty_of(condition)).collect();
        let differing: Vec<_> = conditions.iter().filter_map(|condition| differing_of(condition)).collect();
        let mut found = Value::Bool(true);
        let mut index = 0;
        while let Some(condition) = conditions.get(index) {
            index += 1;
            let value = if let Some((left, right)) = differing_of(condition) {
                if !not_empty.contains(&left) || !not_empty.contains(&right) {
                    return refused(format!("claims that may be empty are compared: `{}`", left.join(".")));
                }
                if world.texts_differ(&left, &right) { Truth::Yes } else { Truth::Open }
            } else if let Some(path) = not_empty_of(condition)
                && differing.iter().any(|(left, right)| *left == path || *right == path)
            {
                // Part of the comparison.
                continue;
            } else if let Some((argument, sign, bound)) = self.bound(condition, world)? {
                let next = conditions.get(index).map(|next| self.bound(next, world)).transpose()?.flatten();
                let (low, high) = match (sign, next) {
                    (op::GREATER_EQUALS, Some((same, op::LESS_EQUALS, high))) if same == argument => {
                        index += 1;
                        (bound, high.next_up())
                    }
                    (op::GREATER_EQUALS, _) => (bound, f64::INFINITY),
                    _ => (f64::NEG_INFINITY, bound.next_up()),
                };
                if world.number_within(&argument, low, high) { Truth::Yes } else { Truth::Open }
            } else {
                truth(&self.value(condition, world)?)
            };
            match value {
                Truth::Yes => {}
                Truth::No => return Ok(Value::Bool(false)),
                // For a name of a certificate it matters whether it is false or fails; what follows may still be false.
                Truth::Fails if self.local.is_some() => found = Value::Error,
                // Nothing that follows makes it true; whether it is false or fails is not asked.
                Truth::Fails | Truth::Open => return Ok(Value::Miss),
            }
        }
        Ok(found)
    }

    /// `argument >= number` or `argument <= number`.
    fn bound(
        &self,
        condition: &IdedExpr,
        world: &mut World<'_>,
    ) -> Result<Option<(String, &'static str, f64)>, LiftError> {
        for sign in [op::GREATER_EQUALS, op::LESS_EQUALS] {
            let Some((left, right)) = two(condition, sign) else { continue };
            return match (self.value(left, world)?, self.value(right, world)?) {
                (Value::Argument(name), Value::Number(bound)) => Ok(Some((name, sign, bound))),
                _ => refused("a rule compares something else than an argument with a number"),
            };
        }
        Ok(None)
    }
}

/// The parts of `a && b && c`.
fn conjuncts<'e>(expression: &'e IdedExpr, found: &mut Vec<&'e IdedExpr>) {
    match two(expression, op::LOGICAL_AND) {
        Some((left, right)) => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        None => found.push(expression),
    }
}

/// For each conjunct of the form `!("a" in list && "b" in list)`, the texts.
pub(super) fn lacking<'e>(expression: &'e IdedExpr, list: &[&str]) -> Vec<BTreeSet<&'e str>> {
    let mut all = Vec::new();
    conjuncts(expression, &mut all);
    let held = |part: &'e IdedExpr| {
        let (text, of) = two(part, op::IN)?;
        let Expr::Literal(LiteralValue::String(text)) = &text.expr else { return None };
        (path_of(of)? == list).then(|| text.inner())
    };
    let lacked = |condition: &'e IdedExpr| {
        let Expr::Call(CallExpr { func_name, target: None, args }) = &condition.expr else { return None };
        let [inner] = args.as_slice() else { return None };
        let mut parts = Vec::new();
        conjuncts(inner, &mut parts);
        parts.into_iter().map(held).collect::<Option<BTreeSet<&str>>>().filter(|_| func_name == op::LOGICAL_NOT)
    };
    all.into_iter().filter_map(lacked).collect()
}

/// Both sides of an operator.
fn two<'e>(expression: &'e IdedExpr, operator: &str) -> Option<(&'e IdedExpr, &'e IdedExpr)> {
    let Expr::Call(CallExpr { func_name, target: None, args }) = &expression.expr else { return None };
    match args.as_slice() {
        [left, right] if func_name == operator => Some((left, right)),
        _ => None,
    }
}

/// Whether a text is one of a list that holds texts alone; `None` for another list.
fn among(text: &str, list: &IdedExpr) -> Option<bool> {
    let Expr::List(list) = &list.expr else { return None };
    let mut found = false;
    for element in &list.elements {
        let Expr::Literal(LiteralValue::String(element)) = &element.expr else { return None };
        found |= element.inner() == text;
    }
    Some(found).filter(|_| list.optional_indices.is_empty())
}

fn is_empty_text(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Literal(LiteralValue::String(text)) if text.inner().is_empty())
}

/// A value as a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// It fails.
    Fails,
    /// It is false or fails.
    Open,
}

/// What an operator on truth values takes a value for. One that is none fails.
pub(super) fn truth(value: &Value) -> Truth {
    match value {
        Value::Bool(true) => Truth::Yes,
        Value::Bool(false) => Truth::No,
        Value::Error | Value::Text(_) | Value::Number(_) | Value::Null | Value::Object | Value::List(_) => Truth::Fails,
        Value::Miss
        | Value::Claim(_)
        | Value::ClaimAsList(_)
        | Value::ClaimAsText(_)
        | Value::Argument(_)
        | Value::PeerNames => Truth::Open,
    }
}

fn negated(value: &Value) -> Result<Value, LiftError> {
    match truth(value) {
        Truth::Yes => Ok(Value::Bool(false)),
        Truth::No => Ok(Value::Bool(true)),
        Truth::Fails => Ok(Value::Error),
        Truth::Open => refused("a rule asks what a claim or an argument is not"),
    }
}

/// `==`. Values of different types are not equal.
fn equal(left: &Value, right: &Value, world: &mut World<'_>) -> Result<Value, LiftError> {
    match (left, right) {
        (Value::Error, _) | (_, Value::Error) => Ok(Value::Error),
        (Value::Claim(path), Value::Text(text)) | (Value::Text(text), Value::Claim(path)) => {
            Ok(if world.text_is(path, text) { Value::Bool(true) } else { Value::Miss })
        }
        (Value::Argument(name), Value::Text(text)) | (Value::Text(text), Value::Argument(name)) => {
            Ok(if world.argument_is(name, text) { Value::Bool(true) } else { Value::Miss })
        }
        (left, right) if is_plain(left) && is_plain(right) => Ok(Value::Bool(left == right)),
        _ => refused("a rule compares what cannot be compared exactly"),
    }
}

/// Whether a value is fully known.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Bool(_) | Value::Text(_) | Value::Number(_) | Value::Null => true,
        Value::List(values) => values.iter().all(is_plain),
        Value::Object
        | Value::Error
        | Value::Miss
        | Value::Claim(_)
        | Value::ClaimAsList(_)
        | Value::ClaimAsText(_)
        | Value::Argument(_)
        | Value::PeerNames => false,
    }
}

/// `in`. On a text some implementations look for a part of it, so that is refused, and so is a claim that may be one.
fn is_in(what: &Value, list: &Value, world: &mut World<'_>) -> Result<Value, LiftError> {
    match (what, list) {
        (Value::Error, _) | (_, Value::Error) => Ok(Value::Error),
        (Value::Text(text), Value::ClaimAsList(path)) => {
            Ok(if world.list_has(path, text) { Value::Bool(true) } else { Value::Miss })
        }
        // An object is none of the texts.
        (Value::Object, Value::List(values)) if values.iter().all(is_plain) => Ok(Value::Bool(false)),
        (what, Value::List(values)) => {
            let mut found = Value::Bool(false);
            for value in values {
                let same = equal(what, value, world)?;
                match truth(&same) {
                    Truth::Yes => return Ok(same),
                    Truth::No => {}
                    Truth::Fails | Truth::Open => found = same,
                }
            }
            Ok(found)
        }
        (_, Value::Claim(path)) => {
            refused(format!("a rule uses `in` on the claim `{}` itself, which finds parts of a text", path.join(".")))
        }
        _ => refused("a rule uses `in` on something that is no list"),
    }
}

/// `+`, of two texts or of two lists; anything else fails.
fn added(left: Value, right: Value) -> Result<Value, LiftError> {
    match (left, right) {
        (Value::Error, _) | (_, Value::Error) => Ok(Value::Error),
        (Value::Text(left), Value::Text(right)) => Ok(Value::Text(left + &right)),
        (Value::Claim(path), Value::List(none)) if none.is_empty() => Ok(Value::ClaimAsList(path)),
        (Value::Claim(path), Value::Text(none)) if none.is_empty() => Ok(Value::ClaimAsText(path)),
        (Value::Text(_) | Value::Object, Value::List(none)) if none.is_empty() => Ok(Value::Error),
        (Value::Object, Value::Text(_)) => Ok(Value::Error),
        _ => refused("a rule adds what cannot be added exactly"),
    }
}

/// The pattern with `*` that a regular expression stands for.
fn as_pattern(expression: &str) -> Result<String, LiftError> {
    let signs = r"\.+*?()|[]{}^$#&-~";
    let inner = expression.strip_prefix(r"(?s)\A").and_then(|rest| rest.strip_suffix(r"\z"));
    let Some(inner) = inner else { return refused("a regular expression is not for a whole text") };
    let mut pattern = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '.' if letters.next() == Some('*') => pattern.push('*'),
            '\\' => match letters.next() {
                Some(escaped) if escaped != '*' && signs.contains(escaped) => pattern.push(escaped),
                _ => return refused("a regular expression is not understood"),
            },
            letter if signs.contains(letter) => return refused("a regular expression is not understood"),
            letter => pattern.push(letter),
        }
    }
    Ok(pattern)
}
