//! How facts show in a request: as claims, arguments, earlier calls.

use std::borrow::Cow;

use super::FactTests;
use super::source::Path;
use crate::model::access::{ArgumentTest, CalledEvidence, ClaimTest, Evidence, Scalar};

/// In which form a claim holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// As an element of a list.
    Element,
    /// As the whole value.
    Whole,
    /// As a part of a text, between these letters.
    Between(char),
}

/// How a fact shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Shows<'q> {
    /// As a claim that holds this value.
    Contains(Path<'q>, Cow<'q, Scalar>, Form),
    /// As a claim that is there.
    Present(Path<'q>),
    /// As two claims that differ.
    Differs(Path<'q>, Path<'q>),
    /// As a claim that is compared with another.
    Compared(Path<'q>),
    /// As an argument from the first number on and below the second, by their bits.
    Number(Path<'q>, u64, u64),
    /// As an argument that is this value.
    Argument(Path<'q>, Cow<'q, Scalar>),
    /// As an argument that is a text of this pattern.
    Matches(Path<'q>, Cow<'q, str>),
    /// As an argument that equals this claim.
    Equals(Path<'q>, Path<'q>),
    /// As an earlier call.
    Called(Cow<'q, CalledEvidence>),
}

/// What shows: the facts, and which of several values that each show the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    /// The facts, as a mask; nothing shows so where it is 0.
    pub(super) bits: u64,
    /// Those of them that show so as a whole text alone, and not as an element of a list.
    pub(super) alone: u64,
    /// The place of the value among those of the first fact.
    pub(super) value: u32,
}

impl Slot {
    /// These facts, by the one value that shows them.
    pub(super) fn only(bits: u64) -> Self {
        Self { bits, alone: 0, value: 0 }
    }

    /// The facts that an answer shows: none where it is 0, and where it is 1 those that a list with the value shows as well.
    pub(super) fn shown(self, answer: usize) -> u64 {
        match answer {
            0 => 0,
            1 => self.bits & !self.alone,
            _ => self.bits,
        }
    }
}

impl Shows<'_> {
    /// The same, without borrowing.
    pub(super) fn owned(self) -> Shows<'static> {
        match self {
            Self::Contains(path, value, form) => {
                Shows::Contains(owned_path(path), Cow::Owned(value.into_owned()), form)
            }
            Self::Present(path) => Shows::Present(owned_path(path)),
            Self::Differs(left, right) => Shows::Differs(owned_path(left), owned_path(right)),
            Self::Compared(path) => Shows::Compared(owned_path(path)),
            Self::Number(path, start, end) => Shows::Number(owned_path(path), start, end),
            Self::Argument(path, value) => Shows::Argument(owned_path(path), Cow::Owned(value.into_owned())),
            Self::Matches(path, pattern) => Shows::Matches(owned_path(path), owned_text(pattern)),
            Self::Equals(path, claim) => Shows::Equals(owned_path(path), owned_path(claim)),
            Self::Called(call) => Shows::Called(Cow::Owned(call.into_owned())),
        }
    }

    /// Whether a request can show so and say more than yes or no: that a claim is the value, or a list with it.
    pub(super) fn has_forms(&self) -> bool {
        matches!(self, Self::Contains(..))
    }

    /// What shows so, in a request for an object in which facts show as they do in `tests`.
    pub(super) fn slot(&self, tests: &FactTests) -> Slot {
        let mut slot = Slot::only(0);
        for (bit, evidence) in tests {
            if let Some(value) = self.value_of(evidence) {
                if slot.bits == 0 {
                    slot.value = value as u32;
                }
                slot.bits |= bit;
                if matches!(evidence, Evidence::Claim(claim) if matches!(claim.test, ClaimTest::Is(_))) {
                    slot.alone |= bit;
                }
            }
        }
        slot
    }

    /// The place of the value among those that each are this evidence; `None` where it does not show so.
    fn value_of(&self, evidence: &Evidence) -> Option<usize> {
        let is = |yes: bool| yes.then_some(0);
        match (self, evidence) {
            (Self::Contains(path, value, form), Evidence::Claim(claim)) => match &claim.test {
                ClaimTest::Contains(values) if claim.path == **path => {
                    let fits = match form {
                        Form::Element => true,
                        Form::Whole => claim.separator.is_none(),
                        Form::Between(letter) => claim.separator == Some(*letter),
                    };
                    values.iter().position(|known| *known == **value).filter(|_| fits)
                }
                ClaimTest::Is(texts) if claim.path == **path => {
                    let fits = matches!(form, Form::Element | Form::Whole);
                    texts.iter().position(|known| value.as_text() == Some(known)).filter(|_| fits)
                }
                ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::DiffersFrom(_) | ClaimTest::Present => None,
            },
            (Self::Present(path), Evidence::Claim(claim)) => {
                is(claim.path == **path && claim.test == ClaimTest::Present)
            }
            (Self::Differs(left, right), Evidence::Claim(claim)) => {
                is(claim.path == **left && matches!(&claim.test, ClaimTest::DiffersFrom(other) if *other == **right))
            }
            (Self::Compared(path), Evidence::Claim(claim)) => is(matches!(
                &claim.test,
                ClaimTest::DiffersFrom(other) if claim.path == **path || *other == **path
            )),
            (Self::Number(path, start, end), Evidence::Argument(argument)) => match &argument.test {
                ArgumentTest::Within { at_least, at_most } if argument.path == **path => {
                    let low = at_least.map_or(f64::NEG_INFINITY, |low| low.to_f64());
                    let high = at_most.map_or(f64::INFINITY, |high| high.to_f64().next_up());
                    let bounded = (at_least, at_most) != (&None, &None);
                    is(low == f64::from_bits(*start) && high == f64::from_bits(*end) && bounded)
                }
                ArgumentTest::Within { .. }
                | ArgumentTest::OneOf(_)
                | ArgumentTest::Matches(_)
                | ArgumentTest::EqualsClaim(_) => None,
            },
            (Self::Argument(path, value), Evidence::Argument(argument)) => match &argument.test {
                ArgumentTest::OneOf(values) if argument.path == **path => {
                    values.iter().position(|known| *known == **value)
                }
                ArgumentTest::Within { .. }
                | ArgumentTest::OneOf(_)
                | ArgumentTest::Matches(_)
                | ArgumentTest::EqualsClaim(_) => None,
            },
            (Self::Matches(path, pattern), Evidence::Argument(argument)) => {
                let same = matches!(&argument.test, ArgumentTest::Matches(known) if *known == **pattern);
                is(argument.path == **path && same)
            }
            (Self::Equals(path, claim), Evidence::Argument(argument)) => {
                let same = matches!(&argument.test, ArgumentTest::EqualsClaim(known) if *known == **claim);
                is(argument.path == **path && same)
            }
            (Self::Called(call), Evidence::Called(known)) => is(*known == **call),
            (
                _,
                Evidence::KnownCaller
                | Evidence::Claim(_)
                | Evidence::Argument(_)
                | Evidence::Called(_)
                | Evidence::Issuer(_)
                | Evidence::NotWorkload
                | Evidence::Transport
                | Evidence::All(_),
            ) => None,
        }
    }
}

/// How many values there are of which each alone is this evidence.
pub(super) fn values(evidence: &Evidence) -> usize {
    match evidence {
        Evidence::Claim(claim) => match &claim.test {
            ClaimTest::Contains(values) => values.len(),
            ClaimTest::Is(texts) => texts.len(),
            ClaimTest::DiffersFrom(_) | ClaimTest::Present => 1,
        },
        Evidence::Argument(argument) => match &argument.test {
            ArgumentTest::OneOf(values) => values.len(),
            ArgumentTest::Within { .. } | ArgumentTest::Matches(_) | ArgumentTest::EqualsClaim(_) => 1,
        },
        Evidence::KnownCaller
        | Evidence::Called(_)
        | Evidence::Issuer(_)
        | Evidence::NotWorkload
        | Evidence::Transport
        | Evidence::All(_) => 1,
    }
}

pub(super) fn owned_text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

pub(super) fn owned_path(path: Path<'_>) -> Path<'static> {
    Cow::Owned(path.into_owned())
}
