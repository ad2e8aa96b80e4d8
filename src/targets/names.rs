//! Names that a product takes, for names that it refuses: reversible, because the bundle's manifest lists each pair, and
//! because two names that would become one are refused.

use std::collections::BTreeMap;

use super::NAME_COLLISION;
use crate::diagnostic::Diagnostic;
use crate::model::deployment::TargetId;
use crate::source::Loc;

/// Most characters of a DNS label (RFC 1123).
const MOST: usize = 63;

/// Hexadecimal digits that tell shortened names apart.
const DIGITS: usize = 8;

/// Each name with its DNS label: lower case, digits and `-`, beginning and ending with a letter or digit.
///
/// # Errors
/// For each two names that become one: [`NAME_COLLISION`], at the second with the first beside it.
pub fn dns_labels<'a>(
    target: TargetId,
    names: impl IntoIterator<Item = (&'a str, Loc)>,
) -> Result<BTreeMap<&'a str, String>, Vec<Diagnostic>> {
    let mut labels = BTreeMap::new();
    let mut taken: BTreeMap<String, (&str, Loc)> = BTreeMap::new();
    let mut collisions = Vec::new();
    for (name, loc) in names {
        let label = dns_label(name);
        match taken.get(&label) {
            Some((other, first)) if *other != name => {
                let message = format!("`{other}` and `{name}` are both `{label}` for target `{target}`");
                collisions.push(Diagnostic::new(&NAME_COLLISION, loc, message).label(*first, format!("`{other}`")));
            }
            Some(_) => {}
            None => {
                taken.insert(label.clone(), (name, loc));
                labels.insert(name, label);
            }
        }
    }
    if collisions.is_empty() { Ok(labels) } else { Err(collisions) }
}

/// The DNS label of a name. A name that is none gets one that differs from it; one that would be too long, or of which nothing
/// is left, ends with digits of its SHA-256.
#[must_use]
pub fn dns_label(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            'a'..='z' | '0'..='9' => label.push(letter),
            'A'..='Z' => label.push(letter.to_ascii_lowercase()),
            _ if label.ends_with('-') => {}
            _ => label.push('-'),
        }
    }
    let label = label.trim_matches('-');
    if !label.is_empty() && label.len() <= MOST {
        return label.to_owned();
    }
    let digest = crate::bundle::manifest::sha256(name.as_bytes());
    let digits: String = digest.chars().take(DIGITS).collect();
    let kept: String = label.chars().take(MOST - DIGITS - 1).collect();
    format!("{}-{digits}", if kept.is_empty() { "x" } else { kept.trim_end_matches('-') })
}

/// The DNS label of a name and the name, where the two differ.
#[must_use]
pub fn renamed(name: &str) -> Option<(String, String)> {
    let label = dns_label(name);
    (label != name).then(|| (label, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_labels() {
        for (name, label) in [
            ("payment_server", "payment-server"),
            ("payment-server", "payment-server"),
            ("CRM.v2", "crm-v2"),
            ("_a__b_", "a-b"),
        ] {
            assert_eq!(dns_label(name), label);
        }
        let long = "x".repeat(80);
        assert_eq!(dns_label(&long).len(), MOST);
        assert_ne!(dns_label(&long), dns_label(&"x".repeat(81)));
        assert!(dns_label("___").starts_with("x-"));
    }

    #[test]
    fn two_names_of_one_label_are_refused_at_both_places() {
        let at = |start| Loc { start, end: start + 1, ..Loc::default() };
        let found =
            dns_labels(TargetId::Istio, [("a_b", at(1)), ("c", at(5)), ("a-b", at(9)), ("a_b", at(12))]).unwrap_err();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].loc, found[0].labels[0].loc), (at(9), at(1)));
        assert_eq!(found[0].message, "`a_b` and `a-b` are both `a-b` for target `istio`");
        let fine = dns_labels(TargetId::Istio, [("a_b", at(1)), ("c", at(5))]).unwrap();
        assert_eq!(fine["a_b"], "a-b");
    }
}
