//! Alerts, as alarms on what the model declares.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rule, between, number, unexpected};
use crate::lift::LiftError;
use crate::model::Model;
use crate::model::quantity::Duration;

/// Which calls: those through one gateway or through others than some, and those to some servers or to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) gateway: Option<String>,
    pub(super) not_gateways: BTreeSet<String>,
    pub(super) servers: BTreeSet<String>,
    pub(super) not_servers: BTreeSet<String>,
}

/// What a gateway answers with a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denials {
    Calls,
    /// Calls that lack evidence, which a challenge asks for.
    StepUps,
    /// Requests without a valid token.
    Tokens,
}

impl Denials {
    pub(super) const ALL: [Self; 3] = [Self::Calls, Self::StepUps, Self::Tokens];

    fn alert(self) -> &'static str {
        match self {
            Self::Calls => "McpCallsDenied",
            Self::StepUps => "McpStepUpsFailed",
            Self::Tokens => "McpTokensRefused",
        }
    }

    /// The statistic, the labels of its series that are meant, and the words for them.
    fn told_by(self) -> [&'static str; 3] {
        match self {
            Self::Calls => ["rbac_denied", "", "calls"],
            Self::StepUps => {
                let lacking = "{envoy_rbac_policy_name=~\".*deny[:_]missing_.+\"}";
                ["rbac_policy_denied", lacking, "calls that lack evidence"]
            }
            Self::Tokens => ["jwt_authn_denied", "", "requests without a valid token"],
        }
    }

    /// A series of it.
    pub(super) fn series(self) -> String {
        let rule = if self == Self::StepUps { "envoy_rbac_policy_name=\"deny:missing_mfa\"," } else { "" };
        let [statistic, ..] = self.told_by();
        format!("envoy_http_{statistic}{{{rule}gateway=\"central\"}}")
    }
}

/// An alert on something that the model declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Alarm {
    Unread,
    /// More of these than usual.
    Denials(Denials),
    /// A call of what is switched off.
    Suspended,
    /// A gateway that decides by another version of the policy than the central one.
    Versions,
    /// A call by somebody who did not call that server for a week.
    FirstUse {
        metric: String,
        /// The label of the server.
        server: String,
    },
    Open {
        calls: Calls,
        failures: u32,
        open: Duration,
    },
    TimesOut {
        calls: Calls,
        timeout: Duration,
    },
    NearlyFull {
        calls: Calls,
        pool: String,
        connections: u64,
    },
    Full {
        calls: Calls,
        pool: String,
        connections: u64,
    },
    Unhealthy {
        calls: Calls,
        interval: Duration,
    },
}

impl Alarm {
    /// Its name, the family whose page tells more, and the labels that the rule sets.
    pub(super) fn facts(&self) -> (&'static str, &'static str, Vec<(&'static str, &str)>) {
        match self {
            Self::Unread => ("McpGatewayUnread", "metrics", vec![("severity", "page")]),
            Self::Denials(denials) => (denials.alert(), "zero-trust", vec![("severity", "ticket")]),
            Self::Suspended => ("McpSuspendedCalled", "registry", vec![("severity", "ticket")]),
            Self::Versions => ("McpPolicyVersionsDiffer", "federation", vec![("severity", "ticket")]),
            Self::FirstUse { .. } => ("McpGrantFirstUsed", "registry", vec![("severity", "ticket")]),
            Self::Open { .. } => ("McpBreakerOpen", "circuit-breaker", vec![("severity", "page")]),
            Self::TimesOut { .. } => ("McpCallsTimeOut", "circuit-breaker", vec![("severity", "ticket")]),
            Self::NearlyFull { pool, .. } => {
                ("McpBulkheadNearlyFull", "bulkhead", vec![("pool", pool), ("severity", "ticket")])
            }
            Self::Full { pool, .. } => ("McpBulkheadFull", "bulkhead", vec![("pool", pool), ("severity", "page")]),
            Self::Unhealthy { .. } => ("McpServerUnhealthy", "health-monitoring", vec![("severity", "page")]),
        }
    }

    /// How long it has to be true.
    pub(super) fn hold(&self) -> Duration {
        match self {
            Self::Unread => Duration(60_000),
            Self::Denials(_)
            | Self::Suspended
            | Self::FirstUse { .. }
            | Self::Open { .. }
            | Self::TimesOut { .. }
            | Self::Full { .. } => Duration(0),
            Self::Versions => Duration(900_000),
            Self::NearlyFull { .. } => Duration(300_000),
            Self::Unhealthy { interval, .. } => *interval,
        }
    }
}

/// What an alert is on.
pub(super) fn alarm(name: &str, rule: &Rule) -> Result<Alarm, LiftError> {
    let summary = rule.annotations.get("summary").map_or("", String::as_str);
    let read = match name {
        "McpGatewayUnread" => unread(rule, summary),
        "McpSuspendedCalled" => suspended(rule, summary),
        "McpPolicyVersionsDiffer" => versions(rule, summary),
        "McpGrantFirstUsed" => first_use(rule, summary),
        "McpBreakerOpen" => open(rule, summary),
        "McpCallsTimeOut" => times_out(rule, summary),
        "McpBulkheadNearlyFull" => nearly_full(rule, summary),
        "McpBulkheadFull" => full(rule, summary),
        "McpServerUnhealthy" => unhealthy(rule, summary),
        _ => Denials::ALL.into_iter().find(|denials| denials.alert() == name).and_then(|it| denials(rule, summary, it)),
    };
    match read {
        Some(alarm) if alarm.facts().0 == name => Ok(alarm),
        _ => unexpected(format!("the alert `{name}` cannot be read exactly")),
    }
}

fn unread(rule: &Rule, summary: &str) -> Option<Alarm> {
    let same = rule.expr == "up{job=\"mcp-gateways\"} == 0"
        && summary == "Prometheus cannot read gateway {{ $labels.gateway }}, so no other alert fires for it";
    same.then_some(Alarm::Unread)
}

fn denials(rule: &Rule, summary: &str, denials: Denials) -> Option<Alarm> {
    let [statistic, which, what] = denials.told_by();
    let within = |time: &str| format!("sum by (gateway) (increase(envoy_http_{statistic}{which}[{time}]))");
    let same = rule.expr == format!("{0} > 20 and {0} > {1} / 2", within("5m"), within("1h"))
        && summary
            == format!(
                "gateway {{{{ $labels.gateway }}}} denies more {what} than usual: over 20 in five minutes, and over half of those of an hour"
            );
    same.then_some(Alarm::Denials(denials))
}

fn suspended(rule: &Rule, summary: &str) -> Option<Alarm> {
    let denied = "envoy_http_rbac_policy_denied{envoy_rbac_policy_name=~\".*deny[:_]suspended\"}";
    let counted = format!("increase({denied}[5m]) > 0 or ({denied} unless {denied} offset 5m)");
    let same = rule.expr == format!("sum by (gateway) ({counted}) > 0")
        && summary == "gateway {{ $labels.gateway }} denies calls of a server or a tool that is suspended";
    same.then_some(Alarm::Suspended)
}

fn versions(rule: &Rule, summary: &str) -> Option<Alarm> {
    let same = rule.expr == "max by (gateway) (mcp_policy_versions_differ) > 0"
        && summary
            == "gateway {{ $labels.gateway }} and the central gateway decide by different versions of the policy";
    same.then_some(Alarm::Versions)
}

fn first_use(rule: &Rule, summary: &str) -> Option<Alarm> {
    let (by, metric) = rule.expr.split(" unless ").next()?.strip_suffix(')')?.split_once(") (")?;
    let server = between(by, "sum by (gateway, ", ", principal")?;
    let sum = format!("sum by (gateway, {server}, principal)");
    let same = rule.expr == format!("{sum} ({metric}) unless {sum} (last_over_time({metric}[7d] offset 10m))")
        && summary
            == format!(
                "{{{{ $labels.principal }}}} calls {{{{ $labels.{server} }}}} through gateway {{{{ $labels.gateway }}}}, for the first time in a week"
            );
    same.then(|| Alarm::FirstUse { metric: metric.to_owned(), server: server.to_owned() })
}

fn open(rule: &Rule, summary: &str) -> Option<Alarm> {
    let before = "max by (gateway, mcp_server) (envoy_cluster_outlier_detection_ejections_active";
    let calls = calls(between(&rule.expr, before, ") > 0")?)?;
    let before = "gateway {{ $labels.gateway }} sends no calls to {{ $labels.mcp_server }} for ";
    let (open, failures) = between(summary, before, " failures in a row")?.split_once(", after ")?;
    Some(Alarm::Open { calls, failures: u32::try_from(number(failures)?).ok()?, open: duration(open)? })
}

fn times_out(rule: &Rule, summary: &str) -> Option<Alarm> {
    let before = "sum by (gateway, mcp_server) (increase(envoy_cluster_upstream_rq_per_try_idle_timeout";
    let calls = calls(between(&rule.expr, before, "[5m])) > 0")?)?;
    let before = "calls to {{ $labels.mcp_server }} through gateway {{ $labels.gateway }} get no answer for ";
    Some(Alarm::TimesOut { calls, timeout: duration(summary.strip_prefix(before)?)? })
}

fn nearly_full(rule: &Rule, summary: &str) -> Option<Alarm> {
    let inner = rule.expr.strip_prefix("sum by (gateway, instance) (envoy_cluster_upstream_rq_active")?;
    let (selector, most) = inner.rsplit_once(") > ")?;
    let text = between(summary, "gateway {{ $labels.gateway }} has more than ", " has")?;
    let (said, rest) = text.split_once(" calls in hand of the ")?;
    let (connections, pool) = rest.split_once(" that bulkhead ")?;
    let connections = number(connections)?;
    let fits = u128::from(number(most)?) == u128::from(connections) * 4 / 5 && said == most;
    fits.then_some(Alarm::NearlyFull { calls: calls(selector)?, pool: pool.to_owned(), connections })
}

fn full(rule: &Rule, summary: &str) -> Option<Alarm> {
    let before = "sum by (gateway, mcp_server) (increase(envoy_cluster_upstream_rq_";
    let selector = |expr, kind: &str| between(expr, &format!("{before}{kind}_overflow"), "[5m])) > 0");
    let (waiting, running) = rule.expr.split_once(" or ")?;
    let (waiting, running) = (selector(waiting, "pending")?, selector(running, "active")?);
    let calls = calls(waiting).filter(|_| waiting == running)?;
    let before = "gateway {{ $labels.gateway }} refuses calls to {{ $labels.mcp_server }}: bulkhead ";
    let (pool, connections) = between(summary, before, " connections")?.rsplit_once(" has ")?;
    Some(Alarm::Full { calls, pool: pool.to_owned(), connections: number(connections)? })
}

fn unhealthy(rule: &Rule, summary: &str) -> Option<Alarm> {
    let by = "max by (gateway, mcp_server) (envoy_cluster_";
    let middle = format!(") == 0 unless on (gateway, mcp_server) {by}outlier_detection_ejections_active");
    let (healthy, ejected) =
        between(&rule.expr, &format!("{by}membership_healthy"), ") > 0")?.split_once(middle.as_str())?;
    let same = healthy == ejected
        && summary == "no instance of {{ $labels.mcp_server }} answers the probes of gateway {{ $labels.gateway }}";
    let interval = duration(rule.hold.as_deref()?)?;
    same.then_some(Alarm::Unhealthy { calls: calls(healthy)?, interval })
}

/// A duration in its one spelling.
fn duration(text: &str) -> Option<Duration> {
    Duration::parse(text).ok().filter(|duration| duration.to_string() == text)
}

/// A selector.
fn calls(selector: &str) -> Option<Calls> {
    let mut calls = Calls::default();
    if selector.is_empty() {
        return Some(calls);
    }
    for matcher in between(selector, "{", "}")?.split(", ") {
        let (label, value) = matcher.strip_suffix('"')?.split_once('"')?;
        let names: BTreeSet<String> = value.split('|').map(|name| name.replace("[.]", ".")).collect();
        // In the one order that a pattern of ours has.
        let spelled: Vec<String> = names.iter().map(|name| name.replace('.', "[.]")).collect();
        let place = match label {
            "gateway=" if calls.gateway.is_none() => {
                calls.gateway = Some(value.to_owned());
                continue;
            }
            "gateway!~" => &mut calls.not_gateways,
            "mcp_server=~" => &mut calls.servers,
            "mcp_server!~" => &mut calls.not_servers,
            _ => return None,
        };
        if !place.is_empty() || spelled.join("|") != value {
            return None;
        }
        *place = names;
    }
    Some(calls)
}

/// Checks what an alert has beside its condition: how long it holds, its labels, and where to read on.
pub(super) fn read_on(alarm: &Alarm, rule: &Rule, model: &Model) -> Result<(), LiftError> {
    let (name, family, labels) = alarm.facts();
    let hold = Some(alarm.hold()).filter(|hold| hold.0 > 0).map(|hold| hold.to_string());
    let set: BTreeMap<&str, &str> = rule.labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
    let more = match &model.deployment.docs {
        Some(docs) => ("runbook_url", format!("{docs}/families/{family}.html")),
        None => ("runbook", format!("mcpctl explain {family}")),
    };
    let read_on = rule.annotations.len() == 2 && rule.annotations.get(more.0) == Some(&more.1);
    if rule.hold == hold && set == labels.into_iter().collect() && read_on {
        return Ok(());
    }
    unexpected(format!("the alert `{name}` holds for another time, or has other labels or another page"))
}
