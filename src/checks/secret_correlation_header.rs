//! `secret-correlation-header`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "secret-correlation-header",
        severity: Severity::Error,
        guards_access: false,
        what: "Finds correlation headers (`request_id_header`, `user_id_header`, `tenant_id_header`) that carry secrets, such as \
               `authorization` and `cookie`, headers that the protocol itself uses, such as `host` and `mcp-session-id`, and one \
               header for two of them.",
        why: "Gateways write correlation headers into spans and records, where a secret can be read by many and for long, and set \
              them in every request, where a header of the protocol would be overwritten.",
        fix: "Use a header of your own for each, such as `x-request-id`, `x-user-id` and `x-tenant-id`.",
    },
    run,
};

/// Headers that are secrets, or may hold one.
const SECRETS: [&str; 16] = [
    "authentication",
    "authentication-info",
    "authorization",
    "cookie",
    "cookie2",
    "dpop",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "signature",
    "signature-input",
    "www-authenticate",
    "x-forwarded-client-cert",
    "client-cert",
];

/// Parts of names that tell a secret: `x-api-key`, `x-auth-token`, `x-amz-security-token`.
const TELLING: [&str; 17] = [
    "api-key",
    "api_key",
    "apikey",
    "access-key",
    "auth-key",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "csrf",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "private-key",
    "secret",
    "xsrf",
];

/// Headers that HTTP, MCP or tracing use for themselves.
const PROTOCOL: [&str; 29] = [
    "accept",
    "accept-encoding",
    "b3",
    "baggage",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "origin",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-http-method-override",
];

/// Why a header must not be one of these; `None` where it may.
fn fault(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let words = || name.split(['-', '_', '.']);
    let telling = words().any(|word| matches!(word, "token" | "tokens" | "session" | "sid" | "otp" | "pin"));
    if PROTOCOL.contains(&name.as_str()) || name.starts_with(':') || name.starts_with("x-envoy-") {
        Some("is a header that the protocol itself uses")
    } else if SECRETS.contains(&name.as_str()) || telling || TELLING.iter().any(|part| name.contains(part)) {
        Some("carries secrets, which would be written into spans and records")
    } else {
        None
    }
}

fn run(input: &Input<'_>, report: &mut Report) {
    for tracing in input.model.tracing.values() {
        let headers = [
            ("request_id_header", &tracing.request_id_header),
            ("user_id_header", &tracing.user_id_header),
            ("tenant_id_header", &tracing.tenant_id_header),
        ];
        let written: Vec<_> = headers.into_iter().filter_map(|(key, header)| Some((key, header.as_ref()?))).collect();
        for (at, (key, header)) in written.iter().enumerate() {
            if let Some(why) = fault(&header.value) {
                let found = Diagnostic::new(&CHECK.rule, header.loc, format!("`{header}` {why}"));
                report.push(found.help("use a header of your own, such as `x-user-id`"));
                continue;
            }
            let mut before = written.iter().take(at);
            if let Some((other, first)) = before.find(|(_, first)| first.value.eq_ignore_ascii_case(&header.value)) {
                let found =
                    Diagnostic::new(&CHECK.rule, header.loc, format!("`{header}` is `{key}` and `{other}` at once"));
                report.push(
                    found.label(first.loc, format!("`{other}` is here")).help("use a header of its own for each"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_headers_of_the_protocol_are_told_by_name() {
        for name in [
            "authorization",
            "Authorization",
            "cookie",
            "proxy-authorization",
            "Set-Cookie",
            "x-api-key",
            "X-Auth-Token",
            "x-amz-security-token",
            "private-token",
            "x-csrf-token",
            "x-session-id",
            "mcp-session-id",
            "x-forwarded-client-cert",
            "host",
            "content-length",
            "Mcp-Name",
            "traceparent",
            "x-user-password",
        ] {
            assert!(fault(name).is_some(), "{name}");
        }
        for name in [
            "x-request-id",
            "x-user-id",
            "x-tenant-id",
            "x-correlation-id",
            "request-id",
            "x-auth-request-user",
            "x-author",
            "x-authority-name",
            "x-pinned",
            "x-tokyo-office",
            "tenant",
            "x-actor",
        ] {
            assert_eq!(fault(name), None, "{name}");
        }
    }
}
