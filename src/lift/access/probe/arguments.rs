//! What a request answers of the arguments of its call and of calls before it.

use std::borrow::Cow;

use super::Probe;
use super::shows::Shows;
use crate::model::access::{CalledEvidence, Decimal, Scalar};

impl Probe<'_> {
    /// Whether the argument is a number from `start` on and below `end`.
    pub fn number_within(&mut self, argument: &[String], start: f64, end: f64) -> bool {
        // Formats without infinity write the least and the greatest number.
        let start = if start == -f64::MAX { f64::NEG_INFINITY } else { start };
        let end = if end == f64::MAX { f64::INFINITY } else { end };
        let what = || format!("the argument `{}` from {start} to {end}", argument.join("."));
        let within = Shows::Number(Cow::Borrowed(argument), start.to_bits(), end.to_bits());
        // A range that holds one number asks for that number.
        let one = Decimal::from_f64(start).filter(|_| end == start.next_up());
        match one {
            Some(number) if self.slot(within.clone()).bits == 0 => self.argument_is(argument, &Scalar::Number(number)),
            Some(_) | None => self.yes_or_no(within, what),
        }
    }

    /// Whether the argument is this value.
    pub fn argument_is(&mut self, argument: &[String], value: &Scalar) -> bool {
        let what = || format!("the argument `{}` as `{value}`", argument.join("."));
        self.yes_or_no(Shows::Argument(Cow::Borrowed(argument), Cow::Borrowed(value)), what)
    }

    /// Whether the argument is a text of this pattern.
    pub fn argument_matches(&mut self, argument: &[String], pattern: &str) -> bool {
        let what = || format!("the argument `{}` like `{pattern}`", argument.join("."));
        self.yes_or_no(Shows::Matches(Cow::Borrowed(argument), Cow::Borrowed(pattern)), what)
    }

    /// Whether the argument equals this claim.
    pub fn argument_equals(&mut self, argument: &[String], claim: &[String]) -> bool {
        let what = || format!("the argument `{}` as the claim `{}`", argument.join("."), claim.join("."));
        self.yes_or_no(Shows::Equals(Cow::Borrowed(argument), Cow::Borrowed(claim)), what)
    }

    /// Whether the caller made this call before.
    pub fn called(&mut self, call: &CalledEvidence) -> bool {
        self.yes_or_no(Shows::Called(Cow::Borrowed(call)), || call.in_words())
    }
}
