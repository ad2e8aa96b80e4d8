//! The clusters of a gateway: one for each server, whose messages and event streams share one budget, and one for each other
//! service that it speaks to.

use serde_json::{Value, json};

use super::predicate::of_type;
use super::tls::upstream_tls;
use super::upstream::Upstream;
use super::{Setting, hooks, seconds};
use crate::model::Model;
use crate::model::operations::{Breaker, Health, HealthCheck, Probe};
use crate::model::quantity::Duration;
use crate::targets::gateways::{Gateway, Hop, Route};
use crate::targets::traffic::Traffic;

/// How often Envoy looks for hosts whose time without calls is over, in milliseconds: a breaker closes at most so much later than
/// declared.
const SWEEP: u64 = 500;
/// How many calls a server may have in hand where no bulkhead says so: Envoy's own default.
const UNLIMITED: u64 = 1024;

/// The cluster of a server, which its statistics are named for. A name with a slash is never one of another service's.
pub(super) fn server_cluster(server: &str) -> String {
    format!("{server}/messages")
}

/// Every cluster of a gateway.
pub(super) fn clusters(model: &Model, gateway: &Gateway<'_>, setting: &Setting<'_>) -> Vec<Value> {
    gateway.routes.iter().map(|route| cluster(model, route, setting)).collect()
}

fn cluster(model: &Model, route: &Route<'_>, setting: &Setting<'_>) -> Value {
    let upstream = Upstream::of(route);
    let mut cluster = upstream.cluster(&server_cluster(route.server.name.value.as_str()));
    let traffic = Traffic::of_route(model, route);
    cluster.insert("circuit_breakers".to_owned(), thresholds(&traffic));
    let outliers = traffic.breaker.and_then(|breaker| outliers(breaker, matches!(route.to, Hop::Server(_))));
    let health = traffic.health.filter(|_| matches!(route.to, Hop::Server(_)));
    let checks = health.map(health_checks).unwrap_or_default();
    if outliers.is_some() || !checks.is_empty() {
        // Without this, a cluster of one host goes on sending to the host that it left out.
        cluster.insert("common_lb_config".to_owned(), json!({"healthy_panic_threshold": {"value": 0}}));
    }
    cluster.extend(outliers.map(|outliers| ("outlier_detection".to_owned(), outliers)));
    if !checks.is_empty() {
        cluster.insert("health_checks".to_owned(), json!(checks));
    }
    if let Some(strategy) = health.and_then(|health| health.strategy.as_ref()) {
        cluster.insert("lb_policy".to_owned(), json!(balancing(&strategy.value)));
    }
    let mut protocol = json!({
        "@type": of_type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http_protocol_options": {}},
    });
    let idle = traffic.pool.and_then(|pool| pool.keep_alive.as_ref());
    if let (Some(idle), Some(protocol)) = (idle, protocol.as_object_mut()) {
        protocol.insert("common_http_protocol_options".to_owned(), json!({"idle_timeout": seconds(idle.value)}));
    }
    if let (Some(filters), Some(protocol)) = (hooks::filters(model, route), protocol.as_object_mut()) {
        protocol.insert("http_filters".to_owned(), filters);
    }
    cluster.insert(
        "typed_extension_protocol_options".to_owned(),
        json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol}),
    );
    if upstream.tls {
        let identity = match route.to {
            Hop::Gateway(unit, _) => setting.identity_of(unit.as_str()),
            Hop::Server(_) => None,
        };
        cluster.insert("transport_socket".to_owned(), upstream_tls(&upstream, setting, identity.as_deref()));
    }
    Value::Object(cluster)
}

/// The breaker: so many failures in a row of any kind leave the host out for the declared time. Towards a gateway, which has a
/// breaker for the same server, it closes a sweep later: else it would open again by what the other one still refuses.
fn outliers(breaker: &Breaker, direct: bool) -> Option<Value> {
    let later = if direct { 0 } else { SWEEP };
    let open = seconds(Duration(breaker.open_for().0.saturating_add(later)));
    Some(json!({
        "consecutive_5xx": breaker.opens_after()?,
        "enforcing_consecutive_5xx": 100,
        // Counted apart, resets and timeouts are never in a row: each connection that is got clears their count.
        "split_external_local_origin_errors": false,
        // A server that answers probes and fails calls stays left out.
        "successful_active_health_check_uneject_host": false,
        "enforcing_success_rate": 0,
        "interval": seconds(Duration(SWEEP)),
        "base_ejection_time": open,
        // Else the time grows with each opening.
        "max_ejection_time": open,
        "max_ejection_percent": 100,
        "always_eject_one_host": true,
    }))
}

/// How many calls and streams a server may have in hand, all together.
fn thresholds(traffic: &Traffic<'_>) -> Value {
    let most = |number: u64| number.min(u64::from(u32::MAX));
    // What is not limited is still bounded. A limit of connections below that of requests makes calls wait instead of refusing
    // them, so it is set only where a pool says so.
    let requests = most(traffic.share.unwrap_or(UNLIMITED));
    let mut threshold = json!({"max_requests": requests, "max_pending_requests": requests, "track_remaining": true});
    if let (Some(size), Some(fields)) = (traffic.pool_size(), threshold.as_object_mut()) {
        let connections = traffic.share.map_or(size, |share| share.min(size));
        fields.insert("max_connections".to_owned(), json!(most(connections)));
        fields.insert("max_pending_requests".to_owned(), json!(requests.max(most(connections))));
    }
    json!({"thresholds": [threshold]})
}

fn health_checks(health: &Health) -> Vec<Value> {
    let mut checks = Vec::new();
    for (index, check) in health.checks.iter().enumerate() {
        let Some((key, probe)) = probe(check) else { continue };
        let interval = check.interval.as_ref().map_or("10s".to_owned(), |d| seconds(d.value));
        let mut entry = json!({
            "name": format!("check_{index}"),
            // Otherwise a server that nobody calls is probed once a minute.
            "no_traffic_interval": interval,
            "no_traffic_healthy_interval": interval,
            "interval": interval,
            "timeout": check.timeout.as_ref().map_or("5s".to_owned(), |d| seconds(d.value)),
            "healthy_threshold": 2,
            "unhealthy_threshold": 3,
        });
        let Some(fields) = entry.as_object_mut() else { continue };
        fields.insert(key.to_owned(), probe);
        if let Probe::Tcp(Some(port)) = &check.probe {
            fields.insert("alt_port".to_owned(), json!(port.value));
        }
        checks.push(entry);
    }
    checks
}

/// A probe as Envoy makes it; `None` for one of another host, and for one of a service that MCP servers need not have.
pub(super) fn probe(check: &HealthCheck) -> Option<(&'static str, Value)> {
    match &check.probe {
        Probe::Http(Some(path)) if path.value.starts_with('/') => {
            let expected = json!([{"start": 200, "end": 300}]);
            Some(("http_health_check", json!({"path": path.value, "expected_statuses": expected})))
        }
        Probe::Tcp(_) => Some(("tcp_health_check", json!({}))),
        Probe::Http(_) | Probe::Grpc(_) => None,
    }
}

fn balancing(strategy: &str) -> &'static str {
    match strategy {
        "least_request" => "LEAST_REQUEST",
        "random" => "RANDOM",
        "ring_hash" => "RING_HASH",
        "maglev" => "MAGLEV",
        _ => "ROUND_ROBIN",
    }
}

/// Whether a strategy sends the calls of one session to one host.
pub(super) fn by_session(strategy: &str) -> bool {
    matches!(strategy, "ring_hash" | "maglev")
}
