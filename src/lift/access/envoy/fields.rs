//! The fields of a JSON object, read exactly: what is missing, and what nobody understands, is an error.

use serde_json::Value;

use super::unexpected;
use crate::lift::LiftError;

type Read<T> = Result<T, LiftError>;

/// The path below which clients find the metadata of a protected resource (RFC 9728).
pub(super) const METADATA: &str = "/.well-known/oauth-protected-resource";

/// The fields of an object, which must be exactly these at most.
pub(super) fn fields<'v>(value: &'v Value, known: &[&str]) -> Read<&'v serde_json::Map<String, Value>> {
    let object = value.as_object().ok_or_else(|| unexpected(format!("{} is not an object", short(value))))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(object),
        Some(key) => Err(unexpected(format!("`{key}` in {} is not understood", short(value)))),
    }
}

/// The one field of an object.
pub(super) fn only(value: &Value) -> Read<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1);
    let entry = object.and_then(|object| object.iter().next());
    entry
        .map(|(key, value)| (key.as_str(), value))
        .ok_or_else(|| unexpected(format!("{} is not understood", short(value))))
}

pub(super) fn text(value: Option<&Value>) -> Read<&str> {
    value.and_then(Value::as_str).ok_or_else(|| unexpected("a text is missing".to_owned()))
}

pub(super) fn list(value: Option<&Value>) -> Read<&Vec<Value>> {
    value.and_then(Value::as_array).ok_or_else(|| unexpected("a list is missing".to_owned()))
}

/// The first characters of a value, for messages.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(120).collect();
    if cut.len() == text.len() { format!("`{text}`") } else { format!("`{cut}...`") }
}

/// Whether a typed value has this type, of which the last part is enough.
pub(super) fn is_type(value: &Value, name: &str) -> Read<()> {
    let found = text(value.get("@type"))?;
    if found == format!("type.googleapis.com/{name}") {
        Ok(())
    } else {
        Err(unexpected(format!("`{found}` is where `{name}` should be")))
    }
}

/// The value of a field that must be there.
pub(super) fn at<'v>(value: &'v Value, key: &str) -> Read<&'v Value> {
    value.get(key).ok_or_else(|| unexpected(format!("`{key}` is missing in {}", short(value))))
}

/// The one element of a list.
pub(super) fn one<'v>(value: &'v Value, key: &str) -> Read<&'v Value> {
    match list(value.get(key))?.as_slice() {
        [one] => Ok(one),
        other => Err(unexpected(format!("there are {} `{key}` where there must be one", other.len()))),
    }
}

/// A field must have this value.
pub(super) fn must(value: &Value, key: &str, expected: &Value) -> Read<()> {
    match value.get(key) {
        Some(found) if found == expected => Ok(()),
        found => {
            let found = found.map_or("nothing".to_owned(), short);
            Err(unexpected(format!("`{key}` is {found} and must be {}", short(expected))))
        }
    }
}
