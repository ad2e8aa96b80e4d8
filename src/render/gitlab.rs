//! `--format gitlab`: GitLab's report of code quality, a list that merge requests show. What is accepted is not part of it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::entry::Entry;
use super::json::write_value;
use crate::diagnostic::Severity;

/// Writes the list.
///
/// # Errors
/// Those of the writer.
pub fn write(entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let listed = entries.iter().filter(|entry| entry.suppressed.is_none()).map(|entry| {
        // GitLab shows one of those that have the same fingerprint.
        let count = seen.entry(&entry.fingerprint).or_default();
        *count += 1;
        let fingerprint = match *count {
            1 => entry.fingerprint.clone(),
            more => format!("{}-{more}", entry.fingerprint),
        };
        let place = entry.place.as_ref();
        json!({
            "description": entry.text(),
            "check_name": entry.rule.name,
            "fingerprint": fingerprint,
            "severity": match entry.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Note => "info",
            },
            // A path is required, also of what is about no file.
            "location": {
                "path": place.map_or("mcpctl.yaml", |place| place.file.as_str()),
                "lines": { "begin": place.map_or(1, |place| place.lines.0), "end": place.map_or(1, |place| place.lines.1) },
            },
        })
    });
    write_value(&listed.collect::<Vec<Value>>(), out)
}
