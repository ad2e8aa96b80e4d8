//! `legacy-exporter-endpoint`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::url::Url;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "legacy-exporter-endpoint",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds trace exporters that point at one of Jaeger's own ports: 14268 (HTTP), 14250 (gRPC), 6831 and 6832 (UDP).",
        why: "OpenTelemetry removed its Jaeger exporters in 2023; current software sends OTLP, which these ports do not \
              understand, so no span arrives.",
        fix: "Point it at Jaeger's OTLP port: `https://jaeger:4318/v1/traces` for HTTP, `https://jaeger:4317` for gRPC.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for exporter in input.model.tracing.values().flat_map(|tracing| &tracing.exporters) {
        let Some(endpoint) = &exporter.endpoint else { continue };
        if let Some(port @ (14268 | 14250 | 6831 | 6832)) = Url::parse(&endpoint.value).and_then(|url| url.port) {
            let message = format!("port {port} of exporter `{}` is Jaeger's own protocol, not OTLP", exporter.name);
            let over_http = endpoint.value.replace(&format!(":{port}"), ":4318").replace("/api/traces", "/v1/traces");
            let known = port == 14268 && over_http.ends_with(":4318/v1/traces");
            report.push(
                Diagnostic::new(&CHECK.rule, endpoint.loc, message)
                    .help("use Jaeger's OTLP port: 4318 with `/v1/traces` for HTTP, 4317 for gRPC")
                    .maybe_fix(known.then(|| Fix::value(endpoint.loc, over_http))),
            );
        }
    }
}
