//! Passwords and tokens inside of URLs: where they are in a text, and the text without them.
//!
//! A URL ends up in bundles, messages, pull requests and logs, so nothing that it holds stays secret. Every text that is
//! shown passes [`redacted`], whatever it says and wherever it comes from.

use std::borrow::Cow;
use std::ops::Range;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// The longest URL that is looked through, in characters. Nothing that speaks HTTP takes longer ones.
const LONGEST: usize = 8_192;

/// Schemes whose user name alone is a secret: nothing else is written there but a token.
const TOKEN_AS_USER: [&str; 6] = ["http", "https", "ws", "wss", "grpc", "grpcs"];

/// Parameters of a query or a fragment whose values are secrets, in lower case and without `-` and `_`.
const SECRET_PARAMETERS: [&str; 26] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "auth",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "credential",
    "credentials",
    "idtoken",
    "jwt",
    "key",
    "pass",
    "passwd",
    "password",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "sessiontoken",
    "sig",
    "signature",
    "token",
    "xamzsecuritytoken",
];

/// Whether a character cannot be part of a URL as people write one in a text.
fn ends_url(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// The byte ranges of every password, user name that is a token, and secret parameter of the URLs in a text, in order.
#[must_use]
pub fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")) {
        let start = from + at + "://".len();
        let rest = beginning(text.get(start..).unwrap_or_default());
        let url = rest.get(..rest.find(ends_url).unwrap_or(rest.len())).unwrap_or_default();
        let scheme = text.get(from..from + at).unwrap_or_default();
        let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.')).next();
        let authority = url.find(['/', '?', '#']).unwrap_or(url.len());
        let user = url.get(..authority).and_then(|authority| authority.rfind('@')).unwrap_or(0);
        let written = url.get(..user).unwrap_or_default();
        let password = written.split_once(':').is_some_and(|(_, password)| !password.is_empty());
        let token = scheme.is_some_and(|scheme| TOKEN_AS_USER.iter().any(|known| known.eq_ignore_ascii_case(scheme)));
        if !written.is_empty() && (password || token) {
            found.push(start..start + user);
        }
        found.extend(parameters(url).into_iter().map(|range| start + range.start..start + range.end));
        // A URL may be the parameter of another one.
        from = start;
    }
    found.sort_by_key(|range| (range.start, range.end));
    found.dedup_by(|next, before| next.start < before.end);
    found
}

/// As much of a text as the longest URL has.
fn beginning(text: &str) -> &str {
    text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The values of the secret parameters of a URL.
fn parameters(url: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(mut at) = url.find(['?', '#']) else { return found };
    while at < url.len() {
        let start = at + 1;
        let rest = url.get(start..).unwrap_or_default();
        let end = start + rest.find(['&', ';', '#']).unwrap_or(rest.len());
        if let Some((name, value)) = url.get(start..end).and_then(|parameter| parameter.split_once('=')) {
            let plain: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect();
            if !value.is_empty() && SECRET_PARAMETERS.contains(&plain.to_ascii_lowercase().as_str()) {
                found.push(end - value.len()..end);
            }
        }
        at = end;
    }
    found
}

/// The text with `***` in the place of every secret of its URLs.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    // Most texts hold no URL.
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut safe, mut from) = (String::with_capacity(text.len()), 0);
    for secret in secrets {
        safe.push_str(text.get(from..secret.start).unwrap_or_default());
        safe.push_str(MASK);
        from = secret.end;
    }
    safe.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_urls_are_found_wherever_they_stand() {
        for (text, safe) in [
            ("https://user:hunter2@host/x", "https://***@host/x"),
            ("see `https://token@host` and http://a:b@c?x=1", "see `https://***@host` and http://***@c?x=1"),
            ("https://host/cb?token=abc&x=1#access_token=def", "https://host/cb?token=***&x=1#access_token=***"),
            ("https://h/?Api-Key=1&X-Amz-Security-Token=2", "https://h/?Api-Key=***&X-Amz-Security-Token=***"),
            ("redis://:pw@cache:6379/0", "redis://***@cache:6379/0"),
            ("https://a:b@c@host", "https://***@host"),
            ("https://h/?to=https://u:p@i/", "https://h/?to=https://***@i/"),
            ("kafka://ü:ß@h", "kafka://***@h"),
        ] {
            assert_eq!(redacted(text), safe, "{text}");
            assert!(secrets(&redacted(text)).iter().all(|range| redacted(text).get(range.clone()) == Some(MASK)));
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "ssh://git@github.com/x",
            "https://host/@scope/name",
            "https://host?user=a@b.example",
            "a user:pw@host",
            "spiffe://example.org/ns/agents/sa/x",
            "https://host/?token=",
            "://@",
            "https://",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
