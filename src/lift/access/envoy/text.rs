//! Reads a file: YAML, and much faster where it is JSON of a kind that means the same in YAML.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Longest key that every YAML parser takes, in bytes.
const LONGEST_KEY: usize = 1_000;

/// What a file says, or why it says nothing.
pub(super) fn read(text: &str) -> Result<Value, String> {
    if text.starts_with('{') && is_yaml_too(text) {
        let Strict(value) = serde_json::from_str(text).map_err(|error| error.to_string())?;
        return Ok(value);
    }
    let Strict(value) = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    Ok(value)
}

/// Whether a text, if it is JSON, means the same in YAML: nothing in it is a tab, another end of line or a letter that YAML does
/// not take, and there are no escapes that YAML has not.
pub(super) fn is_yaml_too(text: &str) -> bool {
    let plain = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
    let strange = |letter: char| {
        letter.is_control() && letter != '\n'
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !text.bytes().all(plain) && text.contains(strange) {
        return false;
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\\') {
        match after.as_bytes() {
            [b'/', ..] | [b'u', b'd' | b'D', ..] => return false,
            _ => rest = after.get(1..).unwrap_or_default(),
        }
    }
    true
}

/// A value without duplicate keys, and none is too long.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Strict;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(Value::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(Value::from(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(Value::String(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Strict, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Strict(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Strict, A::Error> {
        let mut values = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if key.len() > LONGEST_KEY {
                return Err(A::Error::custom("a key is too long for YAML"));
            }
            let Strict(value) = fields.next_value()?;
            if values.insert(key, value).is_some() {
                return Err(A::Error::custom("a key is there twice"));
            }
        }
        Ok(Strict(Value::Object(values)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_yaml_are_read_alike() {
        for text in ["{\"a\": [1, -2, 1.5, true, null, \"x\\u0085\"]}", "a: [1, -2, 1.5, true, null, \"x\\u0085\"]"] {
            assert_eq!(read(text), Ok(json!({"a": [1, -2, 1.5, true, null, "x\u{85}"]})), "{text}");
        }
    }

    #[test]
    fn what_only_json_takes_is_refused_or_left_to_yaml() {
        let long = "k".repeat(1_001);
        for text in ["{\"a\": 1, \"a\": 2}", "{\"a\": 1} x", &format!("{{\"{long}\": 1}}")] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(is_yaml_too("{\"a\": \"\\\\/\\\\ud\"}"));
        assert!(read("a: 1\na: 2\n").is_err());
        for text in ["{\"a\": \"\\/\"}", "{\"a\": \"\\ud83d\\ude00\"}", "{\"a\":\t1}", "{\"a\": \"\u{7f}\"}"] {
            assert!(!is_yaml_too(text), "{text}");
        }
    }
}
