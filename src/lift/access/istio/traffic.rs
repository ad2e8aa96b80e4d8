//! What decides no calls: limits of connections, traces, identities. It must be what the model says, no more and no less.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::Value;

use crate::lift::LiftError;
use crate::lift::cluster::{Expected, Resource, ServerPlace, unexpected};
use crate::lift::traffic::Limits;
use crate::model::Model;
use crate::model::name::UnitName;
use crate::model::quantity::Duration;

/// Checks the resources that are left.
pub(super) fn check(
    resources: Vec<Resource>,
    model: &Model,
    (all, expected): (&Expected<'_>, &Expected<'_>),
) -> Result<(), LiftError> {
    let mut wanted = rules_for_traffic(model, expected);
    wanted.extend(entries(all, expected));
    for namespace in expected.namespaces.keys().chain([&expected.gateways_namespace]) {
        if let Some(traces) = traces(model, unit_of(all, namespace), None) {
            wanted.push(("telemetry.istio.io/v1", "Telemetry", Some(namespace.clone()), traces));
        }
    }
    for (name, account) in &expected.gateways {
        let unit = model.topology.units.keys().find(|unit| unit.as_str() == name && is_traced(model, unit));
        if let Some(traces) = unit.and_then(|unit| traces(model, Some(unit), Some(account))) {
            let namespace = expected.gateways_namespace.clone();
            wanted.push(("telemetry.istio.io/v1", "Telemetry", Some(namespace), traces));
        }
    }
    if let Some(identities) = identities(model, expected)? {
        wanted.push(("spire.spiffe.io/v1alpha1", "ClusterSPIFFEID", None, identities));
    }
    for resource in resources {
        let found = wanted.iter().position(|(api, kind, namespace, spec)| {
            (*api, *kind) == (resource.api.as_str(), resource.kind.as_str())
                && *namespace == resource.namespace
                && resource.spec.as_ref() == Some(spec)
                && resource.labels.is_empty()
        });
        match found {
            Some(at) => drop(wanted.swap_remove(at)),
            None => {
                return unexpected(format!(
                    "the {} `{}` differs from the model, or is in another place",
                    resource.kind, resource.name
                ));
            }
        }
    }
    match wanted.first() {
        None => Ok(()),
        Some((_, kind, ..)) => unexpected(format!("a {kind} is missing")),
    }
}

/// API, kind, namespace and `spec` of a resource.
type Wanted = (&'static str, &'static str, Option<String>, Value);

fn map(entries: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let entries = entries.into_iter().filter_map(|(key, value)| Some((Value::from(key), value?)));
    Value::Mapping(entries.collect())
}

fn seconds(duration: Duration) -> Value {
    match duration.0 % 1_000 {
        0 => Value::from(format!("{}s", duration.0 / 1_000)),
        _ => Value::from(format!("{}ms", duration.0)),
    }
}

/// The rules for the gateways' connections, one for each host that is a name.
fn rules_for_traffic(model: &Model, expected: &Expected<'_>) -> Vec<Wanted> {
    let mut hosts: BTreeMap<&str, Value> = BTreeMap::new();
    for place in expected.places.values().filter(|place| place.host.parse::<IpAddr>().is_err()) {
        hosts.entry(&place.host).or_insert_with(|| connections(model, place));
    }
    let rule = |(host, policy): (&str, Value)| {
        let spec = map([
            ("host", Some(Value::from(host))),
            ("exportTo", Some(Value::Sequence(vec![Value::from(".")]))),
            ("trafficPolicy", Some(policy)),
        ]);
        ("networking.istio.io/v1", "DestinationRule", Some(expected.gateways_namespace.clone()), spec)
    };
    hosts.into_iter().map(rule).collect()
}

/// Pods by namespace and labels, each with its ports.
type Pods<'a> = BTreeMap<(&'a String, &'a BTreeMap<String, String>), BTreeSet<u16>>;

/// For each host that is not a service: that it leads to the pods of its server, in the server's cluster.
fn entries(all: &Expected<'_>, expected: &Expected<'_>) -> Vec<Wanted> {
    let named =
        |place: &&ServerPlace<'_>| !place.service && place.host.contains('.') && place.host.parse::<IpAddr>().is_err();
    let mut hosts: BTreeMap<&str, Pods<'_>> = BTreeMap::new();
    for place in all.places.values().filter(named) {
        let pods = hosts.entry(&place.host).or_default().entry((&place.namespace, &place.labels)).or_default();
        pods.insert(place.port);
    }
    let text = |text: &str| Some(Value::from(text));
    let list = |values: Vec<Value>| Some(Value::Sequence(values));
    let entry = |(host, pods): (&str, Pods<'_>)| {
        let mut pods = pods.into_iter();
        let (Some(((namespace, labels), ports)), None) = (pods.next(), pods.next()) else { return None };
        if !expected.places.values().any(|place| place.host == host) {
            return None;
        }
        // The proxies take plain requests and encrypt them, whatever the URL says.
        let ports = ports.into_iter().map(|number| {
            map([
                ("name", Some(Value::from(format!("http-{number}")))),
                ("number", Some(Value::from(number))),
                ("protocol", Some(Value::from("HTTP"))),
            ])
        });
        let labels = labels.iter().map(|(key, value)| (Value::from(key.as_str()), Value::from(value.as_str())));
        let spec = map([
            ("hosts", list(vec![Value::from(host)])),
            ("exportTo", list(vec![Value::from(expected.gateways_namespace.as_str())])),
            ("location", text("MESH_INTERNAL")),
            ("resolution", text("STATIC")),
            ("ports", list(ports.collect())),
            ("workloadSelector", Some(map([("labels", Some(Value::Mapping(labels.collect())))]))),
        ]);
        Some(("networking.istio.io/v1", "ServiceEntry", Some(namespace.clone()), spec))
    };
    hosts.into_iter().filter_map(entry).collect()
}

fn connections(model: &Model, place: &ServerPlace<'_>) -> Value {
    let unit = place.server.unit.as_ref().map(|unit| &unit.value);
    let limits = Limits::of(model, unit, &place.server.name.value);
    let size = limits.http.and_then(|pool| pool.pool_size.as_ref()).map(|size| size.value);
    let most = |most: Option<u64>| most.map(|most| Value::from(most.min(i32::MAX as u64)));
    let (requests, connections) = (most(limits.share.or(size)), most(limits.connections().or(limits.share)));
    let idle = limits.http.and_then(|pool| pool.keep_alive.as_ref()).map(|keep_alive| seconds(keep_alive.value));
    let pool = (requests.is_some() || idle.is_some()).then(|| {
        let tcp = connections.is_some().then(|| map([("maxConnections", connections)]));
        map([("http", Some(map([("http2MaxRequests", requests), ("idleTimeout", idle)]))), ("tcp", tcp)])
    });
    let ejected = limits.breaker.and_then(|breaker| {
        Some(map([
            ("baseEjectionTime", Some(seconds(breaker.open_for()))),
            ("consecutive5xxErrors", Some(Value::from(breaker.opens_after()?))),
            ("interval", Some(Value::from("1s"))),
            ("maxEjectionPercent", Some(Value::from(100))),
            ("splitExternalLocalOriginErrors", Some(Value::from(false))),
        ]))
    });
    let tls = map([("mode", Some(Value::from("ISTIO_MUTUAL")))]);
    map([("connectionPool", pool), ("outlierDetection", ejected), ("tls", Some(tls))])
}

/// The unit of all servers in a namespace; `None` where they are of several, or of none.
fn unit_of<'e>(expected: &'e Expected<'_>, namespace: &str) -> Option<&'e UnitName> {
    let here = expected.places.values().filter(|place| place.namespace == namespace);
    let mut units = here.map(|place| place.server.unit.as_ref().map(|unit| &unit.value));
    let first = units.next()?;
    first.filter(|_| units.all(|unit| unit == first))
}

/// Whether a unit has tracing of its own.
fn is_traced(model: &Model, unit: &UnitName) -> bool {
    model.tracing.keys().flatten().any(|scope| scope == unit)
}

/// The tracing of a unit, for all pods or for those of the gateway of this account.
fn traces(model: &Model, unit: Option<&UnitName>, account: Option<&String>) -> Option<Value> {
    let own = unit.and_then(|unit| model.tracing.get(&Some(unit.clone())));
    let tracing = own.or_else(|| model.tracing.get(&None))?;
    let strategy = tracing.strategy.as_ref().map_or("probabilistic", |strategy| strategy.value.as_str());
    let percent = match (strategy, tracing.rate.as_ref().map(|rate| rate.value)) {
        ("always_on", _) => Some(100.0),
        ("always_off", _) => Some(0.0),
        ("probabilistic", Some(rate)) => Some((rate * 1e8).round() / 1e6),
        _ => None,
    };
    let tag = |header: &Option<crate::source::Spanned<crate::model::value::HeaderName>>| {
        let header = header.as_ref()?;
        Some(map([("header", Some(map([("name", Some(Value::from(header.value.as_str())))])))]))
    };
    let tags = [
        ("request_id", tag(&tracing.request_id_header)),
        ("tenant_id", tag(&tracing.tenant_id_header)),
        ("user_id", tag(&tracing.user_id_header)),
    ];
    let tags = tags.iter().any(|(_, tag)| tag.is_some()).then(|| map(tags));
    (percent.is_some() || tags.is_some()).then(|| {
        let rule = map([("randomSamplingPercentage", percent.map(Value::from)), ("customTags", tags)]);
        let labels = account.map(|account| {
            let labels = map([("mcpctl.io/gateway", Some(Value::from(account.as_str())))]);
            map([("matchLabels", Some(labels))])
        });
        map([("selector", labels), ("tracing", Some(Value::Sequence(vec![rule])))])
    })
}

/// The identities of pods, in the form that Istio takes for them.
fn identities(model: &Model, expected: &Expected<'_>) -> Result<Option<Value>, LiftError> {
    let topology = &model.topology;
    if topology.workload_identity.as_ref().is_none_or(|identity| identity.value != "spiffe") {
        return Ok(None);
    }
    let template = "spiffe://{{ .TrustDomain }}/ns/{{ .PodMeta.Namespace }}/sa/{{ .PodSpec.ServiceAccountName }}";
    let namespaces = expected.namespaces.keys().chain([&expected.gateways_namespace]);
    let namespaces = namespaces.map(|namespace| Value::from(namespace.as_str())).collect();
    let one = map([
        ("key", Some(Value::from("kubernetes.io/metadata.name"))),
        ("operator", Some(Value::from("In"))),
        ("values", Some(Value::Sequence(namespaces))),
    ]);
    Ok(Some(map([
        ("spiffeIDTemplate", Some(Value::from(template))),
        ("namespaceSelector", Some(map([("matchExpressions", Some(Value::Sequence(vec![one])))]))),
        ("ttl", topology.certificate_rotation.as_ref().map(|rotation| seconds(rotation.value))),
    ])))
}
