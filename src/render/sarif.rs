//! `--format sarif`: SARIF 2.1.0 (OASIS), for code scanning. Its results are all findings, the accepted ones with their
//! suppressions.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::entry::{Entry, EntryFix, Place};
use super::escape::sarif;
use super::{check_url, json::write_value};
use crate::diagnostic::Rule;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the log of one run.
///
/// # Errors
/// Those of the writer.
pub fn write(docs_url: Option<&str>, entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    // By name, so that the index of a rule does not depend on what was found first.
    let rules: BTreeMap<&str, &Rule> = entries.iter().map(|entry| (entry.rule.name, entry.rule)).collect();
    let index = |name: &str| rules.keys().position(|known| *known == name).unwrap_or_default();
    let results: Vec<Value> = entries.iter().map(|entry| result(entry, index(entry.rule.name))).collect();
    let mut driver = json!({
        "name": "mcpctl",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.values().map(|rule| descriptor(docs_url, rule)).collect::<Vec<_>>(),
    });
    if let (Some(driver), Some(url)) = (driver.as_object_mut(), docs_url) {
        driver.insert("informationUri".to_owned(), url.into());
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    write_value(&log, out)
}

fn descriptor(docs_url: Option<&str>, rule: &Rule) -> Value {
    let (what, why, fix) = (rule.what, rule.why, rule.fix);
    let mut rule_of_sarif = json!({
        "id": rule.name,
        "shortDescription": { "text": first_sentence(what) },
        "fullDescription": { "text": what },
        "help": {
            "text": format!("{what}\n\nWhy it matters: {why}\n\nHow to fix it: {fix}"),
            "markdown": format!("{what}\n\n**Why it matters.** {why}\n\n**How to fix it.** {fix}"),
        },
        "defaultConfiguration": { "level": rule.severity.word() },
        "properties": { "tags": if rule.guards_access { vec!["security"] } else { Vec::new() } },
    });
    if let (Some(rule_of_sarif), Some(url)) = (rule_of_sarif.as_object_mut(), check_url(docs_url, rule)) {
        rule_of_sarif.insert("helpUri".to_owned(), url.into());
    }
    rule_of_sarif
}

/// The text up to the first stop that ends a sentence.
fn first_sentence(text: &str) -> &str {
    text.find(". ").and_then(|at| text.get(..=at)).unwrap_or(text)
}

fn result(entry: &Entry<'_>, index: usize) -> Value {
    let mut result = json!({
        "ruleId": entry.rule.name,
        "ruleIndex": index,
        "level": entry.severity.word(),
        "message": { "text": sarif(&entry.text()) },
    });
    let Some(fields) = result.as_object_mut() else { return result };
    let locations: Vec<Value> =
        entry.place.iter().map(|place| json!({ "physicalLocation": physical(place) })).collect();
    fields.insert("locations".to_owned(), locations.into());
    if !entry.related.is_empty() {
        let related = entry.related.iter().zip(1..).map(|((place, message), id)| {
            json!({ "id": id, "physicalLocation": physical(place), "message": { "text": sarif(message) } })
        });
        fields.insert("relatedLocations".to_owned(), related.collect());
    }
    fields.insert("partialFingerprints".to_owned(), json!({ "mcpctlFingerprint/v1": entry.fingerprint }));
    if let Some(fix) = &entry.fix {
        fields.insert("fixes".to_owned(), json!([fix_of(fix)]));
    }
    if let Some(by) = entry.suppressed {
        let kind = if by.is_in_source() { "inSource" } else { "external" };
        let suppression = json!({ "kind": kind, "status": "accepted", "justification": by.justification() });
        fields.insert("suppressions".to_owned(), json!([suppression]));
    }
    result
}

/// A fix, its replacements by file. Whether it is safe has no field, so its description says it.
fn fix_of(fix: &EntryFix) -> Value {
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (place, text) in &fix.changes {
        let replacement = json!({ "deletedRegion": region(place), "insertedContent": { "text": text } });
        files.entry(place.uri()).or_default().push(replacement);
    }
    let changes = files.into_iter().map(|(uri, replacements)| {
        json!({ "artifactLocation": { "uri": uri, "uriBaseId": "%SRCROOT%" }, "replacements": replacements })
    });
    let title = if fix.safe { fix.title.clone() } else { format!("{} (a guess)", fix.title) };
    json!({ "description": { "text": sarif(&title) }, "artifactChanges": changes.collect::<Vec<_>>() })
}

fn physical(place: &Place) -> Value {
    json!({ "artifactLocation": { "uri": place.uri(), "uriBaseId": "%SRCROOT%" }, "region": region(place) })
}

fn region(place: &Place) -> Map<String, Value> {
    let mut region = Map::new();
    region.insert("startLine".to_owned(), place.lines.0.into());
    if let Some((from, to)) = place.columns {
        region.insert("startColumn".to_owned(), from.into());
        region.insert("endLine".to_owned(), place.lines.1.into());
        region.insert("endColumn".to_owned(), to.into());
    }
    region
}
