//! Whether a file says what is known already. It is read beside the known value, word by word, and not kept: the routes of a
//! large workspace are not held twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::text;

/// Whether a text is the JSON of these resources, each with this type as its first field, in the same order to the last key.
/// One that is not may still say the same in another form.
pub(super) fn is_of_resources(text: &str, kind: &str, resources: &[&Value]) -> bool {
    if !text::is_yaml_too(text) {
        return false;
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let file = Expected::File(kind, resources);
    file.deserialize(&mut reader).is_ok() && reader.end().is_ok()
}

/// What should be read next.
#[derive(Clone, Copy)]
enum Expected<'v> {
    Value(&'v Value),
    Text(&'v str),
    /// An object with a list of such resources alone.
    File(&'v str, &'v [&'v Value]),
    /// Resources of a type.
    Resources(&'v str, &'v [&'v Value]),
    /// The fields of a value after its type.
    Typed(&'v str, &'v Value),
}

impl<'de> DeserializeSeed<'de> for Expected<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

fn when<E: Error>(same: bool) -> Result<(), E> {
    if same { Ok(()) } else { Err(E::custom("something else")) }
}

impl<'v> Expected<'v> {
    fn is(self, found: &Value) -> bool {
        matches!(self, Self::Value(expected) if expected == found)
    }

    fn fields<'de, A: MapAccess<'de>>(
        mut found: A,
        fields: impl Iterator<Item = (&'v str, Self)>,
    ) -> Result<(), A::Error> {
        for (key, value) in fields {
            when(found.next_key_seed(Self::Text(key))?.is_some())?;
            found.next_value_seed(value)?;
        }
        when(found.next_key::<IgnoredAny>()?.is_none())
    }

    fn elements<'de, A: SeqAccess<'de>>(mut found: A, list: impl Iterator<Item = Self>) -> Result<(), A::Error> {
        for value in list {
            when(found.next_element_seed(value)?.is_some())?;
        }
        when(found.next_element::<IgnoredAny>()?.is_none())
    }
}

impl<'de> Visitor<'de> for Expected<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("what is known already")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        when(self.is(&Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        when(self.is(&Value::from(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        when(self.is(&Value::from(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        when(self.is(&Value::from(value)))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        when(self.is(&Value::Null))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        when(match self {
            Self::Text(text) => text == value,
            Self::Value(expected) => expected.as_str() == Some(value),
            Self::File(..) | Self::Resources(..) | Self::Typed(..) => false,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, found: A) -> Result<(), A::Error> {
        match self {
            Self::Value(Value::Array(list)) => Self::elements(found, list.iter().map(Expected::Value)),
            Self::Resources(kind, list) => {
                Self::elements(found, list.iter().map(|resource| Expected::Typed(kind, resource)))
            }
            Self::Value(_) | Self::Text(_) | Self::File(..) | Self::Typed(..) => when(false),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, found: A) -> Result<(), A::Error> {
        let own = |fields: &'_ serde_json::Map<String, Value>| !fields.contains_key("@type");
        match self {
            Self::Value(Value::Object(fields)) => {
                Self::fields(found, fields.iter().map(|(key, value)| (key.as_str(), Expected::Value(value))))
            }
            Self::File(kind, resources) => {
                Self::fields(found, std::iter::once(("resources", Expected::Resources(kind, resources))))
            }
            Self::Typed(kind, Value::Object(fields)) if own(fields) => {
                let rest = fields.iter().map(|(key, value)| (key.as_str(), Expected::Value(value)));
                Self::fields(found, std::iter::once(("@type", Expected::Text(kind))).chain(rest))
            }
            Self::Value(_) | Self::Text(_) | Self::Resources(..) | Self::Typed(..) => when(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_same_words_in_the_same_order_are_taken() {
        let value = json!({"a": [1, -2, 1.5, true, null, "x\"\u{e9}"], "b": {"c": {}, "d": []}});
        let is = |text: &str| is_of_resources(text, "t", &[&value, &value]);
        let one = r#"{"@type": "t", "a": [1, -2, 1.5, true, null, "x\"é"], "b": {"c": {}, "d": []}}"#;
        let file = |first: &str, second: &str| format!("{{\"resources\": [{first},\n {second}]}}\n");
        assert!(is(&file(one, one)));
        for (old, new) in [
            ("\"t\"", "\"u\""),
            ("\"@type\": \"t\", ", ""),
            ("[1", "[2"),
            ("-2", "2"),
            ("1.5", "1.6"),
            ("1.5", "\"1.5\""),
            ("true", "false"),
            ("null", "0"),
            ("é", "e"),
            (", null", ""),
            ("null", "null, null"),
            ("{\"c\": {}, \"d\": []}", "{\"d\": [], \"c\": {}}"),
            ("{\"c\": {}, \"d\": []}", "{\"c\": {}}"),
            ("{\"c\": {}", "{\"c\": {}, \"c\": {}"),
            ("\"d\": []", "\"d\": [], \"e\": 1"),
            ("\"d\": []", "\"d\": {}"),
            ("\"c\": {}", "\"c\": []"),
            ("1.5", "\t1.5"),
        ] {
            let changed = one.replacen(old, new, 1);
            assert_ne!(changed, one, "{old}");
            assert!(!is(&file(one, &changed)) && !is(&file(&changed, one)), "{old} -> {new}");
        }
        for text in [
            "".to_owned(),
            one.to_owned(),
            format!("{{\"resources\": [{one}]}}"),
            format!("{{\"resources\": [{one}, {one}, {one}]}}"),
            format!("{{\"resources\": [{one}, {one}], \"x\": 1}}"),
            format!("{{\"resource\": [{one}, {one}]}}"),
            format!("{}x", file(one, one)),
        ] {
            assert!(!is(&text), "{text}");
        }
        // A type of its own would stand there twice.
        let typed = json!({"@type": "t"});
        assert!(!is_of_resources(r#"{"resources": [{"@type": "t", "@type": "t"}]}"#, "t", &[&typed]));
    }
}
