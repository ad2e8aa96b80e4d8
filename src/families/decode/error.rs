//! A value that does not fit, said as a person would say it.

use std::fmt;

use serde::de;

use crate::source::Loc;

/// A value that does not fit its type, and where.
#[derive(Debug)]
pub struct Error {
    /// What is wrong.
    pub message: String,
    /// The innermost value it was found in, once known.
    pub loc: Option<Loc>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), loc: None }
    }
    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{} is not {}", shown(found), in_words(&wanted.to_string())))
    }
    fn invalid_value(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(found, wanted)
    }
    fn invalid_length(length: usize, wanted: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{length} elements are not {}", in_words(&wanted.to_string())))
    }
    fn unknown_variant(word: &str, legal: &'static [&'static str]) -> Self {
        let legal: Vec<String> = legal.iter().map(|word| format!("`{word}`")).collect();
        Self::custom(format_args!("`{word}` is not a legal word; legal are {}", legal.join(", ")))
    }
    fn unknown_field(key: &str, _: &'static [&'static str]) -> Self {
        Self::custom(format_args!("`{key}` has no meaning here"))
    }
    fn missing_field(key: &'static str) -> Self {
        Self::custom(format_args!("the key `{key}` is missing here"))
    }
    fn duplicate_field(key: &'static str) -> Self {
        Self::custom(format_args!("the key `{key}` is written twice"))
    }
}

/// What was found, as a person would say it.
fn shown(found: de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Bool(value) => format!("`{value}`"),
        de::Unexpected::Unsigned(number) => format!("the number `{number}`"),
        de::Unexpected::Signed(number) => format!("the number `{number}`"),
        de::Unexpected::Float(number) => format!("the number `{number}`"),
        de::Unexpected::Char(text) => format!("`{text}`"),
        de::Unexpected::Str(text) => format!("`{text}`"),
        de::Unexpected::Other(what) => what.to_owned(),
        de::Unexpected::Bytes(_) => "a string".to_owned(),
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map | de::Unexpected::NewtypeStruct => "a map".to_owned(),
        de::Unexpected::Enum
        | de::Unexpected::UnitVariant
        | de::Unexpected::NewtypeVariant
        | de::Unexpected::TupleVariant
        | de::Unexpected::StructVariant => "a word".to_owned(),
    }
}

/// What was wanted. Types are called by what a person writes for them.
fn in_words(wanted: &str) -> String {
    let whole = |least: i64, most: u64| format!("a whole number from {least} to {most}");
    match wanted {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" => whole(0, i64::MAX as u64),
        "i64" => whole(i64::MIN, i64::MAX as u64),
        "i8" | "i16" | "i32" | "i128" | "u128" | "usize" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" | "bool" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "unit" => "nothing".to_owned(),
        _ if ["struct ", "a map", "map"].iter().any(|word| wanted.starts_with(word)) => "a map".to_owned(),
        _ if wanted.starts_with("tuple") || wanted.contains(" struct ") => "a list".to_owned(),
        _ if wanted.contains("enum ") || wanted.contains("variant ") => "a word".to_owned(),
        other => other.to_owned(),
    }
}
