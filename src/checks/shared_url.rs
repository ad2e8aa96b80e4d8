//! `shared-url`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::server::Server;
use crate::model::url::Url;
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "shared-url",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds two servers of the registry with one URL: the same host, port and path. Upper and lower case of the host, \
               a port that the scheme implies, `.` and `..` in the path, percent-encoding, a final slash and a query make no \
               difference.",
        why: "Both names lead to one server. Its class, its levels, its budget and every rule by name hold for the name that \
              they are written for, and a caller takes the other name.",
        fix: "Keep one entry, and list all tools there; or give each server an endpoint of its own.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let mut at: BTreeMap<Endpoint, Vec<(&Server, &Spanned<String>)>> = BTreeMap::new();
    for server in input.model.servers.values().filter(|server| server.registered) {
        if let Some(url) = &server.url
            && let Some(endpoint) = endpoint(&url.value)
        {
            at.entry(endpoint).or_default().push((server, url));
        }
    }
    for mut servers in at.into_values() {
        servers.sort_by_key(|(_, url)| url.loc);
        let Some(((first, first_url), others)) = servers.split_first() else { continue };
        for (server, url) in others {
            let message = format!("`{}` has the URL of `{}`", server.name, first.name);
            report.push(
                Diagnostic::new(&CHECK.rule, url.loc, message)
                    .label(first_url.loc, of_class(input, first))
                    .label(server.name.loc, of_class(input, server)),
            );
        }
    }
}

fn of_class(input: &Input<'_>, server: &Server) -> String {
    match input.classes.listed(server.name.value.as_str()) {
        Some(listing) => format!("`{}`, of class `{}`", server.name, listing.class.name),
        None => format!("`{}`", server.name),
    }
}

/// Host, port and path.
type Endpoint = (String, u16, String);

/// Where a URL leads. `None` for what is not a URL, which is an error elsewhere.
fn endpoint(text: &str) -> Option<Endpoint> {
    let url = Url::parse(text)?;
    let port = url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 });
    Some((host(url.host), port, path(text)))
}

fn host(written: &str) -> String {
    if let Ok(address) = written.parse::<core::net::Ipv6Addr>() {
        return address.to_string();
    }
    let lower = written.to_lowercase();
    let host = lower.strip_suffix('.').unwrap_or(&lower);
    // Inside of a cluster both are names of one service.
    match host.strip_suffix(".svc.cluster.local") {
        Some(service) => format!("{service}.svc"),
        None => host.to_owned(),
    }
}

/// The path without dot segments, empty segments and a final slash, percent-encoding only where it has to be (RFC 3986).
fn path(url: &str) -> String {
    let after = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = after.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/').map(decoded) {
        match segment.as_str() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    segments.join("/")
}

/// A segment with unreserved characters written as themselves, and the digits of other encodings in upper case.
fn decoded(segment: &str) -> String {
    let mut parts = segment.split('%');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let rest = part.get(2..).unwrap_or_default();
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => result.push(char::from(byte)),
            Some(byte) => result.push_str(&format!("%{byte:02X}")),
            None => {
                result.push('%');
                result.push_str(part);
                continue;
            }
        }
        result.push_str(rest);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_endpoint_has_many_spellings() {
        let same = [
            "https://crm.example.com/mcp",
            "https://CRM.example.com:443/mcp/",
            "https://crm.example.com./a/../mcp?tenant=1#top",
            "https://crm.example.com//./%6Dcp",
            "http://crm.example.com:443/mcp",
        ];
        for url in same {
            assert_eq!(endpoint(url), endpoint("https://crm.example.com/mcp"), "{url}");
        }
        for url in [
            "https://crm.example.com:8443/mcp",
            "http://crm.example.com/mcp",
            "https://crm.example.com/MCP",
            "https://crm.example.com/mcp/v2",
            "https://crm.example.com/%2Fmcp",
            "https://crm2.example.com/mcp",
        ] {
            assert_ne!(endpoint(url), endpoint("https://crm.example.com/mcp"), "{url}");
        }
        assert_eq!(endpoint("http://[::1]:80/"), endpoint("http://[0:0::1]"));
        assert_eq!(endpoint("http://crm.mcp.svc/a%2fb"), endpoint("http://crm.mcp.svc.cluster.local/a%2Fb"));
        assert_eq!(endpoint("not a url"), None);
    }
}
