//! What each expected outcome is to be seen by.

use serde_json::{Value, json};

use super::Case;
use super::faults::ANSWER;
use super::toolkit::{Activity, Reference, Request};
use crate::model::quantity::Duration;
use crate::model::vocabulary::Outcome;
use crate::targets::object;

/// How an outcome is seen.
pub(super) enum Seen {
    /// By what a service answers: one of these statuses.
    Service(&'static [u16]),
    /// By one of some statistics of the gateways' Envoy over the time of the experiment: the function, and the statistics.
    Gateways(&'static str, &'static [&'static str]),
}

/// Calls beyond a limit, which would have waited for a connection or would have had one.
/// Source: Envoy 1.40, "Cluster manager statistics".
const OVERFLOW: [&str; 2] = ["envoy_cluster_upstream_rq_pending_overflow", "envoy_cluster_upstream_rq_active_overflow"];

/// How an outcome is seen; `None` where it is one of flows, which shows in their engine alone.
pub(super) fn seen(outcome: Outcome) -> Option<Seen> {
    match outcome {
        Outcome::Success => Some(Seen::Service(&[200])),
        // 203 is what an answer from a cache or another source is marked with.
        Outcome::GracefulDegradation => Some(Seen::Service(&[200, 203])),
        Outcome::LoadShedding => Some(Seen::Gateways("sum(increase", &OVERFLOW)),
        Outcome::CircuitBreakerActivation => {
            Some(Seen::Gateways("max(max_over_time", &["envoy_cluster_outlier_detection_ejections_active"]))
        }
        Outcome::Failure | Outcome::CompensatingTransaction => None,
    }
}

impl Seen {
    /// The reference that the probe needs, and its name.
    pub(super) fn reference(&self) -> (&'static str, Reference) {
        match self {
            Self::Service(_) => ("service_url", Reference::to("SERVICE_URL")),
            Self::Gateways(..) => ("prometheus_url", Reference::to("PROMETHEUS_URL")),
        }
    }

    /// The probe.
    pub(super) fn probe(&self, outcome: Outcome, case: &Case<'_>) -> Activity {
        let (request, tolerance) = match self {
            Self::Service(statuses) => {
                (Request::get("${service_url}".to_owned(), None, seconds(case.call_time)), json!(statuses))
            }
            Self::Gateways(function, statistics) => {
                let (window, selector) = (promql(case.experiment.lasts()), selector(case));
                let over = |statistic: &&str| format!("{function}({statistic}{selector}[{window}])) > 0");
                let query = statistics.iter().map(over).collect::<Vec<_>>().join(" or ");
                let arguments = object([("query", Value::from(query))]);
                let url = "${prometheus_url}/api/v1/query".to_owned();
                let tolerance = object([
                    ("type", Value::from("jsonpath")),
                    ("path", Value::from("$.data.result[*]")),
                    ("target", Value::from("body")),
                ]);
                (Request::get(url, Some(arguments), Value::from(ANSWER)), tolerance)
            }
        };
        Activity::probe(outcome.word().to_owned(), request, tolerance)
    }
}

/// The series of the servers that are hit; of all servers where none is known.
fn selector(case: &Case<'_>) -> String {
    let names: Vec<&str> = case.hit.servers.iter().map(|server| server.name.value.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("{{mcp_server=\"{one}\"}}"),
        // Names have letters, digits, `_`, `-` and `.`.
        several => format!("{{mcp_server=~\"{}\"}}", several.join("|").replace('.', "[.]")),
    }
}

/// Seconds as a number of JSON.
pub(super) fn seconds(duration: Duration) -> Value {
    if duration.0.is_multiple_of(1_000) { json!(duration.0 / 1_000) } else { json!(duration.0 as f64 / 1_000.0) }
}

/// A duration as Prometheus and Go read it.
pub(super) fn promql(duration: Duration) -> String {
    if duration.0.is_multiple_of(1_000) { format!("{}s", duration.0 / 1_000) } else { format!("{}ms", duration.0) }
}
