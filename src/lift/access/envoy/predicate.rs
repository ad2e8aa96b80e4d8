//! The predicates of Envoy's matchers: tests of what the filters before wrote, of the HTTP method and of certificates.

mod input;
mod places;

use std::collections::BTreeSet;

use super::values::{Test, Values, is_something, number, written};
use crate::lift::LiftError;
use crate::lift::access::probe::{ClaimKind as Known, Http, Probe, Shape, Source};
use crate::model::access::Scalar;

pub(super) use self::input::read_peer_input;
use self::places::PLACES;

type Read<T> = Result<T, LiftError>;

const JWT: &str = "envoy.filters.http.jwt_authn";

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

impl Predicate {
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

    pub(super) fn holds(&self, probe: &mut Probe<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(probe)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(probe)),
            Self::Not(inner) => !inner.holds(probe),
            Self::Method(values) if probe.http() == Http::Post => match probe.shape() {
                Shape::Request | Shape::AnotherCase | Shape::Mismatched => values.hold_for(&Source::Method, probe),
                // Envoy takes whatever has a result for a response, and tells its method so.
                Shape::Response
                | Shape::ErrorResponse
                | Shape::Both
                | Shape::WithError
                | Shape::WithoutVersion
                | Shape::WithoutId => values.hold_for_text(RESPONSE),
            },
            Self::Method(_) => false,
            Self::Addressed(source, values) => values.hold_for(source, probe),
            Self::Kind(values) if probe.http() == Http::Post => match probe.shape() {
                Shape::Request => values.hold_for_text("request"),
                Shape::Response | Shape::ErrorResponse => values.hold_for_text("response"),
                Shape::Mismatched => values.hold_for_text("mismatch"),
                Shape::WithError | Shape::Both | Shape::AnotherCase | Shape::WithoutVersion | Shape::WithoutId => false,
            },
            Self::Kind(_) => false,
            Self::Subscribes(values) => {
                let told = match (probe.shape(), usize::try_from(probe.subscriptions())) {
                    (Shape::Request, Ok(0)) => Some("nothing"),
                    (Shape::Request, Ok(count)) if count <= PLACES.len() => Some("some"),
                    _ => None,
                };
                told.is_some_and(|told| values.hold_for_text(told))
            }
            Self::HeaderIs(source, text) => probe.is(source, text),
            Self::HasHeader(source) => probe.has(source),
            Self::Argument(name, values) => values.tests.iter().any(|test| match test {
                Test::Is(text) => probe.argument_is(name, &text.as_str().into()),
                Test::Truth(truth) => probe.argument_is(name, &Scalar::Truth(*truth)),
                Test::Within(start, end) => probe.number_within(name, *start, *end),
                Test::Pattern(parts) => match written(parts) {
                    Some(pattern) => probe.argument_matches(name, &pattern),
                    None => probe.unknown("a text with a star in it".to_owned()),
                },
                Test::StartsWith(_)
                | Test::SomeText
                | Test::NotNormal
                | Test::ElementIs(_)
                | Test::SomeElement
                | Test::Present
                | Test::Null
                | Test::Part(..) => probe.unknown(format!("the argument `{}` by {test:?}", name.join("."))),
            }),
            Self::Same(argument, claim) => {
                let (argument, claim) = (argument.join("."), claim.join("."));
                probe.unknown(format!("whether the argument `{argument}` is the claim `{claim}`, of whatever type"))
            }
            Self::ArgumentIsClaim(argument, claim) => probe.argument_equals(argument, claim),
            Self::Claim(path, values) => {
                if is_something(&values.tests) {
                    return probe.is_present(path);
                }
                let issuer = matches!(path.as_slice(), [only] if only == "iss");
                let source = if issuer { Source::Issuer } else { Source::claim(path) };
                let open = !issuer && probe.kind(path) == Known::Open;
                if !open && probe.one_of(&source, &values.exact) {
                    return true;
                }
                values.tests.iter().any(|test| match test {
                    // Those of a known text are asked for above.
                    Test::Is(text) => open && probe.text_is(path, text),
                    Test::ElementIs(value) => probe.list_holds(path, value),
                    Test::SomeText => probe.is_text(path),
                    Test::Present => probe.is_present(path),
                    Test::Null => probe.is_null(path),
                    Test::StartsWith(start) => probe.begins(&source, start),
                    Test::Truth(truth) => probe.value_is(path, &Scalar::Truth(*truth)),
                    Test::Within(start, end) => match number(*start, *end) {
                        Some(number) => probe.value_is(path, &number),
                        None => probe.unknown(format!("the claim `{}` by {test:?}", path.join("."))),
                    },
                    Test::Part(text, separator) => probe.part_is(path, text, *separator),
                    Test::Pattern(_) | Test::SomeElement | Test::NotNormal => {
                        probe.unknown(format!("the claim `{}` by {test:?}", path.join(".")))
                    }
                })
            }
            Self::ClaimsDiffer(left, right) => probe.claims_differ(left, right),
            Self::ClaimIsPeer(path) => probe.same(&Source::claim(path), &Source::Peer),
            Self::HttpMethod(method) => {
                let http = match probe.http() {
                    Http::Post => "POST",
                    Http::Get => "GET",
                    Http::Delete => "DELETE",
                };
                method == http
            }
            Self::HasCertificate => probe.mtls(),
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
