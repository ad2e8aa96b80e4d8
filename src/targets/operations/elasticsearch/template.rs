//! The index template of a stream: what its records may hold.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::diagnostic::Diagnostic;
use crate::model::telemetry::records::{self, Holds};
use crate::source::Spanned;
use crate::targets::TARGET_LIMIT;

/// The field of a data stream that says when a record was made. The shipper writes it.
const TIMESTAMP: &str = "@timestamp";

/// The template of the streams of a pattern. `own` is the lifecycle of their indices, if they have one; a higher priority wins.
pub(super) fn template(pattern: &str, priority: u32, own: Option<&str>, properties: &Value) -> Value {
    let mut settings = Map::new();
    settings.extend(own.map(|name| ("index.lifecycle.name".to_owned(), json!(name))));
    json!({
        "index_patterns": [pattern],
        "data_stream": {},
        "priority": priority,
        "template": {"settings": settings, "mappings": {"dynamic": "strict", "properties": properties}},
    })
}

/// What records with these fields may hold, and the names of the Elastic Common Schema for it.
pub(super) fn properties<'f>(fields: impl Iterator<Item = &'f str>) -> Value {
    let mut all = BTreeMap::from([(TIMESTAMP.to_owned(), json!({"type": "date"}))]);
    all.extend(fields.map(|field| (field.to_owned(), property(records::holds(field)))));
    // A line that is not a record is kept as it is.
    all.entry("message".to_owned()).or_insert_with(|| property(Holds::Text));
    let aliases: Vec<(String, String)> =
        all.keys().filter_map(|field| Some((records::ecs(field)?.to_owned(), field.clone()))).collect();
    for (alias, field) in aliases {
        if !all.keys().any(|known| overlap(known, &alias)) {
            all.insert(alias, json!({"type": "alias", "path": field}));
        }
    }
    json!(all)
}

/// Whether one of two names is the other, or the object that holds the other.
fn overlap(one: &str, other: &str) -> bool {
    let holds = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    one == other || holds(one, other) || holds(other, one)
}

fn property(holds: Holds) -> Value {
    match holds {
        Holds::Word => json!({"type": "keyword"}),
        Holds::Whole => json!({"type": "long"}),
        Holds::Number => json!({"type": "double"}),
        Holds::Time => json!({"type": "date"}),
        Holds::Text => json!({"type": "text"}),
        Holds::Decision => {
            let inside: BTreeMap<&str, Value> =
                records::OF_DECISIONS.into_iter().map(|field| (field, property(Holds::Word))).collect();
            json!({"properties": inside})
        }
    }
}

/// Fields that a record in Elasticsearch cannot have.
pub(super) fn refused<'f>(fields: &'f [Spanned<String>]) -> impl Iterator<Item = Diagnostic> + 'f {
    let plain = |name: &str| {
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        !name.starts_with('_') && name.split('.').all(part)
    };
    fields.iter().enumerate().filter_map(move |(at, field)| {
        let (message, help) = if !plain(&field.value) {
            let message = format!("`{field}` is not a field that Elasticsearch can hold");
            (message, "use letters, digits, `_`, `-`, and `.` between names; do not begin with `_`")
        } else {
            let earlier = fields.get(..at).unwrap_or_default();
            let of_gateways = records::OF_GATEWAYS.iter().chain(&records::OF_SERVERS).copied();
            let known = earlier.iter().map(|other| other.value.as_str()).chain(of_gateways);
            let other = known.into_iter().find(|other| *other != field.value && overlap(other, &field.value))?;
            let message = format!("`{field}` and `{other}` cannot both be fields: one would hold the other");
            (message, "rename the field")
        };
        Some(Diagnostic::new(&TARGET_LIMIT, field.loc, message).help(help))
    })
}
