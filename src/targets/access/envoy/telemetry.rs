//! What a gateway reports: records, metrics and traces.

use serde_json::{Map, Value, json};

use super::correlation::{of_claim, own_request_id, tenant_claim};
use super::predicate::{CLAIMS, JWT, MCP, of_type};
use super::scope::of_gateway;
use super::{Setting, correlation, metrics, traces};
use crate::model::Model;
use crate::model::telemetry::{Metric, opentelemetry, records};
use crate::policy::Policy;
use crate::targets::gateways::Gateway;

/// The metrics of a gateway: those that are declared, and the one of OpenTelemetry's conventions.
pub(super) fn metrics_of<'m>(model: &'m Model, setting: &Setting<'_>) -> Vec<&'m Metric> {
    opentelemetry::measured(of_gateway(&model.metrics, setting).into_iter().flatten()).collect()
}

/// The parts of the connection manager that report: access log, metrics, tracing.
pub(super) fn of_manager(
    (model, policy): (&Model, &Policy),
    setting: &Setting<'_>,
    gateway: &Gateway<'_>,
) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut loggers = vec![access_log(model, setting)];
    let wanted = metrics_of(model, setting);
    loggers.extend(metrics::loggers(&wanted, (model, policy), gateway));
    loggers.extend(gateway.unit.map(|_| super::version::logger()));
    if metrics::counts_in_hand(&wanted) {
        fields.insert("access_log_options".to_owned(), json!({"flush_access_log_on_new_request": true}));
    }
    fields.insert("access_log".to_owned(), json!(loggers));
    // The first gateway numbers a request that has no number; the next ones keep it.
    fields.insert("generate_request_id".to_owned(), json!(true));
    fields.insert("preserve_external_request_id".to_owned(), json!(true));
    fields.extend(
        correlation::removals(model, setting).map(|removals| ("early_header_mutation_extensions".to_owned(), removals)),
    );
    fields.extend(traces::spans(model, setting).map(|spans| ("tracing".to_owned(), spans)));
    fields
}

/// Whether a gateway can fill a field of records.
pub(super) fn fills(model: &Model, field: &str) -> bool {
    match field {
        "request_id" | "user_id" => true,
        "tenant_id" => tenant_claim(model).is_some(),
        _ => known(field).is_some() || records::OF_GATEWAYS.contains(&field),
    }
}

/// What a field of records is in Envoy; `None` for what Envoy does not know.
fn formatter(model: &Model, setting: &Setting<'_>, field: &str) -> Option<String> {
    Some(match field {
        // A request that is denied goes nowhere, so its own header is not there yet.
        "request_id" => own_request_id(model, setting)
            .map_or("%REQ(X-REQUEST-ID)%".to_owned(), |header| format!("%REQ({header}?X-REQUEST-ID)%")),
        "user_id" => of_claim("sub"),
        "tenant_id" => of_claim(tenant_claim(model)?),
        _ => known(field)?.to_owned(),
    })
}

/// What does not depend on the workspace.
fn known(field: &str) -> Option<&'static str> {
    Some(match field {
        "mcp_server" | "server" => "%METADATA(ROUTE:mcpctl:server)%",
        "tool_name" | "tool" => "%DYNAMIC_METADATA(envoy.filters.http.mcp:params:name)%",
        "method" => "%DYNAMIC_METADATA(envoy.filters.http.mcp:method)%",
        "status" | "status_code" | "error_code" => "%RESPONSE_CODE%",
        "execution_time" => "%DURATION%",
        "agent" => "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:claims:act:sub)%",
        _ => return None,
    })
}

/// The fields of `logging_config`, and what a reader of a denial needs.
fn access_log(model: &Model, setting: &Setting<'_>) -> Value {
    let mut record = Map::new();
    record.insert("time".to_owned(), json!("%START_TIME%"));
    record.insert("record_id".to_owned(), json!("%UNIQUE_ID%"));
    if let Some(logging) = of_gateway(&model.logging, setting) {
        for field in &logging.fields {
            if let Some(formatter) = formatter(model, setting, &field.value) {
                record.insert(field.value.clone(), json!(formatter));
            }
        }
    }
    for (name, formatter) in [
        ("gateway", setting.name.replace('%', "%%")),
        ("mcp_server", "%METADATA(ROUTE:mcpctl:server)%".to_owned()),
        ("mcp_method", format!("%DYNAMIC_METADATA({MCP}:method)%")),
        ("tool_name", format!("%DYNAMIC_METADATA({MCP}:params:name)%")),
        ("caller", format!("%DYNAMIC_METADATA({JWT}:{CLAIMS}:act:sub)%")),
        ("subject", format!("%DYNAMIC_METADATA({JWT}:{CLAIMS}:sub)%")),
        ("peer", "%DOWNSTREAM_PEER_URI_SAN%".to_owned()),
        ("decision", "%DYNAMIC_METADATA(envoy.filters.http.rbac)%".to_owned()),
        ("status", "%RESPONSE_CODE%".to_owned()),
        ("details", "%RESPONSE_CODE_DETAILS%".to_owned()),
        ("flags", "%RESPONSE_FLAGS%".to_owned()),
    ] {
        record.entry(name).or_insert(json!(formatter));
    }
    json!({
        "name": "envoy.access_loggers.stdout",
        // Requests are reported twice where something counts those in hand; a record is of the end alone.
        "filter": {"log_type_filter": {"types": ["DownstreamEnd"]}},
        "typed_config": {
            "@type": of_type("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"),
            "log_format": {"json_format": record},
        },
    })
}
