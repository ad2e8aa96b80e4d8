//! CEL expressions for gateways that decide with them: the caller, and the evidence for a fact.
//!
//! An expression is true, or it is false or fails; only a true one lets anything through. So each is written to fail, and
//! never to be true, where a claim is missing or of another type than it should be. `in` over a claim is avoided: some
//! implementations look for a part of a text there.

use crate::model::access::{ArgumentEvidence, ClaimTest, Evidence};
use crate::model::name::UnitName;
use crate::policy::{Object, ObjectKind};

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

/// A text as a CEL literal. Everything that is no letter, digit or plain ASCII sign is escaped, so that nothing that a reader
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

/// The subject of the caller: `act.sub` where the token has `act`, else `sub`.
#[must_use]
pub fn caller(claims: &str) -> String {
    format!("(has({claims}.act) ? {claims}.act.sub : {claims}.sub)")
}

/// What a template stands for in a request for this object; `None` where the request cannot show it.
#[must_use]
pub fn expanded(template: &str, object: &Object, unit: Option<&UnitName>) -> Option<String> {
    let mut value = template.replace("{server}", object.server.as_str());
    if value.contains("{tool}") {
        let ObjectKind::Tool(tool) = &object.kind else { return None };
        value = value.replace("{tool}", tool.as_str());
    }
    if value.contains("{unit}") {
        value = value.replace("{unit}", unit?.as_str());
    }
    Some(value).filter(|value| !value.is_empty())
}

/// Where a product keeps what evidence is about.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The variable that holds the token's claims.
    pub claims: &'a str,
    /// The variable that holds the arguments of the call, where the product shows them.
    pub arguments: Option<&'a str>,
}

/// That a request for this object shows this evidence; `None` where none can. Of a connection nothing is said here.
#[must_use]
pub fn shows(names: Names<'_>, evidence: &Evidence, object: &Object, unit: Option<&UnitName>) -> Option<String> {
    match evidence {
        Evidence::Claim(evidence) if evidence.path.is_empty() => None,
        Evidence::Claim(evidence) => {
            let this = claim(names.claims, &evidence.path);
            Some(match &evidence.test {
                ClaimTest::Contains(template) => {
                    let value = text(&expanded(template, object, unit)?);
                    // Only a list can have a list added, so nothing but an element of one is found.
                    format!("({this} == {value} || {value} in ({this} + []))")
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
        Evidence::Argument(evidence) => {
            Some(argument(&claim(names.arguments?, std::slice::from_ref(&evidence.name)), evidence))
        }
        Evidence::KnownCaller | Evidence::Called(_) | Evidence::Transport => None,
    }
}

fn argument(this: &str, evidence: &ArgumentEvidence) -> String {
    let bound = |sign: &str, bound: i64| format!("{this} {sign} {bound}");
    let low = evidence.at_least.map(|low| bound(">=", low));
    let high = evidence.at_most.map(|high| bound("<=", high));
    let within: Vec<String> = low.into_iter().chain(high).collect();
    let mut ways: Vec<String> = if within.is_empty() { Vec::new() } else { vec![within.join(" && ")] };
    if !evidence.one_of.is_empty() {
        ways.push(format!("{this} in {}", texts(&evidence.one_of)));
    }
    match ways.as_slice() {
        [one] => one.clone(),
        _ => format!("({})", ways.join(" || ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::access::default_evidence;
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
        let evidence = default_evidence();
        let found = |fact: &str, object| {
            let (_, evidence) = evidence.iter().find(|(name, _)| *name == fact).unwrap();
            shows(names, evidence, object, Some(&"retail".into()))
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
