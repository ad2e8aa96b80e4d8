//! The values of each kind.

use super::odd::Kind;
use super::texts::{URIS, URLS, WORDS};

/// The usual values of a kind, and the odd ones.
pub fn pools(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::Word => (&["alpha", "beta_2", "gamma-x", "delta.y", "Epsilon"], WORDS),
        Kind::Server => (
            &["alpha", "beta_2", "gamma-x", "Delta"],
            &["a.b", "-", "_", "...", "1", "null", "<300", "a b", "é", "A_-.9", "central"],
        ),
        Kind::Fact => (&["on_shift", "has_ticket", "small"], &["_", "a.b", "a-b", "<300", "é", "A1", "tls2", "1a"]),
        Kind::Subject => (&["alpha", "spiffe://example.org/ns/a/sa/b", "0oa1b2c3"], WORDS),
        Kind::Audience => (&["mcp", "https://mcp.example.com", "api://1b2c"], WORDS),
        Kind::Url => (
            &[
                "https://idp.example.com",
                "https://login.example.com:8443/a/b",
                "http://idp.mcp.svc.cluster.local:8080/realms/x",
            ],
            URLS,
        ),
        Kind::ServerUrl => (
            &[
                "https://alpha.mcp.svc.cluster.local:8443/mcp",
                "https://s.example.com/mcp",
                "http://beta.mcp.svc:80/",
                "https://10.0.0.7/mcp",
            ],
            URLS,
        ),
        Kind::SecondUrl => (&["https://two.mcp.svc.cluster.local:8443/mcp", "http://second.example.com/x"], URLS),
        Kind::Exporter => (
            &[
                "https://collector.example.com:4318/v1/traces",
                "http://zipkin.obs.svc.cluster.local:9411/api/v2/spans",
                "http://otel:4317",
            ],
            URLS,
        ),
        Kind::Probe => (
            &["/health", "/a?b=c"],
            &[
                "/",
                "/%20",
                "/a%2Fb",
                "https://other.example/health",
                "/a b",
                "",
                "/{x}",
                "/'\"",
                "/'",
                "/$&'()*+,;=:@",
                "/<300",
            ],
        ),
        Kind::Uri => (&["docs://handbook/*", "crm://customer/1", "file:///srv/a.txt"], URIS),
        Kind::AnyListen => (&["0.0.0.0:8443", "0.0.0.0:9443"], &["[::]:8443", "0.0.0.0:65535", "127.0.0.1:80"]),
        Kind::Header => (
            &["x-user", "X-Tenant"],
            &[
                "x.y",
                "x_req",
                "a|b",
                "!#$&'*+-.^_`|~",
                "host",
                "content-length",
                "te",
                "x y",
                ":path",
                "<128",
                "<129",
                "connection",
                "transfer-encoding",
                "mcp-session-id",
                "x-é",
                "%",
                "accept",
            ],
        ),
        Kind::Metric => (
            &["mcp_requests_total", "mcp_denied_calls_total", "mcp_tool_duration_seconds", "mcp_active_requests"],
            &["a:b", "_", "A", "9a", "a-b", "<300", "mcp_requests_total_", "envoy_x", "é"],
        ),
        Kind::Label => (
            &["mcp_server", "tool_name", "method", "status_code"],
            &["_a", "A", "__name__", "le", "quantile", "<200", "a:b", "9", "x"],
        ),
        Kind::LabelKey => (
            &["app", "app.kubernetes.io/name", "team"],
            &[
                "a_b",
                "A.b",
                "x/y",
                "-a",
                "<63",
                "<64",
                "kubernetes.io/metadata.name",
                "/",
                "a/b/c",
                "mcpctl.io/bundle",
                "istio.io/rev",
            ],
        ),
        Kind::LabelValue => {
            (&["alpha", "v1.2_x", "1"], &["", "true", "null", "<63", "<64", "-", "a b", "é", "0x10", "1e3", "a.b-c_d"])
        }
        Kind::Topic => {
            (&["orders", "customer_events", "a.b-c"], &[".", "..", "<249", "<250", "a b", "é", "_", "-", "A"])
        }
        Kind::Namespace => (
            &["mcp", "tools-2"],
            &["<63", "<64", "1", "a.b", "A", "kube-system", "istio-system", "default", "-a", "é", ""],
        ),
        Kind::Domain => (
            &["cluster.local", "corp.example"],
            &["x", "cluster.local.", ".local", "a b", "é", "", "<300", "a_b", "*.x", "A.b", "a..b", "1"],
        ),
        Kind::Path => (
            &["/etc/mcp/tls.pem", "tls/a.pem"],
            &[
                "/a b.pem",
                "/é.pem",
                "/x\"y",
                "/x\\y",
                "/%REQ(a)%",
                "/a#b",
                "<300",
                "/a\nb",
                "",
                " ",
                "/'{x}'",
                "/*",
                "-",
            ],
        ),
        Kind::Listen => (
            &["0.0.0.0:8443", "127.0.0.1:9443"],
            &[
                "[::]:8443",
                "0.0.0.0:0",
                "0.0.0.0:65535",
                "0.0.0.0:65536",
                "[::1%eth0]:1",
                ":8443",
                "localhost:1",
                "[::ffff:1.2.3.4]:9",
            ],
        ),
        Kind::UnitClaim => (
            &["bu", "unit"],
            &["sub", "groups", "amr", "a b", "é", "x\"y", "x\\y", "https://example.com/bu", "iss", "act"],
        ),
        Kind::Claim => (
            &["groups", "amr", "department", "sub"],
            &[
                "a b",
                "https://example.com/team",
                "é",
                "x\"y",
                "x\\y",
                "%",
                "a'b",
                "<300",
                "a.b",
                "scope",
                "a,b",
                "*",
                "$",
                "@",
                "_",
                "0",
                "a[0]",
                "a\nb",
            ],
        ),
        Kind::Value => (
            &["staff", "EUR", "high"],
            &[
                "a b",
                "é",
                "x\"y",
                "x\\y",
                "%",
                "a'b",
                "<300",
                "*",
                "a*b",
                "",
                " ",
                "true",
                "1",
                "${x}",
                "{server}",
                "{unit}/{tool}",
                "{other}",
                "^a$",
                "a,b",
                "a\nb",
                "\u{1f642}",
                ".*",
                "a|b",
                "null",
            ],
        ),
        Kind::Pattern => (
            &["sandbox-*", "*.example.com", "exact"],
            &["*", "**", "a*b*c", "x\"*", "x\\*", "a.b+c*", "^a", "(", "[*", "é*", "*\n", "<200", "$", "a?*", "\\Q*"],
        ),
        Kind::Duration => (
            &["30s", "5m", "500ms", "1h"],
            &[
                "1ms",
                "0s",
                "24_hours",
                "315576000000s",
                "1.5s",
                "30_days",
                "999999999999h",
                "1us",
                "90",
                "7_years",
                "1 day",
                "-1s",
            ],
        ),
        Kind::Long => (
            &["30_days", "7_years", "90_days"],
            &["1ms", "0s", "24_hours", "10_000_years", "9999_years", "1.5_days", "1000000000_years", "1h"],
        ),
        Kind::Size => {
            (&["100MB", "8Gi", "1GB"], &["1", "1B", "0", "1Ei", "16EB", "1KiB", "1.5Gi", "999999999999TB", "1kb"])
        }
        Kind::Percent => (&["50%", "1%"], &["100%", "0%", "101%", "0.1%", "99.9999%", "33.333333%", "1e1%"]),
        Kind::Cidr => (
            &["203.0.113.0/24", "2001:db8::/32"],
            &[
                "0.0.0.0/0",
                "::/0",
                "10.0.0.1/8",
                "10.0.0.0/33",
                "1.2.3.4/32",
                "::1/128",
                "10.0.0.0",
                "::ffff:10.0.0.0/104",
                "0.0.0.0/1",
            ],
        ),
    }
}
