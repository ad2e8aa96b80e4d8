//! `metrics_config`: what a gateway can measure of what is asked for. A metric or label that would count something else than its
//! name says is left out, and said.

use serde_json::{Value, json};

use super::labels::Labels;
use super::matchers::RBAC;
use super::predicate::{MCP, of_type};
use crate::model::Model;
use crate::model::telemetry::Metric;
use crate::model::telemetry::opentelemetry::{ERROR_LABEL, METHOD_LABEL, TOOL_LABEL};
use crate::policy::Policy;
use crate::targets::gateways::Gateway;

/// The upper ends of the buckets of a histogram in seconds.
const SECONDS: [f64; 15] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Which requests a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Requests,
    /// Those that are messages of MCP: requests and notifications.
    Operations,
    ToolCalls,
    Denied,
    DeniedToolCalls,
    GrantedToolCalls,
}

/// What Envoy does for a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Measure {
    /// Counts them.
    Count(Of),
    /// Notes how long they take, in seconds.
    Seconds(Of),
    /// The same in milliseconds.
    Milliseconds(Of),
    /// Says how many are in hand.
    InHand,
}

/// What Envoy does for a metric; `None` where it can do nothing that the name says.
fn measure(metric: &Metric) -> Option<Measure> {
    let name = metric.name.value.as_str();
    let words: Vec<&str> = name.split('_').filter(|word| !["mcp", "gateway", "envoy", "http"].contains(word)).collect();
    let of = |words: &[&str]| match words {
        [] | ["request" | "requests"] => Some(Of::Requests),
        ["server", "operation"] => Some(Of::Operations),
        ["tool" | "tools"] | ["call" | "calls"] => Some(Of::ToolCalls),
        ["tool" | "tools", "call" | "calls" | "request" | "requests" | "invocations"] => Some(Of::ToolCalls),
        _ => None,
    };
    if metric.counts_granted_calls() {
        return Some(Measure::Count(Of::GrantedToolCalls));
    }
    match (metric.kind.value.as_str(), words.as_slice()) {
        ("counter", ["denials", "total"] | ["denials"]) => Some(Measure::Count(Of::Denied)),
        ("counter", [all @ .., "total"]) | ("counter", all) => {
            let rest: Vec<&str> = all.iter().copied().filter(|word| *word != "denied").collect();
            let of = of(&rest).filter(|_| !rest.is_empty())?;
            Some(Measure::Count(match (of, rest.len() < all.len()) {
                (Of::Requests, true) => Of::Denied,
                (Of::ToolCalls, true) => Of::DeniedToolCalls,
                (of, _) => of,
            }))
        }
        ("histogram", [all @ .., "duration" | "latency", "seconds"]) => of(all).map(Measure::Seconds),
        ("histogram", [all @ .., "duration" | "latency", "milliseconds" | "ms"]) => of(all).map(Measure::Milliseconds),
        ("gauge", ["active" | "open" | "current" | "concurrent" | "inflight", "requests"])
        | ("gauge", ["in", "flight", "requests"] | ["requests", "in", "flight"]) => Some(Measure::InHand),
        _ => None,
    }
}

/// Whether Envoy can measure what a metric's name says.
pub(super) fn is_measured(metric: &Metric) -> bool {
    measure(metric).is_some()
}

/// Whether Envoy can tell a label of a metric.
pub(super) fn is_told(metric: &Metric, label: &str) -> bool {
    match label {
        "mcp_server" | "server" | "gateway" => true,
        // What is in hand is counted before the message is read.
        "principal" | "tool" | "tool_name" | "method" | "status_code" | METHOD_LABEL | TOOL_LABEL | ERROR_LABEL => {
            measure(metric) != Some(Measure::InHand)
        }
        _ => false,
    }
}

/// The loggers that count, for the metrics of one gateway.
pub(super) fn loggers(metrics: &[&Metric], (model, policy): (&Model, &Policy), gateway: &Gateway<'_>) -> Vec<Value> {
    let mut measured: Vec<(Measure, &Metric)> =
        metrics.iter().filter_map(|metric| Some((measure(metric)?, *metric))).collect();
    measured.sort_by_key(|(measure, _)| *measure);
    let labels = Labels { model, policy, gateway };
    let logger = |(measure, metric): (Measure, &Metric)| {
        let told = metric.labels.iter().map(|label| label.value.as_str()).filter(|label| is_told(metric, label));
        let stat = json!({"name": metric.name.value, "tags": labels.of(told)});
        let end = json!({"log_type_filter": {"types": ["DownstreamEnd"]}});
        let (of, kind, what) = match measure {
            Measure::Count(of) => (of, "counters", json!({"stat": stat, "value_fixed": 1})),
            Measure::Seconds(of) => {
                // A share is the one unit that Envoy keeps with decimals, so seconds are kept as one.
                let seconds = "%CEL(double(request.duration.getSeconds()) + double(request.duration.getMilliseconds()) / 1000.0)%";
                (of, "histograms", json!({"stat": stat, "unit": "Percent", "value_format": seconds}))
            }
            Measure::Milliseconds(of) => {
                (of, "histograms", json!({"stat": stat, "unit": "Milliseconds", "value_format": "%DURATION%"}))
            }
            Measure::InHand => {
                let change = json!({"add_log_type": "DownstreamStart", "sub_log_type": "DownstreamEnd"});
                (Of::Requests, "gauges", json!({"stat": stat, "value_fixed": 1, "add_subtract": change}))
            }
        };
        let when = if measure == Measure::InHand {
            json!({"log_type_filter": {"types": ["DownstreamStart", "DownstreamEnd"]}})
        } else {
            end
        };
        json!({
            "name": "envoy.access_loggers.stats",
            "filter": all_of(std::iter::once(when).chain(only(of)).collect()),
            "typed_config": {
                "@type": of_type("envoy.extensions.access_loggers.stats.v3.Config"),
                "stat_prefix": "mcpctl",
                kind: [what],
            },
        })
    };
    measured.into_iter().map(logger).collect()
}

/// Whether a metric needs a report of requests when they begin.
pub(super) fn counts_in_hand(metrics: &[&Metric]) -> bool {
    metrics.iter().any(|metric| measure(metric) == Some(Measure::InHand))
}

/// The buckets of histograms in seconds; Envoy's own are for milliseconds. `None` where there is no such histogram.
pub(super) fn buckets(metrics: &[&Metric]) -> Option<Value> {
    let in_seconds = metrics.iter().filter(|metric| matches!(measure(metric), Some(Measure::Seconds(_))));
    let each: Vec<Value> = in_seconds
        .map(|metric| json!({"match": {"prefix": format!("mcpctl.{}", metric.name)}, "buckets": SECONDS}))
        .collect();
    (!each.is_empty()).then(|| json!({"histogram_bucket_settings": each}))
}

fn all_of(filters: Vec<Value>) -> Value {
    match <[Value; 1]>::try_from(filters) {
        Ok([one]) => one,
        Err(filters) => json!({"and_filter": {"filters": filters}}),
    }
}

/// Filters for the requests that a metric is about.
fn only(of: Of) -> Vec<Value> {
    let by_method = |value: Value| {
        let matcher = json!({"filter": MCP, "path": [{"key": "method"}], "value": value});
        json!({"metadata_filter": {"matcher": matcher, "match_if_key_not_found": false}})
    };
    let calls = || by_method(json!({"string_match": {"exact": "tools/call"}}));
    let denied = || {
        json!({"extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": {
                "@type": of_type("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"),
                "expression": "response.code_details.startsWith('rbac_access_denied')",
            },
        }})
    };
    // What the rules have said, and not what became of the answer.
    let allowed = || {
        let matcher = json!({
            "filter": RBAC, "path": [{"key": "mcpctl_enforced_engine_result"}],
            "value": {"string_match": {"exact": "allowed"}},
        });
        json!({"metadata_filter": {"matcher": matcher, "match_if_key_not_found": false}})
    };
    match of {
        Of::Requests => Vec::new(),
        Of::Operations => vec![by_method(json!({"present_match": true}))],
        Of::ToolCalls => vec![calls()],
        Of::Denied => vec![denied()],
        Of::DeniedToolCalls => vec![calls(), denied()],
        Of::GrantedToolCalls => vec![calls(), allowed()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::MetricName;
    use crate::model::vocabulary::MetricKind;
    use crate::source::{Loc, Spanned};

    fn metric(kind: &str, name: &str) -> Metric {
        let kind = MetricKind::WORDS.iter().find(|(word, _)| *word == kind).unwrap().1;
        let name = Spanned::new(MetricName::parse(name).unwrap(), Loc::default());
        Metric { name, kind: Spanned::new(kind, Loc::default()), labels: Vec::new() }
    }

    #[test]
    fn a_metric_measures_what_its_name_says_or_nothing() {
        for (kind, name, expected) in [
            ("counter", "mcp_requests_total", Some(Measure::Count(Of::Requests))),
            ("counter", "requests", Some(Measure::Count(Of::Requests))),
            ("counter", "mcp_tool_calls_total", Some(Measure::Count(Of::ToolCalls))),
            ("counter", "mcp_denied_calls_total", Some(Measure::Count(Of::DeniedToolCalls))),
            ("counter", "mcp_requests_denied_total", Some(Measure::Count(Of::Denied))),
            ("counter", "mcp_granted_calls_total", Some(Measure::Count(Of::GrantedToolCalls))),
            ("counter", "mcp_allowed_tool_calls_total", Some(Measure::Count(Of::GrantedToolCalls))),
            ("gauge", "mcp_granted_calls", None),
            ("counter", "mcp_denials_total", Some(Measure::Count(Of::Denied))),
            ("histogram", "mcp_tool_duration_seconds", Some(Measure::Seconds(Of::ToolCalls))),
            ("histogram", "mcp_request_duration_seconds", Some(Measure::Seconds(Of::Requests))),
            ("histogram", "mcp_server_operation_duration_seconds", Some(Measure::Seconds(Of::Operations))),
            ("histogram", "mcp_request_duration_milliseconds", Some(Measure::Milliseconds(Of::Requests))),
            ("gauge", "mcp_active_requests", Some(Measure::InHand)),
            ("counter", "mcp_request_errors_total", None),
            ("counter", "mcp_tool_errors_total", None),
            ("counter", "mcp_total", None),
            ("counter", "mcp_sessions_total", None),
            ("counter", "mcp_cache_requests_total", None),
            ("histogram", "mcp_tool_duration", None),
            ("histogram", "mcp_session_duration_seconds", None),
            ("histogram", "mcp_queue_duration_seconds", None),
            ("histogram", "mcp_requests_total", None),
            ("gauge", "mcp_active_sessions", None),
            ("gauge", "mcp_active_calls", None),
            ("summary", "mcp_request_duration_seconds", None),
        ] {
            assert_eq!(measure(&metric(kind, name)), expected, "{kind} {name}");
        }
    }
}
