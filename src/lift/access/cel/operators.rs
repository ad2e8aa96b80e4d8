//! What each operator comes to.

use std::borrow::Cow;
use std::sync::Arc;

use super::tree::Node;
use super::{Scope, Value, refused};
use crate::lift::LiftError;
use crate::lift::access::probe::{Probe, Source, Texts};
use crate::model::access::{Decimal, Scalar};

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
pub(super) fn truth(value: &Value<'_>) -> Truth {
    match value {
        Value::Bool(true) => Truth::Yes,
        Value::Bool(false) => Truth::No,
        Value::Error
        | Value::Text(_)
        | Value::Of(_)
        | Value::Number(_)
        | Value::Null
        | Value::Object
        | Value::List(_) => Truth::Fails,
        Value::Miss
        | Value::Claim(_)
        | Value::ClaimAsList(_)
        | Value::ClaimAsText(_)
        | Value::Argument(_)
        | Value::PeerNames => Truth::Open,
    }
}

pub(super) fn or(left: Truth, right: Truth) -> Value<'static> {
    match (left, right) {
        (Truth::Yes, _) | (_, Truth::Yes) => Value::Bool(true),
        (Truth::No, Truth::No) => Value::Bool(false),
        (Truth::Fails, Truth::No | Truth::Fails) | (Truth::No, Truth::Fails) => Value::Error,
        (Truth::Open, _) | (_, Truth::Open) => Value::Miss,
    }
}

pub(super) fn negated(value: &Value<'_>) -> Result<Value<'static>, LiftError> {
    match truth(value) {
        Truth::Yes => Ok(Value::Bool(false)),
        Truth::No => Ok(Value::Bool(true)),
        Truth::Fails => Ok(Value::Error),
        Truth::Open => refused("a rule asks what a claim or an argument is not"),
    }
}

/// A test of the request that found something, or not.
fn tested(found: bool) -> Value<'static> {
    if found { Value::Bool(true) } else { Value::Miss }
}

impl Scope<'_> {
    /// Several conditions that must all hold. Those that make one test together are put to the request as one.
    pub(super) fn all(&self, conditions: &[Arc<Node>], probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
        let mut found = Value::Bool(true);
        let mut index = 0;
        while let Some(condition) = conditions.get(index) {
            index += 1;
            let holds = if let Some((left, right)) = self.differing(condition) {
                let is_sure = |claim: &[String]| conditions.iter().any(|other| self.not_empty(other) == Some(claim));
                if !is_sure(left) || !is_sure(right) {
                    return refused(format!("claims that may be empty are compared: `{}`", left.join(".")));
                }
                truth(&tested(probe.texts_differ(left, right)))
            } else if let Some(claim) = self.not_empty(condition)
                && conditions.iter().filter_map(|other| self.differing(other)).any(|(l, r)| l == claim || r == claim)
            {
                // Part of the comparison.
                continue;
            } else if let Node::AtLeast(of, low) = condition.as_ref() {
                let high = match conditions.get(index).map(Arc::as_ref) {
                    Some(Node::AtMost(same, high)) if same == of => {
                        index += 1;
                        high.next_up()
                    }
                    _ => f64::INFINITY,
                };
                truth(&self.within(of, *low, high, probe)?)
            } else {
                self.told(condition, probe)?
            };
            match holds {
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

    /// What a part comes to, which is looked at once.
    fn told(&self, part: &Arc<Node>, probe: &mut Probe<'_>) -> Result<Truth, LiftError> {
        if self.local.is_some() {
            return Ok(truth(self.value(part, probe)?.as_ref()));
        }
        let told = self.told.borrow();
        let before = told.iter().find(|(known, _)| Arc::ptr_eq(known, part)).map(|(_, truth)| *truth);
        drop(told);
        if let Some(before) = before {
            return Ok(before);
        }
        let found = truth(self.value(part, probe)?.as_ref());
        self.told.borrow_mut().push((Arc::clone(part), found));
        Ok(found)
    }

    /// The two claims that `claim != claim` is about.
    fn differing<'n>(&self, condition: &'n Node) -> Option<(&'n [String], &'n [String])> {
        let Node::Differs(both) = condition else { return None };
        let [left, right] = both.as_ref();
        Some((self.claim_of(left.path()?)?, self.claim_of(right.path()?)?))
    }

    /// The claim that `claim + "" != ""` is about.
    fn not_empty<'n>(&self, condition: &'n Node) -> Option<&'n [String]> {
        let Node::Differs(both) = condition else { return None };
        let [Node::Add(sum), nothing] = both.as_ref() else { return None };
        let [claim, also] = sum.as_ref();
        self.claim_of(claim.path()?).filter(|_| nothing.is_empty_text() && also.is_empty_text())
    }

    /// Whether an argument is a number from `low` on and below `high`.
    pub(super) fn within(
        &self,
        of: &Node,
        low: f64,
        high: f64,
        probe: &mut Probe<'_>,
    ) -> Result<Value<'static>, LiftError> {
        let of = self.value(of, probe)?;
        let Value::Argument(name) = of.as_ref() else {
            return refused("a rule compares something else than an argument with a number");
        };
        Ok(tested(probe.number_within(name, low, high)))
    }

    /// `!what`; that a claim is there and not empty is `!(claim in [null, "", [], {}])`.
    pub(super) fn not(&self, what: &Node, probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
        if let Node::In(both) = what
            && let [claim, list] = both.as_ref()
            && let Value::Claim(path) = self.value(claim, probe)?.as_ref()
        {
            let empty =
                Value::List(vec![Value::Null, Value::Text(Cow::Borrowed("")), Value::List(Vec::new()), Value::Object]);
            return match *self.value(list, probe)? == empty {
                true => Ok(tested(probe.is_present(path))),
                false => refused(format!("a rule asks what the claim `{}` is not", path.join("."))),
            };
        }
        negated(self.value(what, probe)?.as_ref())
    }

    /// `in`. On a text some implementations look for a part of it, so that is refused, and so is a claim that may be one.
    pub(super) fn is_in(&self, what: &Node, list: &Node, probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
        let what = self.value(what, probe)?;
        if let Node::Texts(texts) = list {
            return one_of(&what, texts, probe);
        }
        let list = self.value(list, probe)?;
        match (what.as_ref(), list.as_ref()) {
            (Value::Error, _) | (_, Value::Error) => Ok(Value::Error),
            (Value::Text(text), Value::ClaimAsList(path)) => Ok(tested(probe.list_has(path, text))),
            (Value::Bool(truth), Value::ClaimAsList(path)) => {
                Ok(tested(probe.list_holds(path, &Scalar::Truth(*truth))))
            }
            (Value::Of(source), Value::ClaimAsList(path)) => {
                let text = probe.whole(source).unwrap_or_default();
                Ok(tested(probe.list_has(path, &text)))
            }
            (what, Value::List(values)) => {
                let mut found = Value::Bool(false);
                for value in values {
                    let same = if is_plain(what) && !is_plain(value) {
                        Value::Bool(false)
                    } else {
                        equal(what, value, probe)?
                    };
                    match truth(&same) {
                        Truth::Yes => return Ok(same),
                        Truth::No => {}
                        Truth::Fails | Truth::Open => found = same,
                    }
                }
                Ok(found)
            }
            (_, Value::Claim(path)) => refused(format!(
                "a rule uses `in` on the claim `{}` itself, which finds parts of a text",
                path.join(".")
            )),
            _ => refused("a rule uses `in` on something that is not a list"),
        }
    }
}

/// Whether a value is one of some texts.
fn one_of(what: &Value<'_>, texts: &Texts, probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
    if let Value::Text(text) = what {
        return Ok(Value::Bool(texts.class(text.as_ref()).is_some()));
    }
    if let Value::Of(source) = what {
        return Ok(Value::Bool(probe.one_of(source, texts)));
    }
    let mut found = Value::Bool(false);
    for text in texts.all() {
        let same = equal(what, &Value::Text(Cow::Borrowed(text)), probe)?;
        match truth(&same) {
            Truth::Yes => return Ok(same),
            Truth::No => {}
            Truth::Fails | Truth::Open => found = same,
        }
    }
    Ok(found)
}

/// `==`. Values of different types are not equal.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>, probe: &mut Probe<'_>) -> Result<Value<'static>, LiftError> {
    match (left, right) {
        (Value::Error, _) | (_, Value::Error) => Ok(Value::Error),
        (Value::Claim(path), Value::Text(text)) | (Value::Text(text), Value::Claim(path)) => {
            Ok(tested(probe.text_is(path, text)))
        }
        (Value::Argument(name), Value::Text(text)) | (Value::Text(text), Value::Argument(name)) => {
            Ok(tested(probe.argument_is(name, &text.as_ref().into())))
        }
        (Value::Claim(path), Value::Bool(truth)) | (Value::Bool(truth), Value::Claim(path)) => {
            Ok(tested(probe.value_is(path, &Scalar::Truth(*truth))))
        }
        (Value::Argument(name), Value::Bool(truth)) | (Value::Bool(truth), Value::Argument(name)) => {
            Ok(tested(probe.argument_is(name, &Scalar::Truth(*truth))))
        }
        (Value::Argument(name), Value::Number(number)) | (Value::Number(number), Value::Argument(name)) => {
            match Decimal::from_f64(*number) {
                Some(number) => Ok(tested(probe.argument_is(name, &Scalar::Number(number)))),
                None => refused("a rule compares an argument with a number that is not exact"),
            }
        }
        (Value::Of(source), Value::Text(text)) | (Value::Text(text), Value::Of(source)) => {
            Ok(Value::Bool(probe.is(source, text)))
        }
        (Value::Of(left), Value::Of(right)) => Ok(Value::Bool(probe.same(left, right))),
        (Value::Of(source), other) | (other, Value::Of(source))
            if matches!(other, Value::Claim(_) | Value::Argument(_)) =>
        {
            let text = Value::Text(Cow::Owned(probe.whole(source).unwrap_or_default()));
            equal(other, &text, probe)
        }
        // Objects of a token hold something, and the only object that is written is the empty one.
        (Value::Object, Value::Object) => Ok(Value::Bool(false)),
        (Value::Object, other) | (other, Value::Object) if is_plain(other) => Ok(Value::Bool(false)),
        (Value::Of(_), other) | (other, Value::Of(_)) if is_plain(other) => Ok(Value::Bool(false)),
        (left, right) if is_plain(left) && is_plain(right) => Ok(Value::Bool(left == right)),
        _ => refused("a rule compares what cannot be compared exactly"),
    }
}

/// Whether a value is fully known.
fn is_plain(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(_) | Value::Text(_) | Value::Of(_) | Value::Number(_) | Value::Null => true,
        // Lists are compared as they are, and what a text of the request is must be asked.
        Value::List(values) => values.iter().all(|value| is_plain(value) && !matches!(value, Value::Of(_))),
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

/// `+`, of two texts or of two lists; anything else fails.
pub(super) fn added<'n>(left: &Value<'n>, right: &Value<'_>, probe: &mut Probe<'_>) -> Result<Value<'n>, LiftError> {
    match (left, right) {
        (Value::Error, _) | (_, Value::Error) => Ok(Value::Error),
        (Value::Text(left), Value::Text(right)) => Ok(Value::Text(Cow::Owned(format!("{left}{right}")))),
        (Value::Of(source), Value::Text(none)) if none.is_empty() => Ok(Value::Of(source.clone())),
        (Value::Of(source), Value::Text(_) | Value::Of(_)) => {
            let text = Value::Text(Cow::Owned(probe.whole(source).unwrap_or_default()));
            added(&text, right, probe)
        }
        (Value::Text(_), Value::Of(source)) => {
            let text = Value::Text(Cow::Owned(probe.whole(source).unwrap_or_default()));
            added(left, &text, probe)
        }
        (Value::Claim(path), Value::List(none)) if none.is_empty() => Ok(Value::ClaimAsList(path)),
        (Value::Claim(path), Value::Text(none)) if none.is_empty() => Ok(Value::ClaimAsText(path)),
        (Value::Text(_) | Value::Of(_) | Value::Object, Value::List(none)) if none.is_empty() => Ok(Value::Error),
        (Value::Object, Value::Text(_)) => Ok(Value::Error),
        _ => refused("a rule adds what cannot be added exactly"),
    }
}

/// Whether a text begins with another, or is of a pattern. Nothing else has a beginning: no overload takes it, so it fails.
pub(super) fn of_text(
    value: Cow<'_, Value<'_>>,
    test: impl Fn(&str) -> bool,
    ask: impl FnOnce(&Source<'_>) -> bool,
) -> Result<Value<'static>, LiftError> {
    if let Value::Text(text) = value.as_ref() {
        return Ok(Value::Bool(test(text)));
    }
    if let Value::Of(source) = value.as_ref() {
        return Ok(Value::Bool(ask(source)));
    }
    match value.as_ref() {
        Value::Error | Value::Object | Value::Null | Value::Number(_) | Value::Bool(_) | Value::List(_) => {
            Ok(Value::Error)
        }
        Value::Text(_)
        | Value::Of(_)
        | Value::Miss
        | Value::Claim(_)
        | Value::ClaimAsList(_)
        | Value::ClaimAsText(_)
        | Value::Argument(_)
        | Value::PeerNames => refused("a rule looks into something that is not text"),
    }
}
