//! What a request answers of the claims of its token.

use std::borrow::Cow;

use super::Probe;
use super::question::{ClaimKind, Question};
use super::shows::{Form, Shows};
use super::source::Source;
use crate::model::access::Scalar;

impl Probe<'_> {
    /// What is known of a claim.
    pub fn kind(&mut self, path: &[String]) -> ClaimKind {
        ClaimKind::numbered(self.ask(Question::ClaimKind(Cow::Borrowed(path))))
    }

    /// Whether the claim is a list that holds this text.
    pub fn list_has(&mut self, path: &[String], value: &str) -> bool {
        self.list_holds(path, &value.into())
    }

    /// Whether the claim is a list that holds this value.
    pub fn list_holds(&mut self, path: &[String], value: &Scalar) -> bool {
        self.kind(path) == ClaimKind::Open && self.claim(path, value, Form::Element) == 1
    }

    /// Whether the claim is this text.
    pub fn text_is(&mut self, path: &[String], value: &str) -> bool {
        self.value_is(path, &value.into())
    }

    /// Whether the claim is this value.
    pub fn value_is(&mut self, path: &[String], value: &Scalar) -> bool {
        let kind = if matches!(path, [only] if only == "iss") { ClaimKind::Text } else { self.kind(path) };
        match (kind, value) {
            (ClaimKind::Text | ClaimKind::Empty, Scalar::Text(text)) if matches!(path, [only] if only == "iss") => {
                self.is(&Source::Issuer, text)
            }
            (ClaimKind::Text | ClaimKind::Empty, Scalar::Text(text)) => self.is(&Source::claim(path), text),
            (ClaimKind::Text | ClaimKind::Empty, Scalar::Truth(_) | Scalar::Number(_)) => false,
            (ClaimKind::Missing | ClaimKind::Object | ClaimKind::Null, _) => false,
            (ClaimKind::Open, _) => self.claim(path, value, Form::Whole) == 2,
        }
    }

    /// Whether the claim is a text that holds this one between separators.
    pub fn part_is(&mut self, path: &[String], value: &str, separator: char) -> bool {
        match self.kind(path) {
            ClaimKind::Open => self.claim(path, &value.into(), Form::Between(separator)) == 2,
            ClaimKind::Text | ClaimKind::Empty | ClaimKind::Missing | ClaimKind::Object | ClaimKind::Null => {
                self.unknown(format!("a part of the claim `{}`", path.join(".")))
            }
        }
    }

    /// Whether the claim is there at all. Only claims that tell who the caller is can be asked.
    pub fn is_present(&mut self, path: &[String]) -> bool {
        match self.kind(path) {
            // A claim that is null is there to a product that asks for no more.
            ClaimKind::Text | ClaimKind::Empty | ClaimKind::Object | ClaimKind::Null => true,
            ClaimKind::Missing => false,
            ClaimKind::Open => self.yes_or_no(Shows::Present(Cow::Borrowed(path)), || {
                format!("the presence of the claim `{}`", path.join("."))
            }),
        }
    }

    /// Whether the claim is there and null. What no evidence speaks of is not.
    pub fn is_null(&mut self, path: &[String]) -> bool {
        self.kind(path) == ClaimKind::Null
    }

    /// Whether both claims are there and are not the same, whatever their types.
    pub fn claims_differ(&mut self, left: &[String], right: &[String]) -> bool {
        match (self.kind(left), self.kind(right)) {
            (ClaimKind::Open, _) | (_, ClaimKind::Open) => self.differ(left, right),
            (ClaimKind::Missing, _) | (_, ClaimKind::Missing) => false,
            (ClaimKind::Object | ClaimKind::Null, _) | (_, ClaimKind::Object | ClaimKind::Null) => true,
            (ClaimKind::Text | ClaimKind::Empty, ClaimKind::Text | ClaimKind::Empty) => {
                !self.same(&Source::claim(left), &Source::claim(right))
            }
        }
    }

    /// Whether both claims are texts, neither empty, and differ.
    pub fn texts_differ(&mut self, left: &[String], right: &[String]) -> bool {
        match (self.kind(left), self.kind(right)) {
            (ClaimKind::Text, ClaimKind::Text) => !self.same(&Source::claim(left), &Source::claim(right)),
            (ClaimKind::Missing | ClaimKind::Object | ClaimKind::Null | ClaimKind::Empty, _)
            | (_, ClaimKind::Missing | ClaimKind::Object | ClaimKind::Null | ClaimKind::Empty) => false,
            // The other one is open: it may differ from any text, and from nothing.
            (ClaimKind::Open, ClaimKind::Open | ClaimKind::Text) | (ClaimKind::Text, ClaimKind::Open) => {
                self.differ(left, right)
            }
        }
    }

    /// Whether the claim is a text that is not empty. Only claims that tell who the caller is can be asked, and those that a
    /// fact compares, which then says it.
    pub fn is_text(&mut self, path: &[String]) -> bool {
        match self.kind(path) {
            ClaimKind::Text => true,
            ClaimKind::Empty | ClaimKind::Missing | ClaimKind::Object | ClaimKind::Null => false,
            ClaimKind::Open => self.yes_or_no(Shows::Compared(Cow::Borrowed(path)), || {
                format!("whether the claim `{}` is a text", path.join("."))
            }),
        }
    }

    /// Whether the claim is a text, not empty, and another one than this. Only claims that tell who the caller is can be
    /// asked.
    pub fn text_other_than(&mut self, path: &[String], value: &str) -> bool {
        match self.kind(path) {
            ClaimKind::Text => !self.is(&Source::claim(path), value),
            ClaimKind::Empty | ClaimKind::Missing | ClaimKind::Object | ClaimKind::Null => false,
            ClaimKind::Open => self.unexpected(format!("the claim `{}` other than `{value}`", path.join("."))) == 1,
        }
    }

    /// Whether a fact says that the claims differ.
    fn differ(&mut self, left: &[String], right: &[String]) -> bool {
        self.yes_or_no(Shows::Differs(Cow::Borrowed(left), Cow::Borrowed(right)), || {
            format!("the claims `{}` and `{}`", left.join("."), right.join("."))
        })
    }

    /// 0 where the claim does not hold the value, 1 where it is a list that does, 2 where it is the value.
    pub(super) fn claim(&mut self, path: &[String], value: &Scalar, form: Form) -> usize {
        let slot = self.slot(Shows::Contains(Cow::Borrowed(path), Cow::Borrowed(value), form));
        match slot.bits {
            0 => self.unexpected(format!("the claim `{}` for `{value}`", path.join("."))),
            _ => self.choose(slot, 3),
        }
    }
}
