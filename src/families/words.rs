//! What the closed vocabularies of the families mean, word by word: the same data for `explain`, the book and the tests.

mod access;
mod assurance;
mod flows;
mod observability;
mod resilience;

use super::FamilyId;

/// A word that a key may have as its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The path of the key below the family's own, with `[]` for the elements of lists: `service_mesh.mutual_tls`.
    pub key: &'static str,
    /// The word, as it is written.
    pub word: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What it becomes, engine by engine, or the checks that judge it.
    pub becomes: &'static str,
    /// What a reader might take it for, and it is not; empty where nothing comes to mind.
    pub not: &'static str,
}

/// The words of a family, in the order of its page.
pub fn of(family: FamilyId) -> impl Iterator<Item = &'static Word> {
    [access::WORDS, resilience::WORDS, flows::WORDS, observability::WORDS, assurance::WORDS]
        .into_iter()
        .flatten()
        .filter(move |(known, _)| *known == family)
        .flat_map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Every value of every closed vocabulary of a schema, with the path of its key below the family's own.
    fn enumerated(schema: &Value, at: &Value, path: &str, found: &mut BTreeSet<(String, String)>) {
        if let Some(name) = at["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/")) {
            enumerated(schema, &schema["$defs"][name], path, found);
        }
        let values = at["enum"].as_array().into_iter().flatten().chain(at.get("const"));
        found.extend(values.filter_map(|value| Some((path.to_owned(), value.as_str()?.to_owned()))));
        for list in ["anyOf", "oneOf", "allOf"] {
            at[list].as_array().into_iter().flatten().for_each(|one| enumerated(schema, one, path, found));
        }
        if at["items"].is_object() {
            enumerated(schema, &at["items"], &format!("{path}[]"), found);
        }
        for (key, inner) in at["properties"].as_object().into_iter().flatten() {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            enumerated(schema, inner, &below, found);
        }
    }

    /// Keys whose words are those of another key, or of the protocol: what they begin with, and what they end with.
    const TOLD_ELSEWHERE: [(FamilyId, &str, &str); 5] = [
        (FamilyId::ChaosExperiments, "resource_exhaustion", ".expected"),
        (FamilyId::ChaosExperiments, "dependency_failures", ".expected"),
        (FamilyId::Registry, "servers[].methods", ""),
        // The short form has one issuer.
        (FamilyId::Identity, "issuers[]", ""),
        (FamilyId::Federation, "central_gateway.global_policies[]", ""),
    ];

    fn is_told_elsewhere(family: FamilyId, key: &str) -> bool {
        let known =
            |(of, start, end): &(FamilyId, &str, &str)| *of == family && key.starts_with(start) && key.ends_with(end);
        TOLD_ELSEWHERE.iter().any(known)
    }

    #[test]
    fn every_word_of_a_closed_vocabulary_says_what_it_means() {
        let ours = [FamilyId::PolicyTests, FamilyId::Waivers];
        let (mut lost, mut strange) = (Vec::new(), Vec::new());
        for family in FamilyId::ALL.iter().filter(|family| !ours.contains(family)) {
            let schema: Value = serde_json::from_str(family.schema()).unwrap();
            let own = &schema["properties"][family.key()];
            let mut found = BTreeSet::new();
            enumerated(&schema, own, "", &mut found);
            let of = |key: &str| key.strip_prefix("[]").unwrap_or(key).trim_start_matches('.').to_owned();
            let found: BTreeSet<(String, String)> = found
                .into_iter()
                .map(|(key, word)| (of(&key), word))
                .filter(|(key, _)| !is_told_elsewhere(*family, key))
                .collect();
            let told: BTreeSet<(String, String)> =
                super::of(*family).map(|word| (word.key.to_owned(), word.word.to_owned())).collect();
            lost.extend(found.difference(&told).map(|(key, word)| format!("{}: {key}: {word}", family.key())));
            // Words may also stand for a switch, or beside a list.
            let beside = |key: &str, word: &str| {
                let known = ["true", "false", "full_deployment", "production_mirror", "read_only", "known"];
                known.contains(&word) || key.starts_with("central_gateway.global_policies.")
            };
            let more = told.difference(&found).filter(|(key, word)| !beside(key, word));
            strange.extend(more.map(|(key, word)| format!("{}: {key}: {word}", family.key())));
        }
        assert!(lost.is_empty(), "these words are not explained: {lost:#?}");
        assert!(strange.is_empty(), "no schema has these words: {strange:#?}");
    }

    #[test]
    fn a_row_fits_into_a_table() {
        for word in FamilyId::ALL.iter().flat_map(|family| of(*family)) {
            for text in [word.means, word.becomes, word.not] {
                let fits = !text.contains(['|', '\n']) && !text.ends_with('.') && !text.contains("  ");
                assert!(fits, "{}: {}: {text}", word.key, word.word);
            }
            assert!(!word.means.is_empty() && !word.becomes.is_empty(), "{}: {}", word.key, word.word);
        }
    }
}
