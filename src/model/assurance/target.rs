//! What tests and experiments break on purpose, and whether the workspace has it.

use crate::model::Model;
use crate::model::name::FlowId;
use crate::model::server::Server;
use crate::model::url::Url;

/// Faults that a scenario can inject: what follows the server in `payment_server_timeout`.
pub const FAULTS: [&str; 16] = [
    "crash",
    "delay",
    "disconnect",
    "down",
    "error",
    "failure",
    "latency",
    "outage",
    "overload",
    "partition",
    "refused",
    "reset",
    "restart",
    "slow",
    "timeout",
    "unavailable",
];

/// A fault of a server, as in `payment_server_timeout`.
#[derive(Debug, Clone, Copy)]
pub struct InjectedFailure<'a> {
    /// The server; the longest name that the text begins with.
    pub server: &'a Server,
    /// What follows it.
    pub fault: &'a str,
}

impl<'a> InjectedFailure<'a> {
    /// Takes a text apart; `None` where it begins with no server's name. The fault may be unknown.
    #[must_use]
    pub fn parse(model: &'a Model, text: &'a str) -> Option<Self> {
        let parts = |server: &'a Server| {
            let fault = text.strip_prefix(server.name.value.as_str())?.strip_prefix(['_', '-'])?;
            Some(Self { server, fault })
        };
        model.servers.values().filter_map(parts).max_by_key(|found| found.server.name.value.as_str().len())
    }

    /// Whether calls are late with it and are answered all the same.
    #[must_use]
    pub fn is_late(&self) -> bool {
        matches!(self.fault, "delay" | "latency" | "slow")
    }

    /// Whether the fault is one of [`FAULTS`].
    #[must_use]
    pub fn is_known(&self) -> bool {
        FAULTS.contains(&self.fault)
    }
}

/// Whether the workspace has what an experiment hits: a server or a part of one, a network segment, a gateway, a unit, a
/// database, a topic, a cache, or another thing that a section names.
#[must_use]
pub fn is_provided(model: &Model, target: &str) -> bool {
    let place = place(target);
    let same = |name: &str| plain(name) == plain(target);
    names(model).iter().any(|name| same(name))
        || place.is_some_and(|place| model.topology.segments.iter().any(|(role, _)| plural(&role.value, place)))
        || target
            .split_once('/')
            .is_some_and(|(server, tool)| model.server(server).is_some_and(|server| server.tools.contains_key(tool)))
        || InjectedFailure::parse(model, target).is_some()
}

/// Every name that an experiment may have as its target.
#[must_use]
pub fn names(model: &Model) -> Vec<&str> {
    let mut names: Vec<&str> = model.servers.keys().map(|name| name.as_str()).collect();
    names.extend(model.agents.keys().map(|name| name.as_str()));
    names.extend(model.flows.keys().map(|FlowId { name, .. }| &**name));
    names.extend(model.topology.units.keys().map(|name| name.as_str()));
    for (role, subnet) in &model.topology.segments {
        names.extend([role.value.as_str(), subnet.value.as_str()]);
    }
    let federated = model.registry.is_some() || model.topology.federation.is_some();
    if federated || !model.topology.segments.is_empty() {
        names.extend(["gateway", "gateways", "central_gateway", "unit_gateway", "business_unit_gateway"]);
    }
    if model.connections.values().any(|connections| !connections.database.is_empty()) {
        names.extend(["database", "databases", "database_connection", "database_connections", "database_pool"]);
    }
    if model.connections.values().any(|connections| !connections.http.is_empty()) {
        names.extend(["http_connection", "http_connections", "http_pool"]);
    }
    for bus in model.event_bus.values() {
        names.extend(["event_bus", "message_bus", "kafka"]);
        names.extend(bus.provider.iter().map(|provider| -> &str { &provider.value }));
        names.extend(bus.topics.iter().map(|topic| -> &str { &topic.name.value }));
    }
    for layer in model.caching.values().flatten() {
        names.extend(["cache", "caches", "redis", &layer.name.value]);
        names.extend(layer.location.iter().map(|location| -> &str { &location.value }));
    }
    names.extend(model.bulkheads.values().flatten().map(|pool| pool.name.value.as_str()));
    for exporter in model.tracing.values().flat_map(|tracing| &tracing.exporters) {
        names.extend(["trace_collector", "tracing", &exporter.name.value]);
    }
    for health in model.health.values() {
        names.extend(health.discovery_service.iter().map(|service| -> &str { &service.value }));
        names.extend(health.discovery_service.iter().map(|_| "service_discovery"));
    }
    if let Some(mesh) = &model.topology.mesh {
        names.extend(["service_mesh", &mesh.value]);
    }
    for orchestration in model.orchestration.values() {
        names.extend(["orchestrator", "orchestration_engine", "workflow_engine"]);
        names.extend(orchestration.engine.iter().map(|engine| -> &str { &engine.value }));
    }
    if let Some(identity) = &model.identity {
        names.extend(["identity_provider", "idp", "issuer", "token_issuer"]);
        for issuer in &identity.issuers {
            names.push(&issuer.issuer.value);
            names.extend(Url::parse(&issuer.issuer.value).map(|url| url.host));
        }
    }
    names
}

/// What a network segment is of: `mcp_server` for `mcp_server_subnet`.
pub(super) fn place(target: &str) -> Option<&str> {
    ["_subnets", "_subnet", "_segment", "_network"].iter().find_map(|end| target.strip_suffix(end))
}

/// `mcp_servers` for `mcp_server`, and the word itself.
pub(super) fn plural(role: &str, one: &str) -> bool {
    role == one || role.strip_suffix('s') == Some(one)
}

/// A name without its separators, in lower case.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
