//! Words, names and quantities as they are written: how each is decoded, and what a schema says of it.

use jiff::civil::Date;
use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::model::access::Readable;
use crate::model::name::{AgentName, ClassName, FactName, ServerName, ToolName, UnitName};
use crate::model::quantity::{Bytes, Duration, Percent, Retention};
use crate::model::value::{
    self, DnsLabel, FilePath, HeaderName, HttpUrl, LabelName, MetricName, Origin, ProbeEndpoint, ResourceUri, TopicName,
};
use crate::model::vocabulary as word;

/// A closed vocabulary: an enum whose variants are the legal words.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        $vis enum $name {
            $(
                #[cfg_attr(not(test), doc = concat!("`", $word, "`."))]
                #[serde(rename = $word)]
                $variant,
            )*
        }

        impl $name {
            /// The word as written.
            #[must_use]
            #[allow(dead_code, reason = "not every vocabulary is kept as its word")]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}
pub(crate) use words;

/// Reads a text where it stands, without a copy in between.
struct Text<F>(F);

impl<T, F: FnOnce(&str) -> Result<T, String>> Visitor<'_> for Text<F> {
    type Value = T;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        self.0(text).map_err(E::custom)
    }
}

macro_rules! from_text {
    ($($type:ty, $name:literal, |$text:ident| $parse:expr, $schema:tt;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(|$text: &str| $parse))
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool { true }
            fn schema_name() -> std::borrow::Cow<'static, str> { $name.into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )*};
}

from_text! {
    ServerName, "ServerName", |text| Ok(text.into()),
        { "type": "string", "pattern": "^[A-Za-z0-9_.-]+$" };
    ToolName, "ToolName", |text| Ok(text.into()),
        { "type": "string", "format": "mcpctl-tool-name" };
    UnitName, "UnitName", |text| Ok(text.into()), { "type": "string", "minLength": 1 };
    ClassName, "ClassName", |text| Ok(text.into()), { "type": "string", "minLength": 1 };
    AgentName, "AgentName", |text| Ok(text.into()), { "type": "string", "minLength": 1 };
    FactName, "FactName", |text| Ok(text.into()),
        { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$" };
    Duration, "Duration", |text| Duration::parse(text),
        { "type": "string", "format": "mcpctl-duration", "examples": ["30s", "5m", "24_hours"] };
    Retention, "Retention", |text| Retention::parse(text),
        { "type": "string", "format": "mcpctl-duration", "examples": ["30_days", "7_years"] };
    Bytes, "Bytes", |text| Bytes::parse(text),
        { "type": "string", "format": "mcpctl-size", "examples": ["100MB", "8Gi"] };
    Percent, "Percent", |text| Percent::parse(text),
        { "type": "string", "format": "mcpctl-percent", "examples": ["50%", "90%_memory"] };
    HttpUrl, "HttpUrl", |text| HttpUrl::parse(text),
        { "type": "string", "format": "mcpctl-http-url" };
    Origin, "Origin", |text| Origin::parse(text),
        { "type": "string", "format": "mcpctl-origin", "examples": ["https://console.example.com"] };
    HeaderName, "HeaderName", |text| HeaderName::parse(text),
        { "type": "string", "format": "mcpctl-header", "examples": ["x-request-id"] };
    MetricName, "MetricName", |text| MetricName::parse(text),
        { "type": "string", "format": "mcpctl-metric-name", "examples": ["mcp_requests_total"] };
    LabelName, "LabelName", |text| LabelName::parse(text),
        { "type": "string", "format": "mcpctl-metric-label", "examples": ["mcp_server"] };
    TopicName, "TopicName", |text| TopicName::parse(text),
        { "type": "string", "format": "mcpctl-topic", "examples": ["customer_events"] };
    DnsLabel, "DnsLabel", |text| DnsLabel::parse(text),
        { "type": "string", "format": "mcpctl-dns-label", "examples": ["mcp"] };
    ProbeEndpoint, "ProbeEndpoint", |text| ProbeEndpoint::parse(text),
        { "type": "string", "format": "mcpctl-probe-endpoint", "examples": ["/health"] };
    ResourceUri, "ResourceUri", |text| ResourceUri::parse(text),
        { "type": "string", "format": "mcpctl-resource-uri", "examples": ["docs://handbook/*"] };
    FilePath, "FilePath", |text| FilePath::parse(text),
        { "type": "string", "format": "mcpctl-path" };
}

/// Vocabularies of the model: how a word is decoded, and the list of words in a schema.
macro_rules! from_word {
    ($($type:ident)*) => {$(
        impl<'de> Deserialize<'de> for word::$type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(|text: &str| word_of(text, word::$type::WORDS)))
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for word::$type {
            fn inline_schema() -> bool { true }
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($type).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let words: Vec<&str> = word::$type::WORDS.iter().map(|(word, _)| *word).collect();
                schemars::json_schema!({ "type": "string", "enum": words })
            }
        }
    )*};
}

from_word! {
    Engine Backoff FailureHandling Persistence Checkpointing BusProvider Compression UpstreamFailures DependencyMapping
    Fallback Discovery Balancing CacheLocation Eviction Sampling PriorityBoost MetricKind LogLevel Mesh Enforcement
    WorkloadIdentity Attestation TestData Outcome
}

fn word_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let legal: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        format!("`{text}` is not a legal word; legal are {}", legal.join(", "))
    })
}

/// Whether a text fits a format, and else what is wrong with it.
type FormatCheck = fn(&str) -> Result<(), String>;

/// The formats of our schemas, each with its check. A schema carries the grammar of a value by one of these names.
pub const FORMATS: [(&str, FormatCheck); 24] = [
    ("mcpctl-duration", |text| Duration::parse(text).map(drop)),
    ("mcpctl-size", |text| Bytes::parse(text).map(drop)),
    ("mcpctl-percent", |text| Percent::parse(text).map(drop)),
    ("mcpctl-date", check_date),
    ("mcpctl-http-url", value::check_url),
    ("mcpctl-target", check_target),
    ("mcpctl-header", value::check_header),
    ("mcpctl-metric-name", value::check_metric),
    ("mcpctl-metric-label", value::check_label),
    ("mcpctl-topic", value::check_topic),
    ("mcpctl-dns-label", value::check_dns_label),
    ("mcpctl-label-key", value::check_label_key),
    ("mcpctl-label-value", value::check_label_value),
    ("mcpctl-probe-endpoint", value::check_endpoint),
    ("mcpctl-path", value::check_path),
    ("mcpctl-listen", value::check_listen),
    ("mcpctl-arn", value::check_arn),
    ("mcpctl-tool-name", value::check_tool),
    ("mcpctl-prompt-name", value::check_prompt),
    ("mcpctl-resource-uri", value::check_resource_uri),
    ("mcpctl-subject", value::check_subject),
    ("mcpctl-unit-claim", value::check_unit_claim),
    ("mcpctl-dns-name", value::check_dns_name),
    ("mcpctl-origin", value::check_origin),
];

/// Checks a text against one of the formats above, for schema validation. `None` for a format that is not ours.
#[must_use]
pub fn check_format(format: &str, text: &str) -> Option<Result<(), String>> {
    FORMATS.iter().find(|(name, _)| *name == format).map(|(_, check)| check(text))
}

/// Whether a text is `YYYY-MM-DD`, a day that exists. Other forms are dates to the parser, too.
#[must_use]
pub fn is_date(text: &str) -> bool {
    text.parse::<Date>().is_ok_and(|date| date.year() >= 0 && date.to_string() == text)
}

fn check_date(text: &str) -> Result<(), String> {
    is_date(text).then_some(()).ok_or_else(|| format!("`{text}` is not a date; write it as `2027-03-31`"))
}

/// `server/tool`, `server/*`, `server/resource:URI` or `server/prompt:NAME`.
fn check_target(text: &str) -> Result<(), String> {
    let server_fits = |server: &str| {
        !server.is_empty() && server.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    let unnamed = || {
        format!(
            "`{text}` names nothing on a server; write `server/tool`, `server/resource:URI`, `server/prompt:NAME`, or `server/*` \
             for all that the registry lists"
        )
    };
    match text.split_once('/') {
        Some((server, thing)) if server_fits(server) => match Readable::parse(thing) {
            Some(Readable::Resource(uri)) => value::check_resource_uri(&uri),
            Some(Readable::Prompt(name)) => value::check_prompt(&name),
            None if !thing.is_empty() && (thing == "*" || !thing.contains('*')) => Ok(()),
            None => Err(unnamed()),
        },
        _ => Err(unnamed()),
    }
}

#[cfg(test)]
mod schemas {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use crate::families::decode::{Merged, OneOrMany};
    use crate::source::Spanned;

    impl<T: JsonSchema> JsonSchema for Spanned<T> {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            T::schema_name()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            T::json_schema(generator)
        }
    }

    impl<T: JsonSchema> JsonSchema for Merged<T> {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            format!("Merged{}", T::schema_name()).into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let whole = T::json_schema(generator);
            let mut one = whole.clone();
            one.insert("minProperties".into(), 1.into());
            one.insert("maxProperties".into(), 1.into());
            one.remove("required");
            json_schema!({ "if": { "type": "array" }, "then": { "items": one }, "else": whole })
        }
    }

    impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            format!("OneOrMany{}", T::schema_name()).into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let one = T::json_schema(generator);
            json_schema!({ "if": { "type": "array" }, "then": { "items": one, "minItems": 1 }, "else": one })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_exist() {
        for (text, fits) in [
            ("2027-03-31", true),
            ("2028-02-29", true),
            ("2027-02-29", false),
            ("2027-13-01", false),
            ("27-03-31", false),
            ("2027-03-31-1", false),
            ("2027-3-31", false),
            ("20270331", false),
            ("2027-03-31T00:00", false),
            ("-002027-03-31", false),
            ("+002027-03-31", false),
        ] {
            assert_eq!(check_date(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn wildcards_stand_only_behind_a_server() {
        for (text, fits) in [
            ("a/b", true),
            ("a/*", true),
            ("a/b/c", true),
            ("*", false),
            ("a/b*", false),
            ("*/b", false),
            ("/b", false),
            ("a/", false),
        ] {
            assert_eq!(check_target(text).is_ok(), fits, "{text}");
        }
    }
}
