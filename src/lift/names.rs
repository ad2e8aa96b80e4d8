//! The names that products give to servers: what a file calls a server must be what its name in YAML becomes.

use std::collections::BTreeMap;

use super::LiftError;

/// Most characters of a DNS label.
const MOST: usize = 63;

/// The DNS label of each name.
///
/// # Errors
/// Where two names have one label.
pub fn labels<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, &'a str>, LiftError> {
    let mut labels: BTreeMap<String, &str> = BTreeMap::new();
    for name in names {
        let label = label(name);
        if let Some(other) = labels.insert(label.clone(), name).filter(|other| *other != name) {
            return Err(LiftError::Unexpected(format!("`{other}` and `{name}` are both called `{label}`")));
        }
    }
    Ok(labels)
}

/// The DNS label of a name: its letters and digits in lower case, with one `-` for each run of other characters between
/// them. One that would be too long, or empty, ends with the beginning of the name's SHA-256.
#[must_use]
pub fn label(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let whole = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if (1..=MOST).contains(&whole.len()) {
        return whole;
    }
    let digest = crate::bundle::manifest::sha256(name.as_bytes());
    let digits = digest.get(..8).unwrap_or_default();
    let kept = whole.get(..whole.len().min(MOST - 9)).unwrap_or_default().trim_end_matches('-');
    format!("{}-{digits}", if kept.is_empty() { "x" } else { kept })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::names::dns_label;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_become_what_targets_make_of_them(name in "[A-Za-z0-9_.-]{1,90}") {
            prop_assert_eq!(label(&name), dns_label(&name));
        }
    }

    #[test]
    fn names_of_other_letters_do_too() {
        let long = "a-very-long_name".repeat(9);
        for name in ["payment_server", "CRM.v2", "_a__b_", "___", "x", "", "日本", &long, &"-a".repeat(60)] {
            assert_eq!(label(name), dns_label(name), "{name}");
        }
    }

    #[test]
    fn one_label_for_two_names_is_refused() {
        assert!(labels(["a_b", "a-b"]).is_err());
        assert_eq!(labels(["a_b", "c"]).unwrap().get("a-b"), Some(&"a_b"));
    }
}
