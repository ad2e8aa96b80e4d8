//! The clusters of a gateway: two for each server, because event streams stay open and would eat the calls' share, and one
//! for each other service that it speaks to.

use serde_json::{Map, Value, json};

use super::predicate::of_type;
use super::tls::upstream_tls;
use super::upstream::Upstream;
use super::{Setting, seconds};
use crate::model::Model;
use crate::model::name::UnitName;
use crate::model::operations::{Health, HttpPool, Probe, ResourcePool};
use crate::targets::gateways::{Gateway, Hop, Route};

/// The cluster of a server's messages.
pub(super) fn post_cluster(server: &str) -> String {
    format!("{server}/messages")
}

/// The cluster of a server's event streams.
pub(super) fn stream_cluster(server: &str) -> String {
    format!("{server}/stream")
}

/// The unit whose configuration is for this route's server.
pub(super) fn scope(route: &Route<'_>) -> Option<UnitName> {
    route.server.unit.as_ref().map(|unit| unit.value.clone())
}

/// What the unit of a route's server says, else what the centre does.
fn for_server<'m, T>(all: &'m std::collections::BTreeMap<Option<UnitName>, T>, route: &Route<'_>) -> Option<&'m T> {
    all.get(&scope(route)).or_else(|| all.get(&None))
}

/// The HTTP pool of a route's server.
pub(super) fn http_pool<'m>(model: &'m Model, route: &Route<'_>) -> Option<&'m HttpPool> {
    let of = |scope: &Option<UnitName>| {
        let pools = model.connections.get(scope)?;
        pools.http.iter().find(|pool| pool.server.value == route.server.name.value)
    };
    of(&scope(route)).or_else(|| of(&None))
}

/// The bulkhead of a route's server.
fn bulkhead<'m>(model: &'m Model, route: &Route<'_>) -> Option<&'m ResourcePool> {
    let of = |scope: &Option<UnitName>| {
        let pools = model.bulkheads.get(scope)?;
        pools.iter().find(|pool| pool.servers.iter().any(|server| server.value == route.server.name.value))
    };
    of(&scope(route)).or_else(|| of(&None))
}

/// Every cluster of a gateway.
pub(super) fn clusters(model: &Model, gateway: &Gateway<'_>, setting: &Setting<'_>) -> Vec<Value> {
    let mut clusters = Vec::new();
    for route in &gateway.routes {
        let server = route.server.name.value.as_str();
        clusters.push(cluster(model, route, setting, &post_cluster(server), true));
        clusters.push(cluster(model, route, setting, &stream_cluster(server), false));
    }
    clusters
}

fn cluster(model: &Model, route: &Route<'_>, setting: &Setting<'_>, name: &str, messages: bool) -> Value {
    let upstream = Upstream::of(route);
    let mut cluster = service(name, &upstream);
    let pool = http_pool(model, route);
    cluster.insert("circuit_breakers".to_owned(), thresholds(bulkhead(model, route), pool, messages));
    if messages {
        if let Some(breaker) = for_server(&model.breaker, route) {
            let failures = breaker.failure_threshold.as_ref().map_or(5, |threshold| threshold.value);
            let open = breaker.timeout.as_ref().map_or("30s".to_owned(), |open| seconds(open.value));
            let longest = [&breaker.timeout, &breaker.half_open_timeout].into_iter().flatten().map(|d| d.value.0).max();
            let longest =
                longest.map_or("60s".to_owned(), |longest| seconds(crate::model::quantity::Duration(longest)));
            cluster.insert(
                "outlier_detection".to_owned(),
                json!({
                    "consecutive_5xx": failures,
                    "consecutive_gateway_failure": failures,
                    "enforcing_consecutive_gateway_failure": 100,
                    "split_external_local_origin_errors": true,
                    "consecutive_local_origin_failure": failures,
                    "enforcing_success_rate": 0,
                    "interval": "5s",
                    "base_ejection_time": open,
                    "max_ejection_time": longest,
                    "max_ejection_percent": 100,
                    "always_eject_one_host": true,
                }),
            );
            // Without this, a cluster of one host goes on sending to the host that it ejected.
            cluster.insert("common_lb_config".to_owned(), json!({"healthy_panic_threshold": {"value": 0}}));
        }
        if let (Hop::Server(_), Some(health)) = (route.to, for_server(&model.health, route)) {
            let checks = health_checks(health);
            if !checks.is_empty() {
                cluster.insert("health_checks".to_owned(), json!(checks));
                cluster.insert("common_lb_config".to_owned(), json!({"healthy_panic_threshold": {"value": 0}}));
            }
            if let Some(strategy) = &health.strategy {
                cluster.insert("lb_policy".to_owned(), json!(balancing(&strategy.value)));
            }
        }
    }
    let idle = pool.and_then(|pool| pool.keep_alive.as_ref()).filter(|_| messages);
    let mut protocol = json!({
        "@type": of_type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http_protocol_options": {}},
    });
    if let (Some(idle), Some(protocol)) = (idle, protocol.as_object_mut()) {
        protocol.insert("common_http_protocol_options".to_owned(), json!({"idle_timeout": seconds(idle.value)}));
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

/// How many calls a server may have in hand. Event streams have a share of their own.
fn thresholds(bulkhead: Option<&ResourcePool>, pool: Option<&HttpPool>, messages: bool) -> Value {
    let connections = pool.and_then(|pool| pool.pool_size.as_ref()).map(|size| size.value).filter(|_| messages);
    // Thresholds are counted for each cluster, so the servers of one pool share its number out.
    let share = |pool: &ResourcePool, all: u64| (all / pool.servers.len().max(1) as u64).max(1);
    let requests = bulkhead.and_then(|pool| pool.connections.as_ref().map(|all| share(pool, all.value)));
    // What is not limited is still bounded, by Envoy's own default. A limit of connections below that of requests would
    // make calls wait instead of refusing them, so it stands only where a pool says so.
    let requests = requests.unwrap_or(1024);
    let mut threshold = json!({
        "max_requests": requests,
        "max_pending_requests": connections.unwrap_or_default().max(requests),
        "max_retries": 3,
        "track_remaining": true,
    });
    if let (Some(connections), Some(fields)) = (connections, threshold.as_object_mut()) {
        fields.insert("max_connections".to_owned(), json!(connections));
    }
    json!({"thresholds": [threshold]})
}

fn health_checks(health: &Health) -> Vec<Value> {
    let mut checks = Vec::new();
    for (index, check) in health.checks.iter().enumerate() {
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
        match &check.probe {
            Probe::Http(Some(path)) if path.value.starts_with('/') => {
                let expected = json!([{"start": 200, "end": 300}]);
                fields
                    .insert("http_health_check".to_owned(), json!({"path": path.value, "expected_statuses": expected}));
            }
            Probe::Tcp(port) => {
                fields.insert("tcp_health_check".to_owned(), json!({}));
                if let Some(port) = port {
                    fields.insert("alt_port".to_owned(), json!(port.value));
                }
            }
            // A probe of another host, or of a service that MCP servers need not have: not expressed.
            Probe::Http(_) | Probe::Grpc(_) => continue,
        }
        checks.push(entry);
    }
    checks
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

/// A cluster that says no more than where it is.
pub(super) fn service(name: &str, upstream: &Upstream<'_>) -> Map<String, Value> {
    let discovery = if upstream.is_address() { "STATIC" } else { "STRICT_DNS" };
    let address = json!({"socket_address": {"address": upstream.host, "port_value": upstream.port}});
    let mut cluster = Map::new();
    cluster.insert("name".to_owned(), json!(name));
    cluster.insert("type".to_owned(), json!(discovery));
    cluster.insert("connect_timeout".to_owned(), json!("5s"));
    cluster.insert("lb_policy".to_owned(), json!("ROUND_ROBIN"));
    cluster.insert(
        "load_assignment".to_owned(),
        json!({"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}),
    );
    cluster
}
