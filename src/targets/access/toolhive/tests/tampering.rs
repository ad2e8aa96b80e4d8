//! What the verifier says to changed files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{TARGET, WORLD};
use crate::bundle::Artifact;
use crate::targets::tests::mutations::statements::of_statement;
use crate::targets::tests::mutations::tree::{Kinds, changes};
use crate::targets::tests::mutations::{Verified, judge, label, printed};

/// Changes that the verifier lets pass, each because it changes no decision.
const HARMLESS: &[(&str, &str)] = &[
    ("*: twice spec.config.policies[]", "a policy twice decides what it decides once"),
    ("*: swap spec.config.policies[]", "the order of policies decides nothing"),
    ("*: text spec.description", "a text for people"),
    ("*: open spec.description", "a text for people"),
    ("*: swap resources[]", "Kustomize sorts what it applies"),
    ("*: twice *dependsOn[]", "waiting twice is waiting once"),
    ("*: swap *dependsOn[]", "the order of what is waited for decides nothing"),
    ("*: swap *steps[]", "steps that wait for each other stay in order; of others the order decides nothing"),
    ("*and parts swapped", "what cannot fail may stand anywhere"),
    ("*or parts swapped", "what cannot fail may stand anywhere"),
    ("*set parts swapped", "a set has no order"),
];

#[test]
fn changes_are_noticed() {
    let verified = Verified::of(&TARGET, WORLD);
    let mut all: Vec<(String, BTreeMap<String, Artifact>)> = Vec::new();
    for (path, artifact) in &verified.files {
        all.push((format!("{path} dropped"), verified.with(path, None)));
        let second = verified.with(&path.replace(".yaml", "2.yaml"), Some(artifact.bytes.clone()));
        all.push((format!("{path} doubled"), second));
        let original = verified.documents(path);
        let mut changed: Vec<(String, Value)> = changes(&original, &Kinds::EVERY)
            .into_iter()
            .map(|change| (label(&change), change.of(&original)))
            .collect();
        for (at, document) in original.as_array().unwrap().iter().enumerate() {
            let policies = document["spec"]["config"]["policies"].as_array().into_iter().flatten().enumerate();
            for (number, statement) in policies {
                for (what, text) in of_statement(statement.as_str().unwrap()) {
                    let mut whole = original.clone();
                    whole[at]["spec"]["config"]["policies"][number] = json!(text);
                    changed.push((format!("{number} {what}"), whole));
                }
            }
        }
        let changed = changed.into_iter();
        all.extend(changed.map(|(what, documents)| {
            (format!("{path}: {what}"), verified.with(path, Some(printed(path, &documents))))
        }));
    }
    let outcome = judge(&all, |(_, files)| Some(verified.passes(files))).shown(|(what, _)| what.clone());
    outcome.assert_only(HARMLESS);
    assert!(outcome.all - outcome.survivors.len() > 1400, "{}", outcome.all);
}
