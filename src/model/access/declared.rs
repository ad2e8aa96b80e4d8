//! What a tool's own JSON Schema says of an argument that evidence reads.

use serde_json::{Map, Value};

use super::{ArgumentTest, Scalar};

/// What an argument has to be, so that evidence can hold.
#[derive(Debug, Clone, Copy)]
pub enum Need<'a> {
    /// A number.
    Number,
    /// A text.
    Text,
    /// One of these values.
    OneOf(&'a [Scalar]),
    /// A text, a number, `true` or `false`.
    Scalar,
}

impl<'a> Need<'a> {
    /// What a test needs.
    #[must_use]
    pub fn of(test: &'a ArgumentTest) -> Self {
        match test {
            ArgumentTest::Within { .. } => Self::Number,
            ArgumentTest::OneOf(values) => Self::OneOf(values),
            ArgumentTest::Matches(_) => Self::Text,
            ArgumentTest::EqualsClaim(_) => Self::Scalar,
        }
    }

    fn is_met_by(self, kind: &str) -> bool {
        let number = matches!(kind, "number" | "integer");
        match self {
            Self::Number => number,
            Self::Text => kind == "string",
            Self::Scalar => number || matches!(kind, "string" | "boolean"),
            Self::OneOf(values) => values.iter().any(|value| match value {
                Scalar::Text(_) => kind == "string",
                Scalar::Truth(_) => kind == "boolean",
                Scalar::Number(_) => number,
            }),
        }
    }
}

/// How a schema and an argument go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit<'a> {
    /// The argument is there, and can be what it has to be.
    Fits,
    /// The schema does not say.
    Open,
    /// It is not there; these are.
    Missing(Vec<&'a str>),
    /// It is of this type, which never is what it has to be.
    OtherType(&'a str),
}

/// Looks an argument up.
#[must_use]
pub fn fit<'a>(schema: &'a Value, path: &[String], need: &Need<'_>) -> Fit<'a> {
    let Some(schema) = schema.as_object() else { return Fit::Open };
    let Some((name, rest)) = path.split_first() else { return type_fit(schema, *need) };
    // Where it is an object or something else, the caller chooses.
    if let Some(kind) = only_type(schema)
        && kind != "object"
    {
        return Fit::OtherType(kind);
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Fit::Open };
    match properties.get(name) {
        Some(property) => fit(property, rest, need),
        None if is_open(schema) => Fit::Open,
        None => Fit::Missing(properties.keys().map(String::as_str).collect()),
    }
}

/// Whether arguments beside `properties` are declared by other means, or expressly allowed.
fn is_open(schema: &Map<String, Value>) -> bool {
    const ELSEWHERE: [&str; 9] = [
        "$ref",
        "$dynamicRef",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "patternProperties",
        "dependentSchemas",
        "propertyNames",
    ];
    let more = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
    more || ELSEWHERE.iter().any(|key| schema.contains_key(*key))
}

fn only_type(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("type")?.as_str()
}

fn type_fit<'a>(schema: &'a Map<String, Value>, need: Need<'_>) -> Fit<'a> {
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => return Fit::Open,
    };
    match kinds.first() {
        Some(first) if !kinds.iter().any(|kind| need.is_met_by(kind)) => Fit::OtherType(first),
        Some(_) | None => Fit::Fits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_looked_up_along_their_path() {
        let schema = serde_json::json!({"type": "object", "properties": {
            "amount": {"type": ["integer", "null"]}, "note": {"type": "string"},
            "filter": {"type": "object", "properties": {"region": {"type": "string"}}},
            "more": {"type": "object", "additionalProperties": true, "properties": {"a": {}}},
            "tags": {"type": "array", "items": {"type": "string"}},
        }});
        let look = |path: &[&str], need: Need<'_>| {
            fit(&schema, &path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>(), &need)
        };
        assert_eq!(look(&["amount"], Need::Number), Fit::Fits);
        assert_eq!(look(&["amount"], Need::Text), Fit::OtherType("integer"));
        assert_eq!(look(&["note"], Need::OneOf(&[Scalar::Truth(true)])), Fit::OtherType("string"));
        assert_eq!(look(&["note"], Need::OneOf(&[Scalar::Truth(true), "x".into()])), Fit::Fits);
        assert_eq!(look(&["filter", "region"], Need::Text), Fit::Fits);
        assert_eq!(look(&["filter", "country"], Need::Text), Fit::Missing(vec!["region"]));
        assert_eq!(look(&["more", "b"], Need::Text), Fit::Open);
        assert_eq!(look(&["more", "a"], Need::Text), Fit::Open);
        assert_eq!(look(&["tags"], Need::Scalar), Fit::OtherType("array"));
        assert_eq!(look(&["tags", "first"], Need::Text), Fit::OtherType("array"));
        assert!(matches!(look(&["filter.region"], Need::Text), Fit::Missing(_)));
        assert_eq!(fit(&serde_json::json!({"type": "object"}), &["x".to_owned()], &Need::Number), Fit::Open);
    }
}
