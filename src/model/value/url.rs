//! URLs of HTTP services. Source: RFC 3986, as far as gateways and clients take it.

use crate::model::url::Url;

const FORM: &str = "`https://host[:port]/path`";

/// Longest host name. Source: RFC 1035.
const LONGEST_HOST: usize = 253;

/// Longest URL; RFC 9110 asks recipients to take 8,000 octets.
const LONGEST: usize = 8_000;

/// Whether a text is the URL of an HTTP service.
///
/// # Errors
/// What is wrong with it, and the accepted form.
pub fn check_url(text: &str) -> Result<(), String> {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return Err(match text.split_once("://") {
            Some((scheme, _)) => format!("`{text}` has the scheme `{scheme}`; write {FORM}, or `http://`"),
            None => format!("`{text}` has no scheme; write {FORM}"),
        });
    };
    if text.len() > LONGEST {
        return Err(format!("this URL has {} bytes; write at most {LONGEST}", text.len()));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(format!(
            "`{text}` holds a user name or a password; write {FORM}, and give the secret to the product another way"
        ));
    }
    if path.contains('#') {
        return Err(format!("`{text}` has a fragment, which no server is sent; write {FORM} without `#`"));
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|six| six.split_once(']')) {
        Some((six, port)) => (six.parse::<core::net::Ipv6Addr>().is_ok(), port),
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (is_host(host), port)
        }
    };
    if !host || !is_path_and_query(path) {
        return Err(format!("`{text}` is not a URL; write {FORM} in ASCII, without spaces"));
    }
    let port_fits = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|b| b.is_ascii_digit())
                && !port.starts_with('0')
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
    if port_fits { Ok(()) } else { Err(format!("`{text}` has no port from 1 to 65535 after its host")) }
}

/// Whether a text is the origin of a web page, as browsers write it: scheme, host and port, in lower case, without the port that
/// the scheme has anyway. Source: RFC 6454, section 6.2.
///
/// # Errors
/// What is wrong with it, and the accepted form.
pub fn check_origin(text: &str) -> Result<(), String> {
    check_url(text)?;
    match Url::parse(text).map(|url| url.origin()) {
        Some(origin) if origin == text => Ok(()),
        Some(origin) => Err(format!("`{text}` is not an origin; write `{origin}`")),
        None => Err(format!("`{text}` is not an origin; write `https://host[:port]`")),
    }
}

/// A name of labels, or an IPv4 address. What ends in a number is an address, and no name.
fn is_host(host: &str) -> bool {
    let labels = host.strip_suffix('.').unwrap_or(host);
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if numeric {
        return host.parse::<core::net::Ipv4Addr>().is_ok();
    }
    labels.len() <= LONGEST_HOST && labels.split('.').all(fits)
}

/// Whether a text may follow the host: characters of paths and queries, with whole percent-encodings. May be empty.
pub(super) fn is_path_and_query(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(byte);
        let encoded = || {
            let digits = bytes.get(at + 1..at + 3);
            *byte == b'%' && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        if !plain && !encoded() {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_hosts_and_ports_that_there_can_be() {
        for text in [
            "https://a",
            "http://a.example.:80/x?y",
            "https://[::1]:8443/mcp",
            "https://10.0.0.1:65535",
            "https://a_b-c/",
            "https://xn--bcher-kva.example/a%20b?x=1&y=(z)",
            &format!("https://{}/", ["a"; 127].join(".")),
        ] {
            assert_eq!(check_url(text), Ok(()), "{text}");
        }
        for text in [
            "https://a:65536/x",
            "https://a:0",
            "https://a:8o80",
            "https://a:80a/x",
            "https://a:",
            "https://a:1:2",
            "https://a:080",
        ] {
            assert!(check_url(text).is_err_and(|why| why.contains("no port")), "{text}");
        }
        for (text, why) in [
            ("ftp://a", "the scheme `ftp`"),
            ("HTTPS://a", "the scheme `HTTPS`"),
            ("jaeger:4317", "no scheme"),
            ("", "no scheme"),
            ("https://u@a", "a user name"),
            ("https://u:p@a/x", "a user name"),
            ("https://a/x#y", "a fragment"),
            ("https://", "not a URL"),
            ("https:///x", "not a URL"),
            ("https://a..b", "not a URL"),
            ("https://[::g]", "not a URL"),
            ("https://[::1", "not a URL"),
            ("https://a b", "not a URL"),
            ("https://a/b c", "not a URL"),
            ("https://bücher.example", "not a URL"),
            ("https://a/é", "not a URL"),
            ("https://a/%zz", "not a URL"),
            ("https://a/{id}", "not a URL"),
            ("https://a/\u{a0}", "not a URL"),
            ("https://10.0.0.256/", "not a URL"),
            ("https://-a/", "not a URL"),
            (&format!("https://{}/", "a".repeat(64)), "not a URL"),
        ] {
            assert!(check_url(text).is_err_and(|found| found.contains(why)), "{text}");
        }
    }
}
