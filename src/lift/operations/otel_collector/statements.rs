//! Reads the statements of OTTL by which users disappear from spans.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Users, plain, unexpected};
use crate::lift::LiftError;

const CONTEXTS: [&str; 4] = ["resource", "scope", "span", "spanevent"];

/// Statements of one context.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    context: String,
    statements: Vec<String>,
}

/// What a statement does.
enum Statement {
    /// It deletes an attribute.
    Delete(String),
    /// It deletes the id of the user, but where it is a text in a span about these servers.
    DeleteElsewhere(BTreeSet<String>),
    /// It hashes the id of the user where it is a text in a span about these servers.
    Hash(BTreeSet<String>),
}

/// What is left of users.
///
/// # Errors
/// Where a statement is none that this target writes, or contexts differ in what they delete.
pub(super) fn users(groups: &[Group]) -> Result<Users, LiftError> {
    let mut deleted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let (mut kept, mut hashed) = (None, None);
    for group in groups {
        let context = group.context.as_str();
        if !CONTEXTS.contains(&context) || deleted.contains_key(context) {
            return unexpected(format!("the context `{context}` is none of spans, or is there twice"));
        }
        let own = deleted.entry(context).or_default();
        for text in &group.statements {
            let fresh = match statement(&plain(text)?, context)? {
                Statement::Delete(key) => own.insert(key),
                Statement::DeleteElsewhere(servers) => kept.replace(servers).is_none() && own.insert(USER.to_owned()),
                Statement::Hash(servers) => hashed.replace(servers).is_none(),
            };
            if !fresh {
                return unexpected(format!("the statement `{text}` is there twice, or another undoes it"));
            }
        }
    }
    if kept != hashed {
        return unexpected("ids of users are deleted and hashed for different servers");
    }
    let mut sets = deleted.into_values();
    let first = sets.next().unwrap_or_default();
    if !first.contains(USER) || sets.len() + 1 != CONTEXTS.len() || sets.any(|other| other != first) {
        return unexpected("something of users is not deleted everywhere");
    }
    let deleted = first.into_iter().filter(|key| key != USER).collect();
    Ok(Users { deleted, hashed_for: hashed.unwrap_or_default() })
}

const USER: &str = "user.id";

fn statement(text: &str, context: &str) -> Result<Statement, LiftError> {
    let other = || LiftError::Unexpected(format!("the statement `{text}` is none that this target writes"));
    let user = r#"span.attributes["user.id"]"#;
    // What is between these is the list of servers.
    let between = |before: String| {
        let rest = text.strip_prefix(&before)?;
        list(rest.strip_suffix(r#"], span.attributes["mcp.server"])"#)?)
    };
    if context == "span" {
        let hash = format!("set({user}, SHA256({user})) where IsString({user}) and ContainsValue([");
        if let Some(servers) = between(hash) {
            return Ok(Statement::Hash(servers));
        }
        let delete =
            format!("delete_key(span.attributes, \"user.id\") where not IsString({user}) or not ContainsValue([");
        if let Some(servers) = between(delete) {
            return Ok(Statement::DeleteElsewhere(servers));
        }
    }
    let key = text.strip_prefix("delete_key(").and_then(|rest| rest.strip_prefix(context));
    let key = key.and_then(|rest| rest.strip_prefix(".attributes, ")?.strip_suffix(')'));
    let keys = key.and_then(list).ok_or_else(other)?;
    let mut keys = keys.into_iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(Statement::Delete(key)),
        _ => Err(other()),
    }
}

/// Texts with commas between them, each once and at least one.
fn list(text: &str) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    loop {
        let mut letters = rest.strip_prefix('"')?.char_indices();
        let mut one = String::new();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => one.push(letters.next().map(|(_, letter)| letter).filter(|it| matches!(it, '"' | '\\'))?),
                (_, letter) => one.push(letter),
            }
        };
        if !found.insert(one) {
            return None;
        }
        // One for the quote that begins the text, and one for the quote that ends it.
        rest = rest.get(end + 2..)?;
        if rest.is_empty() {
            return Some(found);
        }
        rest = rest.strip_prefix(", ")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_texts_with_commas_between() {
        let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        assert_eq!(list(r#""a""#), set(&["a"]));
        assert_eq!(list(r#""a", "b\"\\c""#), set(&["a", "b\"\\c"]));
        for bad in ["", "a", r#""a"#, r#""a","b""#, r#""a", "#, r#""a", "a""#, r#""a" or "b""#, r#""\n""#] {
            assert_eq!(list(bad), None, "{bad}");
        }
    }
}
