//! Where a route leads: host, port and path of its next hop.

use serde_json::{Map, Value, json};

use crate::model::url::Url;
use crate::targets::gateways::{Hop, Route};

/// The next hop of a route, or another service that a gateway speaks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream<'a> {
    /// Host name or address.
    pub(super) host: &'a str,
    /// Port; that of the scheme where none is written.
    pub(super) port: u16,
    /// Whether it is spoken to over TLS.
    pub(super) tls: bool,
    /// The path that is asked for there.
    pub(super) path: String,
}

impl<'a> Upstream<'a> {
    /// That of a route; a URL that is none leads nowhere, which the families' schemas keep out.
    pub(super) fn of(route: &Route<'a>) -> Self {
        match route.to {
            Hop::Server(url) => Self::at(url),
            Hop::Gateway(_, url) => {
                let base = Self::at(url);
                let path = format!("{}/{}/mcp", base.path.trim_end_matches('/'), route.server.name);
                Self { path, ..base }
            }
        }
    }

    /// That of a URL.
    pub(super) fn at(url: &'a str) -> Self {
        let parsed = Url::parse(url);
        let tls = parsed.is_none_or(|url| !url.is_plaintext());
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
        let path = path.and_then(|path| path.split(['?', '#']).next()).unwrap_or("/");
        Self {
            host: parsed.map_or("", |url| url.host),
            port: parsed.and_then(|url| url.port).unwrap_or(if tls { 443 } else { 80 }),
            tls,
            path: path.to_owned(),
        }
    }

    /// A cluster that says no more than where it is.
    pub(super) fn cluster(&self, name: &str) -> Map<String, Value> {
        let discovery = if self.is_address() { "STATIC" } else { "STRICT_DNS" };
        let address = json!({"socket_address": {"address": self.host, "port_value": self.port}});
        let mut cluster = Map::new();
        cluster.insert("name".to_owned(), json!(name));
        cluster.insert("type".to_owned(), json!(discovery));
        cluster.insert("connect_timeout".to_owned(), json!("5s"));
        cluster.insert("lb_policy".to_owned(), json!("ROUND_ROBIN"));
        cluster.insert(
            "load_assignment".to_owned(),
            json!({"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}),
        );
        cluster
    }

    /// `host`, or `host:port` where the port is not that of the scheme.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.to_owned() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// Whether the host is an address.
    pub(super) fn is_address(&self) -> bool {
        self.host.parse::<core::net::IpAddr>().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_hosts_ports_and_paths() {
        let at = |url| {
            let upstream = Upstream::at(url);
            (upstream.authority(), upstream.port, upstream.tls, upstream.path)
        };
        let expected = |authority: &str, port, tls, path: &str| (authority.to_owned(), port, tls, path.to_owned());
        assert_eq!(at("https://a.example/mcp"), expected("a.example", 443, true, "/mcp"));
        assert_eq!(at("http://[::1]:81"), expected("[::1]:81", 81, false, "/"));
        assert_eq!(at("https://a:8443/x/y?z=1"), expected("a:8443", 8443, true, "/x/y"));
    }
}
