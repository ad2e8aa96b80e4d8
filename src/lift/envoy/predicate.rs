//! The predicates of Envoy's matchers: tests of what the filters before wrote, of the HTTP method and of certificates.

use std::collections::BTreeSet;

use serde_json::Value;

use super::matcher::{fields, is_type, list, only, short, text};
use super::strange;
use crate::lift::LiftError;
use crate::lift::world::{Http, Kind as Known, Source, Texts, World};
use crate::model::access::{Decimal, Scalar};
use crate::model::uri::NOT_NORMAL;

type Read<T> = Result<T, LiftError>;

const MCP: &str = "envoy.filters.http.mcp";
const JWT: &str = "envoy.filters.http.jwt_authn";

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    Method(Values),
    Name(Values),
    Uri(Values),
    Argument(Vec<String>, Values),
    /// An argument and a claim, by their paths, are the same. It says nothing by itself: both have to be told to be full before.
    Same(Vec<String>, Vec<String>),
    /// An argument and a claim are full, and the same.
    ArgumentIsClaim(Vec<String>, Vec<String>),
    Claim(Vec<String>, Values),
    ClaimsDiffer(Vec<String>, Vec<String>),
    /// The claim is the name that the peer's certificate has been found to hold.
    ClaimIsPeer(Vec<String>),
    HttpMethod(String),
    HasCertificate,
}

/// A disjunction of tests on one value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    tests: Vec<Test>,
    /// The texts of those that ask for one.
    exact: Texts,
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

pub(super) fn read_peer_input(value: Option<&Value>) -> Read<()> {
    let input = fields(value.unwrap_or(&Value::Null), &["name", "typed_config"])?;
    let config = input.get("typed_config").unwrap_or(&Value::Null);
    is_type(config, "envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput")?;
    fields(config, &["@type"]).map(drop)
}

impl Predicate {
    pub(super) fn read(value: &Value) -> Read<Self> {
        let parts = |value: &Value| -> Read<Vec<Self>> {
            let parts = list(fields(value, &["predicate"])?.get("predicate"))?;
            if parts.len() < 2 {
                return Err(strange("Envoy takes no list of fewer than two predicates".to_owned()));
            }
            parts.iter().map(Self::read).collect()
        };
        match only(value)? {
            ("and_matcher", value) => Ok(Self::All(joined(parts(value)?))),
            ("or_matcher", value) => Ok(Self::Any(parts(value)?)),
            ("not_matcher", value) => Ok(Self::Not(Box::new(Self::read(value)?))),
            ("single_predicate", value) => Self::single(value),
            (other, _) => Err(strange(format!("the predicate `{other}` is not understood"))),
        }
    }

    /// Where the certificate names this peer, whether a claim that tells who calls is that name is whether it is the peer's.
    pub(super) fn of_peer(&mut self, name: &str) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().for_each(|part| part.of_peer(name)),
            Self::Not(inner) => inner.of_peer(name),
            Self::Claim(path, values) => {
                let of_caller = matches!(path.first().map(String::as_str), Some("sub" | "act"));
                if of_caller && matches!(values.tests.as_slice(), [Test::Is(text)] if text == name) {
                    *self = Self::ClaimIsPeer(std::mem::take(path));
                }
            }
            Self::Method(_)
            | Self::Name(_)
            | Self::Uri(_)
            | Self::Argument(..)
            | Self::Same(..)
            | Self::ArgumentIsClaim(..)
            | Self::ClaimsDiffer(..)
            | Self::ClaimIsPeer(_)
            | Self::HttpMethod(_)
            | Self::HasCertificate => {}
        }
    }

    fn single(value: &Value) -> Read<Self> {
        let test = fields(value, &["input", "value_match", "custom_match"])?;
        let input = fields(test.get("input").unwrap_or(&Value::Null), &["name", "typed_config"])?;
        let config = input.get("typed_config").unwrap_or(&Value::Null);
        let kind = text(config.get("@type"))?.rsplit('/').next().unwrap_or_default();
        match (kind, test.get("value_match"), test.get("custom_match")) {
            ("envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput", None, Some(custom)) => {
                Self::metadata(config, custom)
            }
            ("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", Some(value), None) => {
                let name = text(fields(config, &["@type", "header_name"])?.get("header_name"))?;
                match (name, only(value)?) {
                    (":method", ("exact", method)) => Ok(Self::HttpMethod(text(Some(method))?.to_owned())),
                    _ => Err(strange(format!("a rule on the header `{name}` is not understood"))),
                }
            }
            ("envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput", Some(value), None) => {
                read_peer_input(test.get("input"))?;
                let (kind, regex) = only(value)?;
                let regex = fields(regex, &["google_re2", "regex"])?;
                match (kind, text(regex.get("regex"))?) {
                    ("safe_regex", ".+") => Ok(Self::HasCertificate),
                    _ => Err(strange("a rule on the peer's certificate is not understood".to_owned())),
                }
            }
            ("xds.type.matcher.v3.HttpAttributesCelMatchInput", None, Some(custom)) => {
                fields(config, &["@type"])?;
                Self::expression(custom)
            }
            (other, ..) => Err(strange(format!("the input `{other}` is not understood"))),
        }
    }

    fn metadata(config: &Value, custom: &Value) -> Read<Self> {
        let input = fields(config, &["@type", "filter", "path"])?;
        let path: Vec<&str> =
            list(input.get("path"))?.iter().map(|key| text(fields(key, &["key"])?.get("key"))).collect::<Read<_>>()?;
        let custom = fields(custom, &["name", "typed_config"])?;
        let matcher = custom.get("typed_config").unwrap_or(&Value::Null);
        is_type(matcher, "envoy.extensions.matching.input_matchers.metadata.v3.Metadata")?;
        let matcher = fields(matcher, &["@type", "value"])?;
        let values = Test::values(matcher.get("value").unwrap_or(&Value::Null))?;
        match (text(input.get("filter"))?, path.as_slice()) {
            (MCP, ["method"]) => Ok(Self::Method(values)),
            (MCP, ["params", "name"]) => Ok(Self::Name(values)),
            (MCP, ["params", "uri"]) => Ok(Self::Uri(values)),
            (MCP, ["params", "arguments", rest @ ..]) if !rest.is_empty() => {
                Ok(Self::Argument(rest.iter().map(|key| (*key).to_owned()).collect(), values))
            }
            (JWT, ["claims", rest @ ..]) if !rest.is_empty() => {
                Ok(Self::Claim(rest.iter().map(|key| (*key).to_owned()).collect(), values))
            }
            (filter, path) => Err(strange(format!("nothing writes `{}` for `{filter}`", path.join(".")))),
        }
    }

    /// `metadata.filter_metadata["envoy.filters.http.jwt_authn"]["claims"][..] != ..`
    fn expression(custom: &Value) -> Read<Self> {
        let unknown = || strange("an expression is not understood".to_owned());
        let custom = fields(custom, &["name", "typed_config"])?;
        let matcher = custom.get("typed_config").unwrap_or(&Value::Null);
        is_type(matcher, "xds.type.matcher.v3.CelMatcher")?;
        let matcher = fields(matcher, &["@type", "expr_match"])?;
        let parsed = fields(matcher.get("expr_match").unwrap_or(&Value::Null), &["cel_expr_parsed"])?;
        let parsed = fields(parsed.get("cel_expr_parsed").unwrap_or(&Value::Null), &["expr"])?;
        let (function, arguments) = call(parsed.get("expr").unwrap_or(&Value::Null))?;
        let [left, right] = arguments.as_slice() else { return Err(unknown()) };
        let below = |value: &Value, start: &[&str]| {
            let path = metadata_path(value)?;
            match path.split_at_checked(start.len()) {
                Some((first, rest)) if first == start && !rest.is_empty() => Ok(rest.to_vec()),
                _ => Err(unknown()),
            }
        };
        let claim = |value: &Value| below(value, &[JWT, "claims"]);
        match function {
            "_!=_" => Ok(Self::ClaimsDiffer(claim(left)?, claim(right)?)),
            "_==_" => Ok(Self::Same(below(left, &[MCP, "params", "arguments"])?, claim(right)?)),
            _ => Err(unknown()),
        }
    }

    pub(super) fn holds(&self, world: &mut World<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(world)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(world)),
            Self::Not(inner) => !inner.holds(world),
            Self::Method(values) => world.http() == Http::Post && values.hold_for(&Source::Method, world),
            Self::Name(values) => values.hold_for(&Source::Name, world),
            Self::Uri(values) => values.hold_for(&Source::Uri, world),
            Self::Argument(name, values) => values.tests.iter().any(|test| match test {
                Test::Is(text) => world.argument_is(name, &text.as_str().into()),
                Test::Truth(truth) => world.argument_is(name, &Scalar::Truth(*truth)),
                Test::Within(start, end) => world.number_within(name, *start, *end),
                Test::Pattern(parts) => match written(parts) {
                    Some(pattern) => world.argument_matches(name, &pattern),
                    None => world.unknown("a text with a star in it".to_owned()),
                },
                Test::StartsWith(_)
                | Test::SomeText
                | Test::NotNormal
                | Test::ElementIs(_)
                | Test::SomeElement
                | Test::Present
                | Test::Null
                | Test::Part(..) => world.unknown(format!("the argument `{}` by {test:?}", name.join("."))),
            }),
            Self::Same(argument, claim) => {
                let (argument, claim) = (argument.join("."), claim.join("."));
                world.unknown(format!("whether the argument `{argument}` is the claim `{claim}`, of whatever type"))
            }
            Self::ArgumentIsClaim(argument, claim) => world.argument_equals(argument, claim),
            Self::Claim(path, values) => {
                if is_something(&values.tests) {
                    return world.is_present(path);
                }
                let issuer = matches!(path.as_slice(), [only] if only == "iss");
                let source = if issuer { Source::Issuer } else { Source::claim(path) };
                let open = !issuer && world.kind(path) == Known::Open;
                if !open && world.one_of(&source, &values.exact) {
                    return true;
                }
                values.tests.iter().any(|test| match test {
                    // Those of a known text are asked for above.
                    Test::Is(text) => open && world.text_is(path, text),
                    Test::ElementIs(value) => world.list_holds(path, value),
                    Test::SomeText => world.is_text(path),
                    Test::Present => world.is_present(path),
                    Test::Null => world.is_null(path),
                    Test::StartsWith(start) => world.begins(&source, start),
                    Test::Truth(truth) => world.value_is(path, &Scalar::Truth(*truth)),
                    Test::Within(start, end) => match number(*start, *end) {
                        Some(number) => world.value_is(path, &number),
                        None => world.unknown(format!("the claim `{}` by {test:?}", path.join("."))),
                    },
                    Test::Part(text, separator) => world.part_is(path, text, *separator),
                    Test::Pattern(_) | Test::SomeElement | Test::NotNormal => {
                        world.unknown(format!("the claim `{}` by {test:?}", path.join(".")))
                    }
                })
            }
            Self::ClaimsDiffer(left, right) => world.claims_differ(left, right),
            Self::ClaimIsPeer(path) => world.same(&Source::claim(path), &Source::Peer),
            Self::HttpMethod(method) => {
                let http = match world.http() {
                    Http::Post => "POST",
                    Http::Get => "GET",
                    Http::Delete => "DELETE",
                };
                method == http
            }
            Self::HasCertificate => world.mtls(),
        }
    }

    pub(super) fn claim_texts(&self, found: &mut BTreeSet<String>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.claim_texts(found)),
            Self::Not(inner) => inner.claim_texts(found),
            Self::Claim(_, values) => found.extend(values.tests.iter().filter_map(|test| match test {
                Test::Is(text) => Some(text.clone()),
                Test::StartsWith(_)
                | Test::SomeText
                | Test::NotNormal
                | Test::Pattern(_)
                | Test::ElementIs(_)
                | Test::SomeElement
                | Test::Present
                | Test::Null
                | Test::Within(..)
                | Test::Truth(_)
                | Test::Part(..) => None,
            })),
            Self::Method(_)
            | Self::Name(_)
            | Self::Uri(_)
            | Self::Argument(..)
            | Self::Same(..)
            | Self::ArgumentIsClaim(..)
            | Self::ClaimsDiffer(..)
            | Self::ClaimIsPeer(_)
            | Self::HttpMethod(_)
            | Self::HasCertificate => {}
        }
    }
}

/// The number that a range holds alone.
fn number(start: f64, end: f64) -> Option<Scalar> {
    Decimal::from_f64(start).filter(|_| end == start.next_up()).map(Scalar::Number)
}

/// An argument that is a claim is told in three parts: that each is full, and that they are the same.
fn joined(parts: Vec<Predicate>) -> Vec<Predicate> {
    let full = |values: &Values| {
        let everything =
            |test: &Test| matches!(test, Test::Within(start, end) if *start == -f64::MAX && *end == f64::MAX);
        values.tests.len() == 2 && values.tests.contains(&Test::SomeText) && values.tests.iter().any(everything)
    };
    let mut joined: Vec<Predicate> = Vec::with_capacity(parts.len());
    for part in parts {
        if let (Predicate::Same(argument, claim), [.., Predicate::Argument(one, some), Predicate::Claim(other, all)]) =
            (&part, joined.as_slice())
            && (one, other) == (argument, claim)
            && full(some)
            && full(all)
        {
            let whole = Predicate::ArgumentIsClaim(argument.clone(), claim.clone());
            joined.truncate(joined.len() - 2);
            joined.push(whole);
        } else {
            joined.push(part);
        }
    }
    joined
}

/// Whether these are the tests for something that is not empty: text, list, number or `true`.
fn is_something(values: &[Test]) -> bool {
    let number = |test: &Test| matches!(test, Test::Within(start, end) if *start == -f64::MAX && *end == f64::MAX);
    values.len() == 4
        && values.contains(&Test::SomeText)
        && values.contains(&Test::SomeElement)
        && values.contains(&Test::Truth(true))
        && values.iter().any(number)
}

impl Test {
    fn values(value: &Value) -> Read<Values> {
        match only(value)? {
            ("or_match", value) => {
                let values = list(fields(value, &["value_matchers"])?.get("value_matchers"))?;
                if values.len() < 2 {
                    return Err(strange("Envoy takes no list of fewer than two values".to_owned()));
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
                    | Self::Part(..)) => Err(strange(format!("a test of elements, {other:?}, is not understood"))),
                },
                (other, _) => Err(strange(format!("the list test `{other}` is not understood"))),
            },
            ("double_match", value) => {
                let (kind, range) = only(value)?;
                let range = fields(range, &["start", "end"])?;
                let number = |key| range.get(key).map_or(Some(0.0), Value::as_f64);
                match (kind, number("start"), number("end")) {
                    ("range", Some(start), Some(end)) => Ok(Self::Within(start, end)),
                    _ => Err(strange("a test of a number is not understood".to_owned())),
                }
            }
            _ => Err(strange(format!("the test {} is not understood", short(value)))),
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
                parts.map(Self::Pattern).ok_or_else(|| strange(format!("the expression `{regex}` is not understood")))
            }
            (other, _) => Err(strange(format!("the text test `{other}` is not understood"))),
        }
    }
}

impl Values {
    fn of(tests: Vec<Test>) -> Self {
        let exact = tests.iter().filter_map(|test| if let Test::Is(text) = test { Some(text.as_str()) } else { None });
        Self { exact: exact.collect(), tests }
    }

    /// For what is no claim and no argument.
    fn hold_for(&self, source: &Source<'_>, world: &mut World<'_>) -> bool {
        if world.one_of(source, &self.exact) {
            return true;
        }
        self.tests.iter().any(|test| match test {
            // Those are asked for above.
            Test::Is(_) => false,
            Test::StartsWith(text) => world.begins(source, text),
            Test::SomeText => world.has(source) && !world.is(source, ""),
            Test::Present => world.has(source),
            Test::NotNormal => world.has(source) && !world.is_normal(source),
            Test::Pattern(parts) => match written(parts) {
                Some(pattern) => world.fits(source, &pattern),
                None => world.unknown("a text with a star in it".to_owned()),
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

/// The parts as a pattern in which `*` stands for any text; `None` where a text has a star in it.
fn written(parts: &[Option<String>]) -> Option<String> {
    parts.iter().map(|part| part.as_deref().map_or(Some("*"), |text| (!text.contains('*')).then_some(text))).collect()
}

fn call(value: &Value) -> Read<(&str, &Vec<Value>)> {
    match only(value)? {
        ("call_expr", value) => {
            let call = fields(value, &["function", "args"])?;
            Ok((text(call.get("function"))?, list(call.get("args"))?))
        }
        (other, _) => Err(strange(format!("`{other}` in an expression is not understood"))),
    }
}

/// The keys below `metadata.filter_metadata`.
fn metadata_path(value: &Value) -> Read<Vec<String>> {
    if let Some(select) = value.get("select_expr") {
        let select = fields(select, &["operand", "field"])?;
        let operand = select.get("operand").unwrap_or(&Value::Null);
        let root = operand.get("ident_expr").and_then(|ident| ident.get("name")).and_then(Value::as_str);
        return match (root, text(select.get("field"))?) {
            (Some("metadata"), "filter_metadata") => Ok(Vec::new()),
            _ => Err(strange("an expression reads something else than metadata".to_owned())),
        };
    }
    let (function, arguments) = call(value)?;
    match (function, arguments.as_slice()) {
        ("_[_]", [operand, key]) => {
            let mut path = metadata_path(operand)?;
            let key = key.get("const_expr").and_then(|key| key.get("string_value"));
            path.push(text(key)?.to_owned());
            Ok(path)
        }
        _ => Err(strange("an expression is not understood".to_owned())),
    }
}
