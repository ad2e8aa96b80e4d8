//! Values by what they are: usual ones, and odd ones, of which some are refused.

/// Where a value comes from.
pub struct Dice(u64);

impl Dice {
    /// The same values for the same number.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `of`.
    pub fn below(&mut self, of: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % of
    }

    /// One of these.
    pub fn of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap_or_default();
        all.get(at).copied().unwrap_or_default()
    }

    /// True so many times in four.
    pub fn often(&mut self, in_four: u64) -> bool {
        self.below(4) < in_four
    }

    /// Mostly a usual value of this kind, and now and then an odd one.
    pub fn text(&mut self, kind: Kind) -> String {
        let (usual, odd) = pools(kind);
        let odd = self.below(30) == 0 && !odd.is_empty();
        let text = if odd { self.of(pools(kind).1) } else { self.of(usual) };
        // A long one is written as `<300`.
        match text.strip_prefix('<').and_then(|length| length.parse::<usize>().ok()) {
            Some(length) => "x".repeat(length),
            None => text.to_owned(),
        }
    }
}

/// What a value is.
#[derive(Clone, Copy)]
pub enum Kind {
    Word,
    Server,
    Fact,
    Subject,
    Audience,
    Url,
    ServerUrl,
    SecondUrl,
    Exporter,
    Probe,
    Uri,
    Header,
    Metric,
    Label,
    LabelKey,
    LabelValue,
    Topic,
    Namespace,
    Domain,
    Path,
    Listen,
    AnyListen,
    UnitClaim,
    Claim,
    Value,
    Pattern,
    Duration,
    Long,
    Size,
    Percent,
    Cidr,
}

/// The usual values of a kind, and the odd ones.
fn pools(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
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

const WORDS: &[&str] = &[
    "a b",
    "x\"y",
    "x\\y",
    "%",
    "%REQ(x)%",
    "${HOME}",
    "{{ x }}",
    "café",
    "名前",
    "\u{1f642}",
    "a/b",
    "-",
    "null",
    "true",
    "1",
    "1e3",
    "~",
    "a:b",
    "#x",
    "a\u{202e}b",
    "<300",
    " a",
    "a ",
    "'",
    "`",
    "<b>",
    "a,b",
    "*",
    "a*",
    "..",
    "a\nb",
    "a\tb",
    "\u{85}",
    "a\u{2028}b",
    "=1+1",
    "&a",
    "!x",
    "|",
    ">",
    "@",
    "$",
    "{x}",
    "[a]",
    "a@b",
    "''",
    "\\u0000",
    "e\u{301}",
    "<9000",
];

const URLS: &[&str] = &[
    "https://a",
    "http://a.example.:80/x",
    "https://[::1]:8443/mcp",
    "https://10.0.0.1:65535",
    "https://a_b-c/",
    "https://xn--bcher-kva.example/a%20b?x=1&y=(z)",
    "https://a/?",
    "https://a//b",
    "https://a/../b",
    "https://a/./b",
    "https://a/$b",
    "https://a/'b'",
    "https://a/*",
    "https://A.EXAMPLE/x",
    "https://a:0",
    "ftp://a",
    "a:1",
    "https://a/x;y=z",
    "https://a/%2e%2e/",
    "https://255.255.255.255/",
    "http://localhost/",
    "https://a.svc/",
    "http://169.254.169.254/latest",
    "https://a/!b",
    "https://a/x@y",
    "https://[fe80::1]/x",
    "https://0/",
    "https://0x7f.1/",
    "https://a/?a=%00",
    "https://a.b.svc.cluster.local",
    "https://1a.example/",
    "https://a.kube-system.svc/",
    "https://a/{id}",
    "https://u:p@a/",
    "https://a/#x",
    "https://_._/",
    "http://x.example:443/",
    "https://x.example:80/",
];

const URIS: &[&str] = &[
    "*",
    "a",
    "a b",
    "docs://*/x/*",
    "docs://a/../b",
    "docs://a/%73",
    "docs://é",
    "urn:isbn:1",
    "x\"y",
    "x\\y",
    "a\nb",
    "docs://{id}",
    "<300",
    "docs://a?b=c&d",
    "docs://a#b",
    "DOCS://A",
    "://",
    "docs:///",
    "docs://%zz",
    "${x}",
    "docs://a'b",
    "docs://(x)|[y]",
    "docs://a.+b",
    "docs://a//b",
    "docs://*.*",
    "%",
    " ",
    "<9000",
    "docs://a/./b",
];
