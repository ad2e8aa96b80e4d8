//! How long records are kept, as it is written: a time, which is the most, or a map with `at_least`.

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::model::quantity::{Kept, Retention};

/// A time that is the least.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AtLeast {
    /// The time that records are kept at least; without it, what is written is the most.
    at_least: Retention,
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Kept;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time, or a map with `at_least`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Kept, E> {
                Kept::at_most(text).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kept, A::Error> {
                let section = AtLeast::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Kept { time: section.at_least, at_least: true })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Kept {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kept".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let section = AtLeast::json_schema(generator);
        let time = Retention::json_schema(generator);
        schemars::json_schema!({ "if": { "type": "object" }, "then": section, "else": time })
    }
}
