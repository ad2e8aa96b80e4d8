//! The tests of rules: each rule that was read has one, with nothing else in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::alarms::{Alarm, Calls};
use super::recordings::Recorded;
use super::{Rule, unexpected};
use crate::lift::LiftError;
use crate::model::vocabulary::MetricKind;

/// Checks the tests of these rules.
pub(super) fn read(tests: &Value, recorded: &[Recorded], alarms: &[(Alarm, &Rule)]) -> Result<(), LiftError> {
    let of_series = recorded.iter().map(of_series);
    let all: Vec<Value> = of_series.chain(alarms.iter().map(|(alarm, rule)| of_alarm(alarm, rule))).collect();
    let wanted = json!({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": all});
    if *tests == wanted { Ok(()) } else { unexpected("the tests of rules are not those of the rules") }
}

fn of_series(recorded: &Recorded) -> Value {
    let labels: String = recorded.labels.iter().map(|label| format!(",{label}=\"{label} 1\"")).collect();
    let labels = labels.trim_start_matches(',');
    let series = |part: &str, more: &str, values: &str| json!({"series": format!("{}{part}{{{labels}{more}}}", recorded.metric), "values": values});
    let (input, value) = match recorded.kind {
        MetricKind::Counter => (vec![series("", "", "0+30x10")], 0.5),
        MetricKind::Gauge => (vec![series("", "", "4+0x10")], 4.0),
        MetricKind::Histogram => {
            let halves = [series("_bucket", ",le=\"4\"", "0+30x10"), series("_bucket", ",le=\"+Inf\"", "0+60x10")];
            (halves.to_vec(), 4.0)
        }
        MetricKind::Summary => (vec![series("_sum", "", "0+60x10"), series("_count", "", "0+30x10")], 2.0),
    };
    let sample = json!({"labels": format!("{}{{{labels}}}", recorded.record), "value": value});
    json!({
        "interval": "1m",
        "input_series": input,
        "promql_expr_test": [{"expr": recorded.record, "eval_time": "10m", "exp_samples": [sample]}],
    })
}

/// A gateway and a server that an alarm is about.
fn example(calls: &Calls) -> [String; 2] {
    let gateway = calls.gateway.clone().unwrap_or_else(|| "central".to_owned());
    [gateway, calls.servers.first().cloned().unwrap_or_else(|| "any server".to_owned())]
}

/// A series, its value at first, and afterwards.
type Input = (String, Option<u64>, u64);

fn of_alarm(alarm: &Alarm, rule: &Rule) -> Value {
    let by_server = |calls: &Calls, name: &str| {
        let [gateway, server] = example(calls);
        let series = format!("envoy_cluster_{name}{{gateway=\"{gateway}\",mcp_server=\"{server}\"}}");
        (series, BTreeMap::from([("gateway", gateway), ("mcp_server", server)]))
    };
    let (input, mut labels): (Vec<Input>, BTreeMap<&str, String>) = match alarm {
        Alarm::Unread => {
            let series = "up{gateway=\"central\",instance=\"one\",job=\"mcp-gateways\"}".to_owned();
            let pairs = [("gateway", "central"), ("instance", "one"), ("job", "mcp-gateways")];
            (vec![(series, Some(1), 0)], pairs.into_iter().map(|(label, value)| (label, value.to_owned())).collect())
        }
        Alarm::Denials(denials) => {
            (vec![(denials.series(), Some(0), 40)], BTreeMap::from([("gateway", "central".to_owned())]))
        }
        Alarm::Suspended => {
            let series = "envoy_http_rbac_policy_denied{envoy_rbac_policy_name=\"deny:suspended\",gateway=\"central\"}";
            (vec![(series.to_owned(), Some(0), 1)], BTreeMap::from([("gateway", "central".to_owned())]))
        }
        Alarm::Versions => {
            let series = "mcp_policy_versions_differ{gateway=\"central\"}".to_owned();
            (vec![(series, Some(0), 1)], BTreeMap::from([("gateway", "central".to_owned())]))
        }
        Alarm::FirstUse { metric, server } => {
            let labels = format!("gateway=\"gateway 1\",{server}=\"{server} 1\",principal=\"principal 1\"");
            let fired = ["gateway", server, "principal"].map(|label| (label, format!("{label} 1")));
            (vec![(format!("{metric}{{{labels}}}"), None, 1)], BTreeMap::from(fired))
        }
        Alarm::Open { calls, .. } => {
            let (series, labels) = by_server(calls, "outlier_detection_ejections_active");
            (vec![(series, Some(0), 1)], labels)
        }
        Alarm::TimesOut { calls, .. } => {
            let (series, labels) = by_server(calls, "upstream_rq_per_try_idle_timeout");
            (vec![(series, Some(0), 1)], labels)
        }
        Alarm::Full { calls, .. } => {
            let (series, labels) = by_server(calls, "upstream_rq_active_overflow");
            (vec![(series, Some(0), 1)], labels)
        }
        Alarm::NearlyFull { calls, connections, .. } => {
            let [gateway, server] = example(calls);
            let series = format!(
                "envoy_cluster_upstream_rq_active{{gateway=\"{gateway}\",instance=\"one\",mcp_server=\"{server}\"}}"
            );
            let most = connections - connections.div_ceil(5);
            (
                vec![(series, Some(most), most + 1)],
                BTreeMap::from([("gateway", gateway), ("instance", "one".to_owned())]),
            )
        }
        Alarm::Unhealthy { calls, .. } => {
            let (healthy, labels) = by_server(calls, "membership_healthy");
            let (ejected, _) = by_server(calls, "outlier_detection_ejections_active");
            (vec![(healthy, Some(1), 0), (ejected, Some(0), 0)], labels)
        }
    };
    let minutes = alarm.hold().0.div_ceil(60_000);
    let input: Vec<Value> = input
        .into_iter()
        .map(|(series, before, after)| {
            let first = match before {
                Some(before) => format!("{before}+0x{}", minutes + 1),
                None => format!("_x{}", minutes + 2),
            };
            json!({"series": series, "values": format!("{first} {after}+0x{minutes}")})
        })
        .collect();
    let annotations: BTreeMap<&String, String> = rule
        .annotations
        .iter()
        .map(|(key, text)| {
            let shown = labels
                .iter()
                .fold(text.clone(), |text, (label, value)| text.replace(&format!("{{{{ $labels.{label} }}}}"), value));
            (key, shown)
        })
        .collect();
    let (name, _, set) = alarm.facts();
    labels.extend(set.into_iter().map(|(label, value)| (label, value.to_owned())));
    json!({
        "interval": "1m",
        "input_series": input,
        "alert_rule_test": [
            {"eval_time": format!("{}m", minutes + 1), "alertname": name, "exp_alerts": []},
            {
                "eval_time": format!("{}m", 2 * minutes + 2),
                "alertname": name,
                "exp_alerts": [{"exp_labels": labels, "exp_annotations": annotations}],
            },
        ],
    })
}
