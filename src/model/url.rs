//! The parts of a URL that decide something: scheme, host, port.

/// A URL as clients name a resource by it: the origin as browsers write it, and no slash at the end. A text that is not a URL stays
/// as it is. Source: MCP 2025-11-25, "Canonical Server URI".
#[must_use]
pub fn canonical(text: &str) -> String {
    let Some(url) = Url::parse(text) else { return text.to_owned() };
    let after = text.split_once("://").map_or("", |(_, after)| after);
    let rest = after.find(['/', '?', '#']).and_then(|at| after.get(at..)).unwrap_or_default();
    format!("{}{}", url.origin(), rest.trim_end_matches('/'))
}

/// A URL taken apart; everything borrowed from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// `https`, as written.
    pub scheme: &'a str,
    /// Host name or address, without the brackets of IPv6.
    pub host: &'a str,
    /// Port, where written.
    pub port: Option<u16>,
}

impl<'a> Url<'a> {
    /// Takes a text apart; `None` for what is not an absolute URL with a host, such as the path `/health`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match authority.strip_prefix('[') {
            Some(six) => six.split_once(']').map(|(host, rest)| (host, rest.strip_prefix(':')))?,
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        (!scheme.is_empty() && !host.is_empty()).then(|| Self { scheme, host, port: port.and_then(|p| p.parse().ok()) })
    }

    /// Its origin: scheme, host and port as browsers write them. Source: RFC 6454, section 6.2.
    #[must_use]
    pub fn origin(&self) -> String {
        let (scheme, host) = (self.scheme.to_ascii_lowercase(), self.host.to_ascii_lowercase());
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        match (scheme.as_str(), self.port) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => format!("{scheme}://{host}"),
            (_, Some(port)) => format!("{scheme}://{host}:{port}"),
        }
    }

    /// Whether what is sent there can be read on the way.
    #[must_use]
    pub fn is_plaintext(&self) -> bool {
        ["http", "ws", "grpc"].iter().any(|scheme| scheme.eq_ignore_ascii_case(self.scheme))
    }

    /// Whether it never leaves the machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.host == "::1" || self.host.starts_with("127.")
    }

    /// Whether it is surely a service of the Kubernetes cluster itself, where a mesh encrypts.
    #[must_use]
    pub fn is_cluster_local(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_urls() {
        let url = |scheme, host, port| Some(Url { scheme, host, port });
        assert_eq!(Url::parse("http://jaeger:14268/api/traces"), url("http", "jaeger", Some(14268)));
        assert_eq!(Url::parse("https://u:p@a.example?x=1"), url("https", "a.example", None));
        assert_eq!(Url::parse("http://[::1]:80/"), url("http", "::1", Some(80)));
        for text in ["/health", "", "http://", "://x", "a:80"] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        let origin = |text| Url::parse(text).map(|url| url.origin());
        for (text, expected) in [
            ("https://MCP.example.com/a", "https://mcp.example.com"),
            ("https://mcp.example.com:443", "https://mcp.example.com"),
            ("http://127.0.0.1:8080/mcp?x", "http://127.0.0.1:8080"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            assert_eq!(origin(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn one_resource_has_one_name() {
        for (text, expected) in [
            ("https://MCP.example.com:443/Gw/", "https://mcp.example.com/Gw"),
            ("HTTP://mcp.example.com:80", "http://mcp.example.com"),
            ("https://mcp.example.com:8443/a//", "https://mcp.example.com:8443/a"),
            ("https://mcp.example.com?Tenant=A", "https://mcp.example.com?Tenant=A"),
            ("no URL/", "no URL/"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn only_full_service_names_are_surely_in_the_cluster() {
        let local = |text| Url::parse(text).is_some_and(|url| url.is_cluster_local());
        assert!(local("http://payment.mcp.svc.cluster.local:8443/mcp"));
        assert!(local("http://payment.mcp.svc"));
        assert!(!local("http://jaeger:14268"));
        assert!(!local("http://svc.cluster.local.example.com"));
    }
}
