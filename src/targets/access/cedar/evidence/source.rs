//! Where a fact is read from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::access::{AnswerTest, ArgumentTest, ClaimTest, Decimal, Evidence, Scalar};
use crate::policy::fact::MTLS;

#[derive(Serialize, Default)]
pub(super) struct FactSource<'a> {
    from: &'static str,
    holds_if: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contains: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    separator: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differs_from: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    one_of: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equals_claim: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Earlier<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    all: Vec<FactSource<'a>>,
}

/// A call that the same caller made before.
#[derive(Serialize)]
struct Earlier<'a> {
    server: &'a str,
    tool: &'a str,
    within_seconds: u64,
    answer: BTreeMap<&'a str, serde_json::Value>,
    same: &'a BTreeMap<String, String>,
}

const CONTAINS: &str = "the claim equals one of `contains`, or is a list of which an element does, each of its own type and never \
                        a substring; `{server}`, `{tool}` and `{unit}` stand for the YAML names of the called server, the \
                        called tool and the server's unit, and a text that names one that the request has not never matches";

const CONTAINS_BETWEEN: &str = "the claim is a string that is split at `separator`, or a list, of which an element equals one of \
                                `contains`; `{server}`, `{tool}` and `{unit}` stand for the YAML names of the called server, \
                                the called tool and the server's unit, and a text that names one that the request has not \
                                never matches";

pub(super) fn source_of<'a>(fact: &str, evidence: Option<&'a Evidence>) -> FactSource<'a> {
    let mut source = FactSource {
        from: "nothing",
        holds_if: "never: no evidence is declared for this fact, so send false",
        ..FactSource::default()
    };
    match evidence {
        None => {}
        Some(Evidence::KnownCaller) => {
            source.from = "caller";
            source.holds_if = "the caller is one of `subjects`, or `any_agent` applies to it";
        }
        Some(Evidence::Transport) => {
            source.from = "transport";
            source.holds_if = if fact == MTLS {
                "the hop before the enforcing gateway uses TLS with a verified client certificate; mtls implies \
                 tls: send both as true"
            } else {
                "the hop before the enforcing gateway uses TLS, with or without a client certificate"
            };
        }
        Some(Evidence::Claim(claim)) => {
            source.from = "claim";
            source.path = Some(&claim.path);
            source.scope = claim.scope.as_deref();
            source.separator = claim.separator;
            source.holds_if = match &claim.test {
                ClaimTest::Contains(values) => {
                    source.contains = values.iter().map(Scalar::to_json).collect();
                    match claim.separator {
                        None => CONTAINS,
                        Some(_) => CONTAINS_BETWEEN,
                    }
                }
                ClaimTest::Is(texts) => {
                    source.one_of = texts.iter().map(|text| text.as_str().into()).collect();
                    "the claim is a string that equals one of `one_of`; a list never does, whatever it holds"
                }
                ClaimTest::DiffersFrom(other) => {
                    source.differs_from = Some(other);
                    "the claim is a string, not empty, and differs from the claim `differs_from`, which is one too"
                }
                ClaimTest::Present => "the claim is present, not null and not empty",
            };
        }
        Some(Evidence::Issuer(issuer)) => {
            source.from = "issuer";
            source.issuer = Some(issuer);
            source.holds_if = "the claim `iss` of the token is `issuer`";
        }
        Some(Evidence::NotWorkload) => {
            source.from = "user";
            source.holds_if = "the claim `sub` of the token is a string that is not empty, is none of `subjects`, and does not \
                               begin with `spiffe://`: a workload is not a user";
        }
        Some(Evidence::All(pieces)) => {
            source.from = "all";
            source.all = pieces.iter().map(|piece| source_of(fact, Some(piece))).collect();
            source.holds_if = "each of `all` holds";
        }
        Some(Evidence::Called(called)) => {
            source.from = "call";
            source.call = Some(Earlier {
                server: called.server.as_str(),
                tool: called.tool.as_str(),
                within_seconds: called.within.seconds(),
                answer: called.answer.iter().map(|(field, test)| (field.as_str(), literal(test))).collect(),
                same: &called.same,
            });
            source.holds_if = "the same caller made the call `call` at most `within_seconds` ago, it was allowed and \
                               answered without an error, every field of its structured answer that `answer` names is \
                               the value there, of that type, and every argument of this call that `same` names equals \
                               the field of that answer beside it; where any is missing the fact is false";
        }
        Some(Evidence::Argument(argument)) => {
            source.from = "argument";
            source.path = Some(&argument.path);
            source.holds_if = match &argument.test {
                ArgumentTest::Within { at_least, at_most } => {
                    source.at_least = at_least.map(Decimal::to_json);
                    source.at_most = at_most.map(Decimal::to_json);
                    "the request is a `tools/call` whose argument at `path` is a number within the limits given"
                }
                ArgumentTest::OneOf(values) => {
                    source.one_of = values.iter().map(Scalar::to_json).collect();
                    "the request is a `tools/call` whose argument at `path` equals one of `one_of`, of the same type; two \
                     spellings of a number are one number"
                }
                ArgumentTest::Matches(pattern) => {
                    source.matches = Some(pattern);
                    "the request is a `tools/call` whose argument at `path` is a string that `matches` matches as a whole; `*` \
                     is any text in it, and nothing else is special"
                }
                ArgumentTest::EqualsClaim(claim) => {
                    source.equals_claim = Some(claim);
                    "the request is a `tools/call` whose argument at `path` is a number or a string that is not empty, and \
                     equals the claim `equals_claim`, of the same type"
                }
            };
        }
    }
    source
}

fn literal(test: &AnswerTest) -> serde_json::Value {
    match test {
        AnswerTest::Text(text) => text.as_str().into(),
        AnswerTest::Truth(truth) => (*truth).into(),
        AnswerTest::Number(number) => (*number).into(),
    }
}
