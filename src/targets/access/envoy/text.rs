//! How files are written: in YAML's JSON form, which Envoy reads many times faster than indented blocks, and which stays a
//! third as large. The frame is indented; a predicate, and what follows it, stands on one line.

use std::fmt::Write;

use rayon::prelude::*;
use serde_json::Value;

/// What stands on one line, by its key.
const ON_ONE_LINE: [&str; 4] = ["predicate", "on_match", "on_no_match", "input"];

/// A list of the frame that is as long as this is written by all cores.
const MANY: usize = 64;

/// A file's text.
pub(super) fn file(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, Some(0));
    out.push('\n');
    out
}

/// Writes a value; on one line where there is no indent, or where it holds nothing but texts and numbers.
fn write(out: &mut String, value: &Value, indent: Option<usize>) {
    let indent = indent.filter(|_| is_nested(value));
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => quoted(out, text),
        Value::Array(list) => {
            out.push('[');
            let inner_indent = indent.map(|indent| indent + 1);
            if indent.is_some() && list.len() >= MANY {
                let each = |inner: &Value| {
                    let mut text = String::new();
                    write(&mut text, inner, inner_indent);
                    text
                };
                let texts: Vec<String> = list.par_iter().map(each).collect();
                // A comma, and a line with its indent, before each.
                out.reserve(texts.iter().map(|text| text.len() + indent.unwrap_or(0) + 3).sum());
                for (at, text) in texts.iter().enumerate() {
                    before(out, at, indent);
                    out.push_str(text);
                }
            } else {
                for (at, inner) in list.iter().enumerate() {
                    before(out, at, indent);
                    write(out, inner, inner_indent);
                }
            }
            after(out, indent);
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (key, inner)) in fields.iter().enumerate() {
                before(out, at, indent);
                quoted(out, key);
                out.push_str(": ");
                let inner_indent = indent.filter(|_| !ON_ONE_LINE.contains(&key.as_str()));
                write(out, inner, inner_indent.map(|indent| indent + 1));
            }
            after(out, indent);
            out.push('}');
        }
    }
}

fn is_nested(value: &Value) -> bool {
    let is_list_or_object = |value: &Value| value.is_array() || value.is_object();
    match value {
        Value::Array(list) => list.iter().any(is_list_or_object),
        Value::Object(fields) => fields.values().any(is_list_or_object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn before(out: &mut String, at: usize, indent: Option<usize>) {
    if at > 0 {
        out.push(',');
    }
    match indent {
        Some(indent) => line(out, indent + 1),
        None if at > 0 => out.push(' '),
        None => {}
    }
}

fn after(out: &mut String, indent: Option<usize>) {
    if let Some(indent) = indent {
        line(out, indent);
    }
}

fn line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A text in quotes. Letters that YAML takes for the end of a line, or does not take at all, are escaped.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        out.push_str(text);
        out.push('"');
        return;
    }
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            letter
                if letter.is_control()
                    || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_means_the_same_as_json_and_as_yaml() {
        let value = json!({
            "a": [{"predicate": {"b": ["c", {"d": "\" \\ \n \t \u{1} \u{7f} \u{85} \u{2028} \u{feff} é # : - *x &y !z"}]}}, 1, true],
            "": {}, "n": [], "key: #": [[-1.5, null], "yes", "~", "0x1f"],
        });
        let text = file(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{text}");
        assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), value, "{text}");
    }
}
