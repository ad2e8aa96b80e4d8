//! CEL expressions for gateways that decide with them: the caller, and the evidence for a fact.
//!
//! An expression is true, or it is false or fails; only a true one lets anything through. So each is written to fail, and
//! never to be true, where a claim is missing or of another type than it should be. `in` over a claim is avoided: some
//! implementations look for a part of a text there.

use std::collections::BTreeMap;

use crate::model::Model;
use crate::model::access::evidence::SPIFFE;
use crate::model::access::placeholder::filled;
use crate::model::access::{ArgumentTest, ClaimTest, Decimal, Evidence, Issuer, Scalar};
use crate::model::name::UnitName;
use crate::policy::Object;

/// Words that CEL keeps, so that they name no field after a dot.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// A text as a CEL literal. Everything that is not a letter, digit or plain ASCII sign is escaped, so that nothing that a reader
/// would not see changes what the text means. `$` is escaped as well: gateways put variables of their environment there.
#[must_use]
pub fn text(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() + 2);
    literal.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => {
                literal.push('\\');
                literal.push(letter);
            }
            '$' => literal.push_str("\\u0024"),
            ' '..='~' => literal.push(letter),
            _ if letter.is_alphanumeric() => literal.push(letter),
            _ if u32::from(letter) > 0xffff => literal.push_str(&format!("\\U{:08x}", u32::from(letter))),
            _ => literal.push_str(&format!("\\u{:04x}", u32::from(letter))),
        }
    }
    literal.push('"');
    literal
}

/// A list of texts.
#[must_use]
pub fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| text(value.as_ref())).collect();
    format!("[{}]", values.join(", "))
}

/// Whether a value is one of these texts.
#[must_use]
pub fn is_one_of<T: AsRef<str>>(value: &str, values: &[T]) -> String {
    match values {
        [one] => format!("{value} == {}", text(one.as_ref())),
        _ => format!("{value} in {}", texts(values)),
    }
}

/// A claim by its path below the variable that holds the claims.
#[must_use]
pub fn claim(claims: &str, path: &[String]) -> String {
    path.iter().fold(claims.to_owned(), |all, part| {
        let is_name = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !RESERVED.contains(&part.as_str());
        if is_name { format!("{all}.{part}") } else { format!("{all}[{}]", text(part)) }
    })
}

/// The subject of the caller: `act.sub` where the token has `act`, else the claim by which the issuer names callers. An `act`
/// that is null is absent.
#[must_use]
pub fn caller(claims: &str, by: &[String]) -> String {
    let otherwise = claim(claims, by);
    format!("(has({claims}.act) && {claims}.act != null ? {claims}.act.sub : {otherwise})")
}

/// That the token says of the caller that it is of this unit: nothing where no unit is asked for. `None` where no claim tells units,
/// so that nobody is of one.
pub fn of_unit(claims: &str, model: &Model, unit: Option<&UnitName>) -> Option<Option<String>> {
    let Some(unit) = unit else { return Some(None) };
    let named = model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref())?;
    Some(Some(format!("{} == {}", claim(claims, std::slice::from_ref(&named.value)), text(unit.as_str()))))
}

/// The subject of the caller, by whichever claim the issuer of the token names callers.
pub fn caller_of_any<'i>(claims: &str, issuers: impl Iterator<Item = &'i Issuer>) -> String {
    let mut by_claim: BTreeMap<&[String], Vec<&str>> = BTreeMap::new();
    for issuer in issuers {
        if let Some(by) = &issuer.caller {
            by_claim.entry(&by.value).or_default().push(&issuer.issuer.value);
        }
    }
    by_claim.into_iter().fold(caller(claims, &["sub".to_owned()]), |otherwise, (by, issuers)| {
        format!("({} ? {} : {otherwise})", is_one_of(&format!("{claims}.iss"), &issuers), caller(claims, by))
    })
}

/// Where a product keeps what evidence is about.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The variable that holds the token's claims.
    pub claims: &'a str,
    /// The variable that holds the arguments of the call, where the product shows them.
    pub arguments: Option<&'a str>,
}

/// Why rules in CEL cannot test a piece of evidence.
#[must_use]
pub fn unseen(evidence: &Evidence) -> Option<&'static str> {
    match evidence {
        Evidence::Claim(claim) if claim.separator.is_some() => {
            Some("its rules are not known to take a text apart at separators")
        }
        Evidence::Claim(claim) if matches!(&claim.test, ClaimTest::Contains(values) if values.iter().any(|value| matches!(value, Scalar::Number(_)))) => {
            Some("its rules are not known to take two spellings of a number in a claim for one")
        }
        Evidence::Argument(argument) => match &argument.test {
            ArgumentTest::Matches(_) => Some("its rules are not known to match arguments with patterns"),
            ArgumentTest::EqualsClaim(_) => Some("its rules are not known to compare an argument with a claim by type"),
            ArgumentTest::Within { .. } | ArgumentTest::OneOf(_) => None,
        },
        Evidence::Claim(_)
        | Evidence::KnownCaller
        | Evidence::Called(_)
        | Evidence::Issuer(_)
        | Evidence::NotWorkload
        | Evidence::Transport
        | Evidence::All(_) => None,
    }
}

/// A value as a CEL literal.
fn literal(value: &Scalar) -> String {
    match value {
        Scalar::Text(value) => text(value),
        Scalar::Truth(truth) => truth.to_string(),
        Scalar::Number(number) => number.to_string(),
    }
}

/// That a request for this object shows this evidence; `None` where none can. Of a connection nothing is said here. `subjects`
/// are those of all declared principals.
#[must_use]
pub fn shows(
    names: Names<'_>,
    evidence: &Evidence,
    object: &Object,
    unit: Option<&UnitName>,
    subjects: &[&str],
) -> Option<String> {
    match evidence {
        Evidence::Claim(evidence) if evidence.path.is_empty() => None,
        Evidence::Claim(evidence) => {
            let this = claim(names.claims, &evidence.path);
            Some(match &evidence.test {
                ClaimTest::Contains(values) => {
                    let values = values.iter().filter_map(|value| match value.as_text() {
                        Some(template) => {
                            filled(template, object.server.as_str(), object.tool(), unit.map(UnitName::as_str))
                                .map(|text| literal(&Scalar::Text(text)))
                        }
                        None => Some(literal(value)),
                    });
                    let values: Vec<String> = values.collect();
                    let same = values.iter().map(|value| format!("{this} == {value}"));
                    // Only a list can have a list added, so nothing but an element of one is found.
                    let holds = values.iter().map(|value| format!("{value} in ({this} + [])"));
                    let ways: Vec<String> = same.chain(holds).collect();
                    if ways.is_empty() {
                        return None;
                    }
                    format!("({})", ways.join(" || "))
                }
                // A list never equals a text.
                ClaimTest::Is(texts) => {
                    let same: Vec<String> = texts.iter().map(|known| format!("{this} == {}", text(known))).collect();
                    if same.is_empty() {
                        return None;
                    }
                    format!("({})", same.join(" || "))
                }
                ClaimTest::DiffersFrom(other) if other.is_empty() => return None,
                ClaimTest::DiffersFrom(other) => {
                    // Only a text can have a text added.
                    let that = claim(names.claims, other);
                    format!(r#"{this} + "" != "" && {that} + "" != "" && {this} != {that}"#)
                }
                ClaimTest::Present => format!(r#"!({this} in [null, "", [], {{}}])"#),
            })
        }
        Evidence::Argument(evidence) => argument(&claim(names.arguments?, &evidence.path), &evidence.test),
        Evidence::Issuer(issuer) => Some(format!("{}.iss == {}", names.claims, text(issuer))),
        Evidence::NotWorkload => {
            let others: Vec<&str> = subjects.iter().copied().filter(|subject| !subject.starts_with(SPIFFE)).collect();
            let sub = format!("{}.sub", names.claims);
            // Only a text has a beginning.
            let spiffe = format!("!({sub}.startsWith({}))", text(SPIFFE));
            let others = (!others.is_empty()).then(|| format!("!({})", is_one_of(&sub, &others)));
            Some(std::iter::once(spiffe).chain(others).collect::<Vec<_>>().join(" && "))
        }
        Evidence::KnownCaller | Evidence::Called(_) | Evidence::Transport | Evidence::All(_) => None,
    }
}

fn argument(this: &str, test: &ArgumentTest) -> Option<String> {
    Some(match test {
        ArgumentTest::Within { at_least, at_most } => {
            let bound = |sign: &str, bound: Decimal| format!("{this} {sign} {bound}");
            let low = at_least.map(|low| bound(">=", low));
            let high = at_most.map(|high| bound("<=", high));
            low.into_iter().chain(high).collect::<Vec<_>>().join(" && ")
        }
        ArgumentTest::OneOf(values) => {
            format!("{this} in [{}]", values.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        ArgumentTest::EqualsClaim(_) | ArgumentTest::Matches(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::access::DEFAULT_EVIDENCE;
    use crate::policy::ObjectKind;
    use cel::common::ast::{Expr, LiteralValue};
    use proptest::prelude::*;

    /// What the parser of CEL makes of a literal.
    fn parsed(literal: &str) -> String {
        let parsed = cel::parser::Parser::new().parse(literal).expect("a literal").expr;
        let Expr::Literal(LiteralValue::String(text)) = parsed else { panic!("{parsed:?}") };
        text.inner().to_owned()
    }

    proptest! {
        #[test]
        fn every_text_comes_back(value in any::<String>()) {
            let literal = text(&value);
            let plain = !literal.contains(['$', '\n', '\u{202e}']);
            prop_assert!(plain);
            prop_assert_eq!(parsed(&literal), value);
        }
    }

    #[test]
    fn hostile_texts_stay_texts() {
        for (value, literal) in [
            (r#"x" || true || ""#, r#""x\" || true || \"""#),
            ("a\\", r#""a\\""#),
            ("${HOME}\n", r#""\u0024{HOME}\u000a""#),
            ("\u{202e}ab", r#""\u202eab""#),
            ("\u{1f680}é", r#""\U0001f680é""#),
        ] {
            assert_eq!(text(value), literal);
            assert_eq!(parsed(literal), value);
        }
    }

    #[test]
    fn claims_are_fields_where_their_names_allow() {
        let path = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        assert_eq!(claim("jwt", &path(&["act", "sub"])), "jwt.act.sub");
        assert_eq!(claim("jwt", &path(&["https://x.example/bu", "in"])), r#"jwt["https://x.example/bu"]["in"]"#);
    }

    #[test]
    fn evidence_names_what_the_object_is() {
        let object = Object { server: "a_b".into(), kind: ObjectKind::Tool("t".into()) };
        let protocol = Object { kind: ObjectKind::Protocol, ..object.clone() };
        let names = Names { claims: "jwt", arguments: None };
        let evidence = &*DEFAULT_EVIDENCE;
        let found = |fact: &str, object| {
            let (_, evidence) = evidence.iter().find(|(name, _)| **name == fact).unwrap();
            shows(names, &evidence.pieces()[0], object, Some(&"retail".into()), &[])
        };
        assert_eq!(
            found("approval_workflow", &object).unwrap(),
            r#"(jwt.approvals == "a_b/t" || "a_b/t" in (jwt.approvals + []))"#
        );
        assert_eq!(found("approval_workflow", &protocol), None);
        assert_eq!(
            found("user_delegation", &object).unwrap(),
            r#"jwt.act.sub + "" != "" && jwt.sub + "" != "" && jwt.act.sub != jwt.sub"#
        );
        assert_eq!(found("mtls", &object), None);
    }
}
