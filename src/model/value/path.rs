//! Paths: of files, and of what a probe asks for.

use super::url::{check_url, is_path_and_query};

/// Whether a text is the path of a file.
///
/// # Errors
/// The accepted form.
pub fn check_path(text: &str) -> Result<(), String> {
    if !text.trim().is_empty() && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(format!("`{text}` is not the path of a file; write a path such as `/etc/mcp/tls.crt`"))
}

/// Whether a text is what an HTTP probe asks for: a path, or a URL.
///
/// # Errors
/// The accepted form.
pub fn check_endpoint(text: &str) -> Result<(), String> {
    if text.contains("://") {
        return check_url(text);
    }
    if text.starts_with('/') && !text.starts_with("//") && is_path_and_query(text) {
        return Ok(());
    }
    Err(format!("`{text}` is not what a probe can ask for; write a path such as `/health`, or a URL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_files_are_not_empty() {
        for (text, fits) in [("/a b.pem", true), ("", false), (" ", false), ("a\0", false), ("a\n", false)] {
            assert_eq!(check_path(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn probes_ask_for_a_path_or_a_url() {
        for text in ["/health", "/health?full=1", "/a%20b", "https://other.example/health"] {
            assert_eq!(check_endpoint(text), Ok(()), "{text}");
        }
        for text in ["health", "", "/a b", "//host/x", "/a#b", "ftp://a/b", "/é", "/a%2", "/a\n"] {
            assert!(check_endpoint(text).is_err(), "{text}");
        }
    }
}
