//! What the verifier says to changed files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{TARGET, WORLD};
use crate::bundle::Artifact;
use crate::targets::access::agentcore::limits::name_of;
use crate::targets::tests::mutations::statements::of_statement;
use crate::targets::tests::mutations::tree::{Kinds, changes};
use crate::targets::tests::mutations::{Verified, judge};

/// Changes that the verifier lets pass, each because it changes no decision.
const HARMLESS: &[(&str, &str)] = &[
    ("*: text description", "a text for people"),
    ("*: open description", "a text for people"),
    ("*and parts swapped", "no part can fail once its tag is asked for"),
    ("*or parts swapped", "no part can fail once its tag is asked for"),
    ("*set parts swapped", "a set has no order"),
];

#[test]
fn changes_are_noticed() {
    let verified = Verified::of(&TARGET, WORLD);
    let files = &verified.files;
    let mut all: Vec<(String, BTreeMap<String, Artifact>)> = Vec::new();
    let mut put = |what: String, files: &BTreeMap<String, Artifact>| all.push((what, files.clone()));
    for (path, artifact) in files {
        let mut without = files.clone();
        without.remove(path);
        put(format!("{path} dropped"), &without);
        let mut more = files.clone();
        more.insert(path.replace(".json", "2.json"), artifact.clone());
        put(format!("{path} doubled"), &more);
        let original: Value = serde_json::from_slice(&artifact.bytes).unwrap();
        for change in changes(&original, &Kinds::EVERY) {
            let bytes = change.of(&original).to_string().into_bytes();
            put(format!("{path}: {}", change.label()), &verified.with(path, Some(bytes)));
        }
        // A changed statement under the name that it would have.
        let folder = path.rsplit_once('/').unwrap().0;
        let kind = if folder.ends_with("temporal") { "policy" } else { "cedar" };
        let Some(statement) = original["definition"][kind]["statement"].as_str() else { continue };
        let (head, tail) = statement.split_once("\nunless temporal").map_or((statement, None), |(a, b)| (a, Some(b)));
        let mut changed = of_statement(&format!("{}{}", head, if tail.is_some() { ";" } else { "" }));
        if let Some(tail) = tail {
            for (_, text) in &mut changed {
                *text = format!("{}\nunless temporal{tail}", text.trim_end_matches(';'));
            }
            for (from, to) in
                [("1h", "2h"), ("___look", "___find"), ("::response", "::request"), ("&&", "||"), ("formerly", "once")]
            {
                changed.push((
                    format!("{from} changed"),
                    format!("{head}\nunless temporal{}", tail.replacen(from, to, 1)),
                ));
            }
            changed.push(("history dropped".to_owned(), format!("{head};")));
        }
        for (what, text) in changed {
            let name = name_of(&text);
            let mut value = original.clone();
            value["name"] = json!(name);
            value["definition"][kind]["statement"] = json!(text);
            let mut files = files.clone();
            let mut artifact = files.remove(path).unwrap();
            artifact.bytes = value.to_string().into_bytes();
            files.insert(format!("{folder}/{name}.json"), artifact);
            put(format!("{path}: {what}"), &files);
        }
    }
    let outcome = judge(&all, |(_, files)| Some(verified.passes(files))).shown(|(what, _)| what.clone());
    outcome.assert_only(HARMLESS);
    assert!(outcome.all - outcome.survivors.len() > 1400, "{}", outcome.all);
}
