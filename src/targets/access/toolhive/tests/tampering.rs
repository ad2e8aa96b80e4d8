//! What the verifier says to changed files.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::{TARGET, WORLD};
use crate::build::verify;
use crate::bundle::Artifact;
use crate::model::Model;
use crate::policy::Policy;
use crate::targets::access::dialects::mutations::{of_statement, of_value};
use crate::targets::tests::{built, checked};

/// Changes that the verifier lets pass, each because it changes no decision.
const HARMLESS: &[(&str, &str)] = &[
    ("policies [] doubled", "a policy twice decides what it decides once"),
    ("policies [] swapped", "the order of policies decides nothing"),
    ("spec description changed", "a text for people"),
    ("documents [] swapped", "the order of documents decides nothing"),
    ("documents [] resources [] swapped", "Kustomize sorts what it applies"),
    ("dependsOn [] doubled", "waiting twice is waiting once"),
    ("dependsOn [] swapped", "the order of what is waited for decides nothing"),
    ("steps [] swapped", "steps that wait for each other stay in order; of others the order decides nothing"),
    ("and parts swapped", "what cannot fail may stand anywhere"),
    ("or parts swapped", "what cannot fail may stand anywhere"),
    ("set parts swapped", "a set has no order"),
    (
        "bank-server.yaml: 6 and part dropped",
        "a caller who acts for itself is a workload, which another part of the policy denies",
    ),
    (
        "bank-server.yaml: 6 set part dropped",
        "a caller who acts for itself is a workload, which another part of the policy denies",
    ),
    (
        "bank-server.yaml: 7 and part dropped",
        "a caller who acts for itself is a workload, which another part of the policy denies",
    ),
    (
        "bank-server.yaml: 7 set part dropped",
        "a caller who acts for itself is a workload, which another part of the policy denies",
    ),
];

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect()
}

fn print(documents: &[Value]) -> Vec<u8> {
    let each = documents.iter().map(|document| serde_yaml::to_string(document).unwrap());
    each.collect::<Vec<_>>().join("---\n").into_bytes()
}

fn passes(files: &BTreeMap<String, Artifact>, model: &Model, policy: &Policy) -> bool {
    verify(TARGET.id, files, model, policy).is_ok()
}

#[test]
fn changes_are_noticed() {
    let (checked, _) = checked(WORLD);
    let (_, policy, _) = crate::targets::seen(&TARGET, checked.model(), checked.policy());
    let files = built(&TARGET, WORLD).unwrap().bundle.artifacts;
    assert!(passes(&files, checked.model(), &policy));
    let mut all: Vec<(String, BTreeMap<String, Artifact>)> = Vec::new();
    let mut judge = |what: String, files: &BTreeMap<String, Artifact>| all.push((what, files.clone()));
    for (path, artifact) in &files {
        let mut without = files.clone();
        without.remove(path);
        judge(format!("{path} dropped"), &without);
        let mut more = files.clone();
        more.insert(path.replace(".yaml", "2.yaml"), artifact.clone());
        judge(format!("{path} doubled"), &more);
        let original = documents(std::str::from_utf8(&artifact.bytes).unwrap());
        let mut changed: Vec<(String, Value)> = of_value(&json!({"documents": original}));
        changed.retain(|(what, _)| what != "documents dropped" && what != "unknown key added");
        for (at, document) in original.iter().enumerate() {
            let policies = document["spec"]["config"]["policies"].as_array().into_iter().flatten().enumerate();
            for (number, statement) in policies {
                for (what, text) in of_statement(statement.as_str().unwrap()) {
                    let mut all = original.clone();
                    all[at]["spec"]["config"]["policies"][number] = json!(text);
                    changed.push((format!("{number} {what}"), json!({"documents": all})));
                }
            }
        }
        for (what, value) in changed {
            let mut files = files.clone();
            files.get_mut(path).unwrap().bytes = print(value["documents"].as_array().unwrap());
            judge(format!("{path}: {what}"), &files);
        }
    }
    let all_of_them = all.len();
    let passed: Vec<String> = all
        .into_par_iter()
        .filter(|(_, files)| passes(files, checked.model(), &policy))
        .map(|(what, _)| what)
        .collect();
    let is_harmless = |what: &String| HARMLESS.iter().any(|(known, _)| what.ends_with(known));
    let (harmless, mut survived): (Vec<String>, Vec<String>) = passed.into_iter().partition(is_harmless);
    survived.sort();
    survived.dedup();
    let killed = all_of_them - harmless.len() - survived.len();
    let rate = format!("{killed} of {all_of_them} changes noticed, {} harmless", harmless.len());
    assert!(survived.is_empty(), "{rate}, survived: {survived:#?}");
    assert!(killed > 1400, "{rate}");
}
