//! Tests of one value of Envoy's metadata: a text, a number, an element of a list.

use serde_json::{Value, json};

use super::fields::{fields, list, only, short, text};
use super::unexpected;
use crate::lift::LiftError;
use crate::lift::access::probe::{Probe, Source, Texts};
use crate::model::access::{Decimal, Scalar};
use crate::model::uri::NOT_NORMAL;

type Read<T> = Result<T, LiftError>;

/// The expression for any text of a header.
pub(super) fn any_text() -> Value {
    json!({"google_re2": {}, "regex": ".*"})
}

/// A disjunction of tests on one value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    pub(super) tests: Vec<Test>,
    /// The texts of those that ask for one.
    pub(super) exact: Texts,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Is(String),
    StartsWith(String),
    /// A text that is not empty.
    SomeText,
    /// A URI that is not in normal form.
    NotNormal,
    /// Text over a pattern in which `None` is any text.
    Pattern(Vec<Option<String>>),
    ElementIs(Scalar),
    SomeElement,
    Present,
    Null,
    Within(f64, f64),
    Truth(bool),
    /// A text that holds this one between separators.
    Part(String, char),
}

/// The number that a range holds alone.
pub(super) fn number(start: f64, end: f64) -> Option<Scalar> {
    Decimal::from_f64(start).filter(|_| end == start.next_up()).map(Scalar::Number)
}

/// Whether these are the tests for something that is not empty: text, list, number or `true`.
pub(super) fn is_something(values: &[Test]) -> bool {
    let number = |test: &Test| matches!(test, Test::Within(start, end) if *start == -f64::MAX && *end == f64::MAX);
    values.len() == 4
        && values.contains(&Test::SomeText)
        && values.contains(&Test::SomeElement)
        && values.contains(&Test::Truth(true))
        && values.iter().any(number)
}

impl Test {
    pub(super) fn values(value: &Value) -> Read<Values> {
        match only(value)? {
            ("or_match", value) => {
                let values = list(fields(value, &["value_matchers"])?.get("value_matchers"))?;
                if values.len() < 2 {
                    return Err(unexpected("Envoy takes no list of fewer than two values".to_owned()));
                }
                values.iter().map(Self::one).collect::<Read<_>>().map(Values::of)
            }
            _ => Ok(Values::of(vec![Self::one(value)?])),
        }
    }

    fn one(value: &Value) -> Read<Self> {
        match only(value)? {
            ("string_match", value) => Self::of_text(value),
            ("present_match", Value::Bool(true)) => Ok(Self::Present),
            ("bool_match", Value::Bool(truth)) => Ok(Self::Truth(*truth)),
            ("null_match", value) => only_empty(value).map(|()| Self::Null),
            ("list_match", value) => match only(value)? {
                ("one_of", inner) => match Self::one(inner)? {
                    Self::Is(text) => Ok(Self::ElementIs(Scalar::Text(text))),
                    Self::Truth(truth) => Ok(Self::ElementIs(Scalar::Truth(truth))),
                    Self::Within(start, end) if number(start, end).is_some() => {
                        Ok(number(start, end).map_or(Self::SomeElement, Self::ElementIs))
                    }
                    Self::Present => Ok(Self::SomeElement),
                    other @ (Self::StartsWith(_)
                    | Self::SomeText
                    | Self::NotNormal
                    | Self::Pattern(_)
                    | Self::ElementIs(_)
                    | Self::SomeElement
                    | Self::Null
                    | Self::Within(..)
                    | Self::Part(..)) => Err(unexpected(format!("a test of elements, {other:?}, is not understood"))),
                },
                (other, _) => Err(unexpected(format!("the list test `{other}` is not understood"))),
            },
            ("double_match", value) => {
                let (kind, range) = only(value)?;
                let range = fields(range, &["start", "end"])?;
                let number = |key| range.get(key).map_or(Some(0.0), Value::as_f64);
                match (kind, number("start"), number("end")) {
                    ("range", Some(start), Some(end)) => Ok(Self::Within(start, end)),
                    _ => Err(unexpected("a test of a number is not understood".to_owned())),
                }
            }
            _ => Err(unexpected(format!("the test {} is not understood", short(value)))),
        }
    }

    fn of_text(value: &Value) -> Read<Self> {
        match only(value)? {
            ("exact", value) => Ok(Self::Is(text(Some(value))?.to_owned())),
            ("prefix", value) => Ok(Self::StartsWith(text(Some(value))?.to_owned())),
            ("safe_regex", value) => {
                let regex = text(fields(value, &["regex"])?.get("regex"))?;
                if regex == "(?s).+" {
                    return Ok(Self::SomeText);
                }
                if regex == NOT_NORMAL {
                    return Ok(Self::NotNormal);
                }
                if let Some((text, separator)) = part_of(regex) {
                    return Ok(Self::Part(text, separator));
                }
                let parts = regex.strip_prefix("(?s)").and_then(pattern);
                parts
                    .map(Self::Pattern)
                    .ok_or_else(|| unexpected(format!("the expression `{regex}` is not understood")))
            }
            (other, _) => Err(unexpected(format!("the text test `{other}` is not understood"))),
        }
    }
}

impl Values {
    fn of(tests: Vec<Test>) -> Self {
        let exact = tests.iter().filter_map(|test| if let Test::Is(text) = test { Some(text.as_str()) } else { None });
        Self { exact: exact.collect(), tests }
    }

    /// Whether a known text passes.
    pub(super) fn hold_for_text(&self, text: &str) -> bool {
        self.tests.iter().any(|test| match test {
            Test::Is(known) => known == text,
            Test::StartsWith(start) => text.starts_with(start),
            Test::Present | Test::SomeText => true,
            Test::NotNormal
            | Test::Pattern(_)
            | Test::ElementIs(_)
            | Test::SomeElement
            | Test::Null
            | Test::Within(..)
            | Test::Truth(_)
            | Test::Part(..) => false,
        })
    }

    /// For what is not a claim and no argument.
    pub(super) fn hold_for(&self, source: &Source<'_>, probe: &mut Probe<'_>) -> bool {
        if probe.one_of(source, &self.exact) {
            return true;
        }
        self.tests.iter().any(|test| match test {
            // Those are asked for above.
            Test::Is(_) => false,
            Test::StartsWith(text) => probe.begins(source, text),
            Test::SomeText => probe.has(source) && !probe.is(source, ""),
            Test::Present => probe.has(source),
            Test::NotNormal => probe.has(source) && !probe.is_normal(source),
            Test::Pattern(parts) => match written(parts) {
                Some(pattern) => probe.fits(source, &pattern),
                None => probe.unknown("a text with a star in it".to_owned()),
            },
            Test::ElementIs(_)
            | Test::SomeElement
            | Test::Null
            | Test::Within(..)
            | Test::Truth(_)
            | Test::Part(..) => false,
        })
    }
}

/// A message without fields.
fn only_empty(value: &Value) -> Read<()> {
    fields(value, &[]).map(drop)
}

/// The text, and the letter, of `(?s)(.*X)?TEXT(X.*)?`: the text between such letters, or at an end.
fn part_of(regex: &str) -> Option<(String, char)> {
    let (first, rest) = regex.strip_prefix("(?s)(.*")?.split_once(")?")?;
    let (text, last) = rest.strip_suffix(".*)?")?.rsplit_once('(')?;
    let plain = |regex: &str| match pattern(regex)?.as_slice() {
        [Some(text)] => Some(text.clone()),
        _ => None,
    };
    let (separator, text) = (plain(first)?, plain(text)?);
    let mut letters = separator.chars();
    let letter = letters.next()?;
    (first == last && letters.next().is_none() && !text.contains(letter)).then_some((text, letter))
}

/// The literal parts of a regular expression of escaped letters and `.*`, which is `None`.
fn pattern(regex: &str) -> Option<Vec<Option<String>>> {
    let mut parts: Vec<Option<String>> = Vec::new();
    let mut letters = regex.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '.' => {
                if letters.next() != Some('*') {
                    return None;
                }
                parts.push(None);
                continue;
            }
            '\\' => letters.next().filter(char::is_ascii_punctuation)?,
            letter if letter.is_ascii_punctuation() => return None,
            letter => letter,
        };
        match parts.last_mut() {
            Some(Some(text)) => text.push(letter),
            Some(None) | None => parts.push(Some(letter.to_string())),
        }
    }
    Some(parts)
}

/// The parts as a pattern in which `*` matches any text; `None` where a text has a star in it.
pub(super) fn written(parts: &[Option<String>]) -> Option<String> {
    parts.iter().map(|part| part.as_deref().map_or(Some("*"), |text| (!text.contains('*')).then_some(text))).collect()
}
