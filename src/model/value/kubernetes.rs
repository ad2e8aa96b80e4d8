//! Names and labels of Kubernetes objects. Source: Kubernetes, "Object Names and IDs" and "Labels and Selectors".

/// Most characters of a label of a DNS name, and of a name or value of a label of an object.
const MOST: usize = 63;

fn is_edge(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Whether a text is a label of a DNS name (RFC 1123).
///
/// # Errors
/// The accepted form.
pub fn check_dns_label(text: &str) -> Result<(), String> {
    let inside = text.chars().all(|c| is_edge(c) || c == '-');
    if inside && text.len() <= MOST && text.starts_with(is_edge) && text.ends_with(is_edge) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not a name in Kubernetes; write up to {MOST} lower-case letters, digits and `-`, a letter or digit \
         first and last, such as `mcp-servers`"
    ))
}

/// Whether a text is the domain of a cluster: labels with dots between them. The names of services come in front of it.
///
/// # Errors
/// The accepted form.
pub fn check_dns_name(text: &str) -> Result<(), String> {
    const MOST_OF_DOMAIN: usize = 120;
    if text.len() <= MOST_OF_DOMAIN && text.split('.').all(|label| check_dns_label(label).is_ok()) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not a DNS name; write lower-case letters, digits, `-` and `.`, up to {MOST_OF_DOMAIN} \
         characters, such as `cluster.local`"
    ))
}

/// Letters, digits, `-`, `_` and `.`, a letter or digit first and last.
fn is_qualified(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    let inside = text.chars().all(|c| edge(c) || matches!(c, '-' | '_' | '.'));
    inside && text.len() <= MOST && text.starts_with(edge) && text.ends_with(edge)
}

/// Whether a text is the key of a label of an object: a name, with a DNS name and `/` in front where it has one.
///
/// # Errors
/// The accepted form.
pub fn check_label_key(text: &str) -> Result<(), String> {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    // Kubernetes counts the prefix as a whole, and not its parts.
    let part = |part: &str| {
        part.chars().all(|c| is_edge(c) || c == '-') && part.starts_with(is_edge) && part.ends_with(is_edge)
    };
    let prefix = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(part));
    if prefix && is_qualified(name) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not the key of a label; write up to {MOST} letters, digits, `-`, `_` and `.`, such as `app` or \
         `example.com/team`"
    ))
}

/// Whether a text is the value of a label of an object.
///
/// # Errors
/// The accepted form.
pub fn check_label_value(text: &str) -> Result<(), String> {
    if text.is_empty() || is_qualified(text) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not the value of a label; write up to {MOST} letters, digits, `-`, `_` and `.`, a letter or digit \
         first and last"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_of_dns() {
        for (text, fits) in [
            ("mcp", true),
            ("a-1", true),
            ("1a", true),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("A", false),
            ("a_b", false),
            ("a.b", false),
            (&"a".repeat(63), true),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(check_dns_label(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn the_domain_of_a_cluster_is_a_name_of_dns() {
        for text in ["cluster.local", "x", "1.corp-a.example"] {
            assert_eq!(check_dns_name(text), Ok(()), "{text}");
        }
        for text in ["", ".local", "cluster.local.", "a..b", "A.b", "a_b", "*.x", "a b", "é", &"a.".repeat(61)] {
            assert!(check_dns_name(text).is_err_and(|why| why.contains("`cluster.local`")), "{text}");
        }
    }

    #[test]
    fn labels_are_those_of_kubernetes() {
        for (text, fits) in [
            ("app", true),
            ("example.com/team", true),
            ("App_v1.2", true),
            ("", false),
            ("/a", false),
            ("a/", false),
            ("a/b/c", false),
            ("a b", false),
            ("Example.com/team", false),
            ("xn--a/b", true),
            (&format!("{}/a", "x".repeat(253)), true),
            (&format!("{}/a", "x".repeat(254)), false),
            ("a..b/c", false),
            ("A_b-c.d", true),
            ("-a", false),
            ("a-", false),
            (&"x".repeat(64), false),
        ] {
            assert_eq!(check_label_key(text).is_ok(), fits, "{text}");
        }
        for (text, fits) in [("", true), ("payment", true), ("a b", false), ("-a", false), (&"a".repeat(64), false)] {
            assert_eq!(check_label_value(text).is_ok(), fits, "{text}");
        }
    }
}
