//! Reads the files of the target `consul` back into servers with their probes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::labels;
use crate::model::Model;
use crate::model::operations::{Health, Probe};
use crate::model::quantity::Duration;
use crate::model::url::Url;
use crate::model::vocabulary::{Balancing, Discovery};
use crate::policy::Policy;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Definition {
    name: String,
    tags: Vec<String>,
    meta: BTreeMap<String, String>,
    address: String,
    port: u16,
    weights: Option<Weights>,
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Weights {
    passing: u32,
    warning: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    #[serde(rename = "HTTP")]
    http: Option<String>,
    #[serde(rename = "TCP")]
    tcp: Option<String>,
    #[serde(rename = "GRPC")]
    grpc: Option<String>,
    #[serde(rename = "GRPCUseTLS")]
    tls: Option<bool>,
    #[serde(rename = "Interval")]
    interval: String,
    #[serde(rename = "Timeout")]
    timeout: String,
}

/// What an agent asks.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Http(String),
    Tcp(String),
    Grpc { at: String, tls: bool },
}

/// A server as Consul knows it.
#[derive(Debug, PartialEq, Eq)]
struct Service {
    server: String,
    host: String,
    port: u16,
    /// Of an instance that is well, and of one that is not, in hundredths.
    weights: Option<(u32, u32)>,
    /// Each with the time between probes, and the longest that one may take.
    probes: Vec<(Asked, Duration, Duration)>,
}

/// Checks that the services are the servers that Consul finds, with the probes of the model.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    let mut found: BTreeMap<String, Service> = BTreeMap::new();
    for (path, artifact) in artifacts {
        let Some(file) = path.strip_prefix("consul/") else { continue };
        let name = file.strip_suffix(".json").ok_or_else(|| LiftError::File(path.clone()))?;
        let definition: Definition = scoped::json(path, scoped::text(path, &artifact.bytes)?)?;
        if definition.name != name || definition.tags != ["mcp"] {
            return unexpected(format!("`{path}` is of another service, or is not of MCP"));
        }
        found.insert(name.to_owned(), service(definition)?);
    }
    let wanted: Vec<Service> = model.servers.keys().filter_map(|name| expected(name.as_str(), model)).collect();
    let names = labels(wanted.iter().map(|service| service.server.as_str()).collect::<Vec<_>>())?;
    let of = |name: &str| wanted.iter().find(|service| service.server == name);
    let wanted: BTreeMap<&String, &Service> =
        names.iter().filter_map(|(label, name)| Some((label, of(name)?))).collect();
    if found.iter().collect::<BTreeMap<_, _>>() == wanted {
        Ok(())
    } else {
        unexpected("the services of Consul are not the servers of the model")
    }
}

fn service(mut definition: Definition) -> Result<Service, LiftError> {
    let server = definition.meta.remove("mcp_server").filter(|_| definition.meta.is_empty());
    let Some(server) = server else { return unexpected("a service names no server, or says more of itself") };
    let probes = definition.checks.into_iter().map(probe).collect::<Result<_, _>>()?;
    let weights = definition.weights.map(|weights| (weights.passing, weights.warning));
    Ok(Service { server, host: definition.address, port: definition.port, weights, probes })
}

fn probe(check: Check) -> Result<(Asked, Duration, Duration), LiftError> {
    let asked = match (check.http, check.tcp, check.grpc, check.tls) {
        (Some(url), None, None, None) => Asked::Http(url),
        (None, Some(at), None, None) => Asked::Tcp(at),
        (None, None, Some(at), None) => Asked::Grpc { at, tls: false },
        (None, None, Some(at), Some(true)) => Asked::Grpc { at, tls: true },
        _ => return unexpected("a check asks several places, or none"),
    };
    Ok((asked, time(&check.interval)?, time(&check.timeout)?))
}

/// A duration of Go in whole seconds, or in milliseconds that are none.
fn time(text: &str) -> Result<Duration, LiftError> {
    let number = |digits: &str| digits.parse::<u64>().ok().filter(|number| number.to_string() == digits && *number > 0);
    let read = match text.strip_suffix("ms") {
        Some(digits) => number(digits).filter(|number| number % 1_000 > 0),
        None => text.strip_suffix('s').and_then(number).and_then(|seconds| seconds.checked_mul(1_000)),
    };
    read.map(Duration)
        .ok_or_else(|| LiftError::Unexpected(format!("`{text}` is not a duration that this target writes")))
}

/// A server as it should be known; `None` for one that Consul does not find.
fn expected(name: &str, model: &Model) -> Option<Service> {
    let server = model.servers.get(name).filter(|server| server.registered)?;
    let unit = server.unit.as_ref().map(|unit| unit.value.clone());
    let health = model.health.get(&unit).or_else(|| model.health.get(&None))?;
    health.discovery_service.as_ref().filter(|product| product.value == Discovery::Consul)?;
    let text = &server.url.as_ref()?.value;
    let url = Url::parse(text)?;
    let tls = !url.is_plaintext();
    let port = url.port.unwrap_or(if tls { 443 } else { 80 });
    let host = url.host.to_owned();
    let place = |port: u16| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let probes = health.checks.iter().filter_map(|check| {
        let own = |port_of: &Option<crate::source::Spanned<u16>>| place(port_of.as_ref().map_or(port, |own| own.value));
        let asked = match &check.probe {
            Probe::Http(endpoint) => {
                let endpoint = endpoint.as_ref()?.value.as_str();
                let whole = || format!("http{}://{}{endpoint}", if tls { "s" } else { "" }, place(port));
                Asked::Http(if endpoint.starts_with('/') { whole() } else { endpoint.to_owned() })
            }
            Probe::Tcp(own_port) => Asked::Tcp(own(own_port)),
            Probe::Grpc(own_port) => Asked::Grpc { at: own(own_port), tls },
        };
        let interval = check.interval.as_ref().map_or(Duration(10_000), |interval| interval.value);
        Some((asked, interval, check.timeout.as_ref().map_or(Duration(5_000), |timeout| timeout.value)))
    });
    Some(Service {
        server: name.to_owned(),
        host: host.clone(),
        port,
        weights: weights(health),
        probes: probes.collect(),
    })
}

fn weights(health: &Health) -> Option<(u32, u32)> {
    health.strategy.as_ref().filter(|strategy| strategy.value == Balancing::WeightedRoundRobin)?;
    let (well, latency) = (health.health_factor.as_ref()?.value, health.latency_factor.as_ref()?.value);
    // At most two, by the schema of factors.
    let parts = |share: f64| if share < 0.005 { 1 } else { (share * 100.0).round() as u32 };
    Some((parts(well + latency), parts(latency)))
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
