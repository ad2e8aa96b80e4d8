//! URIs of MCP resources and their patterns, in which `*` matches any text.
//!
//! Two spellings of one URI must be one URI, or a stricter pattern could be dodged by spelling: `docs://secret` as
//! `docs://%73ecret` or `docs://x/../secret`. So URIs are compared in the normal form of RFC 3986, sections 6.2.2.2 and 6.2.2.3:
//! without dot segments, and without percent-encoded characters that need no encoding. What is not in that form is denied.

use super::access::evidence::matches;

/// A regular expression of RE2 that matches, as a whole, exactly the URIs for which [`is_normal`] is false.
pub const NOT_NORMAL: &str = concat!(
    r"(?s)[^?#]*[:/]\.\.?([/?#].*)?",
    r"|.*%(2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe]).*",
);

/// Whether a URI is in normal form: no segment of its path is `.` or `..`, and no letter, digit, `-`, `.`, `_` or `~` is
/// percent-encoded.
#[must_use]
pub fn is_normal(uri: &str) -> bool {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let dots = path.split([':', '/']).skip(1).any(|segment| matches!(segment, "." | ".."));
    !dots && encoded(uri).all(|byte| !is_unreserved(byte))
}

/// Every byte that is percent-encoded in a text.
fn encoded(uri: &str) -> impl Iterator<Item = u8> {
    let after = uri.split('%').skip(1);
    after.filter_map(|rest| u8::from_str_radix(rest.get(..2).filter(|digits| !digits.starts_with('+'))?, 16).ok())
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Every way to encode a character that needs no encoding: `%41`, `%5a`, `%5A` and so on, sorted.
#[must_use]
pub fn superfluous_encodings() -> Vec<String> {
    let bytes = (0..=0x7f_u8).filter(|byte| is_unreserved(*byte));
    let mut all: Vec<String> = bytes.flat_map(|byte| [format!("%{byte:02X}"), format!("%{byte:02x}")]).collect();
    // `%5a` and `%5A`; `%30` is written in one way. What mixes the cases of its digits does not exist: one of them is a digit.
    all.sort();
    all.dedup();
    all
}

/// Spellings of the URIs of a pattern that are not in normal form and that the pattern itself, or a wider one, may match.
#[must_use]
pub fn dodges(pattern: &str) -> Vec<String> {
    let uri = sample(pattern);
    let (start, rest) = uri.split_at(uri.find("://").map_or(0, |at| at + 3).min(uri.len()));
    let mut all =
        vec![format!("{start}\u{1}/../{rest}"), format!("{uri}/."), format!("{uri}/.."), format!("{uri}/./\u{1}")];
    if let Some(letter) = rest.chars().next().filter(char::is_ascii_alphanumeric) {
        let others = rest.get(1..).unwrap_or_default();
        all.push(format!("{start}%{:02x}{others}", u32::from(letter)));
        all.push(format!("{start}%{:02X}{others}", u32::from(letter)));
    }
    all.push(format!("{uri}%2e"));
    all.push(format!("{uri}%7E"));
    all
}

/// A URI that a pattern matches and that no narrower pattern is likely to: each `*` stands for a character that URIs do not
/// hold.
#[must_use]
pub fn sample(pattern: &str) -> String {
    pattern.replace('*', "\u{1}")
}

/// Whether a pattern matches every URI that another one matches.
#[must_use]
pub fn holds(wider: &str, pattern: &str) -> bool {
    matches(wider, &sample(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_are_not_in_normal_form_are_told() {
        for uri in [
            "docs://a/b",
            "docs://a/..b/c",
            "docs://a?x=/../y",
            "docs://a%20b",
            "docs://a/...",
            "docs://a%2Fb",
            "a%",
            "a%+1",
        ] {
            assert!(is_normal(uri), "{uri}");
        }
        for uri in [
            "docs://a/../b",
            "docs://a/.",
            "docs://..",
            "urn:../x",
            "docs://%61",
            "docs://a%2e",
            "docs://a%7E",
            "a/./b?x",
        ] {
            assert!(!is_normal(uri), "{uri}");
        }
    }

    #[test]
    fn the_expression_says_the_same() {
        let expression = regex::Regex::new(&format!("^(?:{NOT_NORMAL})$")).unwrap();
        let encodings: Vec<String> =
            (0..=255_u8).flat_map(|byte| [format!("x%{byte:02X}y"), format!("x%{byte:02x}y")]).collect();
        let paths = [
            "", "a", "a/b", "a/../b", "a:.", "a:..", "a/..?", "a/..#/", "a?/..", "a#/..", "/.", "/..", "./", "a/.b",
            "a\n/..",
        ];
        for text in encodings.iter().map(String::as_str).chain(paths) {
            assert_eq!(expression.is_match(text), !is_normal(text), "{text}");
        }
        for encoding in superfluous_encodings() {
            assert!(!is_normal(&encoding), "{encoding}");
        }
        let listed = |text: &String| superfluous_encodings().iter().any(|encoding| text.contains(encoding));
        assert!(encodings.iter().all(|text| listed(text) != is_normal(text)));
    }

    #[test]
    fn dodges_are_not_in_normal_form() {
        for pattern in ["docs://handbook/*", "a", "urn:x:*", "docs://*"] {
            assert!(dodges(pattern).iter().all(|uri| !is_normal(uri)), "{pattern}: {:?}", dodges(pattern));
        }
    }
}
