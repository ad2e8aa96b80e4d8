//! The target `consul`: each server as a service of Consul, with the declared probes as its health checks.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::Artifact;
use crate::families::FamilyId;
use crate::model::Model;
use crate::model::operations::{Health, HealthCheck, Probe};
use crate::model::quantity::Duration;
use crate::model::server::Server;
use crate::model::url::Url;
use crate::model::vocabulary::{Balancing, Discovery};
use crate::source::Loc;
use crate::targets::left_out::Waiting;
use crate::targets::names::{dns_labels, renamed};
use crate::targets::{CompileError, Covers, Does, Files, Input, NotExpressed, Proof, Shown, Target, TargetId};

/// Time between probes, and the longest that one may take, where a check does not say it: those of the target `envoy`.
const INTERVAL: Duration = Duration(10_000);
const TIMEOUT: Duration = Duration(5_000);

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Consul,
    summary: "Services with health checks, in the form of the agent's API of Consul",
    doc: "\
A file for each server that the registry gives a `url`, where `discovery_service` is `consul`: `SERVER.json`, as \
`PUT /v1/agent/service/register` takes it.

| `health_monitoring` | Consul | |
|---|---|---|
| `type: http`, `endpoint: /health` | `HTTP`, the whole URL | scheme, host and port are those of the server's `url` |
| `type: tcp`, `port` | `TCP` | the port of the `url` where none is written |
| `type: grpc`, `port` | `GRPC`, and `GRPCUseTLS` for a `url` with `https` | |
| `interval`, `timeout` | `Interval`, `Timeout` | 10 and 5 seconds where they are not written, as in the target `envoy` |
| `strategy: weighted_round_robin` | `Weights` | in hundredths: `Passing` has `health_factor` and `latency_factor`, `Warning` has `latency_factor` alone |

A service is called by the DNS label of its server, since DNS has no `_`; `Meta` has the name in YAML.

**What to do.** Register each service at the agent of the machine that the server runs on:

```sh
for file in bundle/consul/*.json; do
  curl --fail --request PUT --data @\"$file\" http://127.0.0.1:8500/v1/agent/service/register
done
```

The agent probes by itself, from where it runs. With `https` it verifies the certificate of the server by the authorities in its own \
settings (`ca_file`, `enable_agent_tls_for_checks`). Where the agent has access lists, its token comes from where you keep \
secrets, in the header `X-Consul-Token`.

**What is not there.** Other products of discovery; a note says so. Consul has no strategy of balancing for its catalog: clients \
choose by the order of DNS and by weights, and the target `envoy` balances. The form of files for the agent (`service { ... }`) has \
keys in another spelling, and is not written.",
    covers: &[Covers::part(
        FamilyId::HealthMonitoring,
        &[
            "discovery_service",
            "health_checks",
            "type",
            "endpoint",
            "port",
            "interval",
            "timeout",
            "load_balancing",
            "strategy",
            "health_factor",
            "latency_factor",
        ],
        "agents probe the servers and know them by name; clients and gateways balance",
    )],
    unexpressed,
    names: |model| services(model).filter_map(|(server, ..)| renamed(server.name.value.as_str())).collect(),
    proof: Proof::Schema(Shown {
        by: "HashiCorp's own client package for Go (`consul/api`), and Envoy 1.40",
        what: "each definition is decoded strictly, and has the address and the times that Envoy probes the same server with",
        beyond: "whether an agent of Consul loads a definition and makes its probes",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// A service, by the names of Consul's API. Source: `github.com/hashicorp/consul/api`, `AgentServiceRegistration`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Service<'m> {
    name: &'m str,
    tags: [&'static str; 1],
    meta: BTreeMap<&'static str, &'m str>,
    address: &'m str,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Weights>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Weights {
    passing: u32,
    warning: u32,
}

/// A check of a service. Source: `github.com/hashicorp/consul/api`, `AgentServiceCheck`.
#[derive(Default, Serialize)]
struct Check {
    #[serde(rename = "HTTP", skip_serializing_if = "Option::is_none")]
    http: Option<String>,
    #[serde(rename = "TCP", skip_serializing_if = "Option::is_none")]
    tcp: Option<String>,
    #[serde(rename = "GRPC", skip_serializing_if = "Option::is_none")]
    grpc: Option<String>,
    #[serde(rename = "GRPCUseTLS", skip_serializing_if = "Option::is_none")]
    grpc_use_tls: Option<bool>,
    #[serde(rename = "Interval")]
    interval: String,
    #[serde(rename = "Timeout")]
    timeout: String,
}

/// The health section that holds for a server, where it names Consul.
fn health<'m>(model: &'m Model, server: &Server) -> Option<&'m Health> {
    let scope = server.unit.as_ref().map(|unit| unit.value.clone());
    let health = Model::in_scope(&model.health, &scope)?;
    health.discovery_service.as_ref().is_some_and(|word| word.value == Discovery::Consul).then_some(health)
}

/// The servers that Consul knows: those with a place.
fn services(model: &Model) -> impl Iterator<Item = (&Server, &Health, Url<'_>, Loc)> {
    model.servers.values().filter(|server| server.registered).filter_map(|server| {
        let url = server.url.as_ref()?;
        Some((server, health(model, server)?, Url::parse(&url.value)?, url.loc))
    })
}

/// What keeps definitions from being written.
pub(crate) fn waiting(model: &Model) -> Option<Waiting> {
    let mut without = model.servers.values().filter(|server| server.url.is_none() && health(model, server).is_some());
    let first = &without.next()?.name;
    let more = match without.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(Waiting {
        file: "a definition for each server".to_owned(),
        needs: format!("the URL of server `{first}`{more}"),
        how: "add `url` to the server's entry in `mcp_registry`".to_owned(),
    })
}

fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let left = |key: &str, value: &str, loc, why| NotExpressed {
        family: FamilyId::HealthMonitoring,
        key: format!("{key}: {value}"),
        loc,
        why,
        own: false,
    };
    let mut found = Vec::new();
    for health in model.health.values() {
        let discovery = health.discovery_service.as_ref();
        if let Some(word) = discovery.filter(|word| word.value != Discovery::Consul) {
            let why = "servers are not found by Consul; configure the product that finds them";
            found.push(left("discovery_service", word.value.word(), word.loc, why));
        }
        let strategy = health.strategy.as_ref();
        if let Some(word) = strategy.filter(|word| word.value != Balancing::WeightedRoundRobin) {
            let why = "the catalog of Consul has weights, and no other strategy; clients and gateways balance";
            found.push(left("load_balancing.strategy", word.value.word(), word.loc, why));
        }
    }
    found
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let names = services(model).map(|(server, ..)| (server.name.value.as_str(), server.name.loc));
    let labels = dns_labels(TargetId::Consul, names).map_err(CompileError::Findings)?;
    let mut files = Files::new();
    for (server, health, url, loc) in services(model) {
        let Some(name) = labels.get(server.name.value.as_str()) else { continue };
        let port = url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 });
        let service = Service {
            name,
            tags: ["mcp"],
            meta: BTreeMap::from([("mcp_server", server.name.value.as_str())]),
            address: url.host,
            port,
            weights: weights(health),
            checks: health.checks.iter().filter_map(|one| check(one, &url, port)).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&service)
            .map_err(|cause| CompileError::Refused(format!("a service has no JSON form: {cause}")))?;
        bytes.push(b'\n');
        let from = [server.name.loc, loc].into_iter().chain(health.checks.iter().map(|check| check.loc)).collect();
        files.push((format!("{name}.json"), Artifact { bytes, from }));
    }
    Ok(files)
}

/// The weights of an instance: whole, and without its part of health.
fn weights(health: &Health) -> Option<Weights> {
    let strategy = health.strategy.as_ref()?;
    let (of_health, of_latency) = (health.health_factor.as_ref()?.value, health.latency_factor.as_ref()?.value);
    // The schema keeps factors between 0 and 1. Consul takes no weight of 0.
    let hundredths = |factor: f64| ((factor * 100.0).round() as u32).max(1);
    (strategy.value == Balancing::WeightedRoundRobin)
        .then(|| Weights { passing: hundredths(of_health + of_latency), warning: hundredths(of_latency) })
}

/// A check; `None` for a probe by HTTP that says no place.
fn check(check: &HealthCheck, url: &Url<'_>, port: u16) -> Option<Check> {
    let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.to_owned() };
    let at = |own: Option<u16>| format!("{host}:{}", own.unwrap_or(port));
    let mut found = Check {
        interval: go(check.interval.as_ref().map_or(INTERVAL, |interval| interval.value)),
        timeout: go(check.timeout.as_ref().map_or(TIMEOUT, |timeout| timeout.value)),
        ..Check::default()
    };
    match &check.probe {
        Probe::Http(None) => return None,
        Probe::Http(Some(endpoint)) if endpoint.value.starts_with('/') => {
            let scheme = if url.is_plaintext() { "http" } else { "https" };
            found.http = Some(format!("{scheme}://{}{}", at(None), endpoint.value));
        }
        Probe::Http(Some(endpoint)) => found.http = Some(endpoint.value.to_string()),
        Probe::Tcp(own) => found.tcp = Some(at(own.as_ref().map(|own| own.value))),
        Probe::Grpc(own) => {
            found.grpc = Some(at(own.as_ref().map(|own| own.value)));
            found.grpc_use_tls = (!url.is_plaintext()).then_some(true);
        }
    }
    Some(found)
}

/// A duration as Go reads it, whose largest unit is the hour.
fn go(duration: Duration) -> String {
    if duration.0.is_multiple_of(1_000) { format!("{}s", duration.0 / 1_000) } else { format!("{}ms", duration.0) }
}
