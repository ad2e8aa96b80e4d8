//! URIs of MCP resources, and patterns of them.

use crate::model::uri::{is_normal, sample};

/// Whether a text is the URI of a resource, or a pattern of such URIs in which `*` stands for any text, in normal form.
///
/// # Errors
/// What is wrong with it, and the accepted form.
pub fn check_resource(text: &str) -> Result<(), String> {
    if text.is_empty() || text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(format!(
            "`{text}` is no URI of a resource; write a URI such as `docs://handbook/intro`, without spaces"
        ));
    }
    if !is_normal(&sample(text)) {
        return Err(format!(
            "`{text}` is a URI that can be spelled otherwise, and gateways deny such spellings; write it without `.` and `..` between \
             slashes, and without `%` before the code of a letter, digit, `-`, `.`, `_` or `~`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_and_patterns_in_normal_form_are_accepted() {
        for text in ["docs://handbook/*", "*", "urn:isbn:1", "crm://customer/*/notes", "docs://a%20b", "docs://\u{e9}"]
        {
            assert_eq!(check_resource(text), Ok(()), "{text}");
        }
        for text in ["", "docs://a b", "docs://a\n", "docs://x/../y", "docs://%61*", "docs://*/./x"] {
            assert!(check_resource(text).is_err(), "{text}");
        }
    }
}
