//! Names of HTTP header fields. Source: RFC 9110, section 5.6.2 (`token`).

/// Most characters of a name; far above every header in use, far below what a proxy takes as the head of a request.
const MOST: usize = 128;

/// Whether a text is the name of a header.
///
/// # Errors
/// The accepted form.
pub fn check_header(text: &str) -> Result<(), String> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$&'*+-.^_`|~".contains(c);
    if !text.is_empty() && text.len() <= MOST && text.chars().all(is_token) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not a header name; write up to {MOST} letters, digits, `-` and `_` without spaces or colons, such as \
         `x-request-id`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_tokens() {
        for text in ["x-request-id", "X_User", "traceparent", "a.b", &"x".repeat(MOST)] {
            assert_eq!(check_header(text), Ok(()), "{text}");
        }
        for text in ["", "x user", "x:y", ":path", "x-é", "a\nb", "a%b", "(x)", "a,b", &"x".repeat(MOST + 1)] {
            assert!(check_header(text).is_err_and(|why| why.contains("`x-request-id`")), "{text}");
        }
    }
}
