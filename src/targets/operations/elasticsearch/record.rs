//! The JSON Schema of a record, for whoever writes records.

use serde_json::{Map, Value, json};

use crate::model::telemetry::records::{self, Holds};

/// The schema of records with these fields. Nothing is required but a time: a gateway says of what it does not know that it is null.
pub(super) fn schema<'f>(title: &str, fields: impl Iterator<Item = &'f str>) -> Value {
    let properties: Map<String, Value> = fields.map(|field| (field.to_owned(), value(records::holds(field)))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "required": ["time"],
        "additionalProperties": false,
        "properties": properties,
    })
}

fn value(holds: Holds) -> Value {
    match holds {
        Holds::Word => json!({"type": ["string", "integer", "null"]}),
        Holds::Whole => json!({"type": ["integer", "null"]}),
        Holds::Number => json!({"type": ["number", "null"], "minimum": 0}),
        Holds::Time => json!({"type": "string", "format": "date-time"}),
        Holds::Text => json!({"type": ["string", "null"]}),
        Holds::Decision => {
            let inside: Map<String, Value> =
                records::OF_DECISIONS.into_iter().map(|field| (field.to_owned(), json!({"type": "string"}))).collect();
            json!({"type": ["object", "null"], "additionalProperties": false, "properties": inside})
        }
    }
}
