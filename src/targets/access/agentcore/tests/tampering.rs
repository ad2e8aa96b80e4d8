//! What the verifier says to changed files.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::{TARGET, WORLD};
use crate::build::verify;
use crate::bundle::Artifact;
use crate::targets::access::agentcore::limits::name_of;
use crate::targets::access::dialects::mutations::{of_statement, of_value};
use crate::targets::tests::{built, checked};

/// Changes that the verifier lets pass, each because it changes no decision.
const HARMLESS: &[(&str, &str)] = &[
    ("description changed", "a text for people"),
    ("and parts swapped", "no part can fail once its tag is asked for"),
    ("or parts swapped", "no part can fail once its tag is asked for"),
    ("set parts swapped", "a set has no order"),
];

#[test]
fn changes_are_noticed() {
    let (checked, _) = checked(WORLD);
    let (_, policy, _) = crate::targets::seen(&TARGET, checked.model(), checked.policy());
    let files = built(&TARGET, WORLD).unwrap().bundle.artifacts;
    let passes = |files: &BTreeMap<String, Artifact>| verify(TARGET.id, files, checked.model(), &policy).is_ok();
    assert!(passes(&files));
    let mut all: Vec<(String, BTreeMap<String, Artifact>)> = Vec::new();
    let mut judge = |what: String, files: &BTreeMap<String, Artifact>| all.push((what, files.clone()));
    for (path, artifact) in &files {
        let mut without = files.clone();
        without.remove(path);
        judge(format!("{path} dropped"), &without);
        let mut more = files.clone();
        more.insert(path.replace(".json", "2.json"), artifact.clone());
        judge(format!("{path} doubled"), &more);
        let original: Value = serde_json::from_slice(&artifact.bytes).unwrap();
        for (what, value) in of_value(&original) {
            let mut files = files.clone();
            files.get_mut(path).unwrap().bytes = value.to_string().into_bytes();
            judge(format!("{path}: {what}"), &files);
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
            judge(format!("{path}: {what}"), &files);
        }
    }
    let all_of_them = all.len();
    let passed: Vec<String> = all.into_par_iter().filter(|(_, files)| passes(files)).map(|(what, _)| what).collect();
    let is_harmless = |what: &String| HARMLESS.iter().any(|(known, _)| what.ends_with(known));
    let (harmless, mut survived): (Vec<String>, Vec<String>) = passed.into_iter().partition(is_harmless);
    survived.sort();
    survived.dedup();
    let killed = all_of_them - harmless.len() - survived.len();
    let rate = format!("{killed} of {all_of_them} changes noticed, {} harmless", harmless.len());
    assert!(survived.is_empty(), "{rate}, survived: {survived:#?}");
    assert!(killed > 1400, "{rate}");
}
