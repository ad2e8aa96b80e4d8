//! What of the mesh's other settings follows from the model: identities, keys, traffic, traces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::api::Selector;
use super::api::networking::{
    ConnectionPool, DestinationRule, HttpPool, OutlierDetection, TcpPool, Tls, TlsMode, TrafficPolicy,
};
use super::api::security::{
    ClaimToHeader, FromHeader, JwtRule, MutualTls, MutualTlsMode, PeerAuthentication, RequestAuthentication,
};
use super::api::telemetry::{Tag, TagHeader, Telemetry, Tracing};
use super::claims::ACT_HEADER;
use crate::diagnostic::Diagnostic;
use crate::model::access::{Issuer, Jwks};
use crate::model::quantity::Duration;
use crate::model::{Model, Scope};
use crate::source::Loc;
use crate::targets::cluster::hosts::HostKind;
use crate::targets::cluster::{Cluster, GATEWAY, ServerPlace};
use crate::targets::objects::{document, metadata};
use crate::targets::operations::otel_collector;
use crate::targets::traffic;
use crate::targets::{CompileError, TARGET_LIMIT};

/// How often pods whose time without calls is over are looked for.
const SWEEP: &str = "1s";

/// A file: name, documents, and where they come from.
type Traffic = (&'static str, Vec<Value>, Vec<Loc>);

pub(super) fn peer_authentication(cluster: &Cluster<'_>) -> Result<Vec<Value>, CompileError> {
    let strict = PeerAuthentication { mtls: MutualTls { mode: MutualTlsMode::Strict } };
    let strict = |namespace: &String| document(&metadata("default", namespace), &strict);
    cluster.server_namespaces.keys().map(strict).collect()
}

/// The issuers that are believed: in each namespace of servers, or for each server by itself, where tokens name the server that they
/// are for.
pub(super) fn request_authentication(model: &Model, cluster: &Cluster<'_>) -> Result<Vec<Value>, CompileError> {
    if model.has_tokens_per_server() {
        let of_place = |place: &ServerPlace<'_>| {
            let audiences = |issuer: &Issuer| issuer.audiences_at(place.server, &model.topology);
            let authentication = RequestAuthentication {
                jwt_rules: jwt_rules(model, &audiences),
                selector: Some(Selector { match_labels: place.labels.clone() }),
            };
            document(&metadata(&format!("tokens-{}", place.name), &place.namespace), &authentication)
        };
        return cluster.places.iter().map(of_place).collect();
    }
    let shared = |issuer: &Issuer| issuer.audiences.iter().map(|audience| audience.value.clone()).collect();
    let authentication = RequestAuthentication { jwt_rules: jwt_rules(model, &shared), selector: None };
    let with_rules = |namespace: &String| document(&metadata("tokens", namespace), &authentication);
    cluster.server_namespaces.keys().map(with_rules).collect()
}

fn jwt_rules(model: &Model, audiences: &dyn Fn(&Issuer) -> Vec<String>) -> Vec<JwtRule> {
    let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
    issuers
        .map(|issuer| JwtRule {
            issuer: issuer.issuer.value.clone(),
            audiences: audiences(issuer),
            jwks_uri: match issuer.keys.as_ref().map(|keys| &keys.value) {
                Some(Jwks::Url(url)) => Some(url.clone()),
                Some(Jwks::File(_)) | None => None,
            },
            jwks: match issuer.keys.as_ref().map(|keys| &keys.value) {
                Some(Jwks::File(file)) => model.key_sets.get(file).cloned(),
                Some(Jwks::Url(_)) | None => None,
            },
            // Else a token in the query would do as well.
            from_headers: vec![FromHeader { name: "Authorization".to_owned(), prefix: "Bearer ".to_owned() }],
            forward_original_token: false,
            output_claim_to_headers: vec![ClaimToHeader { claim: "act".to_owned(), header: ACT_HEADER.to_owned() }],
        })
        .collect()
}

/// Where issuers are declared.
pub(super) fn issued_at(model: &Model) -> Vec<Loc> {
    model.identity.iter().flat_map(|identity| &identity.issuers).map(|issuer| issuer.issuer.loc).collect()
}

/// The files of one cluster among all that decide no calls.
pub(super) fn traffic(model: &Model, all: &Cluster<'_>, here: &Cluster<'_>) -> Result<Vec<Traffic>, CompileError> {
    let (telemetry, at) = telemetry(model, all, here)?;
    let (identities, loc) = spiffe_ids(model, here);
    Ok(vec![
        ("destination-rules.yaml", destination_rules(model, here)?, here.places.iter().map(ServerPlace::loc).collect()),
        ("telemetry.yaml", telemetry, at),
        ("spiffe-ids.yaml", identities, loc),
    ])
}

/// Two servers of one host that need other limits: the mesh keeps one rule a host.
pub(super) fn disagreeing(model: &Model, cluster: &Cluster<'_>) -> Vec<Diagnostic> {
    let mut by_host: BTreeMap<&str, (&ServerPlace<'_>, TrafficPolicy)> = BTreeMap::new();
    let mut findings = Vec::new();
    for place in &cluster.places {
        let policy = traffic_policy(model, place);
        match by_host.get(place.host.name.as_str()) {
            Some((first, known)) if *known != policy => {
                let (a, b) = (&first.server.name, &place.server.name);
                let message = format!(
                    "`{a}` and `{b}` share the host `{}` and need other limits of connections",
                    place.host.name
                );
                let help = "give each a host of its own, or the same bulkheads, pools and circuit breaker";
                let finding = Diagnostic::new(&TARGET_LIMIT, place.loc(), message).help(help);
                findings.push(finding.label(first.loc(), format!("`{a}`")));
            }
            Some(_) => {}
            None => drop(by_host.insert(&place.host.name, (place, policy))),
        }
    }
    findings
}

/// One for each host, for the gateway alone. istiod takes none for an address.
fn destination_rules(model: &Model, cluster: &Cluster<'_>) -> Result<Vec<Value>, CompileError> {
    let mut by_host: BTreeMap<&str, (&ServerPlace<'_>, TrafficPolicy)> = BTreeMap::new();
    for place in cluster.places.iter().filter(|place| place.host.kind != HostKind::Address) {
        by_host.entry(&place.host.name).or_insert_with(|| (place, traffic_policy(model, place)));
    }
    let rule = |(host, (place, policy)): (&str, (&ServerPlace<'_>, TrafficPolicy))| {
        let rule = DestinationRule { host: host.to_owned(), export_to: vec![".".to_owned()], traffic_policy: policy };
        document(&metadata(&place.name, &cluster.gateways_namespace), &rule)
    };
    by_host.into_iter().map(rule).collect()
}

fn traffic_policy(model: &Model, place: &ServerPlace<'_>) -> TrafficPolicy {
    let scope: Scope = place.server.unit.as_ref().map(|unit| unit.value.clone());
    let traffic = traffic::Traffic::of(model, &scope, &place.server.name.value);
    let in_32 = |most: u64| i32::try_from(most).unwrap_or(i32::MAX);
    let requests = traffic.share.or(traffic.pool_size()).map(in_32);
    let connections = [traffic.share, traffic.pool_size()].into_iter().flatten().min().map(in_32);
    let idle = traffic.pool.and_then(|pool| pool.keep_alive.as_ref()).map(|keep_alive| go_duration(keep_alive.value));
    let connection_pool = (requests.is_some() || idle.is_some()).then(|| ConnectionPool {
        tcp: connections.map(|max_connections| TcpPool { max_connections }),
        // A connection of HTTP/2 carries many requests, so their number is limited too.
        http: HttpPool { http2_max_requests: requests, idle_timeout: idle },
    });
    let outlier_detection = traffic.breaker.and_then(|breaker| {
        Some(OutlierDetection {
            consecutive5xx_errors: breaker.opens_after()?,
            // Counted apart, resets and timeouts are never in a row.
            split_external_local_origin_errors: false,
            interval: SWEEP.to_owned(),
            base_ejection_time: go_duration(breaker.open_for()),
            // The default of 10 would never eject one of a few.
            max_ejection_percent: 100,
        })
    });
    TrafficPolicy { connection_pool, outlier_detection, tls: Tls { mode: TlsMode::IstioMutual } }
}

/// A duration as Go reads it, which knows no days.
fn go_duration(duration: Duration) -> String {
    if duration.0.is_multiple_of(1_000) { format!("{}s", duration.seconds()) } else { format!("{}ms", duration.0) }
}

/// Tracing in each namespace: that of a unit where all servers of a namespace are of one, and the central one elsewhere. A
/// gateway of a unit that has its own goes by that.
fn telemetry(model: &Model, all: &Cluster<'_>, here: &Cluster<'_>) -> Result<(Vec<Value>, Vec<Loc>), CompileError> {
    let (mut documents, mut from) = (Vec::new(), Vec::new());
    let mut add = |name: &str, namespace: &str, scope: &Scope, selector| {
        let tracing = Model::in_scope(&model.tracing, scope);
        let Some((tracing, rule)) = tracing.and_then(|tracing| Some((tracing, tracing_rule(model, tracing)?))) else {
            return Ok(());
        };
        from.push(tracing.loc);
        documents.push(document(&metadata(name, namespace), &Telemetry { tracing: vec![rule], selector })?);
        Ok::<_, CompileError>(())
    };
    for namespace in here.server_namespaces.keys().chain([&here.gateways_namespace]) {
        let together = all.places.iter().filter(|place| place.namespace == *namespace);
        let units = together.map(|place| place.server.unit.as_ref().map(|unit| unit.value.clone()));
        let units: BTreeSet<Scope> = units.collect();
        let scope = units.first().filter(|_| units.len() == 1).cloned().flatten();
        add("traces", namespace, &scope, None)?;
    }
    for (name, account) in &here.gateways {
        let own = model.tracing.keys().find(|scope| scope.as_ref().is_some_and(|unit| unit.as_str() == *name));
        if let Some(scope) = own {
            let selector = Some(Selector { match_labels: [(GATEWAY.to_owned(), account.clone())].into() });
            add(&format!("traces-{account}"), &here.gateways_namespace, scope, selector)?;
        }
    }
    from.dedup();
    Ok((documents, from))
}

/// The share of traces, and tags from headers; `None` where nothing of it is written.
fn tracing_rule(model: &Model, tracing: &crate::model::telemetry::Tracing) -> Option<Tracing> {
    let percent = match (tracing.strategy.as_ref().map(|strategy| strategy.value.as_str()), &tracing.rate) {
        // A collector that chooses has to get every trace.
        _ if otel_collector::reached(model).is_some() => Some(otel_collector::begun(model, tracing)),
        (Some("always_on"), _) => Some(100.0),
        (Some("always_off"), _) => Some(0.0),
        (Some("probabilistic") | None, Some(rate)) => Some((rate.value * 1e8).round() / 1e6),
        _ => None,
    };
    let headers = [
        ("request_id", &tracing.request_id_header),
        ("user_id", &tracing.user_id_header),
        ("tenant_id", &tracing.tenant_id_header),
    ];
    let tags: BTreeMap<String, Tag> = headers
        .into_iter()
        .filter_map(|(tag, header)| {
            let header = TagHeader { name: header.as_ref()?.value.to_string() };
            Some((tag.to_owned(), Tag { header }))
        })
        .collect();
    (percent.is_some() || !tags.is_empty())
        .then_some(Tracing { random_sampling_percentage: percent, custom_tags: tags })
}

/// Identities of servers and gateways by SPIRE, in the form that Istio takes.
fn spiffe_ids(model: &Model, cluster: &Cluster<'_>) -> (Vec<Value>, Vec<Loc>) {
    let topology = &model.topology;
    let Some(identity) = topology.workload_identity.as_ref().filter(|identity| identity.value == "spiffe") else {
        return (Vec::new(), Vec::new());
    };
    let namespaces: Vec<&String> = cluster.server_namespaces.keys().chain([&cluster.gateways_namespace]).collect();
    let mut spec = json!({
        "spiffeIDTemplate": "spiffe://{{ .TrustDomain }}/ns/{{ .PodMeta.Namespace }}/sa/{{ .PodSpec.ServiceAccountName }}",
        "namespaceSelector": {
            "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}],
        },
    });
    if let (Some(rotation), Some(spec)) = (&topology.certificate_rotation, spec.as_object_mut()) {
        spec.insert("ttl".to_owned(), json!(go_duration(rotation.value)));
    }
    let accounts: Vec<&str> = cluster.gateways.values().map(String::as_str).collect();
    let document = json!({
        "apiVersion": "spire.spiffe.io/v1alpha1",
        "kind": "ClusterSPIFFEID",
        "metadata": {"name": format!("mcpctl-{}.{}", cluster.gateways_namespace, accounts.join("."))},
        "spec": spec,
    });
    (vec![document], vec![identity.loc])
}
