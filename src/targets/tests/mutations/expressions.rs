//! Changes inside of expressions in CEL: a part left out, an operator or a text replaced.

use serde_json::{Value, json};

use super::tree::{Change, each_text};

/// Every change inside of an expression.
pub(super) fn changes(documents: &Value) -> Vec<Change> {
    let texts = literals(documents);
    let mut found = Vec::new();
    each_text(documents, &mut Vec::new(), &mut |path, text| {
        if is_expression(text) {
            inside(text, &texts, &mut |how, changed| {
                found.push(Change { path: path.to_vec(), how, without: None, other: json!(changed) });
            });
        }
    });
    found
}

fn inside(text: &str, texts: &[String], found: &mut dyn FnMut(&'static str, String)) {
    let parts = conjuncts(text);
    for index in 0..parts.len() {
        if parts.len() > 1 {
            let mut without = parts.clone();
            without.remove(index);
            found("part", without.join(" && "));
        }
    }
    for (old, new) in [(" && ", " || "), (" || ", " && "), (" == ", " != "), (" != ", " == "), ("!", "")] {
        for (index, _) in text.match_indices(old) {
            found("operator", format!("{}{new}{}", &text[..index], &text[index + old.len()..]));
        }
    }
    let pieces: Vec<&str> = text.split('"').collect();
    for index in (1..pieces.len()).step_by(2) {
        for other in texts.iter().filter(|other| *other != pieces[index]).take(2) {
            let mut changed: Vec<&str> = pieces.clone();
            changed[index] = other;
            found("literal", changed.join("\""));
        }
    }
}

fn is_expression(text: &str) -> bool {
    text.contains("jwt") || text.contains("mcp.") || text.contains("source.") || text.contains("request")
}

/// The texts in expressions.
fn literals(documents: &Value) -> Vec<String> {
    let mut found = Vec::new();
    each_text(documents, &mut Vec::new(), &mut |_, text| {
        if is_expression(text) {
            found.extend(text.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    });
    found.sort();
    found.dedup();
    found
}

/// The parts of `a && b && c` that no brackets hold together.
fn conjuncts(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (index, letter) in text.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '&' if depth == 0 && text[index..].starts_with("&& ") => {
                parts.push(text[start..index].trim().to_owned());
                start = index + 3;
            }
            _ => {}
        }
    }
    parts.push(text[start..].to_owned());
    parts
}
