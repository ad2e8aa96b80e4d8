//! `unknown-exporter-protocol`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "unknown-exporter-protocol",
        severity: Severity::Error,
        guards_access: false,
        what: "Finds trace exporters whose protocol nothing tells: neither `type`, nor the path or port of the endpoint. The name \
               of an exporter is only a name.",
        why: "Spans sent by another protocol than the collector speaks are lost, and nobody notices.",
        fix: "Write `type: otlp`, `otlp_grpc`, `otlp_http`, `zipkin` or `jaeger`, or an endpoint that tells it, such as \
              `https://collector.example:4318/v1/traces`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for exporter in input.model.tracing.values().flat_map(|tracing| &tracing.exporters) {
        if exporter.protocol.is_some() {
            continue;
        }
        let loc = exporter.endpoint.as_ref().map_or(exporter.name.loc, |endpoint| endpoint.loc);
        let message = format!("nothing tells which protocol exporter `{}` speaks", exporter.name);
        report.push(
            Diagnostic::new(&CHECK.rule, loc, message)
                .help("write `type`: `otlp`, `otlp_grpc`, `otlp_http`, `zipkin` or `jaeger`"),
        );
    }
}
