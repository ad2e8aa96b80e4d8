//! Small changes of a configuration of Envoy.

use super::*;
use crate::targets::tests::mutations::tree::{self, Change, Kinds, Step};

/// Words of this world, each with one that means something else.
const WORDS: &[(&str, &str)] = &[
    ("ALLOW", "DENY"),
    ("DENY", "ALLOW"),
    ("spiffe://example.org/seller", "spiffe://example.org/helper"),
    ("spiffe://example.org/helper", "spiffe://example.org/seller"),
    ("https://idp.example", "https://flows.example"),
    ("crm/messages", "faq/messages"),
    ("get", "put"),
    ("put", "get"),
    ("envoy.filters.http.mcp", "envoy.filters.http.jwt_authn"),
];

/// What makes an element that lets more through of one that lets something through.
const ELEMENTS: &[(&str, &str)] =
    &[("\"spiffe://example.org/seller\"", "\"spiffe://example.org/evil\""), ("\"put\"", "\"delete_all\"")];

/// Every small change of a value.
pub(super) fn changes(value: &Value) -> Vec<Change> {
    let kinds =
        Kinds { twice: false, more: false, empty: false, open: false, others: 0, words: WORDS, elements: ELEMENTS };
    tree::changes(value, &kinds)
}

/// Where a change is, and what it does there: `routes/3/name/(change)`.
pub(super) fn slashed(change: &Change) -> String {
    let shown = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::At(at) => at.to_string(),
    };
    let what = match (&change.without, change.how) {
        (Some(step), _) => format!("(drop {})", shown(step)),
        (None, "swap") => "(swap)".to_owned(),
        (None, "added") => "(add)".to_owned(),
        (None, "word") => "(other)".to_owned(),
        (None, _) => "(change)".to_owned(),
    };
    change.path.iter().map(shown).chain([what]).collect::<Vec<_>>().join("/")
}

/// The value with the text in one place replaced: that many places after the first.
pub(super) fn replaced(value: &Value, old: &str, new: &str, place: &mut usize) -> Value {
    match value {
        Value::String(text) if text == old => {
            *place = place.wrapping_sub(1);
            Value::String(if *place == usize::MAX { new } else { old }.to_owned())
        }
        Value::Array(list) => list.iter().map(|inner| replaced(inner, old, new, place)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, inner)| (key.clone(), replaced(inner, old, new, place))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
