//! Values of claims and arguments as they are written.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::model::access::scalar::MOST_DIGITS;
use crate::model::access::{Decimal, Scalar};

/// A text, a number, `true` or `false`.
#[derive(Debug, Clone)]
pub(in crate::families) struct ScalarWord(pub(in crate::families) Scalar);

/// A number, exact.
#[derive(Debug, Clone)]
pub(super) struct NumberWord(pub(super) Decimal);

/// `true`.
#[derive(Debug, Clone)]
pub(super) struct TrueWord;

fn exact<E: de::Error>(number: Option<Decimal>) -> Result<Decimal, E> {
    number.ok_or_else(|| {
        E::custom(format!("a number here has at most {MOST_DIGITS} digits, so that every product keeps it exactly"))
    })
}

impl<'de> Deserialize<'de> for ScalarWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, `true` or `false`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Scalar, E> {
                Ok(Scalar::Truth(truth))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
                exact(Decimal::whole(number)).map(Scalar::Number)
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar, E> {
                exact(Decimal::from_f64(number)).map(Scalar::Number)
            }
        }
        deserializer.deserialize_any(Word).map(Self)
    }
}

impl<'de> Deserialize<'de> for NumberWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Decimal, E> {
                exact(Decimal::whole(number))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Decimal, E> {
                exact(Decimal::from_f64(number))
            }
        }
        deserializer.deserialize_any(Word).map(Self)
    }
}

impl<'de> Deserialize<'de> for TrueWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self),
            false => Err(de::Error::custom("a fact is shown by what is there, never by what is not")),
        }
    }
}

#[cfg(test)]
macro_rules! schema {
    ($($name:ident $schema:tt)*) => {$(
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool { true }
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema { schemars::json_schema!($schema) }
        }
    )*};
}

#[cfg(test)]
schema! {
    ScalarWord { "type": ["string", "number", "boolean"], "minLength": 1 }
    NumberWord { "type": "number" }
    TrueWord { "const": true }
}
