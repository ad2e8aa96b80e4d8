//! Names that requests and tokens carry: of tools and prompts, URIs of resources, subjects and audiences.

use crate::model::uri::{is_normal, sample};

/// Longest name of a tool or prompt, in bytes. Source: MCP asks for up to 128 characters, and servers exceed it.
const LONGEST_NAME: usize = 512;

/// Longest URI of a resource, in bytes: what is a key in the file of a product has an end there.
const LONGEST_URI: usize = 800;

/// Longest subject or audience, in bytes. Source: a SPIFFE ID has up to 2048.
const LONGEST_SUBJECT: usize = 2_048;

fn check_text(text: &str, what: &str, most: usize, example: &str) -> Result<(), String> {
    let why = if text.is_empty() {
        format!("{what} is empty")
    } else if text.len() > most {
        format!("{what} of {} bytes is too long", text.len())
    } else if text.chars().any(char::is_control) {
        format!("`{text}` holds a control character, which {what} never has")
    } else {
        return Ok(());
    };
    Err(format!("{why}; write up to {most} bytes of text, such as `{example}`"))
}

/// Whether a text is the name of a prompt.
///
/// # Errors
/// What is wrong with it, and an example.
pub fn check_prompt(text: &str) -> Result<(), String> {
    check_text(text, "the name of a prompt", LONGEST_NAME, "summarize")
}

/// Whether a text is the name of a tool. `*` is for all tools of a server.
///
/// # Errors
/// What is wrong with it, and an example.
pub fn check_tool(text: &str) -> Result<(), String> {
    check_text(text, "the name of a tool", LONGEST_NAME, "get_customer")?;
    if text.contains('*') {
        return Err(format!(
            "`{text}` holds `*`, which the name of a tool never has; write a name such as `get_customer`"
        ));
    }
    Ok(())
}

/// Whether a text is the subject of a token, or one of its audiences.
///
/// # Errors
/// What is wrong with it, and an example.
pub fn check_subject(text: &str) -> Result<(), String> {
    let example = "spiffe://example.org/ns/agents/sa/clerk";
    check_text(text, "a subject or audience", LONGEST_SUBJECT, example)?;
    if text.trim() != text {
        return Err(format!(
            "`{text}` begins or ends with a space, and is compared with it; write a text such as `{example}`"
        ));
    }
    Ok(())
}

/// Claims that say who calls, who issued the token, for whom and for how long.
const OF_TOKENS: [&str; 9] = ["sub", "iss", "aud", "act", "azp", "exp", "nbf", "iat", "jti"];

/// Whether a text is the name of a claim that can name the unit of a caller.
///
/// # Errors
/// What is wrong with it, and an example.
pub fn check_unit_claim(text: &str) -> Result<(), String> {
    check_text(text, "the claim of a unit", LONGEST_NAME, "business_unit")?;
    if OF_TOKENS.contains(&text) {
        return Err(format!(
            "`{text}` says something else of a token than the caller's unit; write a claim such as `business_unit`"
        ));
    }
    Ok(())
}

/// Whether a text is the URI of a resource, in which `*` matches any text. What looks like a variable, `{id}`, is a finding of its
/// own. Source: RFC 3986, and RFC 3987 for letters beyond ASCII.
///
/// # Errors
/// What is wrong with it, and an example.
pub fn check_resource_uri(text: &str) -> Result<(), String> {
    let example = "crm://customer/*";
    check_text(text, "the URI of a resource", LONGEST_URI, example)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%{}".contains(c);
    let letter = |c: char| !c.is_ascii() && c.is_alphanumeric();
    if let Some(bad) = text.chars().find(|c| !plain(*c) && !letter(*c)) {
        return Err(format!(
            "`{text}` holds `{bad}`, which a URI holds percent-encoded only; write a URI such as `{example}`"
        ));
    }
    let mut encoded = text.split('%').skip(1);
    let is_hex = |part: &str| part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if encoded.any(|part| !is_hex(part)) {
        return Err(format!("`{text}` holds `%` without two hexadecimal digits; write a percent sign as `%25`"));
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
    fn uris_of_resources_are_in_normal_form() {
        for text in ["docs://handbook/*", "*", "urn:isbn:1", "crm://customer/*/notes", "docs://a%20b", "docs://\u{e9}"]
        {
            assert_eq!(check_resource_uri(text), Ok(()), "{text}");
        }
        for text in ["", "docs://a b", "docs://a\n", "docs://x/../y", "docs://%61*", "docs://*/./x"] {
            assert!(check_resource_uri(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_hold_no_control_characters_and_have_an_end() {
        for text in
            ["a", "get customer", "名前", "a\"); permit(principal, action, resource);", &"x".repeat(LONGEST_NAME)]
        {
            assert_eq!((check_tool(text), check_prompt(text)), (Ok(()), Ok(())), "{text}");
        }
        for (text, why) in [
            ("", "is empty"),
            ("a\nb", "control"),
            ("\u{1}x", "control"),
            ("\u{85}", "control"),
            (&"x".repeat(LONGEST_NAME + 1), "too long"),
        ] {
            assert!(check_tool(text).is_err_and(|found| found.contains(why)), "{text:?}");
            assert!(check_prompt(text).is_err_and(|found| found.contains(why)), "{text:?}");
            assert!(check_subject(text).is_err() || text.len() > LONGEST_NAME, "{text:?}");
        }
        assert!(check_tool("a*").is_err_and(|why| why.contains("`*`")));
        assert_eq!(check_subject("https://mcp.example.com a"), Ok(()));
        assert!(check_unit_claim("sub").is_err() && check_unit_claim("").is_err() && check_unit_claim("bu").is_ok());
        assert!(check_subject(" a").is_err() && check_subject("a ").is_err());
    }

    #[test]
    fn uris_of_resources_are_uris() {
        for text in
            ["*", "docs://handbook/*", "file:///a%20b", "urn:isbn:1", "crm://customer/{id}", "docs://é/x?a=b#c", "a"]
        {
            assert_eq!(check_resource_uri(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "a b",
            "a\nb",
            "a\"b",
            "a\\b",
            "docs://%zz",
            "docs://%",
            "a%2",
            "<x>",
            "a|b",
            "\u{1f642}",
            &"x".repeat(LONGEST_URI + 1),
        ] {
            assert!(check_resource_uri(text).is_err(), "{text:?}");
        }
    }
}
