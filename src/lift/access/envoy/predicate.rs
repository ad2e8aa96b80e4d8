//! The predicates of Envoy's matchers: tests of what the filters before wrote, of the HTTP method and of certificates.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{fields, is_type, list, only, text};
use super::strange;
use super::values::{Test, Values, any_text, is_something, number, written};
use crate::lift::LiftError;
use crate::lift::access::world::{Http, Kind as Known, Shape, Source, World};
use crate::model::access::Scalar;

type Read<T> = Result<T, LiftError>;

const MCP: &str = "envoy.filters.http.mcp";
const JWT: &str = "envoy.filters.http.jwt_authn";
/// What the program that looks at keys writes.
const MESSAGE: &str = "mcpctl.message";
/// The method that Envoy's filter gives to what has a result or an error.
const RESPONSE: &str = "__jsonrpc_response";

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    Method(Values),
    /// What a request addresses, or what it refers to.
    Addressed(Source<'static>, Values),
    /// What the message is, as far as its keys tell it.
    Kind(Values),
    /// What a subscription is for.
    Subscribes(Values),
    /// A header is this.
    HeaderIs(Source<'static>, String),
    /// A header is there.
    HasHeader(Source<'static>),
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
            | Self::Addressed(..)
            | Self::Kind(_)
            | Self::Subscribes(_)
            | Self::HeaderIs(..)
            | Self::HasHeader(_)
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
                let source = match name {
                    "mcp-protocol-version" => Some(Source::Revision),
                    "origin" => Some(Source::Origin),
                    _ => None,
                };
                match (name, source, only(value)?) {
                    (":method", _, ("exact", method)) => Ok(Self::HttpMethod(text(Some(method))?.to_owned())),
                    (_, Some(source), ("exact", value)) => Ok(Self::HeaderIs(source, text(Some(value))?.to_owned())),
                    (_, Some(source), ("safe_regex", regex)) if *regex == any_text() => Ok(Self::HasHeader(source)),
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
            (MCP, ["params", "name"]) => Ok(Self::Addressed(Source::Name, values)),
            (MCP, ["params", "uri"]) => Ok(Self::Addressed(Source::Uri, values)),
            (MCP, ["params", "ref", "type"]) => Ok(Self::Addressed(Source::ReferredType, values)),
            (MCP, ["params", "ref", "name"]) => Ok(Self::Addressed(Source::ReferredName, values)),
            (MCP, ["params", "ref", "uri"]) => Ok(Self::Addressed(Source::ReferredUri, values)),
            (MESSAGE, ["kind"]) => Ok(Self::Kind(values)),
            (MESSAGE, ["subscribes"]) => Ok(Self::Subscribes(values)),
            (MESSAGE, ["uri"]) => Ok(Self::Addressed(Source::SubscribedUri, values)),
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
            Self::Method(values) if world.http() == Http::Post => match world.shape() {
                Shape::Request | Shape::AnotherCase | Shape::Mismatched => values.hold_for(&Source::Method, world),
                // Envoy takes whatever has a result for a response, and tells its method so.
                Shape::Response
                | Shape::ErrorResponse
                | Shape::Both
                | Shape::WithError
                | Shape::WithoutVersion
                | Shape::WithoutId => values.hold_for_text(RESPONSE),
            },
            Self::Method(_) => false,
            Self::Addressed(source, values) => values.hold_for(source, world),
            Self::Kind(values) if world.http() == Http::Post => match world.shape() {
                Shape::Request => values.hold_for_text("request"),
                Shape::Response | Shape::ErrorResponse => values.hold_for_text("response"),
                Shape::Mismatched => values.hold_for_text("mismatch"),
                Shape::WithError | Shape::Both | Shape::AnotherCase | Shape::WithoutVersion | Shape::WithoutId => false,
            },
            Self::Kind(_) => false,
            Self::Subscribes(values) => {
                let told = match (world.shape(), world.subscriptions()) {
                    (Shape::Request, 0) => Some("nothing"),
                    (Shape::Request, 1) => Some("one"),
                    _ => None,
                };
                told.is_some_and(|told| values.hold_for_text(told))
            }
            Self::HeaderIs(source, text) => world.is(source, text),
            Self::HasHeader(source) => world.has(source),
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

    /// Whether it looks at headers that tell the revision or the origin.
    pub(super) fn looks_at_headers(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::looks_at_headers),
            Self::Not(inner) => inner.looks_at_headers(),
            Self::HeaderIs(..) | Self::HasHeader(_) => true,
            Self::Method(_)
            | Self::Addressed(..)
            | Self::Kind(_)
            | Self::Subscribes(_)
            | Self::Argument(..)
            | Self::Same(..)
            | Self::ArgumentIsClaim(..)
            | Self::Claim(..)
            | Self::ClaimsDiffer(..)
            | Self::ClaimIsPeer(_)
            | Self::HttpMethod(_)
            | Self::HasCertificate => false,
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
            | Self::Addressed(..)
            | Self::Kind(_)
            | Self::Subscribes(_)
            | Self::HeaderIs(..)
            | Self::HasHeader(_)
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
