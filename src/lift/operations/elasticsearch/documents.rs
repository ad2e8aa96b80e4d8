//! The files of JSON: lifecycles, templates and schemas.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::unexpected;
use crate::lift::LiftError;
use crate::lift::operations::scoped;
use crate::model::telemetry::records::{Holds, OF_DECISIONS, ecs, holds};

/// How long the indices of a stream live, in seconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lifecycle {
    /// How long one is written to.
    pub(super) written: u64,
    /// How old it is when it is deleted, from then on.
    pub(super) age: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    policy: Phases,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phases {
    phases: Both,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    hot: Hot,
    delete: Delete,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hot {
    actions: Rollover,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rollover {
    rollover: Conditions,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditions {
    max_age: String,
    max_primary_shard_size: String,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    min_age: String,
    actions: Deletion,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deletion {
    delete: Nothing,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Lifecycle {
    pub(super) fn read(path: &str, text: &str) -> Result<Self, LiftError> {
        let Both { hot, delete } = scoped::json::<Put>(path, text)?.policy.phases;
        let Conditions { max_age, max_primary_shard_size } = hot.actions.rollover;
        let Nothing {} = delete.actions.delete;
        if max_primary_shard_size != "50gb" {
            return unexpected("an index is written to until it has another size");
        }
        Ok(Self { written: seconds(&max_age)?, age: seconds(&delete.min_age)? })
    }
}

/// A time of Elasticsearch.
fn seconds(text: &str) -> Result<u64, LiftError> {
    let (digits, unit) = text.split_at(text.len().saturating_sub(1));
    let number = digits.parse::<u64>().ok().filter(|number| number.to_string() == digits);
    let of = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return unexpected(format!("`{text}` is not a time of Elasticsearch")),
    };
    number
        .and_then(|number| number.checked_mul(of))
        .ok_or_else(|| LiftError::Unexpected(format!("`{text}` is too long a time")))
}

/// What the records of some streams may hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Template {
    pattern: String,
    priority: u32,
    lifecycle: Option<String>,
    /// What each field holds, and what else each other name means.
    properties: BTreeMap<String, Property>,
}

#[derive(Debug, PartialEq, Eq)]
enum Property {
    Of(String),
    Named(String),
    Inside(BTreeSet<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexTemplate {
    index_patterns: [String; 1],
    data_stream: Option<Nothing>,
    priority: u32,
    template: Inner,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    settings: Settings,
    mappings: Mappings,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(rename = "index.lifecycle.name")]
    lifecycle: Option<String>,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mappings {
    dynamic: String,
    properties: BTreeMap<String, Field>,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    r#type: Option<String>,
    path: Option<String>,
    properties: Option<BTreeMap<String, Field>>,
}

impl Template {
    pub(super) fn read(path: &str, text: &str) -> Result<Self, LiftError> {
        let IndexTemplate { index_patterns: [pattern], data_stream, priority, template } = scoped::json(path, text)?;
        let Mappings { dynamic, properties } = template.mappings;
        if data_stream.is_none() || dynamic != "strict" {
            return unexpected("a stream takes fields that are not declared, or is none");
        }
        let property = |(name, field): (String, Field)| {
            let property = match (field.r#type.as_deref(), field.path, field.properties) {
                (Some("alias"), Some(path), None) => Property::Named(path),
                (Some(of), None, None) if of != "alias" => Property::Of(of.to_owned()),
                (None, None, Some(inside))
                    if inside.values().all(|field| field.r#type.as_deref() == Some("keyword")) =>
                {
                    Property::Inside(inside.into_keys().collect())
                }
                _ => return unexpected(format!("the field `{name}` is not understood")),
            };
            Ok((name, property))
        };
        let properties = properties.into_iter().map(property).collect::<Result<_, _>>()?;
        Ok(Self { pattern, priority, lifecycle: template.settings.lifecycle, properties })
    }

    pub(super) fn expected(
        pattern: String,
        priority: u32,
        lifecycle: Option<String>,
        fields: &BTreeSet<String>,
    ) -> Self {
        let of = |field: &str| match holds(field) {
            Holds::Word => Property::Of("keyword".to_owned()),
            Holds::Whole => Property::Of("long".to_owned()),
            Holds::Number => Property::Of("double".to_owned()),
            Holds::Time => Property::Of("date".to_owned()),
            Holds::Text => Property::Of("text".to_owned()),
            Holds::Decision => Property::Inside(OF_DECISIONS.map(str::to_owned).into()),
        };
        let mut properties: BTreeMap<String, Property> =
            fields.iter().map(|field| (field.clone(), of(field))).collect();
        properties.insert("@timestamp".to_owned(), Property::Of("date".to_owned()));
        properties.insert("message".to_owned(), Property::Of("text".to_owned()));
        let below = |outer: &str, inner: &str| inner.starts_with(&format!("{outer}."));
        for field in fields.iter().map(String::as_str).chain(["message"]) {
            let Some(name) = ecs(field) else { continue };
            let taken = properties.keys().any(|known| known == name || below(known, name) || below(name, known));
            if !taken {
                properties.insert(name.to_owned(), Property::Named(field.to_owned()));
            }
        }
        Self { pattern, priority, lifecycle, properties }
    }
}

/// What each field of a record may hold by its schema.
pub(super) fn schema(path: &str, text: &str) -> Result<BTreeMap<String, Holds>, LiftError> {
    let Schema { draft, title, r#type, required: [time], additional, properties } = scoped::json(path, text)?;
    if draft != "https://json-schema.org/draft/2020-12/schema"
        || r#type != "object"
        || time != "time"
        || additional
        || title.is_empty()
    {
        return unexpected(format!("`{path}` is not a schema of records"));
    }
    let of = |(field, value): (String, Value)| {
        let known = [Holds::Word, Holds::Whole, Holds::Number, Holds::Time, Holds::Text, Holds::Decision];
        let found = known.into_iter().find(|holds| value_of(*holds) == value);
        found.map(|holds| (field.clone(), holds)).ok_or_else(|| {
            LiftError::Unexpected(format!("what `{path}` says of the field `{field}` is not understood"))
        })
    };
    properties.into_iter().map(of).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    #[serde(rename = "$schema")]
    draft: String,
    title: String,
    r#type: String,
    required: [String; 1],
    #[serde(rename = "additionalProperties")]
    additional: bool,
    properties: BTreeMap<String, Value>,
}

fn value_of(holds: Holds) -> Value {
    match holds {
        Holds::Word => json!({"type": ["string", "integer", "null"]}),
        Holds::Whole => json!({"type": ["integer", "null"]}),
        Holds::Number => json!({"minimum": 0, "type": ["number", "null"]}),
        Holds::Time => json!({"format": "date-time", "type": "string"}),
        Holds::Text => json!({"type": ["string", "null"]}),
        Holds::Decision => {
            let inside: BTreeMap<&str, Value> =
                OF_DECISIONS.into_iter().map(|name| (name, json!({"type": "string"}))).collect();
            json!({"type": ["object", "null"], "properties": inside, "additionalProperties": false})
        }
    }
}
