//! How Envoy sees who calls and what a request shows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::predicate::{
    MCP, Maybe, Predicate, any_value, claim, claims, compared, is, metadata, one_of, peer_has_certificate, present,
    some_text,
};
use crate::model::Model;
use crate::model::access::evidence::SPIFFE;
use crate::model::access::placeholder::filled;
use crate::model::access::{ArgumentTest, ClaimEvidence, ClaimTest, Decimal, Evidence, Issuer, Placeholder, Scalar};
use crate::model::server::Server;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{Policy, Principal, PrincipalId, PrincipalIx};

/// What the workspace says of evidence and callers, in the form of predicates.
pub(super) struct Evidences<'a> {
    model: &'a Model,
    pub(super) policy: &'a Policy,
    /// Whether every peer of the listener has shown a certificate, so that nothing asks for one again.
    certificates: bool,
    subjects: Vec<&'a str>,
}

impl<'a> Evidences<'a> {
    pub(super) fn new(model: &'a Model, policy: &'a Policy, certificates: bool) -> Self {
        Self { model, policy, certificates, subjects: policy.subjects() }
    }

    pub(super) fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Every declared subject, sorted.
    pub(super) fn subjects(&self) -> &[&'a str] {
        &self.subjects
    }

    /// Paths of arguments that some fact in use asks for, sorted.
    pub(super) fn arguments(&self) -> Vec<String> {
        let evidence = self.policy.shown().flat_map(|(_, evidence)| evidence.arguments());
        let mut paths: Vec<String> = evidence.map(|argument| argument.path.join(".")).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Every fact that some condition speaks of.
    pub(super) fn facts(&self) -> impl Iterator<Item = &str> {
        self.policy.facts.names().iter().map(|fact| fact.as_str())
    }

    pub(super) fn of(&self, fact: &str) -> Option<&Evidence> {
        self.policy.evidence_for(fact)
    }

    /// That a request for one of these tools of the server shows the fact; `None` where none can.
    pub(super) fn fact(&self, fact: &str, server: &Server, tools: &[&str]) -> Maybe {
        match self.of(fact)? {
            Evidence::KnownCaller => Predicate::all([]),
            Evidence::Transport => match fact {
                TLS => Predicate::all([]),
                MTLS if self.certificates => Predicate::all([]),
                MTLS => Some(peer_has_certificate()),
                _ => None,
            },
            Evidence::Argument(argument) => argument_shows(&argument.path, &argument.test),
            // Earlier calls are not seen, and policies come in single pieces of evidence.
            Evidence::Called(_) | Evidence::All(_) => None,
            Evidence::Issuer(issuer) => Some(claim(&["iss".to_owned()], one_of([issuer.as_str()]))),
            Evidence::NotWorkload => {
                let sub = claim(&["sub".to_owned()], some_text());
                Predicate::all([Some(sub), Some(self.workload().negated())])
            }
            Evidence::Claim(evidence) => match &evidence.test {
                ClaimTest::Present => Some(claim(&evidence.path, something())),
                ClaimTest::DiffersFrom(other) => Predicate::all([
                    Some(claim(&evidence.path, some_text())),
                    Some(claim(other, some_text())),
                    Some(compared(&claims(&evidence.path), "_!=_", &claims(other))),
                ]),
                ClaimTest::Is(texts) if texts.is_empty() => None,
                ClaimTest::Is(texts) => Some(claim(&evidence.path, one_of(texts.iter().map(String::as_str)))),
                ClaimTest::Contains(values) => Self::contains(evidence, values, server, tools),
            },
        }
    }

    /// That a claim is one of these values, or holds one.
    fn contains(evidence: &ClaimEvidence, values: &[Scalar], server: &Server, tools: &[&str]) -> Maybe {
        let unit = server.unit.as_ref().map(|unit| unit.value.as_str());
        let of_call = |value: &Scalar, tool: Option<&str>| match value.as_text() {
            None => Some(value.clone()),
            Some(text) => filled(text, server.name.value.as_str(), tool, unit).map(Scalar::Text),
        };
        let shown = |values: &[&Scalar], tool: Option<&str>| {
            let values: Vec<Scalar> = values.iter().filter_map(|value| of_call(value, tool)).collect();
            let tests: Vec<Value> = values.iter().flat_map(|value| held(value, evidence.separator)).collect();
            (!tests.is_empty()).then(|| claim(&evidence.path, any_value(tests)))
        };
        let (of_tools, plain): (Vec<&Scalar>, Vec<&Scalar>) =
            values.iter().partition(|value| value.as_text().is_some_and(|text| Placeholder::Tool.is_in(text)));
        // Each tool has its own text.
        let of_each = tools.iter().filter(|_| !of_tools.is_empty()).map(|tool| {
            let named = (tools.len() > 1).then(|| metadata(MCP, &["params", "name"], one_of([*tool])));
            Predicate::all(named.map(Some).into_iter().chain([shown(&of_tools, Some(tool))]))
        });
        Predicate::any(of_each.chain([shown(&plain, None)]))
    }

    /// That `sub` is the subject of a declared principal or a SPIFFE ID.
    fn workload(&self) -> Predicate {
        let others = self.subjects.iter().filter(|subject| !subject.starts_with(SPIFFE));
        let spiffe = json!({"string_match": {"prefix": SPIFFE}});
        claim(
            &["sub".to_owned()],
            any_value(std::iter::once(spiffe).chain(others.map(|subject| is(subject))).collect()),
        )
    }

    /// That one of these principals calls, by a token of an issuer that may speak for it; `None` where no token can mean any.
    pub(super) fn callers(&self, principals: &[PrincipalIx]) -> Maybe {
        let issuers: &[Issuer] = self.model.identity.as_ref().map_or(&[], |identity| &identity.issuers);
        let mut by_issuers: BTreeMap<(Vec<&str>, Vec<String>), Vec<&Principal>> = BTreeMap::new();
        for principal in principals {
            let principal = self.policy.principal_at(*principal);
            // Issuers that name callers by the same claim.
            let mut speak: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
            for issuer in issuers.iter().filter(|issuer| principal.is_spoken_for_by(issuer)) {
                let by = issuer.caller.as_ref().map_or_else(|| vec!["sub".to_owned()], |path| path.value.clone());
                speak.entry(by).or_default().push(issuer.issuer.value.as_str());
            }
            for (by, speak) in speak {
                by_issuers.entry((speak, by)).or_default().push(principal);
            }
        }
        Predicate::any(by_issuers.into_iter().map(|((speak, by), principals)| {
            let issued = (speak.len() < issuers.len()).then(|| claim(&["iss".to_owned()], one_of(speak)));
            Predicate::all(issued.map(Some).into_iter().chain([self.named_callers(&principals, &by)]))
        }))
    }

    fn named_callers(&self, principals: &[&Principal], by: &[String]) -> Maybe {
        let mut subjects: Vec<&str> = Vec::new();
        let mut any = Vec::new();
        for principal in principals {
            match (&principal.id, principal.subject.as_deref()) {
                (PrincipalId::AnyAgent(unit), _) => any.push(unit.as_ref()),
                (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) => subjects.push(subject),
                (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => {}
            }
        }
        let declared = (!subjects.is_empty()).then(|| caller_is(by, one_of(subjects))).flatten();
        let unit_claim = self.model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref());
        let anybody = any.into_iter().map(|unit| {
            let unit = match (unit, unit_claim) {
                (None, _) => Predicate::all([]),
                (Some(unit), Some(name)) => Some(claim(std::slice::from_ref(&name.value), one_of([unit.as_str()]))),
                (Some(_), None) => None,
            };
            Predicate::all([self.undeclared(by), unit])
        });
        Predicate::any(std::iter::once(declared).chain(anybody))
    }

    /// That this subject calls, by whichever claim any issuer names it.
    pub(super) fn caller_in_any(&self, subject: &str) -> Maybe {
        let issuers = self.model.identity.iter().flat_map(|identity| &identity.issuers);
        let mut claims: Vec<(Vec<String>, &str)> = issuers
            .map(|issuer| {
                let by = issuer.caller.as_ref().map_or_else(|| vec!["sub".to_owned()], |path| path.value.clone());
                (by, issuer.issuer.value.as_str())
            })
            .collect();
        claims.sort();
        if claims.iter().all(|(by, _)| matches!(by.as_slice(), [only] if only == "sub")) {
            return caller_is(&["sub".to_owned()], one_of([subject]));
        }
        Predicate::any(claims.into_iter().map(|(by, issuer)| {
            let issued = claim(&["iss".to_owned()], one_of([issuer]));
            Predicate::all([Some(issued), caller_is(&by, one_of([subject]))])
        }))
    }

    /// A caller that is none of the declared ones.
    fn undeclared(&self, by: &[String]) -> Maybe {
        if self.subjects.is_empty() {
            return caller_is(by, some_text());
        }
        let declared = caller_is(by, one_of(self.subjects.iter().copied()))?;
        Predicate::all([caller_is(by, some_text()), Some(declared.negated())])
    }
}

/// The caller's subject: `act.sub` of a token with `act` (RFC 8693), else the claim by which the issuer names callers. An `act`
/// that is null is absent.
pub(super) fn caller_is(by: &[String], value: Value) -> Maybe {
    let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let absent = Predicate::any([
        Some(claim(&path(&["act"]), present()).negated()),
        Some(claim(&path(&["act"]), json!({"null_match": {}}))),
    ]);
    Predicate::any([
        Some(claim(&path(&["act", "sub"]), value.clone())),
        Predicate::all([absent, Some(claim(by, value))]),
    ])
}

/// Something that is not empty: a text, a list, a number or `true`.
fn something() -> Value {
    any_value(vec![
        some_text(),
        json!({"list_match": {"one_of": {"present_match": true}}}),
        json!({"double_match": {"range": {"start": -f64::MAX, "end": f64::MAX}}}),
        json!({"bool_match": true}),
    ])
}

/// A value as the matcher of values tests it. A number is compared as a range that holds it alone.
fn equal(value: &Scalar) -> Value {
    match value {
        Scalar::Text(text) => is(text),
        Scalar::Truth(truth) => json!({"bool_match": truth}),
        Scalar::Number(number) => within(Some(*number), Some(*number)),
    }
}

/// The tests for a claim that is a value, or a list with it, or a text with it between separators.
fn held(value: &Scalar, separator: Option<char>) -> [Value; 2] {
    let alone = match (value, separator) {
        (Scalar::Text(text), Some(letter)) => {
            let (text, letter) = (literal(text), literal(&letter.to_string()));
            json!({"string_match": {"safe_regex": {"regex": format!("(?s)(.*{letter})?{text}({letter}.*)?")}}})
        }
        (value, _) => equal(value),
    };
    [json!({"list_match": {"one_of": equal(value)}}), alone]
}

/// A number in these bounds. The range ends before its end, so the end is the next number that there is.
fn within(at_least: Option<Decimal>, at_most: Option<Decimal>) -> Value {
    let start = at_least.map_or(-f64::MAX, Decimal::to_f64);
    let end = at_most.map_or(f64::MAX, |most| most.to_f64().next_up());
    json!({"double_match": {"range": {"start": start, "end": end}}})
}

fn argument_shows(path: &[String], test: &ArgumentTest) -> Maybe {
    let keys: Vec<&str> = ["params", "arguments"].into_iter().chain(path.iter().map(String::as_str)).collect();
    let tested = |value| metadata(MCP, &keys, value);
    Some(match test {
        ArgumentTest::Within { at_least: None, at_most: None } => return None,
        ArgumentTest::Within { at_least, at_most } => tested(within(*at_least, *at_most)),
        ArgumentTest::OneOf(values) => tested(any_value(values.iter().map(equal).collect())),
        ArgumentTest::Matches(pattern) => {
            tested(json!({"string_match": {"safe_regex": {"regex": format!("(?s){}", as_regex(pattern))}}}))
        }
        ArgumentTest::EqualsClaim(other) => {
            // A text that is not empty, or a number; of the same type in both.
            let full = any_value(vec![some_text(), within(None, None)]);
            let argument: Vec<&str> = std::iter::once(MCP).chain(keys.iter().copied()).collect();
            return Predicate::all([
                Some(tested(full.clone())),
                Some(claim(other, full)),
                Some(compared(&argument, "_==_", &claims(other))),
            ]);
        }
    })
}

/// A pattern in which `*` is any text, as a regular expression (RE2).
pub(super) fn as_regex(pattern: &str) -> String {
    pattern.split('*').map(literal).collect::<Vec<_>>().join(".*")
}

/// A text as a regular expression that matches it alone.
fn literal(text: &str) -> String {
    let mut regex = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_punctuation() {
            regex.push('\\');
        }
        regex.push(letter);
    }
    regex
}
