//! How facts show in a request: as claims, arguments, earlier calls.

use std::borrow::Cow;

use super::FactTests;
use super::question::{owned_path, owned_text};
use super::source::Path;
use crate::model::access::{ArgumentEvidence, CalledEvidence, ClaimTest, Evidence};

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
    /// The same, without borrowing.
    pub(super) fn owned(self) -> Shows<'static> {
        match self {
            Self::Contains(path, text) => Shows::Contains(owned_path(path), owned_text(text)),
            Self::Present(path) => Shows::Present(owned_path(path)),
            Self::Differs(left, right) => Shows::Differs(owned_path(left), owned_path(right)),
            Self::Compared(path) => Shows::Compared(owned_path(path)),
            Self::Number(name, start, end) => Shows::Number(owned_text(name), start, end),
            Self::Argument(name, text) => Shows::Argument(owned_text(name), owned_text(text)),
            Self::Called(call) => Shows::Called(Cow::Owned(call.into_owned())),
        }
    }

    /// The facts that show so, in a request for an object in which facts show as they do in `tests`.
    pub(super) fn facts(&self, tests: &FactTests) -> u64 {
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
