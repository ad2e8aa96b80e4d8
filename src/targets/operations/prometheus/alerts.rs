//! Alerts: on breakers, bulkheads and probes of the target `envoy`, by the statistics that its gateways have of each server.

use super::calls::{Part, held};
use super::recordings::{GATEWAY, SERVER, WINDOW};
use crate::families::FamilyId;
use crate::model::operations::{Breaker, Health, HealthCheck, Probe, ResourcePool};
use crate::model::quantity::Duration;
use crate::model::telemetry::Metric;
use crate::model::{Model, Scope};
use crate::source::Loc;

/// The name of the job that scrapes gateways.
pub(super) const GATEWAYS: &str = "mcp-gateways";
/// Time between probes where a check does not say it, in milliseconds: that of the target `envoy`.
const INTERVAL: u64 = 10_000;

/// Denials, and requests without a valid token. Source: Envoy 1.40, "Role Based Access Control" and "JWT Authentication", statistics.
const DENIED: &str = "envoy_http_rbac_denied";
const NO_TOKEN: &str = "envoy_http_jwt_authn_denied";
/// Denials by the rule that made them, which is in a label.
pub(super) const DENIED_BY_RULE: &str = "envoy_http_rbac_policy_denied";
/// The label.
pub(super) const RULE: &str = "envoy_rbac_policy_name";
/// The same of rules with a full stop in their names: Envoy leaves those names in the name of the statistic.
pub(super) const DENIED_BY_ONE_RULE: &str = "envoy_http_rbac_policy_(.+)_denied";

/// Envoy's statistics that the alerts read. Source of those of clusters: Envoy 1.40, "Cluster manager statistics".
pub(super) const STATISTICS: [&str; 10] = [
    "envoy_cluster_membership_healthy",
    "envoy_cluster_outlier_detection_ejections_active",
    "envoy_cluster_upstream_rq_active",
    "envoy_cluster_upstream_rq_active_overflow",
    "envoy_cluster_upstream_rq_pending_overflow",
    "envoy_cluster_upstream_rq_per_try_idle_timeout",
    NO_TOKEN,
    DENIED,
    DENIED_BY_RULE,
    DENIED_BY_ONE_RULE,
];

/// Whether the last call from the central gateway came by another version of the policy, as gateways of units measure it.
const VERSIONS: &str = "mcp_policy_versions_differ";
/// Its name as Envoy gives it.
const VERSIONS_AT_ENVOY: &str = "envoy_mcpctl_mcp_policy_versions_differ";

/// The statistics that are read where units have gateways.
pub(super) fn of_units(model: &Model) -> Option<&'static str> {
    model.topology.units.values().any(|unit| unit.gateway.is_some()).then_some(VERSIONS_AT_ENVOY)
}

/// An alert.
pub(super) struct Alert<'m> {
    pub(super) name: &'static str,
    pub(super) expr: String,
    /// How long it has to be true.
    pub(super) hold: Duration,
    /// `page` where calls fail, else `ticket`.
    pub(super) severity: &'static str,
    /// The bulkhead that it is about.
    pub(super) pool: Option<&'m str>,
    pub(super) summary: String,
    /// The family whose page tells more.
    pub(super) family: FamilyId,
    pub(super) from: Vec<Loc>,
    /// Series with their values at first, if there are any, and afterwards, when it has to fire.
    pub(super) trial: Vec<(String, Option<u64>, u64)>,
    /// The labels of the alert that then fires, beside those of the rule.
    pub(super) fired: Vec<(&'m str, String)>,
}

/// Every alert.
pub(super) fn alerts(model: &Model) -> Vec<Alert<'_>> {
    let mut found = vec![unread()];
    found.extend(denials());
    found.push(suspended());
    found.extend(of_units(model).map(|_| versions()));
    found.extend(model.metrics_read().filter_map(first_use));
    for (scope, breaker) in &model.breaker {
        found.extend(Part::of(scope, &model.breaker, model).into_iter().flat_map(|part| breakers(breaker, &part)));
    }
    for (scope, pools) in &model.bulkheads {
        found.extend(pools.iter().flat_map(|pool| bulkheads(scope, pool, model)));
    }
    for (scope, health) in &model.health {
        found.extend(Part::of(scope, &model.health, model).and_then(|part| probes(health, &part)));
    }
    found
}

/// A call of what is switched off, be it the first one: whoever goes on calling it is of interest. The series of a rule begins with its
/// first denial, so that it has not grown then.
fn suspended<'m>() -> Alert<'m> {
    let series = format!("{DENIED_BY_RULE}{{{RULE}=~\".*deny[:_]suspended\"}}");
    Alert {
        name: "McpSuspendedCalled",
        expr: format!(
            "sum by ({GATEWAY}) (increase({series}[{WINDOW}]) > 0 or ({series} unless {series} offset {WINDOW})) > 0"
        ),
        hold: Duration(0),
        severity: "ticket",
        pool: None,
        summary: "gateway {{ $labels.gateway }} denies calls of a server or a tool that is suspended".to_owned(),
        family: FamilyId::Registry,
        from: Vec::new(),
        trial: vec![(format!("{DENIED_BY_RULE}{{{RULE}=\"deny:suspended\",{GATEWAY}=\"central\"}}"), Some(0), 1)],
        fired: vec![(GATEWAY, "central".to_owned())],
    }
}

/// Two gateways that decide by different policies for longer than a roll-out takes.
fn versions<'m>() -> Alert<'m> {
    Alert {
        name: "McpPolicyVersionsDiffer",
        expr: format!("max by ({GATEWAY}) ({VERSIONS}) > 0"),
        hold: Duration(900_000),
        severity: "ticket",
        pool: None,
        summary: "gateway {{ $labels.gateway }} and the central gateway decide by different versions of the policy"
            .to_owned(),
        family: FamilyId::Federation,
        from: Vec::new(),
        trial: vec![(format!("{VERSIONS}{{{GATEWAY}=\"central\"}}"), Some(0), 1)],
        fired: vec![(GATEWAY, "central".to_owned())],
    }
}

/// A principal that calls a server for the first time in a week, by a metric that counts granted calls by both.
fn first_use(metric: &Metric) -> Option<Alert<'_>> {
    let ([server, principal], name) = (metric.grants_by()?, metric.name.value.as_str());
    let by = format!("sum by ({GATEWAY}, {server}, {principal})");
    Some(Alert {
        name: "McpGrantFirstUsed",
        expr: format!("{by} ({name}) unless {by} (last_over_time({name}[7d] offset 10m))"),
        hold: Duration(0),
        severity: "ticket",
        pool: None,
        summary: format!(
            "{{{{ $labels.{principal} }}}} calls {{{{ $labels.{server} }}}} through gateway {{{{ $labels.gateway }}}}, for the first time in a week"
        ),
        family: FamilyId::Registry,
        from: vec![metric.name.loc],
        trial: vec![(
            format!("{name}{{{GATEWAY}=\"gateway 1\",{server}=\"{server} 1\",{principal}=\"{principal} 1\"}}"),
            None,
            1,
        )],
        fired: [GATEWAY, server, principal].map(|label| (label, format!("{label} 1"))).to_vec(),
    })
}

/// A gateway that cannot be scraped: no other alert fires for it.
fn unread<'m>() -> Alert<'m> {
    Alert {
        name: "McpGatewayUnread",
        expr: format!("up{{job=\"{GATEWAYS}\"}} == 0"),
        hold: Duration(60_000),
        severity: "page",
        pool: None,
        summary: "Prometheus cannot read gateway {{ $labels.gateway }}, so no other alert fires for it".to_owned(),
        family: FamilyId::Metrics,
        from: Vec::new(),
        trial: vec![(format!("up{{{GATEWAY}=\"central\",instance=\"one\",job=\"{GATEWAYS}\"}}"), Some(1), 0)],
        fired: vec![(GATEWAY, "central".to_owned()), ("instance", "one".to_owned()), ("job", GATEWAYS.to_owned())],
    }
}

/// More denials in five minutes than in the rest of an hour, and more than a few: somebody tries what is not granted, or a change took away
/// what was used. Denials that name what a call lacks are answered with a challenge, so many of them are step-ups that fail.
fn denials<'m>() -> [Alert<'m>; 3] {
    let (lacks, one) =
        ("{envoy_rbac_policy_name=~\".*deny[:_]missing_.+\"}", "envoy_rbac_policy_name=\"deny:missing_mfa\",");
    [
        ("McpCallsDenied", (DENIED, "", ""), "calls"),
        ("McpStepUpsFailed", (DENIED_BY_RULE, lacks, one), "calls that lack evidence"),
        ("McpTokensRefused", (NO_TOKEN, "", ""), "requests without a valid token"),
    ]
    .map(
        |(name, (statistic, which, label), what)| {
            let within = |time: &str| format!("sum by ({GATEWAY}) (increase({statistic}{which}[{time}]))");
            let lately = within(WINDOW);
            Alert {
                name,
                expr: format!("{lately} > 20 and {lately} > {} / 2", within("1h")),
                hold: Duration(0),
                severity: "ticket",
                pool: None,
                summary: format!(
                    "gateway {{{{ $labels.gateway }}}} denies more {what} than usual: over 20 in five minutes, and over half of those of an hour"
                ),
                family: FamilyId::ZeroTrust,
                from: Vec::new(),
                trial: vec![(format!("{statistic}{{{label}{GATEWAY}=\"central\"}}"), Some(0), 40)],
                fired: vec![(GATEWAY, "central".to_owned())],
            }
        },
    )
}

fn breakers<'m>(breaker: &Breaker, part: &Part) -> Vec<Alert<'m>> {
    let selector = &part.selector;
    let alert = |name, expr, severity, summary, from: Vec<Loc>, statistic: &str| Alert {
        name,
        expr,
        hold: Duration(0),
        severity,
        pool: None,
        summary,
        family: FamilyId::CircuitBreaker,
        from,
        trial: vec![(part.series(statistic), Some(0), 1)],
        fired: part.fired(),
    };
    let mut found = Vec::new();
    if let Some(failures) = breaker.opens_after() {
        let statistic = "envoy_cluster_outlier_detection_ejections_active";
        let summary = format!(
            "gateway {{{{ $labels.gateway }}}} sends no calls to {{{{ $labels.mcp_server }}}} for {}, after {failures} failures in a row",
            breaker.open_for()
        );
        let expr = format!("max by ({GATEWAY}, {SERVER}) ({statistic}{selector}) > 0");
        let keys =
            [breaker.failure_threshold.as_ref().map(|it| it.loc), breaker.half_open_timeout.as_ref().map(|it| it.loc)];
        let from = std::iter::once(breaker.loc).chain(keys.into_iter().flatten()).collect();
        found.push(alert("McpBreakerOpen", expr, "page", summary, from, statistic));
    }
    if let Some(timeout) = &breaker.timeout {
        let statistic = "envoy_cluster_upstream_rq_per_try_idle_timeout";
        let summary = format!(
            "calls to {{{{ $labels.mcp_server }}}} through gateway {{{{ $labels.gateway }}}} get no answer for {}",
            timeout.value
        );
        let expr = format!("sum by ({GATEWAY}, {SERVER}) (increase({statistic}{selector}[{WINDOW}])) > 0");
        found.push(alert("McpCallsTimeOut", expr, "ticket", summary, vec![timeout.loc], statistic));
    }
    found
}

/// A bulkhead of which more than four fifths are in use for five minutes, and one that refuses calls.
fn bulkheads<'m>(scope: &Scope, pool: &'m ResourcePool, model: &Model) -> Vec<Alert<'m>> {
    let (Some(connections), Some(part)) = (&pool.connections, held(scope, pool, model)) else { return Vec::new() };
    // Each process of a gateway has its part.
    let all = connections.value / model.gateway_replicas();
    if all == 0 {
        // No gateway is compiled with such a part, and so none has it.
        return Vec::new();
    }
    let (most, name) = (all - all.div_ceil(5), pool.name.value.as_str());
    let alert = |name_of, expr, hold, severity, summary, trial, fired| Alert {
        name: name_of,
        expr,
        hold: Duration(hold),
        severity,
        pool: Some(name),
        summary,
        family: FamilyId::Bulkhead,
        from: vec![pool.name.loc, connections.loc],
        trial: vec![trial],
        fired,
    };
    let active = "envoy_cluster_upstream_rq_active";
    // A call beyond the limit is counted as one that would wait for a connection, or as one that would have one.
    let waiting = "envoy_cluster_upstream_rq_pending_overflow";
    let running = "envoy_cluster_upstream_rq_active_overflow";
    let refused = |statistic: &str| {
        format!("sum by ({GATEWAY}, {SERVER}) (increase({statistic}{}[{WINDOW}])) > 0", part.selector)
    };
    let [gateway, server] = &part.example;
    let in_use = format!("{active}{{{GATEWAY}=\"{gateway}\",instance=\"one\",{SERVER}=\"{server}\"}}");
    vec![
        alert(
            "McpBulkheadNearlyFull",
            format!("sum by ({GATEWAY}, instance) ({active}{}) > {most}", part.selector),
            300_000,
            "ticket",
            format!(
                "gateway {{{{ $labels.gateway }}}} has more than {most} calls in hand of the {all} that bulkhead {name} has"
            ),
            (in_use, Some(most), most.saturating_add(1)),
            vec![(GATEWAY, gateway.clone()), ("instance", "one".to_owned())],
        ),
        alert(
            "McpBulkheadFull",
            format!("{} or {}", refused(waiting), refused(running)),
            0,
            "page",
            format!(
                "gateway {{{{ $labels.gateway }}}} refuses calls to {{{{ $labels.mcp_server }}}}: bulkhead {name} has {all} connections"
            ),
            (part.series(running), Some(0), 1),
            part.fired(),
        ),
    ]
}

/// A server that fails its probes, and is not left out by its breaker.
fn probes<'m>(health: &Health, part: &Part) -> Option<Alert<'m>> {
    let probed: Vec<&HealthCheck> = health.checks.iter().filter(|check| is_probed(check)).collect();
    let interval = probed.iter().map(|check| check.interval.as_ref().map_or(INTERVAL, |it| it.value.0)).max()?;
    let (healthy, open) = ("envoy_cluster_membership_healthy", "envoy_cluster_outlier_detection_ejections_active");
    let (by, selector) = (format!("{GATEWAY}, {SERVER}"), &part.selector);
    Some(Alert {
        name: "McpServerUnhealthy",
        expr: format!("max by ({by}) ({healthy}{selector}) == 0 unless on ({by}) max by ({by}) ({open}{selector}) > 0"),
        hold: Duration(interval),
        severity: "page",
        pool: None,
        summary: "no instance of {{ $labels.mcp_server }} answers the probes of gateway {{ $labels.gateway }}"
            .to_owned(),
        family: FamilyId::HealthMonitoring,
        from: probed.iter().map(|check| check.loc).collect(),
        trial: vec![(part.series(healthy), Some(1), 0), (part.series(open), Some(0), 0)],
        fired: part.fired(),
    })
}

/// Whether gateways of the target `envoy` make a probe.
fn is_probed(check: &HealthCheck) -> bool {
    match &check.probe {
        Probe::Http(Some(endpoint)) => endpoint.value.starts_with('/'),
        Probe::Tcp(_) => true,
        Probe::Http(None) | Probe::Grpc(_) => false,
    }
}
