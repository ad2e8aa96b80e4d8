//! The DNS labels that stand for names in products which take no others, as a reader expects them.

/// The label of a name: its letters in lower case and its digits, whatever else is between them as one `-`; at most 63
/// characters. Of a longer one, or where nothing is left, eight hexadecimal digits of the name's SHA-256 end it.
#[must_use]
pub fn label(name: &str) -> String {
    let parts: Vec<String> = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let plain = parts.join("-");
    if (1..=63).contains(&plain.len()) {
        return plain;
    }
    let digest = crate::bundle::manifest::sha256(name.as_bytes());
    let digits = digest.get(..8).unwrap_or_default();
    let kept = plain.get(..54).unwrap_or(&plain).trim_end_matches('-');
    format!("{}-{digits}", if kept.is_empty() { "x" } else { kept })
}

#[cfg(test)]
mod tests {
    use super::label;
    use crate::targets::names::dns_label;

    #[test]
    fn both_sides_name_alike() {
        let long = "a-very-long_name".repeat(9);
        for name in ["payment_server", "CRM.v2", "_a__b_", "___", "x", "", "日本", &long, &"-a".repeat(60)] {
            assert_eq!(label(name), dns_label(name), "{name}");
        }
    }
}
