//! `--format rdjson`: the Reviewdog Diagnostic Format. Columns are in bytes. What is accepted is not part of it.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::entry::{Entry, EntryFix, Place};
use super::{check_url, json::write_value};
use crate::diagnostic::Severity;

/// Writes one result.
///
/// # Errors
/// Those of the writer.
pub fn write(docs_url: Option<&str>, entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    let of = |entry: &Entry<'_>| {
        let mut code = json!({ "value": entry.rule.name });
        if let (Some(code), Some(url)) = (code.as_object_mut(), check_url(docs_url, entry.rule)) {
            code.insert("url".to_owned(), url.into());
        }
        let related =
            entry.related.iter().map(|(place, message)| json!({ "message": message, "location": location(place) }));
        // A suggestion has no path of its own.
        let here = |fix: &&EntryFix| {
            fix.changes.iter().all(|(place, _)| entry.place.as_ref().is_some_and(|own| own.file == place.file))
        };
        let changes = entry.fix.iter().filter(here).flat_map(|fix| &fix.changes);
        let suggestions: Vec<Value> =
            changes.map(|(place, text)| json!({ "range": range(place), "text": text })).collect();
        json!({
            "message": entry.text(),
            "location": entry.place.as_ref().map_or_else(|| json!({ "path": "" }), location),
            "severity": match entry.severity {
                Severity::Error => "ERROR",
                Severity::Warning => "WARNING",
                Severity::Note => "INFO",
            },
            "code": code,
            "related_locations": related.collect::<Vec<_>>(),
            "suggestions": suggestions,
        })
    };
    let diagnostics: Vec<Value> = entries.iter().filter(|entry| entry.suppressed.is_none()).map(of).collect();
    let mut source = json!({ "name": "mcpctl" });
    if let (Some(source), Some(url)) = (source.as_object_mut(), docs_url) {
        source.insert("url".to_owned(), url.into());
    }
    write_value(&json!({ "source": source, "diagnostics": diagnostics }), out)
}

fn location(place: &Place) -> Value {
    json!({ "path": place.file, "range": range(place) })
}

fn range(place: &Place) -> Value {
    match place.byte_columns {
        Some((from, to)) => json!({
            "start": { "line": place.lines.0, "column": from },
            "end": { "line": place.lines.1, "column": to },
        }),
        None => json!({ "start": { "line": place.lines.0 }, "end": { "line": place.lines.1 } }),
    }
}
