//! What limits the calls to a server, and what is told to it of the caller: each number must be the model's, so that what is
//! configured is in force.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::must;
use super::{hooks, unexpected};
use crate::lift::LiftError;
use crate::lift::traffic::Limits;
use crate::model::Model;
use crate::model::name::UnitName;
use crate::model::operations::{Breaker, Health, Probe};
use crate::model::telemetry::Tracing;
use crate::model::vocabulary::Enforcement;

type Read<T> = Result<T, LiftError>;

/// A time as Envoy writes it, from milliseconds.
fn time(milliseconds: u64) -> String {
    let (whole, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    if rest == 0 { format!("{whole}s") } else { format!("{whole}.{rest:03}s") }
}

/// Where the model says so, exactly this; else nothing.
fn exactly(value: &Value, key: &str, expected: Option<Value>) -> Read<()> {
    match (value.get(key), expected) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(unexpected(format!("nothing asks for `{key}`"))),
        (_, Some(expected)) => must(value, key, &expected),
    }
}

/// The cluster of a server. `direct` is one that leads to the server itself; `controls` are those that a call to it passes.
pub(super) fn cluster(found: &Value, limits: &Limits<'_>, direct: bool, controls: &BTreeMap<String, &str>) -> Read<()> {
    let breaker = limits.breaker.and_then(|breaker| ejection(breaker, direct));
    let health = limits.health.filter(|_| direct);
    let probes: Vec<Value> = health.map(probes).unwrap_or_default();
    let panics = breaker.is_none() && probes.is_empty();
    exactly(found, "common_lb_config", (!panics).then(|| json!({"healthy_panic_threshold": {"value": 0}})))?;
    exactly(found, "outlier_detection", breaker)?;
    exactly(found, "health_checks", (!probes.is_empty()).then_some(Value::Array(probes)))?;
    let balanced = match health.and_then(|health| health.strategy.as_ref()).map(|strategy| strategy.value.as_str()) {
        Some("least_request") => "LEAST_REQUEST",
        Some("random") => "RANDOM",
        Some("ring_hash") => "RING_HASH",
        Some("maglev") => "MAGLEV",
        _ => "ROUND_ROBIN",
    };
    must(found, "lb_policy", &json!(balanced))?;
    let in_32 = |number: u64| number.min(u64::from(u32::MAX));
    let requests = in_32(limits.share.unwrap_or(1024));
    let connections = limits.connections().map(in_32);
    let waiting = connections.map_or(requests, |connections| connections.max(requests));
    let mut threshold = json!({"max_requests": requests, "max_pending_requests": waiting, "track_remaining": true});
    if let (Some(connections), Some(threshold)) = (connections, threshold.as_object_mut()) {
        threshold.insert("max_connections".to_owned(), json!(connections));
    }
    must(found, "circuit_breakers", &json!({"thresholds": [threshold]}))?;
    let mut protocol = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {}},
    });
    let kept = limits.http.and_then(|pool| pool.keep_alive.as_ref());
    if let (Some(kept), Some(protocol)) = (kept, protocol.as_object_mut()) {
        protocol.insert("common_http_protocol_options".to_owned(), json!({"idle_timeout": time(kept.value.0)}));
    }
    if let (Some(filters), Some(protocol)) = (hooks::filters(controls), protocol.as_object_mut()) {
        protocol.insert("http_filters".to_owned(), filters);
    }
    let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol});
    must(found, "typed_extension_protocol_options", &options)
}

fn ejection(breaker: &Breaker, direct: bool) -> Option<Value> {
    let failures = breaker.opens_after()?;
    let open = breaker.open_for().0;
    let open = time(if direct { open } else { open.saturating_add(500) });
    Some(json!({
        "consecutive_5xx": failures, "enforcing_consecutive_5xx": 100, "enforcing_success_rate": 0,
        "split_external_local_origin_errors": false, "successful_active_health_check_uneject_host": false,
        "interval": "0.500s", "base_ejection_time": open, "max_ejection_time": open,
        "max_ejection_percent": 100, "always_eject_one_host": true,
    }))
}

fn probes(health: &Health) -> Vec<Value> {
    let each = health.checks.iter().zip(0..).filter_map(|(check, number): (_, usize)| {
        let every = time(check.interval.as_ref().map_or(10_000, |every| every.value.0));
        let mut probe = json!({
            "name": format!("check_{number}"), "interval": every, "no_traffic_interval": every,
            "no_traffic_healthy_interval": every, "healthy_threshold": 2, "unhealthy_threshold": 3,
            "timeout": time(check.timeout.as_ref().map_or(5_000, |most| most.value.0)),
        });
        let fields = probe.as_object_mut()?;
        match &check.probe {
            Probe::Http(path) => {
                let path = path.as_ref().filter(|path| path.value.starts_with('/'))?;
                let good = json!([{"start": 200, "end": 300}]);
                fields.insert("http_health_check".to_owned(), json!({"path": path.value, "expected_statuses": good}));
            }
            Probe::Tcp(port) => {
                fields.insert("tcp_health_check".to_owned(), json!({}));
                fields.extend(port.as_ref().map(|port| ("alt_port".to_owned(), json!(port.value))));
            }
            Probe::Grpc(_) => return None,
        }
        Some(probe)
    });
    each.collect()
}

/// How long a call may take, and that nothing is tried again.
pub(super) fn action(found: &Value, limits: &Limits<'_>, direct: bool, stream: bool) -> Read<()> {
    let strategy = limits.health.and_then(|health| health.strategy.as_ref()).filter(|_| direct);
    let sticks = strategy.is_some_and(|strategy| ["ring_hash", "maglev"].contains(&strategy.value.as_str()));
    exactly(found, "hash_policy", sticks.then(|| json!([{"header": {"header_name": "mcp-session-id"}}])))?;
    if stream {
        exactly(found, "retry_policy", None)?;
        must(found, "timeout", &json!("0s"))?;
        return must(found, "idle_timeout", &json!("3600s"));
    }
    let pause = limits.breaker.and_then(|breaker| breaker.timeout.as_ref()).map_or(300_000, |most| most.value.0);
    let whole = limits.http.and_then(|pool| pool.timeout.as_ref()).map_or(0, |most| most.value.0);
    must(found, "timeout", &json!(time(whole)))?;
    must(found, "idle_timeout", &json!(time(pause.saturating_add(60_000))))?;
    must(found, "retry_policy", &json!({"num_retries": 0, "per_try_idle_timeout": time(pause)}))
}

/// The oldest that a stream may get, where a whole policy or a setting says one.
fn oldest(model: &Model) -> Option<String> {
    let set = model.deployment.envoy.as_ref().and_then(|keys| keys.max_stream_age.as_ref());
    let each = model.topology.policy_enforcement.as_ref().is_some_and(|word| word.value == Enforcement::PerRequest);
    set.map(|age| time(age.value.0)).or_else(|| each.then(|| "900s".to_owned()))
}

/// An answer must end with the token of its request, which the program of the messages says in a header, and at the oldest age.
pub(super) fn ends(action: &Value, model: &Model) -> Read<()> {
    let expected = match oldest(model) {
        None => json!({"grpc_timeout_header_max": "0s"}),
        Some(age) => json!({"max_stream_duration": age, "grpc_timeout_header_max": age}),
    };
    must(action, "max_stream_duration", &expected)
}

/// A connection must end, too.
pub(super) fn connections(manager: &Value, model: &Model) -> Read<()> {
    let mut expected = json!({"headers_with_underscores_action": "REJECT_REQUEST"});
    if let (Some(age), Some(expected)) = (oldest(model), expected.as_object_mut()) {
        expected.insert("max_connection_duration".to_owned(), json!(age));
    }
    must(manager, "common_http_protocol_options", &expected)
}

/// The tracing of a gateway.
fn tracing<'m>(model: &'m Model, unit: Option<&str>) -> Option<&'m Tracing> {
    let own = unit.and_then(|unit| model.tracing.get(&Some(UnitName::from(unit))));
    own.or_else(|| model.tracing.get(&None))
}

/// The headers that say who calls, with the claims that tell it; the claim of the tenant may be declared nowhere.
fn identities<'m>(model: &'m Model, tracing: &'m Tracing) -> Vec<(&'m str, Option<&'m str>)> {
    let unit = model.identity.as_ref().and_then(|identity| identity.business_unit_claim.as_ref());
    let unit =
        unit.map(|claim| claim.value.as_str()).filter(|claim| !claim.is_empty() && !claim.contains([':', '%', ')']));
    let user = tracing.user_id_header.as_ref().map(|header| (header.value.as_str(), Some("sub")));
    let tenant = tracing.tenant_id_header.as_ref().map(|header| (header.value.as_str(), unit));
    user.into_iter().chain(tenant).collect()
}

/// The caller's own words about who it is must be gone before anything reads them, and each request must keep its number.
pub(super) fn sanitized(manager: &Value, model: &Model, unit: Option<&str>) -> Read<()> {
    must(manager, "generate_request_id", &json!(true))?;
    must(manager, "preserve_external_request_id", &json!(true))?;
    let told = tracing(model, unit).map(|tracing| identities(model, tracing)).unwrap_or_default();
    let removed: Vec<Value> = told.iter().map(|(header, _)| json!({"remove": header})).collect();
    let kind = "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";
    let removal = json!([{"name": "mcpctl.correlation", "typed_config": {"@type": kind, "mutations": removed}}]);
    exactly(manager, "early_header_mutation_extensions", (!removed.is_empty()).then_some(removal))
}

/// What a gateway adds to each request: who calls, by the verified token.
pub(super) fn added(routes: &Value, model: &Model, unit: Option<&str>) -> Read<()> {
    let mut all = Vec::new();
    if let Some(tracing) = tracing(model, unit) {
        for (header, claim) in identities(model, tracing) {
            let Some(claim) = claim else { continue };
            let value = format!("%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:claims:{claim})%");
            let header = json!({"key": header, "value": value});
            all.push(json!({"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}));
        }
        let own =
            tracing.request_id_header.as_ref().filter(|header| !header.value.eq_ignore_ascii_case("x-request-id"));
        all.extend(own.map(|header| {
            let header = json!({"key": header.value, "value": "%REQ(X-REQUEST-ID)%"});
            json!({"header": header, "append_action": "ADD_IF_ABSENT"})
        }));
    }
    exactly(routes, "request_headers_to_add", (!all.is_empty()).then_some(Value::Array(all)))
}
