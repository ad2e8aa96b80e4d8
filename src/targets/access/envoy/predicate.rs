//! Predicates of Envoy's generic matchers, as the configuration that Envoy reads.
//! Source: `xds.type.matcher.v3.Matcher`, Envoy 1.40.

use serde_json::{Value, json};

use crate::targets::object;

/// The filter that parses MCP, and the namespace of what it finds.
pub(super) const MCP: &str = "envoy.filters.http.mcp";
/// The filter that verifies tokens, and the namespace of their claims.
pub(super) const JWT: &str = "envoy.filters.http.jwt_authn";
/// The key below [`JWT`] that holds the claims.
pub(super) const CLAIMS: &str = "claims";

/// Type URLs begin so.
pub(super) fn of_type(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}

/// A predicate that is still to be simplified: `None` is one that never holds.
pub(super) type Maybe = Option<Predicate>;

/// What a request must satisfy.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Predicate {
    /// All of them; none at all always holds.
    All(Vec<Predicate>),
    /// Any of them; two at least.
    Any(Vec<Predicate>),
    /// Not this.
    Not(Box<Predicate>),
    /// One test, as Envoy reads it.
    Test(Value),
}

impl Predicate {
    /// All of them, without needless nesting; `None` where one never holds.
    pub(super) fn all(parts: impl IntoIterator<Item = Maybe>) -> Maybe {
        let mut all = Vec::new();
        for part in parts {
            match part? {
                Self::All(inner) => all.extend(inner),
                other @ (Self::Any(_) | Self::Not(_) | Self::Test(_)) => all.push(other),
            }
        }
        Some(match <[Self; 1]>::try_from(all) {
            Ok([one]) => one,
            Err(all) => Self::All(all),
        })
    }

    /// Any of them; `None` where none ever holds.
    pub(super) fn any(parts: impl IntoIterator<Item = Maybe>) -> Maybe {
        let mut any = Vec::new();
        for part in parts.into_iter().flatten() {
            match part {
                Self::Any(inner) => any.extend(inner),
                other @ (Self::All(_) | Self::Not(_) | Self::Test(_)) => any.push(other),
            }
        }
        match <[Self; 1]>::try_from(any) {
            Ok([one]) => Some(one),
            Err(any) if any.is_empty() => None,
            Err(any) => Some(Self::Any(any)),
        }
    }

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        let parts = [self, other].into_iter().flat_map(|part| match part {
            Self::All(parts) => parts,
            other @ (Self::Any(_) | Self::Not(_) | Self::Test(_)) => vec![other],
        });
        Self::All(parts.collect())
    }

    /// Not this.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other @ (Self::All(_) | Self::Any(_) | Self::Test(_)) => Self::Not(Box::new(other)),
        }
    }

    /// Whether it holds for every request.
    pub(super) fn is_always(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// As Envoy reads it. One that always holds has no form of its own: its caller leaves it out.
    pub(super) fn into_json(self) -> Value {
        let list = |parts: Vec<Self>| object([("predicate", parts.into_iter().map(Self::into_json).collect())]);
        match self {
            Self::All(parts) => object([("and_matcher", list(parts))]),
            Self::Any(parts) => object([("or_matcher", list(parts))]),
            Self::Not(inner) => object([("not_matcher", inner.into_json())]),
            Self::Test(test) => object([("single_predicate", test)]),
        }
    }
}

/// A test of what a filter found in the request.
pub(super) fn metadata(namespace: &str, path: &[&str], value: Value) -> Predicate {
    let path: Vec<Value> = path.iter().map(|key| object([("key", json!(key))])).collect();
    let input = object([
        ("@type", json!(of_type("envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput"))),
        ("filter", json!(namespace)),
        ("path", Value::Array(path)),
    ]);
    let matcher = object([
        ("@type", json!(of_type("envoy.extensions.matching.input_matchers.metadata.v3.Metadata"))),
        ("value", value),
    ]);
    Predicate::Test(object([
        ("input", object([("name", json!("metadata")), ("typed_config", input)])),
        (
            "custom_match",
            object([("name", json!("envoy.matching.matchers.metadata_matcher")), ("typed_config", matcher)]),
        ),
    ]))
}

/// That a header is this. Several of one name are one, with commas between them.
pub(super) fn header_is(name: &str, value: &str) -> Predicate {
    header(name, json!({"exact": value}))
}

/// That a header is there, even if it is empty.
pub(super) fn has_header(name: &str) -> Predicate {
    header(name, json!({"safe_regex": {"google_re2": {}, "regex": ".*"}}))
}

fn header(name: &str, value: Value) -> Predicate {
    Predicate::Test(json!({
        "input": {
            "name": "header",
            "typed_config": {
                "@type": of_type("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"),
                "header_name": name,
            },
        },
        "value_match": value,
    }))
}

/// A test of a claim of the token.
pub(super) fn claim(path: &[String], value: Value) -> Predicate {
    let path: Vec<&str> = std::iter::once(CLAIMS).chain(path.iter().map(String::as_str)).collect();
    metadata(JWT, &path, value)
}

/// The value is one of these texts; at least one.
pub(super) fn one_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    any_value(texts.into_iter().map(is).collect())
}

/// The value is this text.
pub(super) fn is(text: &str) -> Value {
    object([("string_match", object([("exact", json!(text))]))])
}

/// The value is a text that begins with this.
pub(super) fn starts_with(start: &str) -> Value {
    json!({"string_match": {"prefix": start}})
}

/// The value satisfies one of these; at least one.
pub(super) fn any_value(mut values: Vec<Value>) -> Value {
    match (values.len(), values.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            values.extend(last);
            object([("or_match", object([("value_matchers", Value::Array(values))]))])
        }
    }
}

/// The value is a text that is not empty.
pub(super) fn some_text() -> Value {
    json!({"string_match": {"safe_regex": {"regex": "(?s).+"}}})
}

/// The value is there.
pub(super) fn present() -> Value {
    json!({"present_match": true})
}

/// What a peer's certificate names: the URI of its subject alternative name.
pub(super) fn peer_input() -> Value {
    json!({
        "name": "uri_san",
        "typed_config": {"@type": of_type("envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput")},
    })
}

/// The peer showed a certificate; the listener has verified it.
pub(super) fn peer_has_certificate() -> Predicate {
    Predicate::Test(json!({
        "input": peer_input(),
        "value_match": {"safe_regex": {"google_re2": {}, "regex": ".+"}},
    }))
}

/// The keys of a claim, from the filter that writes it on.
pub(super) fn claims(path: &[String]) -> Vec<&str> {
    [JWT, CLAIMS].into_iter().chain(path.iter().map(String::as_str)).collect()
}

/// Two values of the metadata, by their keys from the filter on, are compared by `_!=_` or `_==_`. One that is absent is an error
/// of the expression, which matches nothing.
pub(super) fn compared(left: &[&str], function: &str, right: &[&str]) -> Predicate {
    let at = |keys: &[&str]| {
        let namespace =
            json!({"select_expr": {"operand": {"ident_expr": {"name": "metadata"}}, "field": "filter_metadata"}});
        keys.iter().fold(namespace, |operand, key| {
            let key = json!({"const_expr": {"string_value": key}});
            json!({"call_expr": {"function": "_[_]", "args": [operand, key]}})
        })
    };
    Predicate::Test(json!({
        "input": {
            "name": "attributes",
            "typed_config": {"@type": of_type("xds.type.matcher.v3.HttpAttributesCelMatchInput")},
        },
        "custom_match": {
            "name": "envoy.matching.matchers.cel_matcher",
            "typed_config": {
                "@type": of_type("xds.type.matcher.v3.CelMatcher"),
                "expr_match": {"cel_expr_parsed": {"expr": {
                    "call_expr": {"function": function, "args": [at(left), at(right)]},
                }}},
            },
        },
    }))
}
