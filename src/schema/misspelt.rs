//! Keys that are certainly misspelt: a legal key that is not written beside them is spelt almost the same, or is the only
//! one that is missing.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind as NodeKind;
use serde_json::Value;

use super::Validator;
use super::explain::{known_keys, parent_of, reach, unknown_key};
use super::shape::{shapes, types};
use crate::diagnostic::{Diagnostic, nearest};
use crate::source::yaml::{NodeId, Tree};

/// A key that has no meaning, and the one that was meant.
pub(super) struct Misspelt {
    pub(super) key: NodeId,
    pub(super) meant: String,
    pub(super) finding: Diagnostic,
}

/// The unknown keys and the missing keys of one map.
#[derive(Default)]
struct Map<'a> {
    unknown: Vec<String>,
    missing: Vec<String>,
    schema: Option<&'a Value>,
}

/// Every such key of a section.
pub(super) fn keys(validator: &Validator, tree: &Tree<'_>, key: NodeId, body: NodeId) -> Vec<Misspelt> {
    let mut maps: BTreeMap<NodeId, Map<'_>> = BTreeMap::new();
    for error in validator.errors(tree, body) {
        let at = || reach(tree, key, body, error.instance_path().as_str()).node;
        #[expect(clippy::wildcard_enum_match_arm, reason = "no other kind of error is about a key")]
        match error.kind() {
            NodeKind::AdditionalProperties { unexpected } => {
                let map = maps.entry(at()).or_default();
                map.unknown.extend(unexpected.iter().cloned());
                map.schema = parent_of(&error, &validator.schema);
            }
            NodeKind::Required { property } => {
                maps.entry(at()).or_default().missing.extend(property.as_str().map(str::to_owned));
            }
            _ => {}
        }
    }
    maps.into_iter().flat_map(|(node, map)| of_map(tree, node, map)).collect()
}

fn of_map(tree: &Tree<'_>, node: NodeId, map: Map<'_>) -> Vec<Misspelt> {
    let known = known_keys(map.schema);
    let mut free: Vec<&str> = known.into_iter().filter(|known| tree.get(node, known).is_none()).collect();
    let mut found = Vec::new();
    for name in &map.unknown {
        let Some((key, value)) = tree.get(node, name) else { continue };
        let only = match (map.unknown.as_slice(), map.missing.as_slice()) {
            ([_], [missing]) if fits(tree, value, missing, map.schema) => Some(missing.as_str()),
            _ => None,
        };
        // Of two keys that are as near, the one that takes such a value.
        let fitting = free.iter().copied().filter(|known| may_be(tree, value, known, map.schema));
        let near = nearest(name, fitting).or_else(|| nearest(name, free.iter().copied()));
        let Some(meant) = near.or(only) else { continue };
        free.retain(|other| *other != meant);
        let finding = unknown_key(name, map.schema, tree.loc(key)).suggest(name, Some(meant));
        found.push(Misspelt { key, meant: meant.to_owned(), finding });
    }
    found
}

/// Whether a value is of a type that the key takes, as far as its schema names types.
fn may_be(tree: &Tree<'_>, value: NodeId, key: &str, schema: Option<&Value>) -> bool {
    let Some(named) =
        schema.and_then(|schema| schema.get("properties")?.get(key)).filter(|key| key.get("type").is_some())
    else {
        return true;
    };
    let types: Vec<&str> = types(named).collect();
    if tree.elements(value).is_some() {
        return types.contains(&"array");
    }
    if tree.entries(value).is_some() {
        return types.contains(&"object");
    }
    types.iter().any(|kind| !matches!(*kind, "array" | "object" | "null"))
}

/// Whether a value may be what the missing key takes.
fn fits(tree: &Tree<'_>, value: NodeId, missing: &str, schema: Option<&Value>) -> bool {
    let Some(wanted) = schema.and_then(|schema| schema.get("properties")?.get(missing)) else { return false };
    // Of several shapes, such as a word or a list of words, any.
    let named = std::iter::once(wanted).chain(shapes(wanted)).flat_map(types);
    named.into_iter().any(|kind| match kind {
        "array" => tree.elements(value).is_some(),
        "object" => tree.entries(value).is_some(),
        "string" => tree.scalar(value).is_some_and(|scalar| !scalar.is_null()),
        _ => false,
    })
}
